//! What became of an envelope.

use crate::bundle::DeviceChange;
use crate::chat::{GroupEventError, GroupId, MessageId};
use crate::engine::base::message_ref::MessageRef;
use crate::engine::history::message::Incoming;
use crate::engine::history::view::Shown;
use crate::engine::records::conversations::ConversationId;
use crate::engine::records::groups::{GroupNews, GroupNewsChange};
use crate::engine::sync::feed::cursor::Cursor;
use crate::identity::PublicIdentity;
use crate::x3dh::Party;

/// What became of an envelope.
pub(crate) enum Outcome {
    /// A message that is shown by itself.
    Message(Box<Shown>),
    /// The message whose text was changed.
    Edited(Box<Shown>),
    /// Something in a conversation.
    InConversation(ConversationId, ConversationNews),
    /// We are invited to a group.
    GroupInvitation {
        group: GroupId,
        by: PublicIdentity,
        name: String,
    },
    /// The name or the members of a group changed.
    GroupChanged { group: GroupId },
    /// Events of a group are known to be missing here, or no longer.
    GroupIncomplete { group: GroupId, resolved: bool },
    /// Something about a person, or about ourselves.
    Peer(PublicIdentity, PeerNews),
    /// It came before, with this message if it brought one that is stored.
    Duplicate { id: Option<MessageId> },
    /// It could not be read; who sent it, as far as that is certain.
    Undecryptable {
        cause: UndecryptableCause,
        from: Option<PublicIdentity>,
    },
    /// The store was put back from an older copy.
    RollbackNoticed,
    /// So many events were dropped before the application handled them.
    Missed { events: u64 },
}

impl Outcome {
    /// That somebody's devices changed, whoever brought the bundle that says so; nothing if they are the same.
    pub(crate) fn devices_changed(of: PublicIdentity, change: DeviceChange) -> Option<Self> {
        (!change.is_empty()).then(|| Self::Peer(of, PeerNews::DevicesChanged(change)))
    }

    /// What is told of events of a group that came.
    pub(crate) fn of_group_news(
        group: GroupId,
        by: PublicIdentity,
        news: &mut GroupNews,
    ) -> Vec<Self> {
        let devices = core::mem::take(&mut news.devices).into_iter();
        let devices = devices.filter_map(|(of, change)| Self::devices_changed(of, change));
        let change = news.change.take().map(|change| match change {
            GroupNewsChange::Invited { name } => Self::GroupInvitation { group, by, name },
            GroupNewsChange::Changed => Self::GroupChanged { group },
        });
        change.into_iter().chain(devices).collect()
    }

    /// What is told of a message that is not taken in.
    pub(crate) fn refused(incoming: &Incoming<'_>, reason: RefusalReason) -> Self {
        let from = incoming.copied_from.unwrap_or(incoming.author);
        let news = ConversationNews::Refused { from, reason };
        Self::InConversation(incoming.conversation, news)
    }
}

/// What happened in a conversation.
pub(crate) enum ConversationNews {
    Deleted(MessageRef),
    /// The user deleted it on another device, with all its messages.
    ConversationDeleted,
    /// The user set something for it on another device.
    SettingsChanged,
    /// What is to be sent at a time is not what it was.
    ScheduledChanged,
    Reacted {
        to: MessageRef,
        by: PublicIdentity,
        /// Of the reaction itself.
        id: MessageId,
        emoji: String,
        removed: bool,
    },
    /// A message is at the top of the conversation, or not any more.
    Pinned {
        to: MessageRef,
        by: PublicIdentity,
        /// Of what says so.
        id: MessageId,
        removed: bool,
    },
    Read {
        by: PublicIdentity,
    },
    /// Somebody is writing, or is not any more.
    Typing {
        by: PublicIdentity,
        active: bool,
    },
    /// Messages stay for another time, in milliseconds; 0 for ever.
    TimerChanged {
        by: PublicIdentity,
        after: u64,
    },
    Refused {
        from: PublicIdentity,
        reason: RefusalReason,
    },
}

/// What happened between a person's devices and ours.
pub(crate) enum PeerNews {
    /// They have these messages of ours.
    Delivered(Vec<MessageId>),
    ContactRequest,
    SessionEstablished {
        device_id: u32,
    },
    SessionHealed {
        device_id: u32,
    },
    /// They were asked for what is missing.
    Healing {
        attempt: u32,
    },
    /// They asked for what is missing there.
    Resent {
        messages: u64,
    },
    /// They answered.
    Synchronising {
        device_id: u32,
        messages: u64,
    },
    DevicesChanged(DeviceChange),
    IdentityChanged {
        new: PublicIdentity,
        was_verified: bool,
    },
    Blocked,
    /// They say something else of themselves.
    ProfileChanged,
    /// They are there, or are not any more.
    Presence {
        available: bool,
    },
}

/// The result of one envelope: outcomes, and whether anything has to become durable for them.
pub(crate) struct Processed {
    pub(crate) outcomes: Vec<Outcome>,
    pub(crate) changed: bool,
    /// The device of which something was accepted.
    pub(crate) from: Option<Party>,
    /// A message to acknowledge.
    pub(crate) acknowledge: Option<(PublicIdentity, MessageId)>,
    /// The cursor behind the outcomes, if any of them is kept.
    pub(crate) cursor: Option<Cursor>,
}

