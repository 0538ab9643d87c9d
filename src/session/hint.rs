//! The sender hint: a receiver who lost the session learns whom to ask, the network learns nothing (RFC windlass §7.3).

use crate::crypto::{AgreementError, Secret, hkdf_sha256, labels, public_hmac_sha256};
use crate::identity::{IdentityKeyPair, PublicIdentity};
use crate::ratchet::ChainTag;

/// Length in bytes of a hint. Among 10,000 contacts, one in 10^15 messages points to a second one; then both are asked.
pub const SENDER_HINT_LEN: usize = 8;

/// A hint as it travels.
pub type SenderHint = [u8; SENDER_HINT_LEN];

/// The key of the hints between two identities; only they can compute it.
#[derive(Debug)]
pub struct HintKey(Secret<32>);

impl HintKey {
    /// The same on both sides.
    pub fn between(
        ours: &IdentityKeyPair,
        theirs: &PublicIdentity,
    ) -> Result<Self, AgreementError> {
        let agreement = ours.agree_with(theirs)?;
        Ok(Self(hkdf_sha256(
            &[0; 32],
            agreement.as_bytes(),
            labels::SENDER_HINT,
        )))
    }

    /// From the 32 bytes that the store kept.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        Secret::try_from_slice(bytes).map(Self)
    }

    /// The bytes, for the sealed store.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        self.0.as_bytes()
    }

    /// A second copy.
    #[must_use]
    pub fn duplicate(&self) -> Self {
        Self(self.0.duplicate())
    }

    /// The hint in `sender`'s messages of one chain. The sender is part of it, so the two directions differ.
    #[must_use]
    pub fn hint(&self, sender: &PublicIdentity, chain: &ChainTag) -> SenderHint {
        let hash = public_hmac_sha256(self.0.as_bytes(), &[&sender.to_bytes(), chain]);
        let mut hint = SenderHint::default();
        for (to, from) in hint.iter_mut().zip(hash) {
            *to = from;
        }
        hint
    }
}
