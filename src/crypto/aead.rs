//! AES-256-GCM with a random 96-bit nonce in front and the full 16-byte tag behind.

use aes_gcm::aead::{Aead, KeyInit, Payload};
use aes_gcm::{Aes256Gcm, Nonce};

use super::stack::{AEAD_STACK, apart};
use super::{CryptoRng, Secret, SecretBytes};

const NONCE_LEN: usize = 12;
const TAG_LEN: usize = 16;

/// By how much a ciphertext is longer than its plaintext: nonce and tag.
pub const AEAD_OVERHEAD: usize = NONCE_LEN + TAG_LEN;

/// Authentication failed: the key, the associated data or the bytes are not the ones that were sealed.
///
/// Deliberately without detail: which of them differed is nothing an attacker should learn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("authentication failed")]
pub struct AuthenticationFailed;

/// AES-GCM seals no more than 64 GiB at once. Nothing was sealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("more than can be encrypted at once")]
pub struct TooLong;

/// `nonce || ciphertext || tag` of `plaintext` under `key`.
///
/// The nonce is random although each message key is used once (RFC windlass §3.3): a store that was restored from a snapshot
/// repeats message keys, and under a derived nonce that repeat would give away the authentication key of AES-GCM.
pub fn encrypt(
    key: &Secret<32>,
    plaintext: &[u8],
    associated_data: &[u8],
    rng: &mut dyn CryptoRng,
) -> Result<Vec<u8>, TooLong> {
    let mut nonce = [0u8; NONCE_LEN];
    rng.fill_bytes(&mut nonce);
    let payload = Payload {
        msg: plaintext,
        aad: associated_data,
    };
    let sealed = apart::<AEAD_STACK, _>(|| {
        Aes256Gcm::new(key.as_bytes().into()).encrypt(&Nonce::from(nonce), payload)
    });
    let sealed = sealed.map_err(|_| TooLong)?;
    let mut output = Vec::with_capacity(NONCE_LEN + sealed.len());
    output.extend_from_slice(&nonce);
    output.extend_from_slice(&sealed);
    Ok(output)
}

/// The plaintext of what [`encrypt`] made, if key, bytes and associated data are the same.
pub fn decrypt(
    key: &Secret<32>,
    sealed: &[u8],
    associated_data: &[u8],
) -> Result<SecretBytes, AuthenticationFailed> {
    let (nonce, ciphertext) = sealed
        .split_first_chunk::<NONCE_LEN>()
        .ok_or(AuthenticationFailed)?;
    let payload = Payload {
        msg: ciphertext,
        aad: associated_data,
    };
    let opened = apart::<AEAD_STACK, _>(|| {
        Aes256Gcm::new(key.as_bytes().into()).decrypt(&Nonce::from(*nonce), payload)
    });
    opened
        .map(SecretBytes::new)
        .map_err(|_| AuthenticationFailed)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests {
    use super::*;
    use crate::crypto::seeded;

    #[test]
    fn every_changed_byte_is_noticed() {
        let mut rng = seeded(&Secret::new([1; 32]));
        let key = Secret::random(&mut rng);
        let sealed = encrypt(&key, b"hoist", b"header", &mut rng).unwrap();
        assert_eq!(sealed.len(), 5 + AEAD_OVERHEAD);
        assert_eq!(
            decrypt(&key, &sealed, b"header").unwrap().as_slice(),
            b"hoist"
        );
        for i in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[i] ^= 1;
            assert!(decrypt(&key, &changed, b"header").is_err());
            assert!(decrypt(&key, &sealed[..i], b"header").is_err());
        }
        assert!(decrypt(&key, &sealed, b"headex").is_err());
        assert!(decrypt(&Secret::random(&mut rng), &sealed, b"header").is_err());
    }

    #[test]
    fn equal_plaintexts_have_unequal_ciphertexts() {
        let mut rng = seeded(&Secret::new([2; 32]));
        let key = Secret::random(&mut rng);
        assert_ne!(
            encrypt(&key, b"", b"", &mut rng),
            encrypt(&key, b"", b"", &mut rng)
        );
    }
}
