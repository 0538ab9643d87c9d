//! Bundles and their URIs.

use super::*;

/// A body that others accept, to be made worse.
fn body(devices: &[Device], identity: &IdentityKeyPair) -> v2::BundleBody {
    let prekey = |(id, secret): &(u32, DhSecret)| v2::Prekey {
        id: *id,
        key: secret.public().as_bytes().to_vec(),
    };
    v2::BundleBody {
        identity_key: identity.public().to_bytes().to_vec(),
        issued_at: 1_800_000_000,
        expires_at: 1_802_592_000,
        devices: devices
            .iter()
            .map(|device| v2::DeviceBundle {
                device_id: device.device_id,
                signed_prekey: Some(v2::Prekey {
                    id: device.signed_prekey.0,
                    key: device
                        .signed_prekey
                        .1
                        .signed_prekey
                        .public()
                        .as_bytes()
                        .to_vec(),
                }),
                one_time_prekey: device.one_time_prekey.as_ref().map(prekey),
                kem_commitment: device.signed_prekey.1.kem_commitment.to_vec(),
            })
            .collect(),
    }
}

fn sign(identity: &IdentityKeyPair, body: Vec<u8>) -> v2::SignedBundle {
    v2::SignedBundle {
        version: 2,
        signature: identity.sign_bundle(&body).to_vec(),
        body,
        kem_keys: Vec::new(),
        code_secret: Vec::new(),
    }
}

fn devices(count: u32, one_time: bool, rng: &mut SeededRandom) -> Vec<Device> {
    (1..=count)
        .map(|id| Device::random(id * 1_000, one_time, rng))
        .collect()
}

/// A bundle whose body is as long as this by a field of a later version.
pub fn of_body_len(len: usize) -> Vec<u8> {
    let mut rng = rng(7);
    let owner = IdentityKeyPair::generate(&mut rng);
    let mut encoded = body(&devices(1, false, &mut rng), &owner).encode_to_vec();
    // Field 200, its length in two bytes.
    let rest = len - encoded.len() - 4;
    encoded.extend_from_slice(&[0xc2, 0x0c]);
    prost::encoding::encode_varint(rest as u64, &mut encoded);
    encoded.resize(len, b'z');
    sign(&owner, encoded).encode_to_vec()
}

