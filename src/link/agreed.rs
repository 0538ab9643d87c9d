//! What both devices have once they know each other's keys: the string that their user compares, and the key of the transfer.

use prost::Message;

use super::codes::{LinkAnswer, LinkCode, LinkReply};
use super::error::LinkError;
use super::transfer::{LinkToken, MAX_TRANSFER_LEN, Transfer};
use crate::bundle::VerifiedBundle;
use crate::chat::OwnWordsKey;
use crate::crypto::{
    CryptoRng, DhSecret, Secret, decrypt, encrypt, hkdf_sha256, labels, pad, sha256, unpad,
};
use crate::identity::{IdentityKeyPair, PublicIdentity};
use crate::limits::PROTOCOL_VERSION;
use crate::wire::{self, v2};

/// Digits of the string that is compared: an attacker between the devices has one guess at it.
pub const LINK_DIGITS: usize = 8;

/// Both keys are known.
#[derive(Debug)]
pub struct Agreed {
    transcript: [u8; 32],
    key: Secret<32>,
    identity: PublicIdentity,
}

impl Agreed {
    pub(super) fn of(
        secret: &DhSecret,
        code: &LinkCode,
        answer: &LinkAnswer,
        reply: &LinkReply,
    ) -> Result<Self, LinkError> {
        // Which of the two is ours.
        let theirs = if secret.public() == answer.key {
            &reply.0
        } else {
            &answer.key
        };
        let transcript = sha256(&[
            labels::LINK_TRANSCRIPT,
            &PROTOCOL_VERSION.to_be_bytes(),
            &code.0,
            answer.key.as_bytes(),
            &answer.identity.to_bytes(),
            reply.0.as_bytes(),
        ]);
        let shared = secret.agree(theirs)?;
        Ok(Self {
            key: hkdf_sha256(&transcript, shared.as_bytes(), labels::DEVICE_TRANSFER),
            transcript,
            identity: answer.identity,
        })
    }

    /// The identity that the new device is to take part in.
    #[must_use]
    pub const fn identity(&self) -> &PublicIdentity {
        &self.identity
    }

    /// Eight digits, the same on both devices if and only if nobody is between them.
    #[must_use]
    pub fn digits(&self) -> String {
        let hash = sha256(&[labels::LINK_DIGITS, &self.transcript]);
        let number = hash
            .iter()
            .take(8)
            .fold(0u64, |number, byte| (number << 8) | u64::from(*byte));
        format!("{:0LINK_DIGITS$}", number % 10u64.pow(LINK_DIGITS as u32))
    }

    /// Seals the identity to the new device. Only after the user agreed.
    pub fn seal(
        &self,
        identity: &IdentityKeyPair,
        bundle: &VerifiedBundle,
        token: &LinkToken,
        own_words: &OwnWordsKey,
        linked: &[u32],
        rng: &mut dyn CryptoRng,
    ) -> Result<Vec<u8>, LinkError> {
        let body = wire::encode_secret(&v2::TransferBody {
            identity_seed: identity.seed().as_bytes().to_vec(),
            bundle: bundle.encoded().to_vec(),
            link_token: token.as_bytes().to_vec(),
            own_words: Some(own_words.to_wire()),
            linked_devices: linked.to_vec(),
        });
        let transfer = v2::DeviceTransfer {
            version: PROTOCOL_VERSION,
            ciphertext: encrypt(&self.key, &pad(&body), &self.transcript, rng)
                .map_err(|_| LinkError::Sealed)?,
        };
        Ok(transfer.encode_to_vec())
    }

    /// Opens the transfer.
    pub fn open(&self, transfer: &[u8]) -> Result<Transfer, LinkError> {
        wire::check_version("device transfer", transfer, MAX_TRANSFER_LEN)?;
        let transfer: v2::DeviceTransfer = wire::decode_strict("device transfer", transfer)?;
        let padded = decrypt(&self.key, &transfer.ciphertext, &self.transcript)
            .map_err(|_| LinkError::Sealed)?;
        let plain = unpad(&padded).ok_or(LinkError::Sealed)?;
        let body: v2::TransferBody = wire::decode("device transfer", &plain)?;
        let seed = Secret::try_from_slice(&body.identity_seed).ok_or(LinkError::Identity)?;
        let identity = IdentityKeyPair::from_seed(&seed);
        let bundle = VerifiedBundle::decode(&body.bundle)?;
        if identity.public() != self.identity || *bundle.identity() != self.identity {
            return Err(LinkError::Identity);
        }
        let own_words = body.own_words.as_ref().ok_or(LinkError::Identity)?;
        Ok(Transfer {
            identity,
            bundle,
            token: Secret::try_from_slice(&body.link_token).ok_or(LinkError::Identity)?,
            own_words: OwnWordsKey::from_wire(own_words)?,
            linked: body.linked_devices.clone(),
        })
    }
}
