//! The secure channel with one remote device: handshake, ratchet and the envelope they travel in (RFC windlass §7).
//!
//! Like a ratchet, a [`Session`] is a value: sending and receiving give a new one, to be made durable before the old one is
//! forgotten.

mod envelope;
mod error;
mod healing;
mod hint;
mod post_quantum;
mod receiving;
mod row;
mod state;

pub use envelope::{Envelope, Part, accepted_digest};
pub use error::SessionError;
pub use healing::{HEALING_MAC_LEN, HealingKey, HealingRoot, Proved};
pub use hint::{HintKey, SENDER_HINT_LEN, SenderHint};
pub use post_quantum::PostQuantum;
pub use receiving::ReceivingSession;
pub use row::SessionStanding;
pub use state::{Received, Session, TagChanges};

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests;
