//! What a message can say, and within which bounds (RFC windlass §9.2).

use super::MessageId;
use super::control::{self, Copy, DeviceUpdate, HealingRequest, IdentityKey};
use crate::crypto::Secret;
use crate::limits::{
    MAX_BUNDLE_LEN, MAX_CONTENT_LEN, MAX_DATA_LEN, MAX_FILE_NAME_LEN, MAX_GROUP_EVENTS,
    MAX_GROUP_MEMBERS, MAX_LAMPORT, MAX_LOCATION_LEN, MAX_MEDIA_TYPE_LEN, MAX_REACTION_LEN,
    MAX_RECEIPT_IDS, MAX_TEXT_LEN,
};
use crate::wire::{
    self, WireError, malformed,
    v1::{self, content::Body as Wire},
};

/// Why a body is refused before it is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ContentError {
    /// Longer than `limits` allows.
    #[error("{what} of {got} bytes, at most {max} are allowed; send larger things as attachments")]
    TooLarge {
        /// The part.
        what: &'static str,
        /// Its length in bytes.
        got: usize,
        /// The bound.
        max: usize,
    },
    /// Not a media type.
    #[error("a media type looks like image/png")]
    MediaType,
    /// A reaction without an emoji, a name that is none.
    #[error("{0} is empty or not allowed")]
    Invalid(&'static str),
}

/// What a message says.
#[derive(Clone, PartialEq, Eq)]
pub enum Body {
    /// For a person.
    Text(String),
    /// Bytes of a stated kind.
    Data {
        /// The kind (RFC 6838).
        media_type: String,
        /// The bytes.
        data: Vec<u8>,
    },
    /// The receiver has these messages.
    DeliveryReceipt(Vec<MessageId>),
    /// A format of the application's own.
    Opaque(Vec<u8>),
    /// Asks for what is not there.
    HealingRequest(HealingRequest),
    /// A request has come.
    HealingAnswer {
        /// How many messages follow.
        messages: u64,
        /// The latest bundle of who asked, encoded; empty for none.
        bundle: Vec<u8>,
    },
    /// A message for a device that it was not encrypted for.
    Copy(Copy),
    /// Between devices of one identity.
    DeviceUpdate(DeviceUpdate),
    /// Its author goes on as the identity of this encoded bundle.
    IdentityChange(Vec<u8>),
    /// A reaction to a message, or its removal.
    Reaction {
        /// Who wrote the message.
        author: IdentityKey,
        /// The message.
        target: MessageId,
        /// The emoji.
        emoji: String,
        /// Whether it is removed.
        removed: bool,
    },
    /// A new text for a message of the same author.
    Edit {
        /// The message.
        target: MessageId,
        /// Its text from now on.
        text: String,
    },
    /// A message of the same author is deleted.
    Deletion {
        /// The message.
        target: MessageId,
    },
    /// The conversation was read up to this clock.
    ReadReceipt {
        /// The clock of the last message that was read.
        lamport: u64,
    },
    /// How long messages stay from now on, in milliseconds; 0 for ever.
    DisappearingTimer(u64),
    /// Events of the group's log, encoded, and bundles of members.
    GroupEvents {
        /// Encoded signed events.
        events: Vec<Vec<u8>>,
        /// Encoded bundles.
        bundles: Vec<Vec<u8>>,
    },
    /// A file that travels another way.
    Attachment(Attachment),
    /// A body of a later version; the message is kept as it came.
    Unknown,
}

/// A file that travels another way, and what opens it.
#[derive(PartialEq, Eq)]
pub struct Attachment {
    /// The kind (RFC 6838).
    pub media_type: String,
    /// A name for people.
    pub name: String,
    /// Bytes of the file.
    pub size: u64,
    /// What it was encrypted with.
    pub key: Secret<32>,
    /// Where the encrypted file is; for the application.
    pub location: String,
}

impl Clone for Attachment {
    fn clone(&self) -> Self {
        Self {
            media_type: self.media_type.clone(),
            name: self.name.clone(),
            size: self.size,
            key: Secret::new(*self.key.as_bytes()),
            location: self.location.clone(),
        }
    }
}

fn fits(what: &'static str, got: usize, max: usize) -> Result<(), ContentError> {
    if got > max {
        return Err(ContentError::TooLarge { what, got, max });
    }
    Ok(())
}