pub fn bundle() -> Vec<Case> {
    let mut rng = rng(6);
    let owner = IdentityKeyPair::generate(&mut rng);
    let one = body(&devices(1, false, &mut rng), &owner);
    let single_use = body(&devices(1, true, &mut rng), &owner);
    let many = body(&devices(8, true, &mut rng), &owner);
    let good = sign(&owner, one.encode_to_vec());

    let mut cases: Vec<Case> = Vec::new();
    let mut raw = |name: &str, encoded: Vec<u8>, now: Option<u64>| {
        let mut input = json!({ "encoded": hex(&encoded) });
        if let Some(now) = now {
            input["now"] = json!(now);
        }
        cases.push((name.to_owned(), input));
    };
    raw("reusable, one device", good.encode_to_vec(), None);
    raw(
        "single-use, one device",
        sign(&owner, single_use.encode_to_vec()).encode_to_vec(),
        None,
    );
    raw(
        "eight devices, each with a one-time prekey",
        sign(&owner, many.encode_to_vec()).encode_to_vec(),
        None,
    );
    let mut extended = one.encode_to_vec();
    extended.extend_from_slice(&[0xfa, 0x01, 0x03, b'n', b'e', b'w']);
    raw(
        "a field of a later version in the body",
        sign(&owner, extended).encode_to_vec(),
        None,
    );

    for (name, now) in [
        ("in time", 1_801_000_000),
        ("the last second", 1_802_591_999),
        ("expired", 1_802_592_000),
        ("issued a day ahead of our clock", 1_800_000_000 - 86_400),
        (
            "issued more than a day ahead of our clock",
            1_800_000_000 - 86_401,
        ),
    ] {
        raw(name, good.encode_to_vec(), Some(now));
    }

    // The outer message.
    for (name, change) in [
        (
            "version 0",
            (|b| b.version = 0) as fn(&mut v2::SignedBundle),
        ),
        ("version 1", |b| b.version = 1),
        ("version 3", |b| b.version = 3),
        ("signature: first byte changed", |b| b.signature[0] ^= 1),
        ("signature: last byte changed", |b| b.signature[63] ^= 1),
        ("signature: 63 bytes", |b| b.signature.truncate(63)),
        ("signature: missing", |b| b.signature.clear()),
        ("body: issue time changed", |b| b.body[36] ^= 1),
        ("body: one byte appended", |b| b.body.push(0)),
        ("body: missing", |b| b.body.clear()),
    ] {
        let mut changed = good.clone();
        change(&mut changed);
        raw(name, changed.encode_to_vec(), None);
    }
    let stranger = IdentityKeyPair::generate(&mut rng);
    raw(
        "signed by another identity",
        sign(&stranger, one.encode_to_vec()).encode_to_vec(),
        None,
    );
    let mut malleated = good.clone();
    add_group_order(&mut malleated.signature);
    raw("signature: s not reduced", malleated.encode_to_vec(), None);
    let mut unlabelled = good.encode_to_vec();
    unlabelled.extend_from_slice(&[0x32, 0x00]);
    raw("an unknown field outside the signature", unlabelled, None);
    let mut spelt = vec![0x08, 0x82, 0x00];
    spelt.extend_from_slice(&good.encode_to_vec()[2..]);
    raw("the version in two bytes", spelt, None);
    raw("cut short", good.encode_to_vec()[..100].to_vec(), None);
    raw("no bytes", Vec::new(), None);
    let mut long = one.clone();
    long.devices[0].signed_prekey.as_mut().unwrap().key = vec![7; 9_000];
    raw(
        "longer than any bundle",
        sign(&owner, long.encode_to_vec()).encode_to_vec(),
        None,
    );

    // What goes beside the signature.
    let keys = |devices: &[Device]| -> Vec<Vec<u8>> {
        let keys = devices
            .iter()
            .map(|device| device.signed_prekey.1.kem_prekey.public());
        keys.map(|key| key.as_bytes().to_vec()).collect()
    };
    let three = devices(3, false, &mut rng);
    let of_three = sign(&owner, body(&three, &owner).encode_to_vec());
    let [first, second, third] = keys(&three).try_into().unwrap();
    let mut not_reduced = first.clone();
    not_reduced[..3].fill(0xff);
    let mut of_a_bad_key = body(&three[..1], &owner);
    of_a_bad_key.devices[0].kem_commitment = sha256(&[&not_reduced]).to_vec();
    for (name, bundle, kem_keys) in [
        (
            "with the ML-KEM key of each device",
            &of_three,
            vec![first.clone(), second.clone(), third.clone()],
        ),
        (
            "with the ML-KEM key of the second device alone",
            &of_three,
            vec![second.clone()],
        ),
        (
            "ML-KEM keys not in the order of the devices",
            &of_three,
            vec![third.clone(), second],
        ),
        (
            "an ML-KEM key twice",
            &of_three,
            vec![first.clone(), first.clone()],
        ),
        ("an ML-KEM key that nobody committed to", &good, vec![third]),
        (
            "an ML-KEM key of 1,183 bytes",
            &of_three,
            vec![first[1..].to_vec()],
        ),
        (
            "an ML-KEM key that is not reduced",
            &sign(&owner, of_a_bad_key.encode_to_vec()),
            vec![not_reduced],
        ),
        ("an empty ML-KEM key", &of_three, vec![Vec::new()]),
    ] {
        let mut with = bundle.clone();
        with.kem_keys = kem_keys;
        raw(name, with.encode_to_vec(), None);
    }
    let invitation = sign(&owner, single_use.encode_to_vec());
    for (name, bundle, secret) in [
        ("with the secret of a code", &invitation, vec![7; 32]),
        ("a secret of 31 bytes", &invitation, vec![7; 31]),
        ("a secret of 33 bytes", &invitation, vec![7; 33]),
        ("a secret without a one-time prekey", &good, vec![7; 32]),
        (
            "a secret with eight one-time prekeys",
            &sign(&owner, many.encode_to_vec()),
            vec![7; 32],
        ),
    ] {
        let mut with = bundle.clone();
        with.code_secret = secret;
        raw(name, with.encode_to_vec(), None);
    }

    // The body, properly signed.
    let small = unhex(SMALL_ORDER_X25519[2]);
    let mut bad = |name: &str, change: &dyn Fn(&mut v2::BundleBody)| {
        let mut changed = one.clone();
        change(&mut changed);
        raw(
            name,
            sign(&owner, changed.encode_to_vec()).encode_to_vec(),
            None,
        );
    };
    bad("no devices", &|b| b.devices.clear());
    bad("nine devices", &|b| {
        b.devices = many.devices.clone();
        b.devices.push(v2::DeviceBundle {
            device_id: 90_000,
            ..many.devices[7].clone()
        });
    });
    bad("devices not in order", &|b| {
        b.devices = many.devices.clone();
        b.devices.swap(0, 1);
    });
    bad("a device twice", &|b| {
        b.devices = vec![one.devices[0].clone(), one.devices[0].clone()]
    });
    bad("device id 0", &|b| b.devices[0].device_id = 0);
    bad("no signed prekey", &|b| b.devices[0].signed_prekey = None);
    bad("no commitment to an ML-KEM key", &|b| {
        b.devices[0].kem_commitment.clear()
    });
    bad("a commitment of 31 bytes", &|b| {
        b.devices[0].kem_commitment.pop();
    });
    bad("signed prekey id 0", &|b| {
        b.devices[0].signed_prekey.as_mut().unwrap().id = 0
    });
    bad("signed prekey of 31 bytes", &|b| {
        b.devices[0].signed_prekey.as_mut().unwrap().key.pop();
    });
    bad("signed prekey of small order", &|b| {
        b.devices[0].signed_prekey.as_mut().unwrap().key = small.clone()
    });
    bad("signed prekey not canonical", &|b| {
        b.devices[0].signed_prekey.as_mut().unwrap().key[31] |= 0x80
    });
    bad("one-time prekey id 0", &|b| {
        b.devices[0].one_time_prekey = Some(v2::Prekey {
            id: 0,
            key: vec![9; 32],
        });
    });
    bad("one-time prekey of small order", &|b| {
        b.devices[0].one_time_prekey = Some(v2::Prekey {
            id: 4,
            key: small.clone(),
        });
    });
    bad("expires when it is issued", &|b| b.expires_at = b.issued_at);
    bad("identity key of 31 bytes", &|b| {
        b.identity_key.pop();
    });
    bad("identity key of small order", &|b| {
        b.identity_key = unhex(SMALL_ORDER_ED25519[4])
    });
    bad("another identity named", &|b| {
        b.identity_key = stranger.public().to_bytes().to_vec()
    });
    cases
}

