//! Where a message stands: in its header, and in the session.

use crate::crypto::DhPublic;

/// The fields of a header that the ratchet itself needs (Double Ratchet §3.1, `HEADER(dh, pn, n)`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RatchetHeader {
    /// The sender's current ratchet key.
    pub ratchet_key: DhPublic,
    /// PN: how many messages the sender's previous chain had.
    pub previous_chain_length: u32,
    /// N: the number of this message in its chain, from 0.
    pub message_number: u32,
}

/// Where a message stands: in which receiving chain of the session, counted from 0, and as which of its messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// Counts the receiving chains of the session.
    pub chain: u32,
    /// N of the header.
    pub number: u32,
}
