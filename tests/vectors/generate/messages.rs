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
            });
            (format!("{with} a one-time prekey {}", i / 2), input)
        })
        .collect()
}

fn good_header(rng: &mut SeededRandom) -> v1::Header {
    v1::Header {
        session_id: random::<16>(rng).to_vec(),
        sender_hint: random::<8>(rng).to_vec(),
        ratchet_key: DhSecret::generate(rng).public().as_bytes().to_vec(),
        previous_chain_length: 3,
        message_number: 7,
    }
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
        let transfer = agreed.seal(&identity, &bundle, &token, &words, &mut rng);
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
        let theirs = agreed.seal(&other, &bundle, &token, &words, &mut rng);
        raw(format!("the seed of another identity {i}"), &theirs);
        let theirs = agreed.seal(&identity, &bundle_of_other, &token, &words, &mut rng);
        raw(format!("the bundle of another identity {i}"), &theirs);
    }
    cases
}

pub fn header() -> Vec<Case> {
    let good = good_header(&mut rng(14));
    let mut cases = Vec::new();
    let mut raw = |name: &str, encoded: Vec<u8>| {
        cases.push((name.to_owned(), json!({ "encoded": hex(&encoded) })))
    };
    for (name, change) in [
        ("ordinary", (|_| ()) as fn(&mut v1::Header)),
        ("first of its session", |h| {
            h.previous_chain_length = 0;
            h.message_number = 0;
        }),
        ("highest numbers", |h| {
            h.previous_chain_length = u32::MAX;
            h.message_number = u32::MAX;
        }),
        ("session id of 15 bytes", |h| {
            h.session_id.pop();
        }),
        ("no session id", |h| h.session_id.clear()),
        ("hint of 9 bytes", |h| h.sender_hint.push(0)),
        ("ratchet key of 31 bytes", |h| {
            h.ratchet_key.pop();
        }),
        ("ratchet key not canonical", |h| h.ratchet_key[31] |= 0x80),
        ("ratchet key of small order", |h| {
            h.ratchet_key = unhex(SMALL_ORDER_X25519[3])
        }),
    ] {
        let mut changed = good.clone();
        change(&mut changed);
        raw(name, changed.encode_to_vec());
    }
    let encoded = good.encode_to_vec();
    let with = |tail: &[u8]| [&encoded[..], tail].concat();
    raw("an unknown field", with(&[0x30, 0x01]));
    raw("a field twice", with(&[0x28, 0x07]));
    raw(
        "a number in more bytes than it needs",
        [&encoded[..encoded.len() - 1], &[0x87, 0x00]].concat(),
    );
    raw(
        "a default spelt out",
        [&encoded[..encoded.len() - 2], &[0x28, 0x00]].concat(),
    );
    raw("cut short", encoded[..20].to_vec());
    raw("no bytes", Vec::new());
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
    fn handshake(e: &mut v1::Envelope) -> &mut v1::Handshake {
        e.messages[0].handshake.as_mut().unwrap()
    }
    for (name, change) in [
        ("version 0", (|e| e.version = 0) as fn(&mut v1::Envelope)),
        ("version 2", |e| e.version = 2),
        ("device id 0", |e| e.messages[0].device_id = 0),
        ("no header", |e| e.messages[0].header.clear()),
        ("a header cut short", |e| e.messages[0].header.truncate(40)),
        ("an empty ciphertext", |e| e.messages[0].ciphertext.clear()),
        ("handshake: no one-time prekey", |e| {
            handshake(e).one_time_prekey_id = 0
        }),
        ("handshake: device id 0", |e| handshake(e).device_id = 0),
        ("handshake: signed prekey id 0", |e| {
            handshake(e).signed_prekey_id = 0
        }),
        ("handshake: ephemeral key of small order", |e| {
            handshake(e).ephemeral_key = unhex(SMALL_ORDER_X25519[0])
        }),
        ("handshake: ephemeral key not canonical", |e| {
            handshake(e).ephemeral_key[31] |= 0x80
        }),
        ("handshake: identity key of small order", |e| {
            handshake(e).identity_key = unhex(SMALL_ORDER_ED25519[1])
        }),
        ("handshake: identity key of 33 bytes", |e| {
            handshake(e).identity_key.push(0)
        }),
    ] {
        let mut changed = good.clone();
        change(&mut changed);
        raw(name, changed.encode_to_vec());
    }
    cases
}
