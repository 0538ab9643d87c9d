//! What the two devices show each other, as `windlass:` URIs with kinds of their own (RFC windlass §8.5). None of it is a secret.

use super::error::LinkError;
use crate::crypto::{DH_KEY_LEN, DhPublic, labels, sha256};
use crate::identity::PublicIdentity;
use crate::wire;

const CODE_KIND: char = 'L';
const ANSWER_KIND: char = 'A';
const REPLY_KIND: char = 'R';
const TRANSFER_KIND: char = 'T';

/// The first: from the new device, the hash of a key that it does not show yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LinkCode(pub(super) [u8; 32]);

impl LinkCode {
    pub(super) fn of(key: &DhPublic) -> Self {
        Self(sha256(&[labels::LINK_CODE, key.as_bytes()]))
    }

    /// Reads the code of a new device.
    pub fn from_uri(uri: &str) -> Result<Self, LinkError> {
        Self::from_bytes(&wire::from_uri(CODE_KIND, uri)?)
    }

    /// The code to show: `WINDLASS:L` and Base32 of the hash and its checksum, all in the alphanumeric mode of QR codes.
    #[must_use]
    pub fn to_uri(&self) -> String {
        wire::to_uri(CODE_KIND, &self.0)
    }

    /// As it was kept.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, LinkError> {
        bytes.try_into().map(Self).map_err(|_| LinkError::Code)
    }

    /// To be kept.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

/// The second: from the existing device, a key made for this and the identity that the new one is to take part in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LinkAnswer {
    pub(super) key: DhPublic,
    /// Whose device answers.
    pub identity: PublicIdentity,
}

impl LinkAnswer {
    /// Reads the answer to a code.
    pub fn from_uri(uri: &str) -> Result<Self, LinkError> {
        Self::from_bytes(&wire::from_uri(ANSWER_KIND, uri)?)
    }

    /// The answer to show.
    #[must_use]
    pub fn to_uri(&self) -> String {
        wire::to_uri(ANSWER_KIND, &self.to_bytes())
    }

    /// As it was kept.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, LinkError> {
        let (key, identity) = bytes
            .split_first_chunk::<DH_KEY_LEN>()
            .ok_or(LinkError::Code)?;
        Ok(Self {
            key: DhPublic::from_bytes(key).map_err(|_| LinkError::Code)?,
            identity: PublicIdentity::from_bytes(identity).map_err(|_| LinkError::Code)?,
        })
    }

    /// To be kept.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        [*self.key.as_bytes(), self.identity.to_bytes()].concat()
    }
}

/// The third: from the new device, the key of its code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LinkReply(pub(super) DhPublic);

impl LinkReply {
    /// Reads what the new device shows when it was answered.
    pub fn from_uri(uri: &str) -> Result<Self, LinkError> {
        Self::from_bytes(&wire::from_uri(REPLY_KIND, uri)?)
    }

    /// The reply to show.
    #[must_use]
    pub fn to_uri(&self) -> String {
        wire::to_uri(REPLY_KIND, self.0.as_bytes())
    }

    /// As it was kept.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, LinkError> {
        let key = DhPublic::from_bytes(bytes).map_err(|_| LinkError::Code)?;
        Ok(Self(key))
    }

    /// To be kept.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        self.0.as_bytes()
    }
}

/// The fourth: the transfer, as text for a code.
#[must_use]
pub fn transfer_to_uri(transfer: &[u8]) -> String {
    wire::to_uri(TRANSFER_KIND, transfer)
}

/// The transfer of a code.
pub fn transfer_from_uri(uri: &str) -> Result<Vec<u8>, LinkError> {
    Ok(wire::from_uri(TRANSFER_KIND, uri)?)
}
