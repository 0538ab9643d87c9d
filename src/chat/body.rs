//! What a message can say, and within which bounds (RFC windlass §9.2).

use super::attachment::Attachment;
use super::bounds::{ContentError, check_media_type, fits};
use super::control::{Copy, DeviceUpdate, HealingRequest};
use super::group::{GroupLinkToken, GroupSync};
use super::names::{IdentityKey, MessageId};
use super::profile::Profile;
use super::rich_text::Text;
use crate::limits::{
    MAX_BUNDLE_LEN, MAX_CONTENT_LEN, MAX_DATA_LEN, MAX_DISAPPEARING_SECONDS, MAX_GROUP_EVENTS,
    MAX_GROUP_MEMBERS, MAX_LAMPORT, MAX_REACTION_LEN, MAX_RECEIPT_IDS, MIN_DISAPPEARING_SECONDS,
};
use crate::text;

/// What a message says.
#[derive(Clone, PartialEq, Eq)]
pub enum Body {
    /// For a person.
    Text(Text),
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
        /// The emoji, in its one form ([`text::emoji`]).
        emoji: String,
        /// Whether it is removed.
        removed: bool,
    },
    /// A new text for a message of the same author.
    Edit {
        /// The message.
        target: MessageId,
        /// Its text from now on.
        text: Text,
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
    /// The author is writing to the conversation, or is not any more.
    Typing {
        /// Whether they are.
        active: bool,
    },
    /// The author is there for the receiver, or is not any more.
    Presence {
        /// Whether they are.
        available: bool,
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
    /// Between members of a group: asks for events of its log, or hands them on.
    GroupSync(GroupSync),
    /// A file that travels another way.
    Attachment(Attachment),
    /// What its author says of themselves.
    Profile(Profile),
    /// A message is at the top of its conversation from now on, or is not any more.
    Pin {
        /// Who wrote the message.
        author: IdentityKey,
        /// The message.
        target: MessageId,
        /// Whether it is not there any more.
        removed: bool,
    },
    /// Asks whoever made a link to be let into its group.
    GroupJoinRequest(GroupLinkToken),
    /// A body of a later version; the message is kept as it came.
    Unknown,
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
                | Self::Typing { .. }
                | Self::Presence { .. }
                | Self::GroupSync(_)
                | Self::Profile(_)
                | Self::GroupJoinRequest(_)
        )
    }

    /// What it says in words, or with its attachment.
    #[must_use]
    pub fn text(&self) -> Option<&Text> {
        match self {
            Self::Text(text) => Some(text),
            Self::Attachment(attachment) => Some(&attachment.caption),
            _ => None,
        }
    }

    /// Whether it is said to a group: what admins may keep for themselves. Signs to what others said, and taking one's own back, are for everybody.
    #[must_use]
    pub fn is_said(&self) -> bool {
        let aside = matches!(
            self,
            Self::GroupEvents { .. }
                | Self::Reaction { .. }
                | Self::Deletion { .. }
                | Self::DisappearingTimer(_)
        );
        self.is_message() && !aside
    }

    /// Whether it goes between two of whom one blocked the other: what all members of a group have to know.
    #[must_use]
    pub fn passes_blocks(&self) -> bool {
        matches!(self, Self::GroupEvents { .. } | Self::GroupSync(_))
    }

    /// The message that it says something of, for what is not shown by itself. Edits and deletions are of their author's messages.
    #[must_use]
    pub fn target(&self, author: IdentityKey) -> Option<(IdentityKey, MessageId)> {
        match self {
            Self::Reaction {
                author: other,
                target,
                ..
            }
            | Self::Pin {
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
            Self::Text(text) | Self::Edit { text, .. } => text.check(),
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
            Self::Reaction { emoji, .. } if text::emoji(emoji).as_ref() != Some(emoji) => {
                Err(ContentError::Reaction)
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
            Self::Profile(profile) => profile.check(),
            Self::DisappearingTimer(0) => Ok(()),
            Self::DisappearingTimer(after) => {
                let seconds = MIN_DISAPPEARING_SECONDS..=MAX_DISAPPEARING_SECONDS;
                let allowed = seconds.start() * 1000..=seconds.end() * 1000;
                let fits = allowed.contains(after).then_some(());
                fits.ok_or(ContentError::Time)
            }
            Self::HealingRequest(_)
            | Self::DeviceUpdate(_)
            | Self::Deletion { .. }
            | Self::ReadReceipt { .. }
            | Self::Typing { .. }
            | Self::Presence { .. }
            | Self::GroupSync(_)
            | Self::Pin { .. }
            | Self::GroupJoinRequest(_)
            | Self::Unknown => Ok(()),
        }
    }
}