/// s + L: the same signature to an implementation that does not ask for the reduced form (RFC 8032 §5.1.7).
fn add_group_order(signature: &mut [u8]) {
    let order = unhex("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010");
    let mut carry = 0u16;
    for (byte, more) in signature[32..].iter_mut().zip(order) {
        carry += u16::from(*byte) + u16::from(more);
        *byte = carry.to_le_bytes()[0];
        carry >>= 8;
    }
}

pub fn bundle_build() -> Vec<Case> {
    let mut rng = rng(7);
    [(1, false), (1, true), (2, false), (3, true), (8, true)]
        .into_iter()
        .map(|(count, one_time)| {
            let seed: [u8; 32] = random(&mut rng);
            let devices: Vec<_> = devices(count, one_time, &mut rng)
                .iter()
                .map(|device| {
                    let prekey = |(id, secret): &(u32, DhSecret)| {
                        json!({ "id": id, "key": hex(secret.public().as_bytes()) })
                    };
                    let (id, secrets) = &device.signed_prekey;
                    let kem_key = secrets.kem_prekey.public();
                    json!({
                        "device_id": device.device_id,
                        "signed_prekey": { "id": id, "key": hex(secrets.signed_prekey.public().as_bytes()) },
                        "kem_key": hex(kem_key.as_bytes()),
                        "one_time_prekey": device.one_time_prekey.as_ref().map(prekey),
                    })
                })
                .collect();
            let kind = if one_time { "single-use" } else { "reusable" };
            let mut input =
                json!({ "seed": hex(&seed), "issued_at": 1_800_000_000, "devices": devices });
            if (count, one_time) == (1, true) {
                input["code_secret"] = json!(hex(&random::<32>(&mut rng)));
            }
            (format!("{kind}, devices: {count}"), input)
        })
        .collect()
}

