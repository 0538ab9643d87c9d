//! What the initial message of PQXDH says (PQXDH §3.3). It travels as a [`SealedHandshake`](super::SealedHandshake).

use super::{Mode, Party};
use crate::crypto::DhPublic;

/// Tells the responder which of its prekeys were used, and by whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HandshakeMessage {
    /// IK_A and the device that holds it.
    pub initiator: Party,
    /// EK_A.
    pub ephemeral_key: DhPublic,
    /// Which signed prekey was used, and the ML-KEM prekey that goes with it.
    pub signed_prekey_id: u32,
    /// Which one-time prekey was used, if any.
    pub one_time_prekey_id: Option<u32>,
    /// SHA-256 of the ML-KEM ciphertext, if there is one.
    pub kem_ciphertext: Option<[u8; 32]>,
    /// Whether the secret was used that was given with the one-time prekey.
    pub secret: bool,
}

impl HandshakeMessage {
    /// Which parts it has.
    #[must_use]
    pub const fn mode(&self) -> Mode {
        Mode {
            one_time: self.one_time_prekey_id.is_some(),
            kem: self.kem_ciphertext.is_some(),
            secret: self.secret,
        }
    }
}
