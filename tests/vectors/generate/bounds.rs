//! Each bound: the largest that is accepted, and the smallest that is not.

use windlass::wire::v2::content::Body;

use super::*;

/// How often the first `period` bytes stand one behind the other; 1 if that is not worth a piece.
fn repeats(bytes: &[u8], period: usize) -> usize {
    let enough = 16 + 2 * period;
    let same = |(a, b): &(&u8, &u8)| a == b;
    let pairs = || bytes.iter().zip(bytes.iter().skip(period));
    if pairs().take(enough).take_while(same).count() < enough {
        return 1;
    }
    1 + pairs().take_while(same).count() / period
}

/// Bytes, as pieces that are repeated: what tries a bound is long, and says little.
fn pieces(encoded: &[u8]) -> Value {
    let mut found: Vec<(Vec<u8>, usize)> = Vec::new();
    let mut rest = encoded;
    while !rest.is_empty() {
        let tried = (1..=128).map(|period| (period, repeats(rest, period)));
        let mut repeated = tried.filter(|(_, times)| *times > 1);
        let (period, times) = repeated.next().unwrap_or((1, 1));
        let piece = &rest[..period];
        match found.last_mut() {
            Some((bytes, 1)) if times == 1 => bytes.extend_from_slice(piece),
            _ => found.push((piece.to_vec(), times)),
        }
        rest = &rest[period * times..];
    }
    let piece = |(bytes, times): &(Vec<u8>, usize)| json!([hex(bytes), times]);
    found.iter().map(piece).collect()
}

