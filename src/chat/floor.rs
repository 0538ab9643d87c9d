//! What outlives a conversation, or a part of one, that the user deleted (RFC windlass §8.3.8).

use super::names::{IdentityKey, MessageId};
use crate::crypto::{Secret, hkdf_sha256, hmac_sha256, labels};
use crate::limits::{MAX_DISAPPEARING_SECONDS, MAX_FLOOR_NAMES, MAX_LAMPORT};
use crate::wire::{self, WireError, malformed, v2};

/// Length in bytes of the name of a conversation.
const NAME_LEN: usize = 16;
/// Length in bytes of the name of a message, and of the clock in front of it.
const MESSAGE_LEN: usize = 16;

/// A conversation as the devices of one identity name it to each other, when it is not to be said with whom it was.
pub type FloorName = [u8; NAME_LEN];

/// A message that was deleted, or read: its clock, and a name in place of its id.
pub type NamedMessage = [u8; MESSAGE_LEN];

/// What conversations and messages that are gone are named with. Names alone say nothing to others.
pub struct FloorKey(Secret<32>);

impl FloorKey {
    /// Follows from the identity's seed, so that every device of the identity gives the same names.
    #[must_use]
    pub fn of_seed(seed: &[u8]) -> Self {
        Self(hkdf_sha256(&[0; 32], seed, labels::FLOOR))
    }

    /// A conversation, by the other side or the group.
    #[must_use]
    pub fn conversation(&self, key: &IdentityKey, group: bool) -> FloorName {
        let hash = hmac_sha256(self.0.as_bytes(), &[&[u8::from(group)], key]);
        let mut name = FloorName::default();
        for (to, from) in name.iter_mut().zip(hash.as_bytes()) {
            *to = *from;
        }
        name
    }

    /// A message, with its clock.
    #[must_use]
    pub fn message(&self, lamport: u64, author: &IdentityKey, id: &MessageId) -> NamedMessage {
        let hash = hmac_sha256(self.0.as_bytes(), &[&[2], author, id.as_bytes()]);
        let mut message = NamedMessage::default();
        let said = lamport.to_be_bytes().into_iter();
        for (to, from) in (message.iter_mut()).zip(said.chain(hash.as_bytes().iter().copied())) {
            *to = from;
        }
        message
    }
}

/// Names of messages one behind the other, as they travel: ascending, each once, and within their bound.
pub(super) fn message_names(bytes: &[u8], most: usize) -> Result<Vec<NamedMessage>, WireError> {
    let (names, rest) = bytes.as_chunks::<MESSAGE_LEN>();
    let mut neighbours = names.iter().zip(names.iter().skip(1));
    if !rest.is_empty() || names.len() > most || !neighbours.all(|(a, b)| a < b) {
        return Err(malformed("names of messages"));
    }
    Ok(names.to_vec())
}

/// Which decision of a user it was: a clock, and the device it was made on. The later one counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Decision {
    /// One more than that of every decision about the same person that was known.
    pub clock: u64,
    /// The device.
    pub device_id: u32,
}

impl Decision {
    pub(super) fn from_wire(decision: Option<v2::Decision>) -> Self {
        decision.map_or_else(Self::default, |decision| Self {
            clock: decision.clock.min(MAX_LAMPORT),
            device_id: decision.device_id,
        })
    }

    pub(super) fn to_wire(self) -> Option<v2::Decision> {
        (self != Self::default()).then_some(v2::Decision {
            clock: self.clock,
            device_id: self.device_id,
        })
    }
}

/// How long messages stay, as it was when a conversation was deleted.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct FloorTimer {
    /// The clock of the message that said so.
    pub lamport: u64,
    /// Its id; empty for none.
    pub message_id: Vec<u8>,
    /// In milliseconds; 0 for ever.
    pub milliseconds: u64,
}

/// What of a conversation is gone, and does not come back.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Floor {
    /// Names the conversation.
    pub conversation: FloorName,
    /// The clock that it had when it was last deleted as a whole; 0 if it never was.
    pub clock: u64,
    /// Everything with this clock or a lower one, and written until `until`, is gone.
    pub lamport: u64,
    /// When the latest of what is gone was written, as its author says.
    pub until: u64,
    /// What else is gone, ascending.
    pub messages: Vec<NamedMessage>,
    /// How long messages stay.
    pub timer: FloorTimer,
    /// The decision by which the person was removed from the contacts.
    pub removed: Decision,
}

impl Floor {
    pub(super) fn from_wire(floor: v2::Floor) -> Result<Self, WireError> {
        let timer = floor.timer.unwrap_or_default();
        if !timer.message_id.is_empty() {
            MessageId::from_bytes(&timer.message_id)?;
        }
        Ok(Self {
            conversation: wire::array("conversation name", &floor.conversation)?,
            clock: floor.clock.min(MAX_LAMPORT),
            lamport: floor.lamport.min(MAX_LAMPORT),
            until: floor.until,
            messages: message_names(&floor.messages, MAX_FLOOR_NAMES)?,
            timer: FloorTimer {
                lamport: timer.lamport.min(MAX_LAMPORT),
                message_id: timer.message_id,
                milliseconds: timer.milliseconds.min(MAX_DISAPPEARING_SECONDS * 1000),
            },
            removed: Decision::from_wire(floor.removed),
        })
    }

    pub(super) fn to_wire(&self) -> v2::Floor {
        let timer = &self.timer;
        v2::Floor {
            conversation: self.conversation.to_vec(),
            clock: self.clock,
            lamport: self.lamport,
            until: self.until,
            messages: self.messages.concat(),
            timer: (*timer != FloorTimer::default()).then(|| v2::FloorTimer {
                lamport: timer.lamport,
                message_id: timer.message_id.clone(),
                milliseconds: timer.milliseconds,
            }),
            removed: self.removed.to_wire(),
        }
    }
}