fn check_media_type(media_type: &str) -> Result<(), ContentError> {
    let parts: Vec<_> = media_type.split('/').collect();
    let plausible = parts.len() == 2
        && parts.iter().all(|part| !part.is_empty())
        && media_type.len() <= MAX_MEDIA_TYPE_LEN
        && media_type
            .bytes()
            .all(|byte| byte.is_ascii_graphic() || byte == b' ');
    if plausible {
        Ok(())
    } else {
        Err(ContentError::MediaType)
    }
}

impl Attachment {
    /// Whether it is within its bounds.
    pub fn check(&self) -> Result<(), ContentError> {
        check_media_type(&self.media_type)?;
        fits("name", self.name.len(), MAX_FILE_NAME_LEN)?;
        fits("location", self.location.len(), MAX_LOCATION_LEN)?;
        // It may become the name of a file.
        let separates = |c: char| c == '/' || c == '\\' || c.is_control();
        if self.name.is_empty() || self.name.starts_with('.') || self.name.contains(separates) {
            return Err(ContentError::Invalid("name"));
        }
        Ok(())
    }
}

impl Body {
    /// Whether it has a place in a conversation. What devices say to each other has none.
    #[must_use]
    pub fn is_message(&self) -> bool {
        !matches!(
            self,
            Self::DeliveryReceipt(_)
                | Self::HealingRequest(_)
                | Self::HealingAnswer { .. }
                | Self::Copy(_)
                | Self::DeviceUpdate(_)
                | Self::ReadReceipt { .. }
        )
    }

    /// The message that it says something of, for what is not shown by itself. Edits and deletions are of their author's messages.
    #[must_use]
    pub fn target(&self, author: IdentityKey) -> Option<(IdentityKey, MessageId)> {
        match self {
            Self::Reaction {
                author: other,
                target,
                ..
            } => Some((*other, *target)),
            Self::Edit { target, .. } | Self::Deletion { target } => Some((author, *target)),
            _ => None,
        }
    }

    /// Whether the body is within its bounds. Asked before anything is sent, and of everything that came.
    pub fn check(&self) -> Result<(), ContentError> {
        match self {
            Self::Text(text) | Self::Edit { text, .. } => fits("text", text.len(), MAX_TEXT_LEN),
            Self::Data { media_type, data } => {
                check_media_type(media_type)?;
                fits("data", data.len(), MAX_DATA_LEN)
            }
            Self::Opaque(data) => fits("message", data.len(), MAX_DATA_LEN),
            Self::DeliveryReceipt(ids) => fits("receipt", ids.len(), MAX_RECEIPT_IDS),
            Self::IdentityChange(bundle) | Self::HealingAnswer { bundle, .. } => {
                fits("bundle", bundle.len(), MAX_BUNDLE_LEN)
            }
            Self::Copy(copy) => fits("copy", copy.content.len(), MAX_CONTENT_LEN),
            Self::Reaction { emoji, .. } if emoji.is_empty() => {
                Err(ContentError::Invalid("reaction"))
            }
            Self::Reaction { emoji, .. } => fits("reaction", emoji.len(), MAX_REACTION_LEN),
            Self::ReadReceipt { lamport } if *lamport > MAX_LAMPORT => {
                Err(ContentError::Invalid("clock"))
            }
            Self::GroupEvents { events, bundles } => {
                if events.is_empty() {
                    return Err(ContentError::Invalid("list of events"));
                }
                fits("list of events", events.len(), MAX_GROUP_EVENTS)?;
                fits("list of bundles", bundles.len(), MAX_GROUP_MEMBERS)
            }
            Self::Attachment(attachment) => attachment.check(),
            Self::HealingRequest(_)
            | Self::DeviceUpdate(_)
            | Self::Deletion { .. }
            | Self::ReadReceipt { .. }
            | Self::DisappearingTimer(_)
            | Self::Unknown => Ok(()),
        }
    }

