//! The handshake as it travels: who began the session is for the receiving device alone to read (RFC windlass §7.2.7).

use super::{HandshakeMessage, Mode, Party};
use crate::bundle::PrekeySecrets;
use crate::crypto::{
    AEAD_OVERHEAD, CryptoRng, DhPublic, KEM_CIPHERTEXT_LEN, KemCiphertext, Secret, SharedSecret,
    TooLong, decrypt, encrypt, hkdf_sha256, labels, sha256,
};
use crate::identity::PublicIdentity;
use crate::limits::PROTOCOL_VERSION;
use crate::wire::{self, WireError, malformed, v2};

/// Identity key, device id, one-time prekey id, mode.
const INITIATOR_LEN: usize = 32 + 4 + 4 + 1;

/// Length in bytes of the sealed part of a handshake.
pub const SEALED_INITIATOR_LEN: usize = INITIATOR_LEN + AEAD_OVERHEAD;

/// A handshake as it travels. Everybody sees to which signed prekey it was made, and its ephemeral key and ciphertext, which nothing else has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealedHandshake {
    /// EK_A.
    pub ephemeral_key: DhPublic,
    /// Which signed prekey was used.
    pub signed_prekey_id: u32,
    /// Who the initiator is, which one-time prekey was used, and the mode.
    pub sealed_initiator: [u8; SEALED_INITIATOR_LEN],
    /// CT: what the ML-KEM key that goes with the signed prekey opens, if the initiator had that key.
    pub kem_ciphertext: Option<KemCiphertext>,
}

impl SealedHandshake {
    /// Checks lengths and keys of a received handshake.
    pub fn from_wire(handshake: &v2::Handshake) -> Result<Self, WireError> {
        Ok(Self {
            ephemeral_key: DhPublic::from_bytes(&handshake.ephemeral_key)
                .map_err(|_| malformed("handshake ephemeral key"))?,
            signed_prekey_id: wire::non_zero("signed prekey id", handshake.signed_prekey_id)?,
            sealed_initiator: wire::array("sealed initiator", &handshake.sealed_initiator)?,
            kem_ciphertext: match handshake.kem_ciphertext.as_slice() {
                [] => None,
                bytes => Some(Box::new(wire::array("ML-KEM ciphertext", bytes)?)),
            },
        })
    }

    /// The message as it travels.
    #[must_use]
    pub fn to_wire(&self) -> v2::Handshake {
        let ciphertext = self.kem_ciphertext.as_deref();
        v2::Handshake {
            ephemeral_key: self.ephemeral_key.as_bytes().to_vec(),
            signed_prekey_id: self.signed_prekey_id,
            sealed_initiator: self.sealed_initiator.to_vec(),
            kem_ciphertext: ciphertext.map(|bytes| bytes.to_vec()).unwrap_or_default(),
        }
    }

    /// Opens it with the prekeys that it names: what it says, and what its ciphertext gives. That it opens proves nothing about who sealed it.
    pub fn open(
        &self,
        responder: &Party,
        prekeys: &PrekeySecrets,
    ) -> Result<(HandshakeMessage, Option<SharedSecret>), WireError> {
        let refused = || malformed("sealed initiator");
        let ciphertext = self.kem_ciphertext.as_deref();
        let shared = ciphertext.map(|ciphertext| prekeys.kem_prekey.decapsulate(ciphertext));
        let agreement = prekeys.signed_prekey.agree(&self.ephemeral_key);
        let seal = Seal {
            responder,
            ephemeral_key: &self.ephemeral_key,
            signed_prekey: &prekeys.signed_prekey.public(),
            kem_ciphertext: ciphertext,
        };
        let key = Seal::key(&agreement.map_err(|_| refused())?, shared.as_ref());
        let opened = decrypt(&key, &self.sealed_initiator, &seal.associated_data());
        Ok((self.read(&opened.map_err(|_| refused())?)?, shared))
    }

