//! What `receive` answers.

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
}

impl UndecryptableCause {
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
        }
    }
}

impl Event {
    pub(super) fn from_outcome(outcome: Outcome, own: &PublicIdentity) -> Self {
        match outcome {
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
            Outcome::Undecryptable { cause, from } => Self::Undecryptable {
                cause,
                address: from.map(|peer| peer.address()),
            },
        }
    }
}
