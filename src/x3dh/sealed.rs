//! The handshake as it travels: who began the session is for the receiving device alone to read (RFC windlass §7.2.7).

use super::{HandshakeMessage, Party};
use crate::crypto::{
    AEAD_OVERHEAD, CryptoRng, DhPublic, DhSecret, Secret, SharedSecret, decrypt, encrypt,
    hkdf_sha256, labels,
};
use crate::identity::PublicIdentity;
use crate::limits::PROTOCOL_VERSION;
use crate::wire::{self, WireError, malformed, v1};

/// Identity key, device id, one-time prekey id.
const INITIATOR_LEN: usize = 32 + 4 + 4;

/// Length in bytes of the sealed part of a handshake.
pub const SEALED_INITIATOR_LEN: usize = INITIATOR_LEN + AEAD_OVERHEAD;

/// A handshake as it travels. Everybody sees to which signed prekey it was made, and its ephemeral key, which nothing else has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SealedHandshake {
    /// EK_A.
    pub ephemeral_key: DhPublic,
    /// Which signed prekey was used.
    pub signed_prekey_id: u32,
    /// Who the initiator is, and which one-time prekey was used.
    pub sealed_initiator: [u8; SEALED_INITIATOR_LEN],
}

impl SealedHandshake {
    /// Checks lengths and keys of a received handshake.
    pub fn from_wire(handshake: &v1::Handshake) -> Result<Self, WireError> {
        Ok(Self {
            ephemeral_key: DhPublic::from_bytes(&handshake.ephemeral_key)
                .map_err(|_| malformed("handshake ephemeral key"))?,
            signed_prekey_id: wire::non_zero("signed prekey id", handshake.signed_prekey_id)?,
            sealed_initiator: wire::array("sealed initiator", &handshake.sealed_initiator)?,
        })
    }

    /// The message as it travels.
    #[must_use]
    pub fn to_wire(&self) -> v1::Handshake {
        v1::Handshake {
            ephemeral_key: self.ephemeral_key.as_bytes().to_vec(),
            signed_prekey_id: self.signed_prekey_id,
            sealed_initiator: self.sealed_initiator.to_vec(),
        }
    }

    /// Opens it with the signed prekey that it names. That it opens proves nothing about who sealed it.
    pub fn open(
        &self,
        responder: &Party,
        signed_prekey: &DhSecret,
    ) -> Result<HandshakeMessage, WireError> {
        let refused = || malformed("sealed initiator");
        let agreement = signed_prekey.agree(&self.ephemeral_key);
        let seal = Seal {
            responder,
            ephemeral_key: &self.ephemeral_key,
            signed_prekey: &signed_prekey.public(),
        };
        let key = Seal::key(&agreement.map_err(|_| refused())?);
        let opened = decrypt(&key, &self.sealed_initiator, &seal.associated_data());
        self.read(&opened.map_err(|_| refused())?)
    }

    /// What stands in the seal: `IK_A || device_A || one-time prekey id`.
    pub(crate) fn read(&self, opened: &[u8]) -> Result<HandshakeMessage, WireError> {
        let refused = || malformed("sealed initiator");
        let (identity, rest) = opened.split_first_chunk::<32>().ok_or_else(refused)?;
        let (device, one_time) = (rest.first_chunk(), rest.last_chunk());
        let (Some(device), Some(one_time)) = (device, one_time) else {
            return Err(refused());
        };
        Ok(HandshakeMessage {
            initiator: Party {
                identity: PublicIdentity::from_bytes(identity)
                    .map_err(|_| malformed("handshake identity key"))?,
                device_id: wire::non_zero("handshake device id", u32::from_be_bytes(*device))?,
            },
            ephemeral_key: self.ephemeral_key,
            signed_prekey_id: self.signed_prekey_id,
            one_time_prekey_id: Some(u32::from_be_bytes(*one_time)).filter(|&id| id != 0),
        })
    }
}

impl HandshakeMessage {
    /// Seals it to the receiving device, with the agreement of the ephemeral key and the signed prekey.
    pub(super) fn seal(
        &self,
        responder: &Party,
        signed_prekey: &DhPublic,
        agreement: &SharedSecret,
        rng: &mut dyn CryptoRng,
    ) -> SealedHandshake {
        let seal = Seal {
            responder,
            ephemeral_key: &self.ephemeral_key,
            signed_prekey,
        };
        let plaintext = [
            self.initiator.identity.to_bytes().as_slice(),
            &self.initiator.device_id.to_be_bytes(),
            &self.one_time_prekey_id.unwrap_or(0).to_be_bytes(),
        ]
        .concat();
        let sealed = encrypt(
            &Seal::key(agreement),
            &plaintext,
            &seal.associated_data(),
            rng,
        );
        let mut sealed_initiator = [0; SEALED_INITIATOR_LEN];
        for (to, from) in sealed_initiator.iter_mut().zip(sealed) {
            *to = from;
        }
        SealedHandshake {
            ephemeral_key: self.ephemeral_key,
            signed_prekey_id: self.signed_prekey_id,
            sealed_initiator,
        }
    }
}

/// What a seal is bound to.
struct Seal<'a> {
    responder: &'a Party,
    ephemeral_key: &'a DhPublic,
    signed_prekey: &'a DhPublic,
}

impl Seal<'_> {
    fn key(agreement: &SharedSecret) -> Secret<32> {
        hkdf_sha256(&[0; 32], agreement.as_bytes(), labels::SEALED_HANDSHAKE)
    }

    /// `version || IK_B || device_B || EK_A || SPK_B`, numbers big endian.
    fn associated_data(&self) -> Vec<u8> {
        [
            PROTOCOL_VERSION.to_be_bytes().as_slice(),
            &self.responder.identity.to_bytes(),
            &self.responder.device_id.to_be_bytes(),
            self.ephemeral_key.as_bytes(),
            self.signed_prekey.as_bytes(),
        ]
        .concat()
    }
}