    /// What stands in the seal: `IK_A || device_A || one-time prekey id || mode`.
    pub(crate) fn read(&self, opened: &[u8]) -> Result<HandshakeMessage, WireError> {
        let refused = || malformed("sealed initiator");
        let (identity, rest) = opened.split_first_chunk::<32>().ok_or_else(refused)?;
        let (device, rest) = rest.split_first_chunk().ok_or_else(refused)?;
        let (one_time, rest) = rest.split_first_chunk().ok_or_else(refused)?;
        let &[mode] = rest else {
            return Err(refused());
        };
        let mode = Mode::from_byte(mode).ok_or_else(refused)?;
        let ciphertext = self.kem_ciphertext.as_deref();
        let message = HandshakeMessage {
            initiator: Party {
                identity: PublicIdentity::from_bytes(identity)
                    .map_err(|_| malformed("handshake identity key"))?,
                device_id: wire::non_zero("handshake device id", u32::from_be_bytes(*device))?,
            },
            ephemeral_key: self.ephemeral_key,
            signed_prekey_id: self.signed_prekey_id,
            one_time_prekey_id: Some(u32::from_be_bytes(*one_time)).filter(|&id| id != 0),
            kem_ciphertext: ciphertext.map(|bytes| sha256(&[bytes])),
            secret: mode.secret,
        };
        // A secret is given with a one-time prekey.
        if message.mode() == mode && (mode.one_time || !mode.secret) {
            Ok(message)
        } else {
            Err(refused())
        }
    }
}

/// What a seal is bound to.
pub(super) struct Seal<'a> {
    pub(super) responder: &'a Party,
    pub(super) ephemeral_key: &'a DhPublic,
    pub(super) signed_prekey: &'a DhPublic,
    pub(super) kem_ciphertext: Option<&'a [u8; KEM_CIPHERTEXT_LEN]>,
}

impl Seal<'_> {
    /// Of the agreement of the ephemeral key and the signed prekey, and of what the ciphertext gives.
    pub(super) fn key(agreement: &SharedSecret, kem: Option<&SharedSecret>) -> Secret<32> {
        let mut input = Secret::<64>::zero();
        let parts = agreement
            .as_bytes()
            .iter()
            .chain(kem.into_iter().flat_map(|shared| shared.as_bytes()));
        let len = if kem.is_some() { 64 } else { 32 };
        for (to, from) in input.as_mut_bytes().iter_mut().zip(parts) {
            *to = *from;
        }
        let used = input.as_bytes().get(..len).unwrap_or_default();
        hkdf_sha256(&[0; 32], used, labels::SEALED_HANDSHAKE)
    }

    /// Seals what a handshake says to the receiving device.
    pub(super) fn seal(
        &self,
        message: &HandshakeMessage,
        key: &Secret<32>,
        rng: &mut dyn CryptoRng,
    ) -> Result<SealedHandshake, TooLong> {
        let plaintext = [
            message.initiator.identity.to_bytes().as_slice(),
            &message.initiator.device_id.to_be_bytes(),
            &message.one_time_prekey_id.unwrap_or(0).to_be_bytes(),
            &[message.mode().byte()],
        ]
        .concat();
        let sealed = encrypt(key, &plaintext, &self.associated_data(), rng)?;
        let mut sealed_initiator = [0; SEALED_INITIATOR_LEN];
        for (to, from) in sealed_initiator.iter_mut().zip(sealed) {
            *to = from;
        }
        Ok(SealedHandshake {
            ephemeral_key: message.ephemeral_key,
            signed_prekey_id: message.signed_prekey_id,
            sealed_initiator,
            kem_ciphertext: self.kem_ciphertext.map(|bytes| Box::new(*bytes)),
        })
    }

    /// `version || IK_B || device_B || EK_A || SPK_B || CT`, numbers big endian.
    fn associated_data(&self) -> Vec<u8> {
        [
            PROTOCOL_VERSION.to_be_bytes().as_slice(),
            &self.responder.identity.to_bytes(),
            &self.responder.device_id.to_be_bytes(),
            self.ephemeral_key.as_bytes(),
            self.signed_prekey.as_bytes(),
            self.kem_ciphertext
                .map_or(&[][..], |bytes| bytes.as_slice()),
        ]
        .concat()
    }
}
