//! Handshakes, transfers, headers and envelopes.

use windlass::chat::OwnWordsKey;
use windlass::link::{ExistingDevice, NewDevice};

use super::*;

pub fn x3dh() -> Vec<Case> {
    let mut rng = rng(9);
    (0..16)
        .map(|i| {
            let one_time = i % 2 == 1;
            let alice = party(
                random(&mut rng),
                &Device::random(random_id(&mut rng), false, &mut rng),
                false,
            );
            let mut device = Device::random(random_id(&mut rng), one_time, &mut rng);
            device.signed_prekey.0 = 1 + i;
            let bob = party(random(&mut rng), &device, true);
            let with = if one_time { "with" } else { "without" };
            let input = json!({
                "initiator": alice,
                "responder": bob,
                "ephemeral_secret": hex(&random::<32>(&mut rng)),
                "handshake_nonce": hex(&random::<12>(&mut rng)),
            });
            (format!("{with} a one-time prekey {}", i / 2), input)
        })
        .collect()
}

pub fn device_link() -> Vec<Case> {
    let mut rng = rng(23);
    let identity = IdentityKeyPair::generate(&mut rng).public();
    let mut cases = Vec::new();
    let mut case = |name: &str, new: [u8; 32], existing: [u8; 32], code: String, reply: String| {
        let input = json!({
            "identity": hex(&identity.to_bytes()),
            "new_secret": hex(&new),
            "existing_secret": hex(&existing),
            "code_uri": code,
            "reply_uri": reply,
        });
        cases.push((name.to_owned(), input));
    };
    let [a, b, c] = [(); 3].map(|()| random::<32>(&mut rng));
    let [ours, others] = [a, c].map(|secret| NewDevice::from_bytes(&Secret::new(secret)));
    let (code, reply) = (ours.code().to_uri(), ours.reply().to_uri());
    case(
        "nobody is between the two",
        a,
        b,
        code.clone(),
        reply.clone(),
    );
    case(
        "the same devices, other keys",
        c,
        a,
        others.code().to_uri(),
        others.reply().to_uri(),
    );
    // The new device gets the true answer; the existing one has read another code.
    case(
        "somebody is between the two",
        a,
        b,
        others.code().to_uri(),
        others.reply().to_uri(),
    );
    case(
        "a reply of another device",
        a,
        b,
        code.clone(),
        others.reply().to_uri(),
    );
    case(
        "a code in place of the reply",
        a,
        b,
        code.clone(),
        code.clone(),
    );
    case(
        "a code behind a web link",
        a,
        b,
        format!("https://example.org/#{code}"),
        reply.clone(),
    );
    let lost = code[..code.len() - 1].to_owned();
    case("a code cut short", a, b, lost, reply);
    cases
}

pub fn device_transfer() -> Vec<Case> {
    let mut rng = rng(21);
    let identity = IdentityKeyPair::generate(&mut rng);
    let device = Device::random(9, false, &mut rng);
    let own = windlass::bundle::OwnDevice {
        device_id: 9,
        signed_prekey: device.bundle().signed_prekey,
        one_time_prekey: None,
    };
    let other = IdentityKeyPair::generate(&mut rng);
    let bundle = windlass::bundle::build(&identity, &[own], 1_800_000_000).unwrap();
    let bundle_of_other = windlass::bundle::build(&other, &[own], 1_800_000_000).unwrap();
    let mut cases = Vec::new();
    for i in 0..3 {
        let secret = random::<32>(&mut rng);
        let new = NewDevice::from_bytes(&Secret::new(secret));
        let existing = ExistingDevice::new(new.code(), identity.public(), &mut rng);
        let agreed = existing.agree(&new.reply()).unwrap();
        let words = OwnWordsKey::random(20_000 + i, &mut rng);
        let token = Secret::new([8; 16]);
        let transfer = agreed.seal(&identity, &bundle, &token, &words, &[9], &mut rng);
        let answer = existing.answer().to_uri();
        let mut raw = |name: String, encoded: &[u8]| {
            let input = json!({
                "new_secret": hex(&secret),
                "answer_uri": answer,
                "encoded": hex(encoded),
            });
            cases.push((name, input));
        };
        raw(format!("a transfer {i}"), &transfer);
        let mut changed = transfer.clone();
        *changed.last_mut().unwrap() ^= 1;
        raw(format!("a changed transfer {i}"), &changed);
        raw(format!("a transfer cut short {i}"), &transfer[..40]);
        let theirs = agreed.seal(&other, &bundle, &token, &words, &[9], &mut rng);
        raw(format!("the seed of another identity {i}"), &theirs);
        let theirs = agreed.seal(&identity, &bundle_of_other, &token, &words, &[9], &mut rng);
        raw(format!("the bundle of another identity {i}"), &theirs);
    }
    cases
}