impl Processed {
    pub(crate) fn unchanged(outcome: Outcome) -> Self {
        Self {
            outcomes: vec![outcome],
            ..Self::nothing()
        }
    }

    /// Nothing came of it, and there is nothing to tell.
    pub(crate) fn nothing() -> Self {
        Self {
            outcomes: Vec::new(),
            changed: false,
            from: None,
            acknowledge: None,
            cursor: None,
        }
    }
}

/// Why something that was decrypted is not taken in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Enum))]
pub enum RefusalReason {
    /// A change of a message by somebody who did not write it.
    NotTheAuthor = 1,
    /// It reacts to, edits or deletes what is a reaction, an edit or a deletion itself, or stands in another conversation.
    InvalidTarget = 2,
    /// Of somebody who does not belong to the group, as far as it is known here. If only the news of it is late, it comes again.
    NotAMember = 3,
    /// A change of the group or of its timer by somebody who is no admin, or to an admin who was it earlier.
    NotAnAdmin = 4,
    /// Of a group that is not known here. If only the news of it is late, it comes again.
    UnknownGroup = 5,
    /// Of a group that the user does not take part in, or not any more. Who is only invited hears of contacts alone. It comes again, should
    /// the user join.
    NotTakingPart = 6,
    /// The group's log has as many events as it may have.
    GroupFull = 7,
    /// An invitation to a group, where there are too many that the user has not answered. It comes again.
    TooManyInvitations = 20,
    /// An event of a group that is malformed, or not signed by its author.
    InvalidEvent = 8,
    /// An event of a group that changes nothing.
    NoEffect = 9,
    /// Given back as our own, without the proof that we wrote it.
    NotProved = 10,
    /// Given back as our own, though we asked for nothing, or for less.
    NotAsked = 11,
    /// Part of what the user deleted.
    Deleted = 12,
}

/// Why an envelope could not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Enum))]
pub enum UndecryptableCause {
    /// The session it names is not here: lost, or never there.
    UnknownSession = 1,
    /// The prekey it uses is not here: used before, too old, or never there.
    UnknownPrekey = 2,
    /// This first message was accepted before, and its session is gone.
    HandshakeReplayed = 3,
    /// Its handshake does not fit its header.
    HandshakeInvalid = 4,
    /// Changed on the way, or encrypted for somebody else.
    Authentication = 5,
    /// Its key was used before or thrown away, and what came then is not remembered.
    KeyGone = 6,
    /// Its number was used before by another message: the sender went back to an older state.
    NumberReused = 7,
    /// Too many messages before it are missing.
    TooFarAhead = 8,
    /// It was decrypted, and what is inside is not of this protocol.
    Content = 9,
    /// From somebody who was not accepted yet, and over the bounds for those.
    StrangerLimit = 10,
    /// It claims to come from somebody who is blocked.
    Blocked = 11,
    /// It was written by a single-use invitation that somebody used before. Its sender will write again, without it.
    InvitationUsed = 12,
    /// Its sender was removed lately without having been accepted.
    Removed = 13,
    /// Too much of its sender waits to be handled. Nothing of it is stored, and their program sends it again.
    BacklogLimit = 14,
}

impl RefusalReason {
    const ALL: [Self; 13] = [
        Self::NotTheAuthor,
        Self::InvalidTarget,
        Self::NotAMember,
        Self::NotAnAdmin,
        Self::UnknownGroup,
        Self::NotTakingPart,
        Self::GroupFull,
        Self::TooManyInvitations,
        Self::InvalidEvent,
        Self::NoEffect,
        Self::NotProved,
        Self::NotAsked,
        Self::Deleted,
    ];

    /// For the store; never 0.
    pub(crate) fn number(self) -> u32 {
        self as u32
    }

    pub(crate) fn of_number(number: u32) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|reason| reason.number() == number)
    }

    pub(crate) fn of(error: GroupEventError) -> Self {
        match error {
            GroupEventError::NotAnAdmin => Self::NotAnAdmin,
            GroupEventError::NotAMember => Self::NotAMember,
            GroupEventError::Full => Self::GroupFull,
            GroupEventError::NoEffect => Self::NoEffect,
            GroupEventError::Wire(_) | GroupEventError::Signature | GroupEventError::OtherGroup => {
                Self::InvalidEvent
            }
        }
    }
}

impl UndecryptableCause {
    const ALL: [Self; 14] = [
        Self::UnknownSession,
        Self::UnknownPrekey,
        Self::HandshakeReplayed,
        Self::HandshakeInvalid,
        Self::Authentication,
        Self::KeyGone,
        Self::NumberReused,
        Self::TooFarAhead,
        Self::Content,
        Self::StrangerLimit,
        Self::Blocked,
        Self::InvitationUsed,
        Self::Removed,
        Self::BacklogLimit,
    ];

    /// For the store; never 0.
    pub(crate) fn number(self) -> u32 {
        self as u32
    }

    pub(crate) fn of_number(number: u32) -> Option<Self> {
        Self::ALL.into_iter().find(|cause| cause.number() == number)
    }

    pub(crate) fn sentence(self) -> &'static str {
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
            Self::StrangerLimit => "its sender was not accepted yet and sends too much",
            Self::Blocked => "its sender is blocked",
            Self::InvitationUsed => "its invitation was for one use, and was used before",
            Self::Removed => "its sender was removed lately",
            Self::BacklogLimit => "too much of its sender waits to be handled",
        }
    }
}
