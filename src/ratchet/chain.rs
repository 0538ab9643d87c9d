//! One type for each key of the specification; a step of the protocol turns one into the next.

use super::HeaderKey;
use crate::crypto::{
    AuthenticationFailed, CryptoRng, Secret, SecretBytes, SharedSecret, TooLong, decrypt, encrypt,
    hkdf_sha256, hkdf_sha256_in_place, hmac_sha256_step, labels,
};

/// RK (Double Ratchet §3.2).
#[derive(Debug)]
pub struct RootKey(Secret<32>);

impl RootKey {
    /// The first root key is SK of the handshake (Double Ratchet §7.1).
    #[must_use]
    pub fn new(key: SharedSecret) -> Self {
        Self(key)
    }

    /// `KDF_RK_HE` (Double Ratchet §4.2 and §7.2): HKDF with the root key as salt and the agreement as input, to the next root key, a
    /// chain key, and the header key of the chain after that one, with its tag.
    #[must_use]
    pub fn step(&self, agreement: &SharedSecret) -> (Self, ChainKey, HeaderKey) {
        let output: Secret<{ 32 + 32 + HeaderKey::LEN }> =
            hkdf_sha256(self.0.as_bytes(), agreement.as_bytes(), labels::ROOT_CHAIN);
        let (mut root, mut chain) = (Secret::zero(), Secret::zero());
        let (first, rest) = output.as_bytes().split_at(32);
        let (second, header) = rest.split_at(32);
        root.as_mut_bytes().copy_from_slice(first);
        chain.as_mut_bytes().copy_from_slice(second);
        (Self(root), ChainKey(chain), HeaderKey::of(header))
    }

    #[cfg(test)]
    pub(super) fn duplicate(&self) -> Self {
        Self(self.0.duplicate())
    }

    /// The bytes, for the sealed store.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        self.0.as_bytes()
    }
}

/// RK of the Sparse Post-Quantum Ratchet (Double Ratchet §5).
#[derive(Debug)]
pub struct EpochRoot(Secret<32>);

impl EpochRoot {
    /// From its 32 bytes.
    #[must_use]
    pub fn new(key: Secret<32>) -> Self {
        Self(key)
    }

    /// `KDF_SCKA_INIT` (Double Ratchet §5): the root of epoch 0, the chain key of the initiator's messages and that of the responder's.
    #[must_use]
    pub fn first(shared_secret: &SharedSecret) -> (Self, ChainKey, ChainKey) {
        Self::derive(&[0; 32], shared_secret, labels::EPOCH_START)
    }

    /// `KDF_SCKA_RK`: the same of the next epoch, from what was agreed on for it.
    #[must_use]
    pub fn step(&self, agreed: &SharedSecret) -> (Self, ChainKey, ChainKey) {
        Self::derive(self.0.as_bytes(), agreed, labels::EPOCH_STEP)
    }

    fn derive(salt: &[u8; 32], secret: &SharedSecret, label: &[u8]) -> (Self, ChainKey, ChainKey) {
        let output: Secret<{ 3 * 32 }> = hkdf_sha256(salt, secret.as_bytes(), label);
        let mut keys = [Secret::zero(), Secret::zero(), Secret::zero()];
        for (key, bytes) in keys.iter_mut().zip(output.as_bytes().chunks_exact(32)) {
            key.as_mut_bytes().copy_from_slice(bytes);
        }
        let [root, initiator, responder] = keys;
        (Self(root), ChainKey(initiator), ChainKey(responder))
    }

    #[cfg(test)]
    pub(super) fn duplicate(&self) -> Self {
        Self(self.0.duplicate())
    }

    /// The bytes, for the sealed store.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        self.0.as_bytes()
    }
}

/// CKs or CKr (Double Ratchet §3.2), or of an epoch (§5).
#[derive(Debug)]
pub struct ChainKey(Secret<32>);

impl ChainKey {
    /// From its 32 bytes.
    #[must_use]
    pub fn new(key: Secret<32>) -> Self {
        Self(key)
    }

    /// `KDF_CK` and `KDF_SCKA_CK` (Double Ratchet §7.2): HMAC of the constants 0x01 for the message key and 0x02 for the next chain key, which
    /// takes the place of this one.
    #[must_use]
    pub fn step(&mut self) -> HalfKey {
        HalfKey(hmac_sha256_step(&mut self.0, &[0x01], &[0x02]))
    }

    /// A second copy: what is stepped on is not the chain itself.
    pub(super) fn duplicate(&self) -> Self {
        Self(self.0.duplicate())
    }

    /// The bytes, for the sealed store.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        self.0.as_bytes()
    }
}

/// mk of one of the two ratchets (Double Ratchet §6): half of what makes a message key.
#[derive(Debug)]
pub struct HalfKey(Secret<32>);

impl HalfKey {
    /// From its 32 bytes.
    #[must_use]
    pub fn new(key: Secret<32>) -> Self {
        Self(key)
    }

    /// The bytes, for test vectors.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        self.0.as_bytes()
    }
}

/// mk (Double Ratchet §6), an AES-256 key; seals one message. No state that was saved can give it again.
#[derive(Debug)]
pub struct MessageKey(Secret<32>);

impl MessageKey {
    /// `KDF_HYBRID` (Double Ratchet §6): HKDF with the post-quantum key as salt and the other as input. It is safe as long as one of the two is.
    #[must_use]
    pub fn hybrid(classical: HalfKey, post_quantum: &HalfKey) -> Self {
        let (salt, input) = (post_quantum.as_bytes(), classical.0);
        Self(hkdf_sha256_in_place(salt, input, labels::MESSAGE_KEY))
    }

    /// From the 32 bytes of a stored skipped key.
    #[must_use]
    pub fn new(key: Secret<32>) -> Self {
        Self(key)
    }

    /// The bytes, for the sealed store.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        self.0.as_bytes()
    }

    /// `ENCRYPT(mk, plaintext, associated_data)` of Double Ratchet §3.1, by AES-256-GCM (RFC windlass §7.5).
    pub fn seal(
        self,
        plaintext: &[u8],
        associated_data: &[u8],
        rng: &mut dyn CryptoRng,
    ) -> Result<Vec<u8>, TooLong> {
        encrypt(&self.0, plaintext, associated_data, rng)
    }

    /// `DECRYPT(mk, ciphertext, associated_data)` of Double Ratchet §3.1.
    pub fn open(
        &self,
        sealed: &[u8],
        associated_data: &[u8],
    ) -> Result<SecretBytes, AuthenticationFailed> {
        decrypt(&self.0, sealed, associated_data)
    }
}
