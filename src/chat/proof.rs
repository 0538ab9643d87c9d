//! The proof of who wrote a message that it was they, for themselves alone (RFC windlass §9.1.4).
//!
//! A user who lost their own messages gets them back from those they wrote them to. The proof, which only the author can make or check, is why
//! nobody can put others among them; to everybody else it is 16 random bytes.

use super::names::IdentityKey;
use crate::crypto::{Secret, SecretBytes, hkdf_sha256, hmac_sha256, labels};
use crate::identity::IdentityKeyPair;

/// Length in bytes of a proof.
pub(super) const PROOF_LEN: usize = 16;
/// What stands in front of the proof: field 7 of a content, length-delimited, and the length.
const FIELD: [u8; 2] = [7 << 3 | 2, PROOF_LEN as u8];

/// What an identity proves its own words with.
pub struct ProofKey(Secret<32>);

impl ProofKey {
    /// Follows from the seed, so that every device of the identity has it.
    #[must_use]
    pub fn of(identity: &IdentityKeyPair) -> Self {
        let seed = identity.seed();
        Self(hkdf_sha256(&[0; 32], seed.as_bytes(), labels::OWN_WORDS))
    }

    /// An encoded content, the proof behind its other fields. `conversation` is as its author sees it: the other side, or the group.
    #[must_use]
    pub fn prove(&self, conversation: &IdentityKey, group: bool, content: &[u8]) -> SecretBytes {
        let tag = self.tag(conversation, group, content);
        let mut proved = Vec::with_capacity(content.len() + FIELD.len() + PROOF_LEN);
        proved.extend_from_slice(content);
        proved.extend_from_slice(&FIELD);
        proved.extend(tag.as_bytes().iter().take(PROOF_LEN));
        SecretBytes::new(proved)
    }

    /// Whether a content in this conversation ends with the proof of it.
    #[must_use]
    pub fn holds(&self, conversation: &IdentityKey, group: bool, content: &[u8]) -> bool {
        let Some((said, proof)) = content.split_last_chunk::<PROOF_LEN>() else {
            return false;
        };
        let Some(said) = said.strip_suffix(&FIELD) else {
            return false;
        };
        let tag = self.tag(conversation, group, said);
        let expected = tag.as_bytes().first_chunk().map(|tag| Secret::new(*tag));
        expected == Some(Secret::new(*proof))
    }

    fn tag(&self, conversation: &IdentityKey, group: bool, content: &[u8]) -> Secret<32> {
        let parts = [&[u8::from(group)][..], conversation, content];
        hmac_sha256(self.0.as_bytes(), &parts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proof_holds_for_its_author_its_conversation_and_its_words_alone() {
        let identity = |seed| IdentityKeyPair::from_seed(&Secret::new([seed; 32]));
        let key = ProofKey::of(&identity(1));
        let proved = key.prove(&[2; 32], false, b"ahoy");
        assert!(key.holds(&[2; 32], false, &proved));
        assert!(!key.holds(&[3; 32], false, &proved));
        assert!(!key.holds(&[2; 32], true, &proved));
        assert!(!ProofKey::of(&identity(2)).holds(&[2; 32], false, &proved));
        for at in 0..proved.len() {
            let mut changed = proved.to_vec();
            changed
                .iter_mut()
                .skip(at)
                .take(1)
                .for_each(|byte| *byte ^= 1);
            assert!(!key.holds(&[2; 32], false, &changed));
            assert!(!key.holds(&[2; 32], false, changed.get(..at).unwrap_or_default()));
        }
    }
}
