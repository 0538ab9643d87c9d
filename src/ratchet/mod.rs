//! The Double Ratchet with header encryption (Signal, "The Double Ratchet Algorithm", revision 3, §3, §4 and §7.2; RFC windlass §7.3, §7.4).
//!
//! A [`Ratchet`] is a value: sending and receiving give a new one and leave the old one as it was. Receiving goes through a
//! [`Candidate`], whose new state comes out only together with a plaintext that the AEAD accepted. So a message that fails cannot
//! change anything, whatever its header says.
//!
//! New ratchet keys are generated when the next message is sent, not when one is received (the deferral that Double Ratchet §8
//! recommends to consider): a key lives as short as it can, and receiving needs no randomness.

mod chain;
mod error;
mod header;
mod header_key;
mod memory;
mod receive;
mod row;
mod state;

pub use chain::{ChainKey, MessageKey, RootKey};
pub use error::RatchetError;
pub use header::{Position, RatchetHeader};
pub use header_key::{CHAIN_TAG_LEN, ChainTag, HeaderKey, SEALED_HEADER_LEN};
pub use memory::MemorySkippedKeys;
pub use receive::{Candidate, Opened, SkippedChange, SkippedKeys};
pub use state::Ratchet;

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]
mod tests;
