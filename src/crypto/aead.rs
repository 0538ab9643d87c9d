//! AES-256-GCM with a random 96-bit nonce in front and the full 16-byte tag behind.

use aes_gcm::aead::{AeadInOut, KeyInit};
use aes_gcm::{Aes256Gcm, Nonce};
use zeroize::{Zeroize, Zeroizing};

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
    let mut sealed = vec![0; plaintext.len().saturating_add(AEAD_OVERHEAD)];
    encrypt_to(&mut sealed, key, plaintext, associated_data, rng)?;
    Ok(sealed)
}

/// The same of so many bytes that both lengths are known, without asking for memory.
pub fn encrypt_array<const LEN: usize, const SEALED: usize>(
    key: &Secret<32>,
    plaintext: &[u8; LEN],
    associated_data: &[u8],
    rng: &mut dyn CryptoRng,
) -> Result<[u8; SEALED], TooLong> {
    const { assert!(SEALED == LEN + AEAD_OVERHEAD, "nonce and tag are around it") };
    let mut sealed = [0; SEALED];
    encrypt_to(&mut sealed, key, plaintext, associated_data, rng)?;
    Ok(sealed)
}

/// Fills `sealed`, which is as long as it has to be. After an error there is nothing of the plaintext in it.
fn encrypt_to(
    sealed: &mut [u8],
    key: &Secret<32>,
    plaintext: &[u8],
    associated_data: &[u8],
    rng: &mut dyn CryptoRng,
) -> Result<(), TooLong> {
    let (nonce, rest) = sealed.split_first_chunk_mut().ok_or(TooLong)?;
    let (text, tag) = rest.split_last_chunk_mut::<TAG_LEN>().ok_or(TooLong)?;
    rng.fill_bytes(nonce);
    text.copy_from_slice(plaintext);
    let made = apart::<AEAD_STACK, _>(|| {
        let (cipher, nonce) = (Aes256Gcm::new(key.as_bytes().into()), Nonce::from(*nonce));
        cipher.encrypt_inout_detached(&nonce, associated_data, (&mut *text).into())
    });
    let Ok(made) = made else {
        text.zeroize();
        return Err(TooLong);
    };
    *tag = made.into();
    Ok(())
}

/// The plaintext of what [`encrypt`] made, if key, bytes and associated data are the same.
pub fn decrypt(
    key: &Secret<32>,
    sealed: &[u8],
    associated_data: &[u8],
) -> Result<SecretBytes, AuthenticationFailed> {
    let len = sealed.len().checked_sub(AEAD_OVERHEAD);
    let mut text = SecretBytes::new(vec![0; len.ok_or(AuthenticationFailed)?]);
    decrypt_to(&mut text, key, sealed, associated_data)?;
    Ok(text)
}

/// The same of what [`encrypt_array`] made.
pub fn decrypt_array<const LEN: usize, const SEALED: usize>(
    key: &Secret<32>,
    sealed: &[u8; SEALED],
    associated_data: &[u8],
) -> Result<Zeroizing<[u8; LEN]>, AuthenticationFailed> {
    const { assert!(SEALED == LEN + AEAD_OVERHEAD, "nonce and tag are around it") };
    let mut text = Zeroizing::new([0; LEN]);
    decrypt_to(text.as_mut_slice(), key, sealed, associated_data)?;
    Ok(text)
}

/// Fills `text`, which is as long as it has to be.
fn decrypt_to(
    text: &mut [u8],
    key: &Secret<32>,
    sealed: &[u8],
    associated_data: &[u8],
) -> Result<(), AuthenticationFailed> {
    let split = sealed.split_first_chunk::<NONCE_LEN>();
    let (nonce, rest) = split.ok_or(AuthenticationFailed)?;
    let split = rest.split_last_chunk::<TAG_LEN>();
    let (ciphertext, tag) = split.ok_or(AuthenticationFailed)?;
    text.copy_from_slice(ciphertext);
    apart::<AEAD_STACK, _>(|| {
        let (cipher, nonce) = (Aes256Gcm::new(key.as_bytes().into()), Nonce::from(*nonce));
        cipher.decrypt_inout_detached(&nonce, associated_data, text.into(), &(*tag).into())
    })
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
    fn an_array_is_sealed_as_any_other_bytes_are() {
        let mut rng = seeded(&Secret::new([3; 32]));
        let key = Secret::random(&mut rng);
        let sealed: [u8; 8 + AEAD_OVERHEAD] =
            encrypt_array(&key, b"8 bytes.", b"beside", &mut rng).unwrap();
        assert_eq!(*decrypt(&key, &sealed, b"beside").unwrap(), b"8 bytes.");
        let opened = decrypt_array(&key, &sealed, b"beside");
        assert_eq!(*opened.unwrap(), *b"8 bytes.");
        for i in 0..sealed.len() {
            let mut changed = sealed;
            changed[i] ^= 1;
            assert!(decrypt_array::<8, _>(&key, &changed, b"beside").is_err());
        }
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
