//! What `receive` answers.

use std::time::Duration;

use super::Message;
use super::engine::receive::Outcome;
use crate::identity::PublicIdentity;

/// Something that a received envelope brought. Whatever an event tells is durable when it is told.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Enum)]
pub enum Event {
    /// A new message; it is in the history.
    Message {
        /// The message.
        message: Message,
    },
    /// The author of a message changed its text.
    Edited {
        /// As it is now.
        message: Message,
    },
    /// The author of a message deleted it.
    Deleted {
        /// Address of the other side, or of the group.
        conversation: String,
        /// Address of who wrote it.
        author: String,
        /// Its id.
        message_id: String,
    },
    /// Somebody put a sign to a message, or took it away.
    Reacted {
        /// Address of the other side, or of the group.
        conversation: String,
        /// Address of who wrote the message.
        author: String,
        /// The message's id.
        message_id: String,
        /// Address of who put the sign.
        by: String,
        /// The sign.
        emoji: String,
        /// True when it was taken away.
        removed: bool,
    },
    /// Somebody has read the conversation; `Message.read_by` says which messages.
    Read {
        /// Address of the other side, or of the group.
        conversation: String,
        /// Address of who has read.
        by: String,
    },
    /// Messages of the conversation stay for another time from now on.
    DisappearingChanged {
        /// Address of the other side, or of the group.
        conversation: String,
        /// Address of who said so.
        by: String,
        /// After which time they are deleted; nothing if they stay.
        after: Option<Duration>,
    },
    /// Somebody invites us to a group: `Conversation.join` takes part.
    GroupInvitation {
        /// Address of the group.
        group: String,
        /// Its name.
        name: String,
        /// Address of who invites.
        by: String,
    },
    /// The name or the members of a group changed; the last message of its history says how.
    GroupChanged {
        /// Address of the group.
        group: String,
    },
    /// Something was decrypted and is not taken in. Nothing has changed.
    Refused {
        /// Address of who sent it.
        address: String,
        /// Address of the conversation it was for.
        conversation: String,
        /// Why.
        reason: RefusalReason,
    },
    /// The other side has stored messages of ours.
    Delivered {
        /// Address of the other side.
        address: String,
        /// Ids of the messages of which it was not known before.
        message_ids: Vec<String>,
    },
    /// The envelope came before. Nothing has changed.
    Duplicate {
        /// Id of the message that is stored, if it was one that is stored.
        message_id: Option<String>,
    },
    /// Somebody who is no contact wrote for the first time; now they are one, not added by us.
    ContactRequest {
        /// Their address.
        address: String,
    },
    /// A session is established on both sides.
    SessionEstablished {
        /// Address of the other side.
        address: String,
        /// The other side's device.
        device_id: u32,
    },
    /// After messages that could not be read, one was read in a session that was begun for it.
    SessionHealed {
        /// Address of the other side.
        address: String,
        /// The other side's device.
        device_id: u32,
    },
    /// What could not be read, or is missing, was asked for; the request is in the outbox.
    Healing {
        /// Address of the other side.
        address: String,
        /// Which request it is since the last one that was answered.
        attempt: u32,
    },
    /// The other side asked for what it does not have; it is in the outbox.
    Resent {
        /// Address of the other side.
        address: String,
        /// How many messages it does not have.
        messages: u64,
    },
    /// The devices of a contact changed, or our own.
    DevicesChanged {
        /// Whose; our own address for our own.
        address: String,
        /// Devices that messages go to from now on.
        added: Vec<u32>,
        /// Devices that messages do not go to any more.
        removed: Vec<u32>,
    },
    /// Somebody goes on as another identity. If the former was verified, that mark is gone; the new one has to be verified anew.
    IdentityChanged {
        /// The address that they had.
        address: String,
        /// The address that they have now: a contact, accepted as the former was.
        new_address: String,
        /// True if the former was verified until now.
        was_verified: bool,
    },
    /// Our request has come, and what is missing here follows, as events of its own.
    Synchronising {
        /// Address of the other side; our own for another device of ours.
        address: String,
        /// The other side's device.
        device_id: u32,
        /// How many messages.
        messages: u64,
    },
    /// Somebody who is blocked wrote. Nothing was taken in.
    Blocked {
        /// Their address.
        address: String,
    },
    /// The envelope could not be read. Nothing has changed; only after the cause `Content` the message's key is used up.
    Undecryptable {
        /// Why.
        cause: UndecryptableCause,
        /// Address of the sender, as far as it is known for certain.
        address: Option<String>,
    },
    /// The store was put back from an older copy; some sessions may not work any more.
    RollbackNoticed,
}

/// Why something that was decrypted is not taken in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, uniffi::Enum)]
pub enum RefusalReason {
    /// A change of a message by somebody who did not write it.
    NotTheAuthor,
    /// It reacts to, edits or deletes what is a reaction, an edit or a deletion itself, or stands in another conversation.
    InvalidTarget,
    /// Of somebody who does not belong to the group, as far as it is known here. If only the news of it is late, it comes again.
    NotAMember,
    /// A change of the group by somebody who is no admin, or to an admin who was it earlier.
    NotAnAdmin,
    /// Of a group that is not known here. If only the news of it is late, it comes again.
    UnknownGroup,
    /// Its clock is further ahead than any honest one.
    ClockAhead,
    /// The group's log has as many events as it may have.
    GroupFull,
    /// An event of a group that is malformed, or not signed by its author.
    InvalidEvent,
    /// An event of a group that changes nothing.
    Void,
    /// Given back as our own, without the proof that we wrote it.
    NotProved,
}

