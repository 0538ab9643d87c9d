//! Links by which people ask to be let into a group (RFC windlass §9.6.19).

use super::id::GroupId;
use crate::crypto::{CryptoRng, Secret, labels, sha256};
use crate::wire::{WireError, malformed};

/// What a link says of its group beside whom it is by: nothing to whoever does not know the group.
pub type GroupTag = [u8; 16];

/// What whoever has a link asks by. It is all that lets them in, so it is kept and compared as a secret is.
#[derive(Debug, PartialEq, Eq)]
pub struct GroupLinkToken(Secret<16>);

impl GroupLinkToken {
    /// A new one.
    #[must_use]
    pub fn random(rng: &mut dyn CryptoRng) -> Self {
        Self(Secret::random(rng))
    }

    /// From 16 bytes.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, WireError> {
        let token = Secret::try_from_slice(bytes);
        token.map(Self).ok_or(malformed("token of a link"))
    }

    /// The 16 bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 16] {
        self.0.as_bytes()
    }

    /// By which whoever asked with this token knows the group that they asked for, once they see it.
    #[must_use]
    pub fn tag_of(&self, group: &GroupId) -> GroupTag {
        let hash = sha256(&[labels::GROUP_LINK, self.as_bytes(), group.as_bytes()]);
        hash.first_chunk().copied().unwrap_or_default()
    }
}

impl Clone for GroupLinkToken {
    fn clone(&self) -> Self {
        Self(self.0.duplicate())
    }
}
