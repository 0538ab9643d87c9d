//! What ties the layers together: each call of the facade as a step, which changes rows inside one transaction of the store. So what
//! belongs together is durable together, and what fails leaves nothing.
//!
//! Floors, each importing only from those to its left (`tests/layers.rs` holds it):
//!
//! ```text
//! base <- records <- history <- delivery <- sync <- steps
//! ```
//!
//! From the bytes of an envelope to the row in the history: `steps::receive` finds the session, `steps::admit` stores what the AEAD
//! accepted, `steps::content` does what the content says, `steps::conversation` refuses a message or has `history::record` put it into
//! its conversation, `history::message` writes its row.

pub(crate) mod base;
pub(crate) mod delivery;
pub(crate) mod history;
pub(crate) mod records;
pub(crate) mod steps;
pub(crate) mod sync;

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests;
