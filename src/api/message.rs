//! `Message` and what it says.

use std::time::{Duration, SystemTime};

use super::clock::time;
use super::{AttachmentInfo, Bytes, GroupChange, RichText};
use crate::bundle::VerifiedBundle;
use crate::chat::{self, MessageOrigin};
use crate::engine::history::view::Shown;
use crate::engine::records::conversations::ConversationId;
use crate::identity::PublicIdentity;

/// What a message says.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Enum))]
pub enum Body {
    /// For a person.
    Text {
        /// UTF-8, at most 262,144 bytes.
        text: String,
    },
    /// Bytes of a stated kind.
    Data {
        /// The kind, for example `image/png`; at most 255 bytes.
        media_type: String,
        /// At most 1,048,576 bytes.
        data: Bytes,
    },
    /// A format of the application's own; what `Session` sends.
    Opaque {
        /// At most 1,048,576 bytes.
        data: Bytes,
    },
    /// Its author goes on as another identity.
    IdentityChange {
        /// The address of the new identity; nothing if what was sent is no valid bundle.
        address: Option<String>,
    },
    /// A file that travels another way; `Conversation.save_attachment` decrypts it.
    Attachment {
        /// What is said of it.
        attachment: AttachmentInfo,
    },
    /// How long messages stay from now on.
    DisappearingTimer {
        /// After which time they are deleted; nothing if they stay.
        after: Option<Duration>,
    },
    /// Something happened to the group.
    Group {
        /// What.
        change: GroupChange,
    },
    /// Of a kind that a later version brought. The message is kept.
    Unknown,
}

/// A message of the history.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
pub struct Message {
    /// Its id: 32 hexadecimal digits.
    pub id: String,
    /// Address of the other side of the conversation, or of the group.
    pub conversation: String,
    /// Address of who wrote it.
    pub author: String,
    /// True when we wrote it.
    pub outgoing: bool,
    /// What it says.
    pub body: Body,
    /// The text of a text body, for short programs.
    pub text: Option<String>,
    /// The id of the message that it answers.
    pub reply_to: Option<String>,
    /// The author's clock when it was written. A hint for people; the order of messages does not depend on it.
    pub sent_at: SystemTime,
    /// Whether a person wrote it, as the author's program says.
    pub origin: MessageOrigin,
    /// Our clock when it was stored.
    pub stored_at: SystemTime,
    /// When the other side's receipt came, for a message that we wrote.
    pub delivered_at: Option<SystemTime>,
    /// True when another than its author gave it to this device: another device of ours, or, after this one went back to an older
    /// copy, the other side.
    pub copied: bool,
    /// True when its author deleted it; nothing is left of what it said.
    pub deleted: bool,
    /// True when its author changed the text.
    pub edited: bool,
    /// The reactions to it, in their order.
    pub reactions: Vec<Reaction>,
    /// Addresses of the group's members who have it, of a message that we wrote to a group.
    pub delivered_to: Vec<String>,
    /// Addresses of those who have read it and said so.
    pub read_by: Vec<String>,
    /// What an attachment is accompanied by, or a text with what its parts mean, whose words they are, which answers it suggests, a preview; nothing
    /// for one that is words alone, which `text` has.
    pub rich_text: Option<RichText>,
    /// True when that mentions the user.
    pub mentions_me: bool,
}

/// A reaction of somebody to a message.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
pub struct Reaction {
    /// The emoji.
    pub emoji: String,
    /// Address of who reacted.
    pub by: String,
}

impl Body {
    pub(super) fn from_chat(body: chat::Body) -> Self {
        match body {
            chat::Body::Text(text) => Self::Text { text: text.text },
            chat::Body::Data { media_type, data } => Self::Data {
                media_type,
                data: data.into(),
            },
            chat::Body::Opaque(data) => Self::Opaque { data: data.into() },
            chat::Body::IdentityChange(bundle) => Self::IdentityChange {
                address: VerifiedBundle::decode(&bundle)
                    .ok()
                    .map(|bundle| bundle.identity().address()),
            },
            chat::Body::Attachment(attachment) => Self::Attachment {
                attachment: AttachmentInfo::of(&attachment),
            },
            chat::Body::DisappearingTimer(after) => Self::DisappearingTimer {
                after: (after != 0).then(|| Duration::from_millis(after)),
            },
            chat::Body::GroupEvents { events, .. } => {
                GroupChange::of(&events).map_or(Self::Unknown, |change| Self::Group { change })
            }
            // What devices say to each other is in no history, and what is said of another message is shown with that one.
            chat::Body::Unknown
            | chat::Body::DeliveryReceipt(_)
            | chat::Body::HealingRequest(_)
            | chat::Body::HealingAnswer { .. }
            | chat::Body::Copy(_)
            | chat::Body::GroupSync(_)
            | chat::Body::Typing { .. }
            | chat::Body::Presence { .. }
            | chat::Body::DeviceUpdate(_)
            | chat::Body::ReadReceipt { .. }
            | chat::Body::Profile(_)
            | chat::Body::GroupJoinRequest(_)
            | chat::Body::Reaction { .. }
            | chat::Body::Edit { .. }
            | chat::Body::Pin { .. }
            | chat::Body::Deletion { .. } => Self::Unknown,
        }
    }

    /// Nothing for a body that only a later version can make.
    pub(super) fn into_chat(self) -> Option<chat::Body> {
        Some(match self {
            Self::Text { text } => chat::Body::Text(text.into()),
            Self::Data { media_type, data } => chat::Body::Data {
                media_type,
                data: data.into_vec(),
            },
            Self::Opaque { data } => chat::Body::Opaque(data.into_vec()),
            Self::Attachment { .. }
            | Self::DisappearingTimer { .. }
            | Self::Group { .. }
            | Self::IdentityChange { .. }
            | Self::Unknown => return None,
        })
    }
}

impl Message {
    pub(super) fn from_shown(shown: Shown, own: &PublicIdentity) -> Self {
        let (rich_text, edited) = (RichText::of_shown(&shown), shown.edited.is_some());
        let mentions_me = shown.mentions(own);
        let mut stored = shown.stored;
        if let (chat::Body::Text(text), Some(edited)) = (&mut stored.content.body, shown.edited) {
            *text = edited;
        }
        let body = Body::from_chat(stored.content.body);
        let in_group = matches!(stored.conversation, ConversationId::Group(_));
        let first = shown.delivered.first();
        let has_it = shown.delivered.iter().filter(|_| in_group);
        let addresses =
            |list: &[PublicIdentity]| list.iter().map(PublicIdentity::address).collect();
        let reactions = shown.reactions.into_iter();
        Self {
            id: stored.content.id.to_string(),
            conversation: stored.conversation.address(),
            author: stored.author.address(),
            outgoing: stored.author == *own,
            text: match &body {
                Body::Text { text } => Some(text.clone()),
                _ => None,
            },
            body,
            reply_to: stored.content.reply_to.map(|id| id.to_string()),
            sent_at: time(stored.content.sent_at),
            origin: stored.content.origin,
            stored_at: time(stored.stored_at),
            delivered_at: first.map(|one| time(one.at)),
            copied: stored.copied,
            deleted: stored.deleted,
            edited,
            reactions: reactions
                .map(|(by, emoji)| Reaction {
                    emoji,
                    by: by.address(),
                })
                .collect(),
            delivered_to: has_it.map(|one| one.to.address()).collect(),
            read_by: addresses(&shown.read_by),
            mentions_me,
            rich_text,
        }
    }
}
