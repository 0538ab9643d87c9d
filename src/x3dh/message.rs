//! What the initial message of X3DH says (X3DH §3.3). It travels as a [`SealedHandshake`](super::SealedHandshake).

use super::Party;
use crate::crypto::DhPublic;

/// Tells the responder which of its prekeys were used, and by whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HandshakeMessage {
    /// IK_A and the device that holds it.
    pub initiator: Party,
    /// EK_A.
    pub ephemeral_key: DhPublic,
    /// Which signed prekey was used.
    pub signed_prekey_id: u32,
    /// Which one-time prekey was used, if any.
    pub one_time_prekey_id: Option<u32>,
}
