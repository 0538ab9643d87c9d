//! Header keys and chain tags: header encryption of Double Ratchet §4, with what finds the key (RFC windlass §7.3).

use zeroize::Zeroizing;

use super::{RatchetError, RatchetHeader};
use crate::crypto::{
    AEAD_OVERHEAD, AuthenticationFailed, CryptoRng, Secret, SharedSecret, TooLong, decrypt_array,
    encrypt_array, hkdf_sha256, labels,
};

/// Length in bytes of a chain tag.
pub const CHAIN_TAG_LEN: usize = 16;

/// Names a sending chain on the wire. Both sides know it before the chain begins; to everybody else tags of two chains say nothing
/// about each other.
pub type ChainTag = [u8; CHAIN_TAG_LEN];

/// Length in bytes of a sealed header: nonce, header and tag.
pub const SEALED_HEADER_LEN: usize = RatchetHeader::LEN + AEAD_OVERHEAD;

/// HK or NHK (Double Ratchet §4.1): seals the headers of one sending chain, and has the tag by which the receiver finds it.
#[derive(Debug)]
pub struct HeaderKey {
    key: Secret<32>,
    tag: ChainTag,
}

impl HeaderKey {
    /// Length in bytes of key and tag.
    pub const LEN: usize = 32 + CHAIN_TAG_LEN;

    /// `shared_hka` and `shared_nhkb` (Double Ratchet §4.3): of the initiator's first chain and of the responder's.
    #[must_use]
    pub fn first(shared_secret: &SharedSecret) -> (Self, Self) {
        let output: Secret<{ 2 * Self::LEN }> =
            hkdf_sha256(&[0; 32], shared_secret.as_bytes(), labels::HEADER_KEYS);
        let (initiator, responder) = output.as_bytes().split_at(Self::LEN);
        (Self::of(initiator), Self::of(responder))
    }

    /// From key and tag, one behind the other; what is too short is filled with zeros.
    pub(super) fn of(bytes: &[u8]) -> Self {
        let (mut key, mut tag) = (Secret::zero(), ChainTag::default());
        let parts = key.as_mut_bytes().iter_mut().chain(&mut tag);
        for (to, from) in parts.zip(bytes) {
            *to = *from;
        }
        Self { key, tag }
    }

    /// What is stored, if it has the length.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        (bytes.len() == Self::LEN).then(|| Self::of(bytes))
    }

    /// Key and tag, for the sealed store.
    #[must_use]
    pub fn to_bytes(&self) -> Secret<{ Self::LEN }> {
        let mut bytes = Secret::zero();
        let parts = self.key.as_bytes().iter().chain(&self.tag);
        for (to, from) in bytes.as_mut_bytes().iter_mut().zip(parts) {
            *to = *from;
        }
        bytes
    }

    /// The tag of the chain.
    #[must_use]
    pub fn tag(&self) -> ChainTag {
        self.tag
    }

    /// `HENCRYPT` (Double Ratchet §4.2), by AES-256-GCM with a random nonce.
    pub fn seal(
        &self,
        header: &RatchetHeader,
        associated_data: &[u8],
        rng: &mut dyn CryptoRng,
    ) -> Result<[u8; SEALED_HEADER_LEN], TooLong> {
        encrypt_array(&self.key, &header.to_bytes(), associated_data, rng)
    }

    /// `HDECRYPT` (Double Ratchet §4.2). Whoever has not this key makes no header that opens.
    pub fn open(
        &self,
        sealed: &[u8],
        associated_data: &[u8],
    ) -> Result<RatchetHeader, RatchetError> {
        let sealed: &[u8; SEALED_HEADER_LEN] =
            (sealed.try_into()).map_err(|_| RatchetError::Header(AuthenticationFailed))?;
        let header: Zeroizing<[u8; RatchetHeader::LEN]> =
            decrypt_array(&self.key, sealed, associated_data).map_err(RatchetError::Header)?;
        RatchetHeader::from_bytes(header.as_slice()).ok_or(RatchetError::UnexpectedRatchetKey)
    }

    #[cfg(test)]
    pub(super) fn duplicate(&self) -> Self {
        Self {
            key: self.key.duplicate(),
            tag: self.tag,
        }
    }
}