pub fn header() -> Vec<Case> {
    let mut rng = rng(14);
    let key = Secret::<32>::random(&mut rng);
    let data = random::<140>(&mut rng);
    let ratchet_key = *DhSecret::generate(&mut rng).public().as_bytes();
    let in_epoch = |key: &[u8], numbers: [u32; 3]| {
        let numbers = numbers.into_iter().flat_map(u32::to_be_bytes);
        key.iter().copied().chain(numbers).collect::<Vec<_>>()
    };
    let of = |key: &[u8], pn: u32, n: u32| in_epoch(key, [pn, n, 0]);
    let small_order = unhex(SMALL_ORDER_X25519[3]);
    let mut not_canonical = ratchet_key;
    not_canonical[31] |= 0x80;
    let mut cases = Vec::new();
    let mut case = |name: &str, sealed: &[u8], data: &[u8]| {
        let input = json!({
            "header_key": hex(key.as_bytes()),
            "associated_data": hex(data),
            "sealed": hex(sealed),
        });
        cases.push((name.to_owned(), input));
    };
    for (name, header) in [
        ("ordinary", of(&ratchet_key, 3, 7)),
        ("first of its session", of(&ratchet_key, 0, 0)),
        ("highest numbers", in_epoch(&ratchet_key, [u32::MAX; 3])),
        ("in an epoch", in_epoch(&ratchet_key, [3, 7, 2])),
        ("without an epoch", of(&ratchet_key, 3, 7)[..40].to_vec()),
        ("ratchet key not canonical", of(&not_canonical, 3, 7)),
        ("ratchet key of small order", of(&small_order, 3, 7)),
        ("a byte too few", of(&ratchet_key, 3, 7)[..43].to_vec()),
        (
            "a byte too many",
            [of(&ratchet_key, 3, 7), vec![0]].concat(),
        ),
        ("nothing", Vec::new()),
    ] {
        case(name, &encrypt(&key, &header, &data, &mut rng), &data);
    }
    let good = encrypt(&key, &of(&ratchet_key, 3, 7), &data, &mut rng);
    for (name, at) in [("its nonce", 0), ("its ciphertext", 20), ("its tag", 71)] {
        let mut changed = good.clone();
        changed[at] ^= 1;
        case(&format!("a bit of {name} changed"), &changed, &data);
    }
    case("other associated data", &good, &data[..139]);
    let other = encrypt(
        &Secret::random(&mut rng),
        &of(&ratchet_key, 3, 7),
        &data,
        &mut rng,
    );
    case("under another key", &other, &data);
    cases
}

/// The sealed part of a handshake, made from the primitives alone.
struct Sealing {
    device: Device,
    ephemeral: DhSecret,
}

impl Sealing {
    fn seal(&self, plaintext: &[u8], device_id: u32, rng: &mut SeededRandom) -> v1::Handshake {
        let signed_prekey = self.device.signed_prekey.1.public();
        let agreement = self.ephemeral.agree(&signed_prekey).unwrap();
        let key = hkdf_sha256(
            &[0; 32],
            agreement.as_bytes(),
            b"Windlass v1 sealed handshake",
        );
        let ephemeral_key = self.ephemeral.public();
        let data = [
            &1u32.to_be_bytes()[..],
            &self.device.public().to_bytes(),
            &device_id.to_be_bytes(),
            ephemeral_key.as_bytes(),
            signed_prekey.as_bytes(),
        ]
        .concat();
        v1::Handshake {
            ephemeral_key: ephemeral_key.as_bytes().to_vec(),
            signed_prekey_id: 1,
            sealed_initiator: encrypt(&key, plaintext, &data, rng),
        }
    }
}

pub fn handshake() -> Vec<Case> {
    let mut rng = rng(30);
    let device = Device::random(22, false, &mut rng);
    let responder = party(device.identity.seed().as_bytes().to_owned(), &device, true);
    let sealing = Sealing {
        ephemeral: DhSecret::generate(&mut rng),
        device,
    };
    let identity = IdentityKeyPair::generate(&mut rng).public().to_bytes();
    let of = |identity: &[u8], device: u32, one_time: u32| {
        [identity, &device.to_be_bytes(), &one_time.to_be_bytes()].concat()
    };
    let good = of(&identity, 7, 9);
    let mut cases = Vec::new();
    let mut case = |name: &str, handshake: v1::Handshake| {
        let input = json!({ "responder": responder, "encoded": hex(&handshake.encode_to_vec()) });
        cases.push((name.to_owned(), input));
    };
    for (name, plaintext) in [
        ("with a one-time prekey", good.clone()),
        ("without a one-time prekey", of(&identity, 7, 0)),
        ("device id 0", of(&identity, 0, 9)),
        (
            "identity key of small order",
            of(&unhex(SMALL_ORDER_ED25519[1]), 7, 9),
        ),
        (
            "identity key of mixed order",
            of(&unhex(MIXED_ORDER_ED25519[2]), 7, 9),
        ),
        ("a byte too few", good[..39].to_vec()),
        ("a byte too many", [good.clone(), vec![0]].concat()),
    ] {
        case(name, sealing.seal(&plaintext, 22, &mut rng));
    }
    case(
        "sealed to another device",
        sealing.seal(&good, 23, &mut rng),
    );
    for (name, change) in [
        (
            "a bit of the seal changed",
            (|h| h.sealed_initiator[30] ^= 1) as fn(&mut v1::Handshake),
        ),
        ("the seal cut short", |h| h.sealed_initiator.truncate(67)),
        ("another ephemeral key", |h| h.ephemeral_key = vec![9; 32]),
        ("ephemeral key of small order", |h| {
            h.ephemeral_key = unhex(SMALL_ORDER_X25519[0])
        }),
        ("ephemeral key not canonical", |h| {
            h.ephemeral_key[31] |= 0x80
        }),
        ("signed prekey id 0", |h| h.signed_prekey_id = 0),
    ] {
        let mut changed = sealing.seal(&good, 22, &mut rng);
        change(&mut changed);
        case(name, changed);
    }
    cases
}

