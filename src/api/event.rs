//! What `receive` answers, and `take_changes`.

use std::time::Duration;

use super::Message;
use crate::engine::sync::outcome::{
    ConversationNews, Outcome, PeerNews, RefusalReason, UndecryptableCause,
};
use crate::identity::PublicIdentity;

/// Something that a received envelope brought, or that this device wrote. Whatever an event tells is durable when it is told.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Enum))]
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
    /// The author of a message deleted it, or the user did on another device of ours.
    Deleted {
        /// Address of the other side, or of the group.
        conversation: String,
        /// Address of who wrote it.
        author: String,
        /// Its id.
        message_id: String,
    },
    /// The user deleted a conversation on another device of ours: it is gone here too.
    ConversationDeleted {
        /// Address of the other side, or of the group.
        conversation: String,
    },
    /// The user set something for a conversation on another device of ours; `Conversation.settings` says what is so now.
    ChatSettingsChanged {
        /// Address of the other side, or of the group.
        conversation: String,
    },
    /// Of `Client.take_changes` alone: what is to be sent to a conversation at a time is not what it was, for one was written, sent, taken back, or could not be
    /// sent; `Conversation.scheduled` has it.
    ScheduledChanged {
        /// Address of the other side, or of the group.
        conversation: String,
    },
    /// Somebody reacted to a message, or removed the reaction.
    Reacted {
        /// Address of the other side, or of the group.
        conversation: String,
        /// Address of who wrote the message.
        author: String,
        /// The message's id.
        message_id: String,
        /// Address of who reacted.
        by: String,
        /// The emoji.
        emoji: String,
        /// True when it was removed.
        removed: bool,
    },
    /// Somebody put a message at the top of the conversation for everybody in it, or took it from there; `Conversation.pinned` lists what is
    /// there now.
    Pinned {
        /// Address of the other side, or of the group.
        conversation: String,
        /// Address of who wrote the message.
        author: String,
        /// The message's id.
        message_id: String,
        /// Address of who did it.
        by: String,
        /// True when it was taken from there.
        removed: bool,
    },
    /// Somebody has read the conversation; `Message.read_by` says which messages. Of `Client.take_changes`, by our own address: the user has.
    Read {
        /// Address of the other side, or of the group.
        conversation: String,
        /// Address of who has read.
        by: String,
    },
    /// Somebody is writing, or is not any more. It is not kept: show it for half a minute at most, and no longer than until their message comes.
    Typing {
        /// Address of the other side, or of the group.
        conversation: String,
        /// Address of who writes.
        by: String,
        /// True when they are writing.
        active: bool,
    },
    /// A contact is there, or is not any more. It is not kept: show it for half a minute at most.
    Presence {
        /// Their address.
        address: String,
        /// True when they are there.
        available: bool,
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
    /// The name or the members of a group changed; the last message of its history says how. Or we came into one by a link.
    GroupChanged {
        /// Address of the group.
        group: String,
    },
    /// Something that happened in a group is known to be missing here: somebody may have been put out, and reads what is written until it has
    /// come. It is asked for. See `Conversation.is_incomplete`.
    GroupIncomplete {
        /// The group's address.
        group: String,
        /// True when nothing is missing any more.
        resolved: bool,
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
    /// After messages that could not be read, the two sides read each other again.
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
    /// A contact says something else of themselves, or the user does on another device: `Client.profile_of` has it.
    ProfileChanged {
        /// Whose profile it is.
        address: String,
    },
    /// The store was put back from an older copy; some sessions may not work any more.
    RollbackNoticed,
    /// Of `Client.events_after` and `Client.take_changes` alone: events were dropped before they were handled, because there were more than 10,000 (or
    /// 1,000 changes) or they were older than 30 days. Load anew what you keep of contacts and conversations.
    Missed {
        /// How many, at most.
        events: u64,
    },
}

impl Event {
    pub(super) fn from_outcome(outcome: Outcome, own: &PublicIdentity) -> Self {
        match outcome {
            Outcome::Message(shown) => Self::Message {
                message: Message::from_shown(*shown, own),
            },
            Outcome::Edited(shown) => Self::Edited {
                message: Message::from_shown(*shown, own),
            },
            Outcome::InConversation(conversation, news) => {
                Self::in_conversation(conversation.address(), news)
            }
            Outcome::GroupInvitation { group, by, name } => Self::GroupInvitation {
                group: group.to_string(),
                name,
                by: by.address(),
            },
            Outcome::GroupIncomplete { group, resolved } => Self::GroupIncomplete {
                group: group.to_string(),
                resolved,
            },
            Outcome::GroupChanged { group } => Self::GroupChanged {
                group: group.to_string(),
            },
            Outcome::Peer(peer, news) => Self::of_peer(peer.address(), news),
            Outcome::Duplicate { id } => Self::Duplicate {
                message_id: id.map(|id| id.to_string()),
            },
            Outcome::Undecryptable { cause, from } => Self::Undecryptable {
                cause,
                address: from.map(|peer| peer.address()),
            },
            Outcome::RollbackNoticed => Self::RollbackNoticed,
            Outcome::Missed { events } => Self::Missed { events },
        }
    }

    fn in_conversation(conversation: String, news: ConversationNews) -> Self {
        match news {
            ConversationNews::Deleted(message) => Self::Deleted {
                conversation,
                author: message.author.address(),
                message_id: message.id.to_string(),
            },
            ConversationNews::ConversationDeleted => Self::ConversationDeleted { conversation },
            ConversationNews::SettingsChanged => Self::ChatSettingsChanged { conversation },
            ConversationNews::ScheduledChanged => Self::ScheduledChanged { conversation },
            ConversationNews::Reacted {
                to,
                by,
                emoji,
                removed,
                id: _,
            } => Self::Reacted {
                conversation,
                author: to.author.address(),
                message_id: to.id.to_string(),
                by: by.address(),
                emoji,
                removed,
            },
            ConversationNews::Pinned {
                to,
                by,
                removed,
                id: _,
            } => Self::Pinned {
                conversation,
                author: to.author.address(),
                message_id: to.id.to_string(),
                by: by.address(),
                removed,
            },
            ConversationNews::Read { by } => Self::Read {
                conversation,
                by: by.address(),
            },
            ConversationNews::Typing { by, active } => Self::Typing {
                conversation,
                by: by.address(),
                active,
            },
            ConversationNews::TimerChanged { by, after } => Self::DisappearingChanged {
                conversation,
                by: by.address(),
                after: (after != 0).then(|| Duration::from_millis(after)),
            },
            ConversationNews::Refused { from, reason } => Self::Refused {
                address: from.address(),
                conversation,
                reason,
            },
        }
    }

    fn of_peer(address: String, news: PeerNews) -> Self {
        match news {
            PeerNews::Delivered(ids) => Self::Delivered {
                address,
                message_ids: ids.iter().map(ToString::to_string).collect(),
            },
            PeerNews::ContactRequest => Self::ContactRequest { address },
            PeerNews::SessionEstablished { device_id } => {
                Self::SessionEstablished { address, device_id }
            }
            PeerNews::SessionHealed { device_id } => Self::SessionHealed { address, device_id },
            PeerNews::Healing { attempt } => Self::Healing { address, attempt },
            PeerNews::Resent { messages } => Self::Resent { address, messages },
            PeerNews::Synchronising {
                device_id,
                messages,
            } => Self::Synchronising {
                address,
                device_id,
                messages,
            },
            PeerNews::DevicesChanged(change) => Self::DevicesChanged {
                address,
                added: change.added,
                removed: change.removed,
            },
            PeerNews::IdentityChanged { new, was_verified } => Self::IdentityChanged {
                address,
                new_address: new.address(),
                was_verified,
            },
            PeerNews::Blocked => Self::Blocked { address },
            PeerNews::ProfileChanged => Self::ProfileChanged { address },
            PeerNews::Presence { available } => Self::Presence { address, available },
        }
    }
}
