//! The Triple Ratchet (Signal, "The Double Ratchet Algorithm", revision 3, §6): the Double Ratchet with header encryption (§3, §4, §7.2) beside the
//! Sparse Post-Quantum Ratchet (§5), whose keys are mixed for each message (RFC windlass §7.3 to §7.5).
//!
//! A [`Ratchet`] is a value: sending and receiving give a new one and leave the old one as it was. Receiving goes through a
//! [`Candidate`], whose new state comes out only together with a plaintext that the AEAD accepted. So a message that fails cannot
//! change anything, whatever its header says.
//!
//! New ratchet keys are generated when the next message is sent, not when one is received (the deferral that Double Ratchet §8
//! recommends to consider): a key lives as short as it can, and receiving needs no randomness. So are answers to post-quantum keys.

mod chain;
mod epochs;
mod error;
mod header;
mod header_key;
mod memory;
mod receive;
mod receiving;
mod row;
pub mod scka;
mod state;

pub use chain::{ChainKey, EpochRoot, HalfKey, MessageKey, RootKey};
pub use error::RatchetError;
pub use header::{Position, RatchetHeader};
pub use header_key::{CHAIN_TAG_LEN, ChainTag, HeaderKey, SEALED_HEADER_LEN};
pub use memory::MemorySkippedKeys;
pub use receive::{Candidate, Opened, SkippedChange, SkippedKeys};
pub use receiving::ReceivingRatchet;
pub use state::{Ratchet, Sending};

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]
mod tests;