pub fn uri() -> Vec<Case> {
    let mut rng = rng(8);
    let owner = IdentityKeyPair::generate(&mut rng);
    let signed = sign(
        &owner,
        body(&devices(1, true, &mut rng), &owner).encode_to_vec(),
    );
    let good = VerifiedBundle::decode(&signed.encode_to_vec())
        .unwrap()
        .to_uri();
    let in_person = VerifiedBundle::decode(&signed.encode_to_vec())
        .unwrap()
        .to_uri_in_person();
    let address = owner.public().address();
    let other = IdentityKeyPair::generate(&mut rng).public().address();
    let mut forged = signed;
    forged.signature[5] ^= 1;
    let mut mistyped = good.clone().into_bytes();
    mistyped[50] = if mistyped[50] == b'A' { b'B' } else { b'A' };
    let wrapped: Vec<_> = good
        .as_bytes()
        .chunks(64)
        .map(|line| std::str::from_utf8(line).unwrap())
        .collect();
    let wrong_sum = {
        let mut data = data_encoding::BASE32_NOPAD
            .decode(&good.as_bytes()["WINDLASS:B".len()..])
            .unwrap();
        *data.last_mut().unwrap() ^= 1;
        format!("WINDLASS:B{}", data_encoding::BASE32_NOPAD.encode(&data))
    };
    let unsigned = {
        // A proper checksum over a bundle with a bad signature.
        let encoded = forged.encode_to_vec();
        let sum = windlass::crypto::sha256(&[b"Windlass v2 uri checksum", &encoded]);
        format!(
            "WINDLASS:B{}",
            data_encoding::BASE32_NOPAD.encode(&[&encoded[..], &sum[..4]].concat())
        )
    };
    [
        ("as made", good.clone()),
        ("lower case", good.to_lowercase()),
        ("wrapped into lines", wrapped.join("\r\n ")),
        (
            "one character mistyped",
            String::from_utf8(mistyped).unwrap(),
        ),
        ("cut short", good[..good.len() - 9].to_owned()),
        ("the checksum alone is wrong", wrong_sum),
        ("another scheme", good.replace("WINDLASS:", "HTTPS:")),
        ("another kind", good.replace("WINDLASS:B", "WINDLASS:Z")),
        ("nothing behind the scheme", "WINDLASS:".to_owned()),
        ("nothing behind the kind", "WINDLASS:B".to_owned()),
        (
            "a digit that Base32 has not",
            good.replace("WINDLASS:B", "WINDLASS:B1"),
        ),
        ("checksum right, signature wrong", unsigned),
        (
            "shown in person, behind a link",
            format!("https://example.org/#{in_person}"),
        ),
        ("shown in person", in_person),
        (
            "a link with it as fragment",
            format!("https://example.org/invite#{good}"),
        ),
        (
            "a link that names the same identity",
            format!("https://example.org/{address}?a=b#{good}"),
        ),
        (
            "a link that names another identity",
            format!("https://example.org/{other}#{good}"),
        ),
        (
            "a link without a fragment",
            format!("https://example.org/{address}"),
        ),
        (
            "one of several codes",
            windlass::wire::to_uri('F', &[1; 60]),
        ),
        ("a safety code", windlass::wire::to_uri('S', &[1; 64])),
        ("a link to a group", windlass::wire::to_uri('G', &[1; 64])),
    ]
    .into_iter()
    .map(|(name, uri)| (name.to_owned(), json!({ "uri": uri })))
    .collect()
}

pub fn code_frames() -> Vec<Case> {
    let mut rng = rng(21);
    let owner = IdentityKeyPair::generate(&mut rng);
    [1, 4, 8]
        .into_iter()
        .map(|count| {
            let devices = devices(count, true, &mut rng);
            let signed = sign(&owner, body(&devices, &owner).encode_to_vec());
            let bundle = VerifiedBundle::decode(&signed.encode_to_vec()).unwrap();
            (
                format!("devices: {count}"),
                json!({ "uri": bundle.to_uri() }),
            )
        })
        .collect()
}
