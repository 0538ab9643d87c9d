//! Bodies as the schema has them, and back.

use super::attachment::Attachment;
use super::body::Body;
use super::control::{Copy, DeviceUpdate, HealingRequest};
use super::group::{GroupLinkToken, GroupSync};
use super::names::MessageId;
use super::profile::Profile;
use super::rich_text::Text;
use crate::limits::MAX_LAMPORT;
use crate::text;
use crate::wire::{
    self, WireError, malformed,
    v2::{self, content::Body as Wire},
};

impl Body {
    pub(super) fn from_wire(body: Wire) -> Result<Self, WireError> {
        Ok(match body {
            Wire::Text(text) => Self::Text(Text::from_wire(text)),
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
                Self::HealingRequest(HealingRequest::from_wire(request)?)
            }
            Wire::HealingAnswer(answer) => Self::HealingAnswer {
                messages: answer.messages.min(MAX_LAMPORT),
                bundle: answer.bundle,
            },
            Wire::Copy(copy) => Self::Copy(Copy::from_wire(copy)?),
            Wire::DeviceUpdate(update) => Self::DeviceUpdate(DeviceUpdate::from_wire(update)?),
            Wire::IdentityChange(change) => Self::IdentityChange(change.bundle),
            Wire::Reaction(reaction) => Self::Reaction {
                author: wire::array("identity key", &reaction.author)?,
                target: MessageId::from_bytes(&reaction.message_id)?,
                emoji: text::emoji(&reaction.emoji).ok_or_else(|| malformed("reaction"))?,
                removed: reaction.removed,
            },
            Wire::Edit(edit) => Self::Edit {
                target: MessageId::from_bytes(&edit.message_id)?,
                // Whose words they were stays as the message said it (RFC windlass §9.9.5).
                text: Text {
                    forward: None,
                    ..edit.text.map(Text::from_wire).unwrap_or_default()
                },
            },
            Wire::Deletion(deletion) => Self::Deletion {
                target: MessageId::from_bytes(&deletion.message_id)?,
            },
            Wire::ReadReceipt(receipt) => Self::ReadReceipt {
                lamport: receipt.lamport,
            },
            Wire::Typing(typing) => Self::Typing {
                active: typing.active,
            },
            Wire::Presence(presence) => Self::Presence {
                available: presence.available,
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
            Wire::GroupSync(sync) => Self::GroupSync(GroupSync::from_wire(sync)?),
            Wire::Attachment(attachment) => Self::Attachment(Attachment::from_wire(&attachment)?),
            Wire::Profile(profile) => Self::Profile(Profile::from_wire(profile)?),
            Wire::Pin(pin) => Self::Pin {
                author: wire::array("identity key", &pin.author)?,
                target: MessageId::from_bytes(&pin.message_id)?,
                removed: pin.removed,
            },
            Wire::GroupJoinRequest(request) => {
                Self::GroupJoinRequest(GroupLinkToken::from_bytes(&request.token)?)
            }
        })
    }

    pub(super) fn to_wire(&self) -> Option<Wire> {
        Some(match self {
            Self::Text(text) => Wire::Text(text.to_wire()),
            Self::Data { media_type, data } => Wire::Data(v2::Data {
                media_type: media_type.clone(),
                data: data.clone(),
            }),
            Self::DeliveryReceipt(ids) => Wire::DeliveryReceipt(v2::DeliveryReceipt {
                message_ids: ids.iter().map(|id| id.as_bytes().to_vec()).collect(),
            }),
            Self::Opaque(data) => Wire::Opaque(v2::Opaque { data: data.clone() }),
            Self::HealingRequest(request) => Wire::HealingRequest(request.to_wire()),
            Self::HealingAnswer { messages, bundle } => Wire::HealingAnswer(v2::HealingAnswer {
                messages: *messages,
                bundle: bundle.clone(),
            }),
            Self::Copy(copy) => Wire::Copy(copy.to_wire()),
            Self::DeviceUpdate(update) => Wire::DeviceUpdate(update.to_wire()),
            Self::IdentityChange(bundle) => Wire::IdentityChange(v2::IdentityChange {
                bundle: bundle.clone(),
            }),
            Self::Reaction {
                author,
                target,
                emoji,
                removed,
            } => Wire::Reaction(v2::Reaction {
                author: author.to_vec(),
                message_id: target.as_bytes().to_vec(),
                emoji: emoji.clone(),
                removed: *removed,
            }),
            Self::Edit { target, text } => Wire::Edit(v2::Edit {
                message_id: target.as_bytes().to_vec(),
                text: Some(text.to_wire()),
            }),
            Self::Deletion { target } => Wire::Deletion(v2::Deletion {
                message_id: target.as_bytes().to_vec(),
            }),
            Self::ReadReceipt { lamport } => {
                Wire::ReadReceipt(v2::ReadReceipt { lamport: *lamport })
            }
            Self::Typing { active } => Wire::Typing(v2::Typing { active: *active }),
            Self::Presence { available } => Wire::Presence(v2::Presence {
                available: *available,
            }),
            Self::DisappearingTimer(milliseconds) => {
                Wire::DisappearingTimer(v2::DisappearingTimer {
                    milliseconds: *milliseconds,
                })
            }
            Self::GroupEvents { events, bundles } => Wire::GroupEvents(v2::GroupEvents {
                events: events
                    .iter()
                    .filter_map(|event| prost::Message::decode(event.as_slice()).ok())
                    .collect(),
                bundles: bundles.clone(),
            }),
            Self::GroupSync(sync) => Wire::GroupSync(sync.to_wire()),
            Self::Attachment(attachment) => Wire::Attachment(attachment.to_wire()),
            Self::Profile(profile) => Wire::Profile(profile.to_wire()),
            Self::Pin {
                author,
                target,
                removed,
            } => Wire::Pin(v2::Pin {
                author: author.to_vec(),
                message_id: target.as_bytes().to_vec(),
                removed: *removed,
            }),
            Self::GroupJoinRequest(token) => Wire::GroupJoinRequest(v2::GroupJoinRequest {
                token: token.as_bytes().to_vec(),
            }),
            Self::Unknown => return None,
        })
    }
}
