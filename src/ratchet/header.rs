//! Where a message stands: in its header, and in the session.

use crate::crypto::{DH_KEY_LEN, DhPublic};

/// The fields of a header that the ratchet itself needs (Double Ratchet §3.1, `HEADER(dh, pn, n)`, and §5 for the epoch).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RatchetHeader {
    /// The sender's current ratchet key.
    pub ratchet_key: DhPublic,
    /// PN: how many messages the sender's previous chain had.
    pub previous_chain_length: u32,
    /// N: the number of this message in its chain, from 0.
    pub message_number: u32,
    /// The post-quantum epoch of the chain.
    pub epoch: u32,
}

impl RatchetHeader {
    /// Length in bytes of a header, before it is sealed.
    pub const LEN: usize = DH_KEY_LEN + 3 * 4;

    /// `dh || pn || n || epoch`, the numbers big endian: every header has one length and one encoding.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; Self::LEN] {
        let mut bytes = [0; Self::LEN];
        let numbers = [self.previous_chain_length, self.message_number, self.epoch];
        let numbers = numbers.into_iter().flat_map(u32::to_be_bytes);
        let parts = self.ratchet_key.as_bytes().iter().copied().chain(numbers);
        for (to, from) in bytes.iter_mut().zip(parts) {
            *to = from;
        }
        bytes
    }

    /// Reads what was sealed; nothing if it has another length, or the key is none. Its sender had the header's key.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let bytes: &[u8; Self::LEN] = bytes.try_into().ok()?;
        let (key, rest) = bytes.split_first_chunk::<DH_KEY_LEN>()?;
        let (previous, rest) = rest.split_first_chunk()?;
        let (number, epoch) = rest.split_first_chunk()?;
        Some(Self {
            ratchet_key: DhPublic::from_bytes(key).ok()?,
            previous_chain_length: u32::from_be_bytes(*previous),
            message_number: u32::from_be_bytes(*number),
            epoch: u32::from_be_bytes(*epoch.first_chunk()?),
        })
    }
}

/// Where a message stands: in which receiving chain of the session, counted from 0, and as which of its messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// Counts the receiving chains of the session.
    pub chain: u32,
    /// N of the header.
    pub number: u32,
}