/// A body of a size, by its name; the largest size, and one more.
type Bound = (&'static str, fn(usize) -> Body, usize);

fn text(len: usize) -> String {
    "x".repeat(len)
}

/// One emoji of so many bytes, a multiple of four or one more: a flag with tags, with a heart in front of it.
fn emoji(bytes: usize) -> String {
    let heart = if bytes % 4 == 1 {
        "❤\u{fe0f}\u{200d}"
    } else {
        ""
    };
    let tags = (bytes - heart.len()) / 4 - 2;
    format!("{heart}🏴{}\u{e007f}", "\u{e0062}".repeat(tags))
}

/// Numbers as names of a length, ascending.
fn names<const N: usize>(count: usize) -> Vec<u8> {
    let name = |number| {
        let mut name = [0; N];
        name[N - 8..].copy_from_slice(&u64::to_be_bytes(number));
        name
    };
    (0..count as u64).flat_map(name).collect()
}

fn events(count: usize) -> Vec<v2::SignedGroupEvent> {
    let event = v2::SignedGroupEvent {
        body: vec![1; 40],
        signature: vec![3; 64],
    };
    vec![event; count]
}

fn attachment(media_type: String, name: String, location: String) -> Body {
    Body::Attachment(v2::Attachment {
        media_type,
        name,
        size: 1,
        key: vec![7; 32],
        location,
        digest: vec![8; 32],
        caption: None,
    })
}

fn captioned(caption: &str) -> Body {
    let mut attachment = v2::Attachment::default();
    attachment.media_type = "a/b".into();
    attachment.name = "x".into();
    (attachment.key, attachment.digest) = (vec![7; 32], vec![8; 32]);
    attachment.caption = Some(texts::plain(caption));
    Body::Attachment(attachment)
}

fn update(update: v2::DeviceUpdate) -> Body {
    Body::DeviceUpdate(update)
}

fn group_sync(have: usize, events_count: usize, bundles: usize) -> Body {
    Body::GroupSync(v2::GroupSync {
        salt: vec![9; if have == 0 { 0 } else { 16 }],
        have: names::<8>(have),
        events: events(events_count),
        bundles: vec![vec![4; 20]; bundles],
    })
}

fn messages() -> Vec<Bound> {
    vec![
        ("text", |n| Body::Text(texts::plain(&text(n))), 262_144),
        (
            "text of an edit",
            |n| {
                Body::Edit(v2::Edit {
                    message_id: vec![5; 16],
                    text: Some(texts::plain(&text(n))),
                })
            },
            262_144,
        ),
        (
            "data",
            |n| {
                Body::Data(v2::Data {
                    media_type: "a/b".into(),
                    data: vec![1; n],
                })
            },
            1_048_576,
        ),
        (
            "media type",
            |n| {
                Body::Data(v2::Data {
                    media_type: format!("a/{}", text(n - 2)),
                    data: vec![1],
                })
            },
            255,
        ),
        (
            "opaque bytes",
            |n| Body::Opaque(v2::Opaque { data: vec![1; n] }),
            1_048_576,
        ),
        (
            "reaction",
            |n| {
                Body::Reaction(v2::Reaction {
                    author: vec![6; 32],
                    message_id: vec![5; 16],
                    emoji: emoji(n),
                    removed: false,
                })
            },
            64,
        ),
        (
            "bundle of another identity",
            |n| Body::IdentityChange(v2::IdentityChange { bundle: vec![1; n] }),
            18_432,
        ),
        (
            "media type of an attachment",
            |n| attachment(format!("a/{}", text(n - 2)), text(1), text(1)),
            255,
        ),
        (
            "name of an attachment",
            |n| attachment("a/b".into(), text(n), text(1)),
            255,
        ),
        ("caption of an attachment", |n| captioned(&text(n)), 262_144),
        (
            "location of an attachment",
            |n| attachment("a/b".into(), text(1), text(n)),
            4_096,
        ),
    ]
}

fn controls() -> Vec<Bound> {
    vec![
        (
            "ids in a delivery receipt",
            |n| {
                Body::DeliveryReceipt(v2::DeliveryReceipt {
                    message_ids: vec![vec![1; 16]; n],
                })
            },
            1_024,
        ),
        (
            "names of a conversation in a request",
            |n| {
                Body::HealingRequest(v2::HealingRequest {
                    conversations: vec![v2::ConversationState {
                        conversation: vec![5; 32],
                        have: vec![1; 8 * n],
                        ..Default::default()
                    }],
                    went_back: false,
                    link_token: Vec::new(),
                    salt: vec![9; 16],
                })
            },
            2_048,
        ),
        (
            "bundle in a healing answer",
            |n| {
                Body::HealingAnswer(v2::HealingAnswer {
                    messages: 1,
                    bundle: vec![1; n],
                })
            },
            18_432,
        ),
        (
            "removed devices",
            |n| {
                update(v2::DeviceUpdate {
                    removed_devices: vec![0x0101_0101; n],
                    ..Default::default()
                })
            },
            1_024,
        ),
        (
            "names in a floor",
            |n| {
                update(v2::DeviceUpdate {
                    floors: vec![v2::Floor {
                        conversation: vec![9; 16],
                        messages: names::<16>(n),
                        ..Default::default()
                    }],
                    ..Default::default()
                })
            },
            512,
        ),
        (
            "devices of a known contact",
            |n| {
                update(v2::DeviceUpdate {
                    contacts: vec![v2::KnownContact {
                        devices: vec![v2::KnownDevice::default(); n],
                        ..Default::default()
                    }],
                    ..Default::default()
                })
            },
            8,
        ),
        (
            "invitations of a deleted group",
            |n| {
                update(v2::DeviceUpdate {
                    deleted_groups: vec![v2::DeletedGroup {
                        group: vec![9; 32],
                        invitations: vec![vec![8; 32]; n],
                        ..Default::default()
                    }],
                    ..Default::default()
                })
            },
            1_000,
        ),
        (
            "settings of a conversation",
            |n| {
                update(v2::DeviceUpdate {
                    chats: vec![v2::ChatSettings {
                        conversation: vec![9; 32],
                        settings: (1..=n as u64)
                            .map(|kind| v2::ChatSetting {
                                kind,
                                ..Default::default()
                            })
                            .collect(),
                        ..Default::default()
                    }],
                    ..Default::default()
                })
            },
            16,
        ),
        (
            "name of a conversation",
            |n| {
                update(v2::DeviceUpdate {
                    chats: vec![v2::ChatSettings {
                        conversation: vec![9; 32],
                        settings: vec![v2::ChatSetting {
                            kind: 5,
                            text: "x".repeat(n),
                            ..Default::default()
                        }],
                        ..Default::default()
                    }],
                    ..Default::default()
                })
            },
            256,
        ),
        (
            "names in a read mark",
            |n| {
                update(v2::DeviceUpdate {
                    read: vec![v2::ReadMark {
                        conversation: vec![9; 32],
                        messages: names::<16>(n),
                        ..Default::default()
                    }],
                    ..Default::default()
                })
            },
            32,
        ),
    ]
}

fn of_groups() -> Vec<Bound> {
    vec![
        (
            "events of a group",
            |n| {
                Body::GroupEvents(v2::GroupEvents {
                    events: events(n),
                    bundles: Vec::new(),
                })
            },
            1_000,
        ),
        (
            "bundles with events of a group",
            |n| {
                Body::GroupEvents(v2::GroupEvents {
                    events: events(1),
                    bundles: vec![vec![4; 20]; n],
                })
            },
            64,
        ),
        ("names in a group sync", |n| group_sync(n, 0, 0), 1_000),
        ("events in a group sync", |n| group_sync(0, n, 0), 1_000),
        ("bundles in a group sync", |n| group_sync(0, 1, n), 64),
    ]
}

fn content(body: Option<Body>) -> v2::Content {
    v2::Content {
        message_id: vec![0xab; 16],
        lamport: 9,
        body,
        ..Default::default()
    }
}

/// A content that is as long as this by a field of a later version.
fn content_of(len: usize) -> Vec<u8> {
    let mut encoded = content(None).encode_to_vec();
    // Field 200, its length in three bytes.
    let rest = len - encoded.len() - 5;
    encoded.extend_from_slice(&[0xc2, 0x0c]);
    prost::encoding::encode_varint(rest as u64, &mut encoded);
    encoded.resize(len, b'z');
    encoded
}

/// An envelope that is as long as this by its ciphertext.
fn envelope_of(len: usize) -> Vec<u8> {
    let envelope = |ciphertext: usize| v2::Envelope {
        version: 2,
        messages: vec![v2::DeviceMessage {
            device_id: 7,
            handshake: None,
            chain_tag: vec![1; 16],
            sender_hint: vec![2; 8],
            sealed_header: vec![3; 72],
            ciphertext: vec![5; ciphertext],
        }],
    };
    let around = envelope(len).encoded_len() - len;
    envelope(len - around).encode_to_vec()
}

pub fn bounds() -> Vec<Case> {
    let mut cases = Vec::new();
    let mut both = |of: &str, name: &str, most: usize, encoded: &dyn Fn(usize) -> Vec<u8>| {
        for (size, verdict) in [(most, "largest"), (most + 1, "one more")] {
            let input = json!({ "of": of, "pieces": pieces(&encoded(size)) });
            cases.push((format!("{name}: {size}, {verdict}"), input));
        }
    };
    for (name, body, most) in [messages(), controls(), of_groups()].concat() {
        both("content", name, most, &|n| {
            content(Some(body(n))).encode_to_vec()
        });
    }
    let text = Body::Text(texts::plain("x"));
    both("content", "clock of a read receipt", 1 << 62, &|n| {
        let lamport = n as u64;
        content(Some(Body::ReadReceipt(v2::ReadReceipt { lamport }))).encode_to_vec()
    });
    both("content", "clock of a message", 1 << 62, &|n| {
        let lamport = n as u64;
        v2::Content {
            lamport,
            ..content(Some(text.clone()))
        }
        .encode_to_vec()
    });
    both("content", "heads of a view", 4, &|n| {
        let view = v2::GroupView {
            digest: vec![3; 16],
            heads: vec![vec![1; 16]; n],
        };
        v2::Content {
            group: vec![5; 32],
            view: Some(view),
            ..content(Some(text.clone()))
        }
        .encode_to_vec()
    });
    both(
        "bundle",
        "bytes of a bundle's body",
        8_192,
        &bundles::of_body_len,
    );
    both("content", "followed messages", 8, &|n| {
        let follows = vec![vec![1; 16]; n];
        v2::Content {
            follows,
            ..content(Some(text.clone()))
        }
        .encode_to_vec()
    });
    both("content", "bytes of a content", 1_200_000, &content_of);
    both("envelope", "bytes of an envelope", 16_777_216, &envelope_of);
    cases
}
