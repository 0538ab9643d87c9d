//! The initial message of X3DH (X3DH §3.3), as it travels in front of the first ciphertexts.

use super::Party;
use crate::crypto::DhPublic;
use crate::identity::PublicIdentity;
use crate::wire::{self, WireError, malformed, v1};

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

impl HandshakeMessage {
    /// Checks lengths and keys of a received handshake.
    pub fn from_wire(handshake: &v1::Handshake) -> Result<Self, WireError> {
        let identity = PublicIdentity::from_bytes(&handshake.identity_key)
            .map_err(|_| malformed("handshake identity key"))?;
        let ephemeral_key = DhPublic::from_bytes(&handshake.ephemeral_key)
            .map_err(|_| malformed("handshake ephemeral key"))?;
        Ok(Self {
            initiator: Party {
                identity,
                device_id: wire::non_zero("handshake device id", handshake.device_id)?,
            },
            ephemeral_key,
            signed_prekey_id: wire::non_zero("signed prekey id", handshake.signed_prekey_id)?,
            one_time_prekey_id: Some(handshake.one_time_prekey_id).filter(|&id| id != 0),
        })
    }

    /// The message as it travels.
    #[must_use]
    pub fn to_wire(&self) -> v1::Handshake {
        v1::Handshake {
            identity_key: self.initiator.identity.to_bytes().to_vec(),
            device_id: self.initiator.device_id,
            ephemeral_key: self.ephemeral_key.as_bytes().to_vec(),
            signed_prekey_id: self.signed_prekey_id,
            one_time_prekey_id: self.one_time_prekey_id.unwrap_or(0),
        }
    }
}
