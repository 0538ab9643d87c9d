//! Transfers, headers and envelopes.

use windlass::chat::OwnWordsKey;
use windlass::link::{ExistingDevice, NewDevice};

use super::*;

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
    let own = [device.bundle()];
    let other = IdentityKeyPair::generate(&mut rng);
    let bundle = windlass::bundle::build(&identity, &own, None, 1_800_000_000).unwrap();
    let bundle_of_other = windlass::bundle::build(&other, &own, None, 1_800_000_000).unwrap();
    let mut cases = Vec::new();
    for i in 0..3 {
        let secret = random::<32>(&mut rng);
        let new = NewDevice::from_bytes(&Secret::new(secret));
        let existing = ExistingDevice::new(new.code(), identity.public(), &mut rng);
        let agreed = existing.agree(&new.reply()).unwrap();
        let words = OwnWordsKey::random(20_000 + i, &mut rng);
        let token = Secret::new([8; 16]);
        let transfer = agreed
            .seal(&identity, &bundle, &token, &words, &[9], &mut rng)
            .unwrap();
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
        let theirs = agreed
            .seal(&other, &bundle, &token, &words, &[9], &mut rng)
            .unwrap();
        raw(format!("the seed of another identity {i}"), &theirs);
        let theirs = agreed
            .seal(&identity, &bundle_of_other, &token, &words, &[9], &mut rng)
            .unwrap();
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
        case(
            name,
            &encrypt(&key, &header, &data, &mut rng).unwrap(),
            &data,
        );
    }
    let good = encrypt(&key, &of(&ratchet_key, 3, 7), &data, &mut rng).unwrap();
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
    )
    .unwrap();
    case("under another key", &other, &data);
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
    let good = v2::Envelope::decode(&first[..]).unwrap();
    let answer = v2::Envelope::decode(&reply[..]).unwrap();

    let mut cases = Vec::new();
    let mut raw = |name: &str, encoded: Vec<u8>| {
        cases.push((name.to_owned(), json!({ "encoded": hex(&encoded) })))
    };
    raw("first message", first.clone());
    raw("reply", reply);
    let part = |id: u32| v2::DeviceMessage {
        device_id: id,
        ..answer.messages[0].clone()
    };
    let of = |messages: Vec<v2::DeviceMessage>| {
        v2::Envelope {
            version: 2,
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
        ("an unknown field", [0x28, 0x01]),
        ("a default spelt out", [0x28, 0x00]),
    ] {
        let message = good.messages[0].clone();
        let handshake = [
            &message.handshake.as_ref().unwrap().encode_to_vec()[..],
            &tail,
        ]
        .concat();
        let rest = v2::DeviceMessage {
            device_id: 0,
            handshake: None,
            ..message
        };
        let mut part = [&[0x0d][..], &message.device_id.to_le_bytes(), &[0x12]].concat();
        prost::encoding::encode_varint(handshake.len() as u64, &mut part);
        part.extend([handshake, rest.encode_to_vec()].concat());
        let mut whole = vec![0x08, 0x02, 0x12];
        prost::encoding::encode_varint(part.len() as u64, &mut whole);
        whole.extend(part);
        raw(&format!("handshake: {name}"), whole);
    }
    fn handshake(e: &mut v2::Envelope) -> &mut v2::Handshake {
        e.messages[0].handshake.as_mut().unwrap()
    }
    for (name, change) in [
        ("version 0", (|e| e.version = 0) as fn(&mut v2::Envelope)),
        ("version 1", |e| e.version = 1),
        ("version 3", |e| e.version = 3),
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
        ("handshake: seal of 68 bytes", |e| {
            handshake(e).sealed_initiator.truncate(68)
        }),
        ("handshake: ciphertext of 1,087 bytes", |e| {
            handshake(e).kem_ciphertext.truncate(1_087)
        }),
        ("handshake: ciphertext left out", |e| {
            handshake(e).kem_ciphertext.clear()
        }),
        ("handshake: seal of 70 bytes", |e| {
            handshake(e).sealed_initiator.push(0)
        }),
    ] {
        let mut changed = good.clone();
        change(&mut changed);
        raw(name, changed.encode_to_vec());
    }
    cases
}