pub fn envelope() -> Vec<Case> {
    let mut rng = rng(15);
    let (alice, bob) = (
        Device::random(11, false, &mut rng),
        Device::random(22, true, &mut rng),
    );
    let mut alice_end = alice.initiate(&bob, &mut rng);
    let first = alice_end.send(b"payload", &mut rng);
    let mut bob_end = bob.respond(&first).unwrap();
    bob_end.receive(&first).unwrap();
    let reply = bob_end.send(b"payload", &mut rng);
    let good = v1::Envelope::decode(&first[..]).unwrap();
    let answer = v1::Envelope::decode(&reply[..]).unwrap();

    let mut cases = Vec::new();
    let mut raw = |name: &str, encoded: Vec<u8>| {
        cases.push((name.to_owned(), json!({ "encoded": hex(&encoded) })))
    };
    raw("first message", first.clone());
    raw("reply", reply);
    let part = |id: u32| v1::DeviceMessage {
        device_id: id,
        ..answer.messages[0].clone()
    };
    let of = |messages: Vec<v1::DeviceMessage>| {
        v1::Envelope {
            version: 1,
            messages,
        }
        .encode_to_vec()
    };
    raw("eight devices", of((1..=8).map(part).collect()));
    raw("nine devices", of((1..=9).map(part).collect()));
    raw("a device twice", of(vec![part(5), part(6), part(5)]));
    raw("no devices", of(vec![]));
    raw("no bytes", Vec::new());
    raw("cut short", first[..first.len() - 1].to_vec());
    raw(
        "an unknown field at the end",
        [&first[..], &[0x18, 0x01]].concat(),
    );
    raw("messages in front of the version", {
        let mut turned = first[2..].to_vec();
        turned.extend_from_slice(&first[..2]);
        turned
    });
    // A handshake with a field of a later version, at its end; and with one that has its default.
    for (name, tail) in [
        ("an unknown field", [0x20, 0x01]),
        ("a default spelt out", [0x20, 0x00]),
    ] {
        let message = good.messages[0].clone();
        let handshake = [
            &message.handshake.as_ref().unwrap().encode_to_vec()[..],
            &tail,
        ]
        .concat();
        let rest = v1::DeviceMessage {
            device_id: 0,
            handshake: None,
            ..message
        };
        let mut part = [&[0x0d][..], &message.device_id.to_le_bytes(), &[0x12]].concat();
        prost::encoding::encode_varint(handshake.len() as u64, &mut part);
        part.extend([handshake, rest.encode_to_vec()].concat());
        let mut whole = vec![0x08, 0x01, 0x12];
        prost::encoding::encode_varint(part.len() as u64, &mut whole);
        whole.extend(part);
        raw(&format!("handshake: {name}"), whole);
    }
    fn handshake(e: &mut v1::Envelope) -> &mut v1::Handshake {
        e.messages[0].handshake.as_mut().unwrap()
    }
    for (name, change) in [
        ("version 0", (|e| e.version = 0) as fn(&mut v1::Envelope)),
        ("version 2", |e| e.version = 2),
        ("device id 0", |e| e.messages[0].device_id = 0),
        ("no chain tag", |e| e.messages[0].chain_tag.clear()),
        ("a chain tag of 15 bytes", |e| {
            e.messages[0].chain_tag.truncate(15)
        }),
        ("a hint of 9 bytes", |e| e.messages[0].sender_hint.push(0)),
        ("no header", |e| e.messages[0].sealed_header.clear()),
        ("a header of 71 bytes", |e| {
            e.messages[0].sealed_header.truncate(71)
        }),
        ("a header of 73 bytes", |e| {
            e.messages[0].sealed_header.push(0)
        }),
        ("an empty ciphertext", |e| e.messages[0].ciphertext.clear()),
        ("handshake: signed prekey id 0", |e| {
            handshake(e).signed_prekey_id = 0
        }),
        ("handshake: ephemeral key of small order", |e| {
            handshake(e).ephemeral_key = unhex(SMALL_ORDER_X25519[0])
        }),
        ("handshake: ephemeral key not canonical", |e| {
            handshake(e).ephemeral_key[31] |= 0x80
        }),
        ("handshake: seal of 67 bytes", |e| {
            handshake(e).sealed_initiator.truncate(67)
        }),
        ("handshake: seal of 69 bytes", |e| {
            handshake(e).sealed_initiator.push(0)
        }),
    ] {
        let mut changed = good.clone();
        change(&mut changed);
        raw(name, changed.encode_to_vec());
    }
    cases
}
