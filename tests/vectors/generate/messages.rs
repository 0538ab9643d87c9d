//! Handshakes, headers, envelopes and contents.

use windlass::link::{LinkCode, LinkRequest};

use super::*;
use crate::support::Scripted;

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

/// What somebody has of a conversation.
fn state(have: Vec<u8>) -> v1::ConversationState {
    v1::ConversationState {
        conversation: vec![5; 32],
        from_lamport: 12,
        have,
        group: false,
    }
}

/// A request that names what is there of one conversation.
fn request(state: v1::ConversationState, salt: Vec<u8>) -> v1::content::Body {
    v1::content::Body::HealingRequest(v1::HealingRequest {
        conversations: vec![state],
        went_back: false,
        link_token: Vec::new(),
        salt,
    })
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
    let bundle = windlass::bundle::build(&identity, &[own], 1_800_000_000).unwrap();
    let mut cases = Vec::new();
    for i in 0..3 {
        let secret = random::<32>(&mut rng);
        let mut script = Scripted::default();
        script.secrets.push_back(secret);
        let code = LinkRequest::new(&mut script).to_uri();
        let code = LinkCode::from_uri(&code).unwrap();
        let transfer = code
            .seal(&identity, &bundle, &Secret::new([8; 16]), &mut rng)
            .unwrap();
        let mut raw = |name: String, encoded: &[u8]| {
            let input = json!({ "code_secret": hex(&secret), "encoded": hex(encoded) });
            cases.push((name, input));
        };
        raw(format!("a transfer {i}"), &transfer);
        let mut changed = transfer.clone();
        *changed.last_mut().unwrap() ^= 1;
        raw(format!("a changed transfer {i}"), &changed);
        raw(format!("a transfer cut short {i}"), &transfer[..40]);
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

pub fn content() -> Vec<Case> {
    use v1::content::Body;
    let base = v1::Content {
        message_id: vec![0xab; 16],
        lamport: 9,
        sent_at: 1_800_000_000_123,
        reply_to: Vec::new(),
        group: Vec::new(),
        follows: Vec::new(),
        proof: Vec::new(),
        body: None,
    };
    let mut cases = Vec::new();
    let mut raw = |name: &str, encoded: Vec<u8>| {
        cases.push((name.to_owned(), json!({ "encoded": hex(&encoded) })))
    };
    let data = |media_type: &str| {
        Body::Data(v1::Data {
            media_type: media_type.into(),
            data: vec![1, 2, 3],
        })
    };
    let reaction = |emoji: &str, len| {
        Body::Reaction(v1::Reaction {
            author: vec![6; 32],
            message_id: vec![5; len],
            emoji: emoji.into(),
            removed: false,
        })
    };
    let attachment = |name: &str, len| {
        Body::Attachment(v1::Attachment {
            media_type: "image/jpeg".into(),
            name: name.into(),
            size: 70_000,
            key: vec![7; len],
            location: "https://example.org/x".into(),
        })
    };
    for (name, body) in [
        (
            "text",
            Body::Text(v1::Text {
                text: "Ahoy ⚓".into(),
            }),
        ),
        (
            "empty text",
            Body::Text(v1::Text {
                text: String::new(),
            }),
        ),
        ("data", data("image/png")),
        (
            "data of a type with a parameter",
            data("text/plain; charset=utf-8"),
        ),
        (
            "delivery receipt",
            Body::DeliveryReceipt(v1::DeliveryReceipt {
                message_ids: vec![vec![1; 16], vec![2; 16]],
            }),
        ),
        ("opaque", Body::Opaque(v1::Opaque { data: vec![0, 255] })),
        (
            "healing request",
            Body::HealingRequest(v1::HealingRequest {
                conversations: vec![state(vec![1; 16]), state(vec![])],
                went_back: true,
                link_token: vec![8; 16],
                salt: vec![9; 16],
            }),
        ),
        (
            "healing request for everything",
            Body::HealingRequest(v1::HealingRequest::default()),
        ),
        (
            "healing request whose ids are cut",
            request(state(vec![1; 15]), vec![9; 16]),
        ),
        (
            "healing request whose ids do not ascend",
            request(state([[2; 8], [1; 8]].concat()), vec![9; 16]),
        ),
        (
            "healing request with 2,049 ids",
            request(state(vec![1; 8 * 2_049]), vec![9; 16]),
        ),
        (
            "healing request without its salt",
            request(state(vec![1; 16]), Vec::new()),
        ),
        (
            "copy",
            Body::Copy(v1::Copy {
                author: vec![6; 32],
                conversation: vec![7; 32],
                content: base.encode_to_vec(),
            }),
        ),
        (
            "copy without an author",
            Body::Copy(v1::Copy {
                author: vec![],
                conversation: vec![7; 32],
                content: base.encode_to_vec(),
            }),
        ),
        (
            "device update",
            Body::DeviceUpdate(v1::DeviceUpdate {
                removed_devices: vec![3, 0x0102_0304],
                contacts: vec![v1::KnownContact {
                    bundle: vec![1, 2, 3],
                    verified: true,
                    accepted: true,
                    blocked: false,
                }],
                read: vec![v1::ReadMark {
                    conversation: vec![9; 32],
                    group: true,
                    lamport: 5,
                }],
                complete: true,
            }),
        ),
        (
            "healing answer",
            Body::HealingAnswer(v1::HealingAnswer {
                messages: 40,
                bundle: vec![7; 200],
            }),
        ),
        (
            "healing answer with a bundle of 8,321 bytes",
            Body::HealingAnswer(v1::HealingAnswer {
                messages: 0,
                bundle: vec![7; 8_321],
            }),
        ),
        (
            "identity change",
            Body::IdentityChange(v1::IdentityChange {
                bundle: vec![1, 2, 3],
            }),
        ),
        (
            "identity change with a bundle that is too long",
            Body::IdentityChange(v1::IdentityChange {
                bundle: vec![1; 8_321],
            }),
        ),
        ("reaction", reaction("👍", 16)),
        ("reaction to nothing", reaction("👍", 15)),
        ("reaction without a sign", reaction("", 16)),
        ("reaction that is too long", reaction(&"x".repeat(65), 16)),
        (
            "edit",
            Body::Edit(v1::Edit {
                message_id: vec![5; 16],
                text: "now".into(),
            }),
        ),
        (
            "deletion",
            Body::Deletion(v1::Deletion {
                message_id: vec![5; 16],
            }),
        ),
        (
            "read receipt",
            Body::ReadReceipt(v1::ReadReceipt { lamport: 77 }),
        ),
        (
            "disappearing timer",
            Body::DisappearingTimer(v1::DisappearingTimer {
                milliseconds: 86_400_000,
            }),
        ),
        (
            "group events",
            Body::GroupEvents(v1::GroupEvents {
                events: vec![v1::SignedGroupEvent {
                    body: vec![1, 2],
                    signature: vec![3; 64],
                }],
                bundles: vec![vec![4; 3]],
            }),
        ),
        (
            "group events without one",
            Body::GroupEvents(v1::GroupEvents::default()),
        ),
        ("attachment", attachment("cat.jpg", 32)),
        (
            "attachment with a path for a name",
            attachment("../cat.jpg", 32),
        ),
        ("attachment without a name", attachment("", 32)),
        ("attachment whose key is short", attachment("cat.jpg", 31)),
        ("data without a type", data("")),
        ("data of half a type", data("image/")),
        ("data with a line break in its type", data("image/p\ng")),
        (
            "delivery receipt for nothing",
            Body::DeliveryReceipt(v1::DeliveryReceipt {
                message_ids: vec![],
            }),
        ),
        (
            "delivery receipt with an id of 15 bytes",
            Body::DeliveryReceipt(v1::DeliveryReceipt {
                message_ids: vec![vec![1; 15]],
            }),
        ),
        (
            "delivery receipt for 1,025 messages",
            Body::DeliveryReceipt(v1::DeliveryReceipt {
                message_ids: vec![vec![1; 16]; 1_025],
            }),
        ),
    ] {
        raw(
            name,
            v1::Content {
                body: Some(body),
                ..base.clone()
            }
            .encode_to_vec(),
        );
    }
    let text = v1::Content {
        body: Some(Body::Text(v1::Text { text: "x".into() })),
        ..base.clone()
    };
    raw(
        "a reply",
        v1::Content {
            reply_to: vec![0xcd; 16],
            ..text.clone()
        }
        .encode_to_vec(),
    );
    raw("no body", base.encode_to_vec());
    raw(
        "a body of a later version",
        [&base.encode_to_vec()[..], &[0xc2, 0x0c, 0x02, b'h', b'i']].concat(),
    );
    raw(
        "a text and a field of a later version",
        [&text.encode_to_vec()[..], &[0x7a, 0x01, 0x00]].concat(),
    );
    raw(
        "a message id of 15 bytes",
        v1::Content {
            message_id: vec![1; 15],
            ..text.clone()
        }
        .encode_to_vec(),
    );
    raw(
        "no message id",
        v1::Content {
            message_id: vec![],
            ..text.clone()
        }
        .encode_to_vec(),
    );
    raw(
        "a reply to an id of 3 bytes",
        v1::Content {
            reply_to: vec![1; 3],
            ..text.clone()
        }
        .encode_to_vec(),
    );
    for (name, follows) in [
        ("one that follows two", vec![vec![1; 16], vec![2; 16]]),
        ("one that follows nine", vec![vec![1; 16]; 9]),
        ("one that follows an id of 8 bytes", vec![vec![1; 8]]),
    ] {
        let content = v1::Content {
            follows,
            ..text.clone()
        };
        raw(name, content.encode_to_vec());
    }
    for len in [16, 15] {
        let content = v1::Content {
            proof: vec![4; len],
            ..text.clone()
        };
        raw(&format!("a proof of {len} bytes"), content.encode_to_vec());
    }
    raw(
        "the highest Lamport clock",
        v1::Content {
            lamport: 1 << 62,
            ..text.clone()
        }
        .encode_to_vec(),
    );
    raw(
        "a Lamport clock over the bound",
        v1::Content {
            lamport: (1 << 62) + 1,
            ..text
        }
        .encode_to_vec(),
    );
    let mut not_utf8 = base.encode_to_vec();
    not_utf8.extend_from_slice(&[0x82, 0x01, 0x03, 0x0a, 0x01, 0xff]);
    raw("text that is not UTF-8", not_utf8);
    raw("cut short", base.encode_to_vec()[..5].to_vec());
    cases
}
