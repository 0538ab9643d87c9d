//! Contents: each kind of body, and what is refused.

use super::updates::{deleted_group, floors, link, settings};
use super::*;
use super::{links, profiles, reactions};

/// What somebody has of a conversation.
fn state(have: Vec<u8>) -> v2::ConversationState {
    v2::ConversationState {
        conversation: vec![5; 32],
        from_lamport: 12,
        have,
        group: false,
    }
}

/// Names of messages with these clocks.
fn named(clocks: &[u64]) -> Vec<u8> {
    let name = |clock: &u64| [clock.to_be_bytes(), [0xcd; 8]].concat();
    clocks.iter().flat_map(name).collect()
}

/// A request that names what is there of one conversation.
fn request(state: v2::ConversationState, salt: Vec<u8>) -> v2::content::Body {
    v2::content::Body::HealingRequest(v2::HealingRequest {
        conversations: vec![state],
        went_back: false,
        link_token: Vec::new(),
        salt,
    })
}

pub fn content() -> Vec<Case> {
    use v2::content::Body;
    let base = v2::Content {
        message_id: vec![0xab; 16],
        lamport: 9,
        sent_at: 1_800_000_000_123,
        reply_to: Vec::new(),
        group: Vec::new(),
        follows: Vec::new(),
        origin: 0,
        view: None,
        proof: Vec::new(),
        body: None,
    };
    let mut cases = Vec::new();
    let mut raw = |name: &str, encoded: Vec<u8>| {
        cases.push((name.to_owned(), json!({ "encoded": hex(&encoded) })))
    };
    let data = |media_type: &str| {
        Body::Data(v2::Data {
            media_type: media_type.into(),
            data: vec![1, 2, 3],
        })
    };
    let attachment = |name: &str, len, digest_len| {
        Body::Attachment(v2::Attachment {
            media_type: "image/jpeg".into(),
            name: name.into(),
            size: 70_000,
            key: vec![7; len],
            location: "https://example.org/x".into(),
            digest: vec![8; digest_len],
            caption: None,
        })
    };
    for (name, body) in [
        ("text", Body::Text(texts::plain("Ahoy ⚓"))),
        ("empty text", Body::Text(texts::plain(""))),
        ("data", data("image/png")),
        (
            "data of a type with a parameter",
            data("text/plain; charset=utf-8"),
        ),
        (
            "delivery receipt",
            Body::DeliveryReceipt(v2::DeliveryReceipt {
                message_ids: vec![vec![1; 16], vec![2; 16]],
            }),
        ),
        ("opaque", Body::Opaque(v2::Opaque { data: vec![0, 255] })),
        (
            "healing request",
            Body::HealingRequest(v2::HealingRequest {
                conversations: vec![state(vec![1; 16]), state(vec![])],
                went_back: true,
                link_token: vec![8; 16],
                salt: vec![9; 16],
            }),
        ),
        (
            "healing request for everything",
            Body::HealingRequest(v2::HealingRequest::default()),
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
            Body::Copy(v2::Copy {
                author: vec![6; 32],
                conversation: vec![7; 32],
                content: base.encode_to_vec(),
            }),
        ),
        (
            "copy without an author",
            Body::Copy(v2::Copy {
                author: vec![],
                conversation: vec![7; 32],
                content: base.encode_to_vec(),
            }),
        ),
        (
            "device update",
            Body::DeviceUpdate(v2::DeviceUpdate {
                removed_devices: vec![3, 0x0102_0304],
                contacts: vec![v2::KnownContact {
                    bundle: vec![1, 2, 3],
                    verified: true,
                    accepted: true,
                    blocked: false,
                    standing: Some(v2::Decision {
                        clock: 7,
                        device_id: 0x0102_0304,
                    }),
                    verification: None,
                    devices: vec![v2::KnownDevice {
                        device_id: 0x0102_0304,
                        known_since: 1_800_000_000_000,
                    }],
                }],
                read: vec![v2::ReadMark {
                    conversation: vec![9; 32],
                    group: true,
                    lamport: 5,
                    messages: named(&[6, 8]),
                }],
                complete: true,
                ..Default::default()
            }),
        ),
        ("typing", Body::Typing(v2::Typing { active: true })),
        ("presence", Body::Presence(v2::Presence { available: true })),
        ("absence", Body::Presence(v2::Presence { available: false })),
        ("link of a device", link(16)),
        ("link with a token of 15 bytes", link(15)),
        ("deleted group", deleted_group(32, 32)),
        ("deleted group without an id", deleted_group(31, 32)),
        ("deleted group with half a hash", deleted_group(32, 16)),
        ("floor", floors(named(&[6, 8]), 16)),
        ("floor of nobody", floors(named(&[6]), 15)),
        ("floor with names out of order", floors(named(&[8, 6]), 16)),
        ("floor with a name twice", floors(named(&[6, 6]), 16)),
        ("floor with half a name", floors(vec![1; 24], 16)),
        (
            "floor with 513 names",
            floors(named(&(0..513).collect::<Vec<_>>()), 16),
        ),
        (
            "read mark with 33 names",
            Body::DeviceUpdate(v2::DeviceUpdate {
                read: vec![v2::ReadMark {
                    conversation: vec![9; 32],
                    group: false,
                    lamport: 5,
                    messages: named(&(0..33).collect::<Vec<_>>()),
                }],
                ..Default::default()
            }),
        ),
        (
            "healing answer",
            Body::HealingAnswer(v2::HealingAnswer {
                messages: 40,
                bundle: vec![7; 200],
            }),
        ),
        (
            "healing answer with a bundle of 18,433 bytes",
            Body::HealingAnswer(v2::HealingAnswer {
                messages: 0,
                bundle: vec![7; 18_433],
            }),
        ),
        (
            "identity change",
            Body::IdentityChange(v2::IdentityChange {
                bundle: vec![1, 2, 3],
            }),
        ),
        (
            "identity change with a bundle that is too long",
            Body::IdentityChange(v2::IdentityChange {
                bundle: vec![1; 18_433],
            }),
        ),
        (
            "edit",
            Body::Edit(v2::Edit {
                message_id: vec![5; 16],
                text: Some(texts::plain("now")),
            }),
        ),
        (
            "deletion",
            Body::Deletion(v2::Deletion {
                message_id: vec![5; 16],
            }),
        ),
        (
            "read receipt",
            Body::ReadReceipt(v2::ReadReceipt { lamport: 77 }),
        ),
        (
            "disappearing timer",
            Body::DisappearingTimer(v2::DisappearingTimer {
                milliseconds: 86_400_000,
            }),
        ),
        (
            "disappearing timer that keeps for ever",
            Body::DisappearingTimer(v2::DisappearingTimer { milliseconds: 0 }),
        ),
        (
            "disappearing timer of the shortest time",
            Body::DisappearingTimer(v2::DisappearingTimer {
                milliseconds: 5_000,
            }),
        ),
        (
            "disappearing timer of less",
            Body::DisappearingTimer(v2::DisappearingTimer {
                milliseconds: 4_999,
            }),
        ),
        (
            "disappearing timer of the longest time",
            Body::DisappearingTimer(v2::DisappearingTimer {
                milliseconds: 315_360_000_000,
            }),
        ),
        (
            "disappearing timer of more",
            Body::DisappearingTimer(v2::DisappearingTimer {
                milliseconds: 315_360_000_001,
            }),
        ),
        (
            "group events",
            Body::GroupEvents(v2::GroupEvents {
                events: vec![v2::SignedGroupEvent {
                    body: vec![1, 2],
                    signature: vec![3; 64],
                }],
                bundles: vec![vec![4; 3]],
            }),
        ),
        (
            "group events without one",
            Body::GroupEvents(v2::GroupEvents::default()),
        ),
        ("attachment", attachment("cat.jpg", 32, 32)),
        (
            "attachment with a path for a name",
            attachment("../cat.jpg", 32, 32),
        ),
        (
            "attachment with a slash in its name",
            attachment("a/cat.jpg", 32, 32),
        ),
        (
            "attachment with a backslash in its name",
            attachment("a\\cat.jpg", 32, 32),
        ),
        (
            "attachment with a hidden name",
            attachment(".cat.jpg", 32, 32),
        ),
        (
            "attachment with a line break in its name",
            attachment("cat\n.jpg", 32, 32),
        ),
        ("attachment without a name", attachment("", 32, 32)),
        (
            "attachment whose key is short",
            attachment("cat.jpg", 31, 32),
        ),
        (
            "attachment whose digest is short",
            attachment("cat.jpg", 32, 31),
        ),
        ("attachment without a digest", attachment("cat.jpg", 32, 0)),
        ("data without a type", data("")),
        ("data of half a type", data("image/")),
        ("data with a line break in its type", data("image/p\ng")),
        (
            "delivery receipt for nothing",
            Body::DeliveryReceipt(v2::DeliveryReceipt {
                message_ids: vec![],
            }),
        ),
        (
            "delivery receipt with an id of 15 bytes",
            Body::DeliveryReceipt(v2::DeliveryReceipt {
                message_ids: vec![vec![1; 15]],
            }),
        ),
        (
            "delivery receipt for 1,025 messages",
            Body::DeliveryReceipt(v2::DeliveryReceipt {
                message_ids: vec![vec![1; 16]; 1_025],
            }),
        ),
    ]
    .into_iter()
    .chain(reactions::reactions())
    .chain(group_sync::bodies())
    .chain(profiles::bodies())
    .chain(links::bodies())
    .chain(settings())
    .chain(texts::texts())
    {
        raw(
            name,
            v2::Content {
                body: Some(body),
                ..base.clone()
            }
            .encode_to_vec(),
        );
    }
    let text = v2::Content {
        body: Some(Body::Text(texts::plain("x"))),
        ..base.clone()
    };
    raw(
        "a reply",
        v2::Content {
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
        v2::Content {
            message_id: vec![1; 15],
            ..text.clone()
        }
        .encode_to_vec(),
    );
    raw(
        "no message id",
        v2::Content {
            message_id: vec![],
            ..text.clone()
        }
        .encode_to_vec(),
    );
    raw(
        "a reply to an id of 3 bytes",
        v2::Content {
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
        let content = v2::Content {
            follows,
            ..text.clone()
        };
        raw(name, content.encode_to_vec());
    }
    let views = group_sync::views(&text).into_iter();
    for (name, content) in origins::origins(&text).into_iter().chain(views) {
        raw(name, content.encode_to_vec());
    }
    for len in [20, 19] {
        let content = v2::Content {
            proof: vec![4; len],
            ..text.clone()
        };
        raw(&format!("a proof of {len} bytes"), content.encode_to_vec());
    }
    raw(
        "the highest Lamport clock",
        v2::Content {
            lamport: 1 << 62,
            ..text.clone()
        }
        .encode_to_vec(),
    );
    raw(
        "a Lamport clock over the bound",
        v2::Content {
            lamport: (1 << 62) + 1,
            ..text
        }
        .encode_to_vec(),
    );
    for (name, encoded) in doubled::contents(&base) {
        raw(name, encoded);
    }
    let mut not_utf8 = base.encode_to_vec();
    not_utf8.extend_from_slice(&[0x82, 0x01, 0x03, 0x0a, 0x01, 0xff]);
    raw("text that is not UTF-8", not_utf8);
    raw("cut short", base.encode_to_vec()[..5].to_vec());
    cases
}
