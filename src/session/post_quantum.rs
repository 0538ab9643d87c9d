//! How a session withstands a quantum computer.

use crate::x3dh::Mode;

/// What keeps a message from whoever recorded it, and breaks X25519 later.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Enum))]
pub enum PostQuantum {
    /// Nothing: whoever breaks X25519 reads it.
    None,
    /// A secret of 32 bytes that came with a code, or in another session that was protected.
    Secret,
    /// ML-KEM in the handshake.
    Kem,
    /// ML-KEM in the ratchet, again and again: what was stolen before the latest does not open it either.
    Ratchet,
}

impl PostQuantum {
    pub(super) fn of(handshake: Mode, sending_epoch: u32) -> Self {
        match (sending_epoch, handshake.kem, handshake.secret) {
            (1.., _, _) => Self::Ratchet,
            (0, true, _) => Self::Kem,
            (0, false, true) => Self::Secret,
            (0, false, false) => Self::None,
        }
    }
}
