//! The content of a message, its fields checked.

use prost::Message;

use super::body::Body;
use super::group::{GroupId, GroupView};
use super::names::MessageId;
use super::origin::MessageOrigin;
use super::proof::PROOF_LEN;
use crate::crypto::SecretBytes;
use crate::limits::{MAX_CONTENT_LEN, MAX_FOLLOWED, MAX_LAMPORT};
use crate::wire::{self, WireError, malformed, v2};

/// A message as its author wrote it.
#[derive(Clone, PartialEq, Eq)]
pub struct Content {
    /// Its name.
    pub id: MessageId,
    /// Orders the conversation, with the id between equals.
    pub lamport: u64,
    /// The author's wall clock, milliseconds since the epoch.
    pub sent_at: u64,
    /// The message that it answers.
    pub reply_to: Option<MessageId>,
    /// The group whose conversation it belongs to; none for the conversation of author and receiver.
    pub group: Option<GroupId>,
    /// Which events of the group's log its author had.
    pub view: Option<GroupView>,
    /// The latest messages that its author had of a conversation of two: those that nothing else there follows.
    pub follows: Vec<MessageId>,
    /// Whether a person wrote it, as its author's program says.
    pub origin: MessageOrigin,
    /// What it says.
    pub body: Body,
}

impl Content {
    /// Reads the bytes that the AEAD accepted. Unknown fields and bodies are passed over; wrong known ones are an error.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, WireError> {
        wire::check_len("content", bytes.len(), MAX_CONTENT_LEN)?;
        let content: v2::Content = wire::decode("content", bytes)?;
        if content.lamport > MAX_LAMPORT {
            return Err(malformed("Lamport clock"));
        }
        let reply_to = match content.reply_to.as_slice() {
            [] => None,
            bytes => Some(MessageId::from_bytes(bytes)?),
        };
        let group = match content.group.as_slice() {
            [] => None,
            bytes => Some(GroupId::from_bytes(bytes)?),
        };
        let view = content.view.as_ref().map(GroupView::from_wire);
        if view.is_some() && group.is_none() {
            return Err(malformed("view of a group"));
        }
        if content.follows.len() > MAX_FOLLOWED {
            return Err(malformed("list of followed messages"));
        }
        let follows = content.follows.iter();
        let follows: Result<_, _> = follows.map(|id| MessageId::from_bytes(id)).collect();
        if !matches!(content.proof.len(), 0 | PROOF_LEN) {
            return Err(malformed("proof"));
        }
        let body = content.body.map_or(Ok(Body::Unknown), Body::from_wire)?;
        body.check().map_err(|_| malformed("body"))?;
        Ok(Self {
            id: MessageId::from_bytes(&content.message_id)?,
            lamport: content.lamport,
            sent_at: content.sent_at,
            reply_to,
            group,
            view: view.transpose()?,
            follows: follows?,
            origin: MessageOrigin::of_number(content.origin),
            body,
        })
    }

    /// The encoding, still without the proof of who wrote it ([`super::OwnWordsKey`]).
    #[must_use]
    pub fn to_bytes(&self) -> SecretBytes {
        SecretBytes::new(
            v2::Content {
                message_id: self.id.as_bytes().to_vec(),
                lamport: self.lamport,
                sent_at: self.sent_at,
                reply_to: self
                    .reply_to
                    .map(|id| id.as_bytes().to_vec())
                    .unwrap_or_default(),
                group: self
                    .group
                    .map(|group| group.as_bytes().to_vec())
                    .unwrap_or_default(),
                view: self.view.as_ref().map(GroupView::to_wire),
                follows: self
                    .follows
                    .iter()
                    .map(|id| id.as_bytes().to_vec())
                    .collect(),
                proof: Vec::new(),
                origin: self.origin as u64,
                body: self.body.to_wire(),
            }
            .encode_to_vec(),
        )
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::chat::{ChatSetting, ChatSettingKind, ChatSettings};
    use crate::chat::{ContentError, Copy, DeviceUpdate, HealingRequest};
    use crate::chat::{Decision, DeletedGroup, DeviceLink, Floor, FloorTimer};
    use crate::chat::{Forward, LinkPreview, Span, SpanKind, Text};
    use crate::crypto::Secret;
    use crate::limits::{
        MAX_ATTACHMENT_SIZE, MAX_DISAPPEARING_SECONDS, MAX_TEXT_LEN, MIN_DISAPPEARING_SECONDS,
    };

    fn id(byte: u8) -> MessageId {
        MessageId::from_bytes(&[byte; 16]).unwrap()
    }

    fn content(body: Body) -> Content {
        Content {
            id: id(3),
            lamport: 7,
            sent_at: 1_800_000_000_000,
            reply_to: Some(id(4)),
            group: None,
            view: None,
            follows: vec![id(8)],
            origin: MessageOrigin::BotAnswer,
            body,
        }
    }

    #[test]
    fn every_body_comes_back_from_its_bytes() {
        for body in [
            Body::Text("ahoy ⚓".into()),
            Body::Data {
                media_type: "image/png".into(),
                data: vec![1, 2, 3],
            },
            Body::DeliveryReceipt(vec![id(5)]),
            Body::Opaque(vec![0; 10]),
            Body::HealingRequest(HealingRequest {
                conversations: vec![crate::chat::ConversationState {
                    conversation: [6; 32],
                    group: true,
                    from_lamport: 5,
                    have: vec![[1; 8], [2; 8]],
                }],
                went_back: true,
                link_token: Some([9; 16]),
                salt: [10; 16],
            }),
            Body::Copy(Copy {
                author: [6; 32],
                conversation: [7; 32],
                content: vec![8; 9].into(),
            }),
            Body::DeviceUpdate(DeviceUpdate {
                removed: vec![3],
                contacts: Vec::new(),
                read: Vec::new(),
                complete: true,
                floors: vec![Floor {
                    conversation: [4; 16],
                    clock: 9,
                    lamport: 5,
                    until: 7,
                    messages: vec![[1; 16], [2; 16]],
                    timer: FloorTimer {
                        lamport: 3,
                        message_id: vec![6; 16],
                        milliseconds: 8,
                    },
                    removed: Decision {
                        clock: 2,
                        device_id: 1,
                    },
                }],
                deleted_groups: vec![DeletedGroup {
                    group: GroupId::from_bytes(&[6; 32]).unwrap(),
                    invitations: vec![[1; 32]],
                    left: vec![7; 9],
                    deleted_at: 8,
                }],
                links: vec![DeviceLink {
                    token: Secret::new([9; 16]),
                    expires_at: 8,
                    device_id: 7,
                }],
                profile: Some(crate::chat::Profile {
                    name: "Ann".into(),
                    ..crate::chat::Profile::default()
                }),
                chats: vec![ChatSettings {
                    conversation: [4; 32],
                    group: true,
                    settings: vec![ChatSetting {
                        kind: ChatSettingKind::Name,
                        number: 0,
                        text: "the crew".into(),
                        decided: Decision {
                            clock: 2,
                            device_id: 1,
                        },
                    }],
                }],
            }),
            Body::HealingAnswer {
                messages: 4,
                bundle: vec![5],
            },
            Body::Typing { active: true },
            Body::Presence { available: true },
            Body::GroupJoinRequest(crate::chat::GroupLinkToken::from_bytes(&[7; 16]).unwrap()),
            Body::Pin {
                author: [6; 32],
                target: id(5),
                removed: true,
            },
            Body::Text(Text {
                spans: vec![Span {
                    start: 1,
                    length: 3,
                    kind: SpanKind::Mention([6; 32]),
                }],
                forward: Some(Forward { author: None }),
                suggestions: vec!["aye".into()],
                preview: Some(LinkPreview {
                    url: "https://a".into(),
                    title: "A".into(),
                    ..LinkPreview::default()
                }),
                .."ahoy https://a".into()
            }),
            Body::Edit {
                target: id(5),
                text: "ahoy".into(),
            },
            Body::Unknown,
        ] {
            let content = content(body);
            assert!(Content::from_bytes(&content.to_bytes()).unwrap() == content);
        }
    }

    #[test]
    fn a_body_of_a_later_version_is_unknown_and_not_an_error() {
        let mut bytes = content(Body::Unknown).to_bytes().to_vec();
        // Field 200, length-delimited, two bytes.
        bytes.extend_from_slice(&[0xc2, 0x0c, 0x02, b'h', b'i']);
        assert!(Content::from_bytes(&bytes).unwrap().body == Body::Unknown);
    }

    #[test]
    fn bodies_over_their_bounds_are_refused() {
        assert!(Body::Text("x".repeat(MAX_TEXT_LEN).into()).check().is_ok());
        assert!(
            Body::Text("x".repeat(MAX_TEXT_LEN + 1).into())
                .check()
                .is_err()
        );
        for media_type in ["", "png", "image/", "a/b/c", "image/p\ng"] {
            let body = Body::Data {
                media_type: media_type.into(),
                data: vec![],
            };
            assert_eq!(body.check(), Err(ContentError::MediaType), "{media_type:?}");
        }
    }

    #[test]
    fn it_follows_no_more_messages_than_the_bound() {
        let mut content = content(Body::Unknown);
        content.follows = vec![id(8); MAX_FOLLOWED];
        assert!(Content::from_bytes(&content.to_bytes()).is_ok());
        content.follows.push(id(9));
        assert!(Content::from_bytes(&content.to_bytes()).is_err());
    }

    #[test]
    fn a_clock_at_the_end_of_its_range_is_refused() {
        let mut content = content(Body::Unknown);
        content.lamport = u64::MAX;
        assert!(Content::from_bytes(&content.to_bytes()).is_err());
    }

    /// Numbers of a body that a language gets, each of which has to be within its bounds. Whoever adds a body decides here.
    fn numbers(body: &Body) -> Vec<(u64, u64)> {
        match body {
            Body::HealingAnswer { messages, .. } => vec![(*messages, MAX_LAMPORT)],
            Body::ReadReceipt { lamport } => vec![(*lamport, MAX_LAMPORT)],
            Body::DisappearingTimer(0) => Vec::new(),
            Body::DisappearingTimer(after) => {
                assert!(*after >= MIN_DISAPPEARING_SECONDS * 1000);
                vec![(*after, MAX_DISAPPEARING_SECONDS * 1000)]
            }
            Body::Attachment(attachment) => vec![(attachment.size, MAX_ATTACHMENT_SIZE)],
            Body::DeviceUpdate(update) => {
                let read = update.read.iter().map(|mark| (mark.lamport, MAX_LAMPORT));
                let floors = update.floors.iter().flat_map(|floor| {
                    let timer = (floor.timer.milliseconds, MAX_DISAPPEARING_SECONDS * 1000);
                    [floor.lamport, floor.clock, floor.timer.lamport]
                        .map(|clock| (clock, MAX_LAMPORT))
                        .into_iter()
                        .chain([timer])
                });
                read.chain(floors).collect()
            }
            Body::Text(_)
            | Body::Data { .. }
            | Body::DeliveryReceipt(_)
            | Body::Opaque(_)
            | Body::HealingRequest(_)
            | Body::Copy(_)
            | Body::IdentityChange(_)
            | Body::Reaction { .. }
            | Body::Edit { .. }
            | Body::Deletion { .. }
            | Body::GroupEvents { .. }
            | Body::GroupSync(_)
            | Body::Profile(_)
            | Body::Typing { .. }
            | Body::Presence { .. }
            | Body::Pin { .. }
            | Body::GroupJoinRequest(_)
            | Body::Unknown => Vec::new(),
        }
    }

    #[test]
    fn no_number_leaves_its_bounds_whatever_a_stranger_writes() {
        use v2::content::Body as Wire;
        let mut taken = 0;
        for bits in 0..=64_u32 {
            for near in [-1, 0, 1] {
                let edge = 1_u128 << bits;
                let edge = u64::try_from(edge.saturating_add_signed(near)).unwrap_or(u64::MAX);
                let floor = v2::Floor {
                    conversation: vec![4; 16],
                    clock: edge,
                    lamport: edge,
                    until: edge,
                    timer: Some(v2::FloorTimer {
                        lamport: edge,
                        message_id: vec![6; 16],
                        milliseconds: edge,
                    }),
                    ..Default::default()
                };
                let mark = v2::ReadMark {
                    conversation: vec![4; 32],
                    lamport: edge,
                    ..Default::default()
                };
                let mut attachment = v2::Attachment::default();
                attachment.media_type = "a/b".into();
                attachment.name = "chart".into();
                attachment.size = edge;
                (attachment.key, attachment.digest) = (vec![7; 32], vec![7; 32]);
                for body in [
                    Wire::HealingAnswer(v2::HealingAnswer {
                        messages: edge,
                        ..Default::default()
                    }),
                    Wire::ReadReceipt(v2::ReadReceipt { lamport: edge }),
                    Wire::DisappearingTimer(v2::DisappearingTimer { milliseconds: edge }),
                    Wire::Attachment(attachment),
                    Wire::DeviceUpdate(v2::DeviceUpdate {
                        floors: vec![floor],
                        ..Default::default()
                    }),
                    Wire::DeviceUpdate(v2::DeviceUpdate {
                        read: vec![mark],
                        ..Default::default()
                    }),
                ] {
                    let content = v2::Content {
                        message_id: vec![1; 16],
                        lamport: edge,
                        sent_at: edge,
                        body: Some(body.clone()),
                        ..Default::default()
                    };
                    let without_clock = v2::Content {
                        lamport: 1,
                        ..content.clone()
                    };
                    for content in [content, without_clock] {
                        let Ok(read) = Content::from_bytes(&content.encode_to_vec()) else {
                            continue;
                        };
                        taken += 1;
                        assert!(read.lamport <= MAX_LAMPORT);
                        for (number, most) in numbers(&read.body) {
                            assert!(number <= most, "{number}, and at most {most}");
                        }
                    }
                }
            }
        }
        assert!(taken > 500, "{taken}");
    }
}