/// Why an envelope could not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, uniffi::Enum)]
pub enum UndecryptableCause {
    /// The session it names is not here: lost, or never there.
    UnknownSession,
    /// The prekey it uses is not here: used before, too old, or never there.
    UnknownPrekey,
    /// This first message was accepted before, and its session is gone.
    HandshakeReplayed,
    /// Its handshake does not fit its header.
    HandshakeInvalid,
    /// Changed on the way, or encrypted for somebody else.
    Authentication,
    /// Its key was used before or thrown away, and what came then is not remembered.
    KeyGone,
    /// Its number was used before by another message: the sender went back to an older state.
    NumberReused,
    /// Too many messages before it are missing.
    TooFarAhead,
    /// It was decrypted, and what is inside is not of this protocol.
    Content,
    /// From somebody who was not accepted yet, and over the bounds for those.
    Quota,
    /// It claims to come from somebody who is blocked.
    Blocked,
    /// It was written by a single-use invitation that somebody used before. Its sender will write again, without it.
    InvitationUsed,
}

impl UndecryptableCause {
    const ALL: [Self; 12] = [
        Self::UnknownSession,
        Self::UnknownPrekey,
        Self::HandshakeReplayed,
        Self::HandshakeInvalid,
        Self::Authentication,
        Self::KeyGone,
        Self::NumberReused,
        Self::TooFarAhead,
        Self::Content,
        Self::Quota,
        Self::Blocked,
        Self::InvitationUsed,
    ];

    /// For the store; never 0.
    pub(super) fn number(self) -> u32 {
        self as u32 + 1
    }

    pub(in crate::api) fn of_number(number: u32) -> Option<Self> {
        Self::ALL.into_iter().find(|cause| cause.number() == number)
    }

    pub(super) fn sentence(self) -> &'static str {
        match self {
            Self::UnknownSession => "its session is not known here",
            Self::UnknownPrekey => "the prekey it uses is not here any more",
            Self::HandshakeReplayed => "this first message was accepted before",
            Self::HandshakeInvalid => "its handshake does not fit",
            Self::Authentication => "it was changed on the way, or is for somebody else",
            Self::KeyGone => "its key was used before or is too old",
            Self::NumberReused => "its number was used before by another message",
            Self::TooFarAhead => "too many messages before it are missing",
            Self::Content => "its content is not of this protocol",
            Self::Quota => "its sender was not accepted yet and sends too much",
            Self::Blocked => "its sender is blocked",
            Self::InvitationUsed => "its invitation was for one use, and was used before",
        }
    }
}

impl Event {
    pub(super) fn from_outcome(outcome: Outcome, own: &PublicIdentity) -> Self {
        match outcome {
            Outcome::Edited(stored) => Self::Edited {
                message: Message::from_stored(*stored, own),
            },
            Outcome::Deleted {
                conversation,
                author,
                id,
            } => Self::Deleted {
                conversation: conversation.address(),
                author: author.address(),
                message_id: id.to_string(),
            },
            Outcome::Reacted {
                conversation,
                author,
                id,
                by,
                emoji,
                removed,
            } => Self::Reacted {
                conversation: conversation.address(),
                author: author.address(),
                message_id: id.to_string(),
                by: by.address(),
                emoji,
                removed,
            },
            Outcome::Read { conversation, by } => Self::Read {
                conversation: conversation.address(),
                by: by.address(),
            },
            Outcome::TimerChanged {
                conversation,
                by,
                after,
            } => Self::DisappearingChanged {
                conversation: conversation.address(),
                by: by.address(),
                after: (after != 0).then(|| Duration::from_millis(after)),
            },
            Outcome::GroupInvitation { group, by, name } => Self::GroupInvitation {
                group: group.to_string(),
                name,
                by: by.address(),
            },
            Outcome::GroupChanged { group } => Self::GroupChanged {
                group: group.to_string(),
            },
            Outcome::Refused {
                from,
                conversation,
                reason,
            } => Self::Refused {
                address: from.address(),
                conversation: conversation.address(),
                reason,
            },
            Outcome::Message(stored) => Self::Message {
                message: Message::from_stored(*stored, own),
            },
            Outcome::Delivered { peer, ids } => Self::Delivered {
                address: peer.address(),
                message_ids: ids.iter().map(ToString::to_string).collect(),
            },
            Outcome::Duplicate { id } => Self::Duplicate {
                message_id: id.map(|id| id.to_string()),
            },
            Outcome::ContactRequest { peer } => Self::ContactRequest {
                address: peer.address(),
            },
            Outcome::SessionEstablished { peer, device_id } => Self::SessionEstablished {
                address: peer.address(),
                device_id,
            },
            Outcome::SessionHealed { peer, device_id } => Self::SessionHealed {
                address: peer.address(),
                device_id,
            },
            Outcome::Healing { peer, attempt } => Self::Healing {
                address: peer.address(),
                attempt,
            },
            Outcome::Resent { peer, messages } => Self::Resent {
                address: peer.address(),
                messages,
            },
            Outcome::DevicesChanged { identity, change } => Self::DevicesChanged {
                address: identity.address(),
                added: change.added,
                removed: change.removed,
            },
            Outcome::IdentityChanged {
                peer,
                new,
                was_verified,
            } => Self::IdentityChanged {
                address: peer.address(),
                new_address: new.address(),
                was_verified,
            },
            Outcome::Synchronising {
                peer,
                device_id,
                messages,
            } => Self::Synchronising {
                address: peer.address(),
                device_id,
                messages,
            },
            Outcome::Blocked { peer } => Self::Blocked {
                address: peer.address(),
            },
            Outcome::Undecryptable { cause, from } => Self::Undecryptable {
                cause,
                address: from.map(|peer| peer.address()),
            },
        }
    }
}