    pub(super) fn from_wire(body: Wire) -> Result<Self, WireError> {
        Ok(match body {
            Wire::Text(text) => Self::Text(text.text),
            Wire::Data(data) => Self::Data {
                media_type: data.media_type,
                data: data.data,
            },
            Wire::DeliveryReceipt(receipt) if receipt.message_ids.is_empty() => {
                return Err(malformed("receipt"));
            }
            Wire::DeliveryReceipt(receipt) => Self::DeliveryReceipt(
                receipt
                    .message_ids
                    .iter()
                    .map(|id| MessageId::from_bytes(id))
                    .collect::<Result<_, _>>()?,
            ),
            Wire::Opaque(opaque) => Self::Opaque(opaque.data),
            Wire::HealingRequest(request) => {
                Self::HealingRequest(control::request_from_wire(request)?)
            }
            Wire::HealingAnswer(answer) => Self::HealingAnswer {
                messages: answer.messages,
                bundle: answer.bundle,
            },
            Wire::Copy(copy) => Self::Copy(Copy::from_wire(copy)?),
            Wire::DeviceUpdate(update) => Self::DeviceUpdate(DeviceUpdate::from_wire(update)?),
            Wire::IdentityChange(change) => Self::IdentityChange(change.bundle),
            Wire::Reaction(reaction) => Self::Reaction {
                author: wire::array("identity key", &reaction.author)?,
                target: MessageId::from_bytes(&reaction.message_id)?,
                emoji: reaction.emoji,
                removed: reaction.removed,
            },
            Wire::Edit(mut edit) => Self::Edit {
                target: MessageId::from_bytes(&edit.message_id)?,
                text: core::mem::take(&mut edit.text),
            },
            Wire::Deletion(deletion) => Self::Deletion {
                target: MessageId::from_bytes(&deletion.message_id)?,
            },
            Wire::ReadReceipt(receipt) => Self::ReadReceipt {
                lamport: receipt.lamport,
            },
            Wire::DisappearingTimer(timer) => Self::DisappearingTimer(timer.milliseconds),
            Wire::GroupEvents(group) => Self::GroupEvents {
                events: group
                    .events
                    .iter()
                    .map(prost::Message::encode_to_vec)
                    .collect(),
                bundles: group.bundles,
            },
            Wire::Attachment(attachment) => Self::Attachment(Attachment {
                key: Secret::try_from_slice(&attachment.key)
                    .ok_or_else(|| malformed("attachment key"))?,
                media_type: attachment.media_type.clone(),
                name: attachment.name.clone(),
                size: attachment.size,
                location: attachment.location.clone(),
            }),
        })
    }

    pub(super) fn to_wire(&self) -> Option<Wire> {
        Some(match self {
            Self::Text(text) => Wire::Text(v1::Text { text: text.clone() }),
            Self::Data { media_type, data } => Wire::Data(v1::Data {
                media_type: media_type.clone(),
                data: data.clone(),
            }),
            Self::DeliveryReceipt(ids) => Wire::DeliveryReceipt(v1::DeliveryReceipt {
                message_ids: ids.iter().map(|id| id.as_bytes().to_vec()).collect(),
            }),
            Self::Opaque(data) => Wire::Opaque(v1::Opaque { data: data.clone() }),
            Self::HealingRequest(request) => {
                Wire::HealingRequest(control::request_to_wire(request))
            }
            Self::HealingAnswer { messages, bundle } => Wire::HealingAnswer(v1::HealingAnswer {
                messages: *messages,
                bundle: bundle.clone(),
            }),
            Self::Copy(copy) => Wire::Copy(copy.to_wire()),
            Self::DeviceUpdate(update) => Wire::DeviceUpdate(update.to_wire()),
            Self::IdentityChange(bundle) => Wire::IdentityChange(v1::IdentityChange {
                bundle: bundle.clone(),
            }),
            Self::Reaction {
                author,
                target,
                emoji,
                removed,
            } => Wire::Reaction(v1::Reaction {
                author: author.to_vec(),
                message_id: target.as_bytes().to_vec(),
                emoji: emoji.clone(),
                removed: *removed,
            }),
            Self::Edit { target, text } => Wire::Edit(v1::Edit {
                message_id: target.as_bytes().to_vec(),
                text: text.clone(),
            }),
            Self::Deletion { target } => Wire::Deletion(v1::Deletion {
                message_id: target.as_bytes().to_vec(),
            }),
            Self::ReadReceipt { lamport } => {
                Wire::ReadReceipt(v1::ReadReceipt { lamport: *lamport })
            }
            Self::DisappearingTimer(milliseconds) => {
                Wire::DisappearingTimer(v1::DisappearingTimer {
                    milliseconds: *milliseconds,
                })
            }
            Self::GroupEvents { events, bundles } => Wire::GroupEvents(v1::GroupEvents {
                events: events
                    .iter()
                    .filter_map(|event| prost::Message::decode(event.as_slice()).ok())
                    .collect(),
                bundles: bundles.clone(),
            }),
            Self::Attachment(attachment) => Wire::Attachment(v1::Attachment {
                media_type: attachment.media_type.clone(),
                name: attachment.name.clone(),
                size: attachment.size,
                key: attachment.key.as_bytes().to_vec(),
                location: attachment.location.clone(),
            }),
            Self::Unknown => return None,
        })
    }
}
