//! The handshake: PQXDH (Signal, "The PQXDH Key Agreement Protocol", revision 3; RFC windlass §7.2), which is X3DH where the ML-KEM key is missing.
//!
//! Curve X25519, ML-KEM-768, hash SHA-256, `info` [`PQXDH`](crate::crypto::labels::PQXDH) and the [`Mode`]. What a handshake yields is one [`Agreement`]; a ratchet
//! starts from it without knowing how it came about, so another key agreement can take this module's place in a later version.

mod agreement;
mod message;
mod mode;
mod party;
mod sealed;

pub use agreement::{
    ASSOCIATED_DATA_LEN, Agreement, AssociatedData, ResponderKeys, SessionId, initiate, respond,
};
pub use message::HandshakeMessage;
pub use mode::Mode;
pub use party::Party;
pub use sealed::{SEALED_INITIATOR_LEN, SealedHandshake};

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
