//! X3DH key agreement (Signal, "The X3DH Key Agreement Protocol", revision 1; RFC windlass §7.2).
//!
//! Curve X25519, hash SHA-256, `info` [`X3DH`](crate::crypto::labels::X3DH). What a handshake yields is one [`Agreement`]; a ratchet
//! starts from it without knowing how it came about, so another key agreement can take this module's place in a later version.

mod agreement;
mod message;
mod party;
mod sealed;

pub use agreement::{
    ASSOCIATED_DATA_LEN, Agreement, AssociatedData, ResponderKeys, SessionId, initiate, respond,
};
pub use message::HandshakeMessage;
pub use party::Party;
pub use sealed::{SEALED_INITIATOR_LEN, SealedHandshake};

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
