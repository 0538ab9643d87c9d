//! XAES-256-GCM (C2SP): AES-256-GCM with a 24-byte random nonce, for rows at rest. One key seals more rows than a store can hold
//! before two nonces meet.

use xaes_256_gcm::aead::{Aead, AeadInOut, KeyInit, Payload};
use xaes_256_gcm::{Nonce, Xaes256Gcm};

use super::stack::{AEAD_STACK, apart};
use super::{AuthenticationFailed, CryptoRng, Secret, SecretBytes, TooLong, wipe};

const NONCE_LEN: usize = 24;

/// By how much a sealed value is longer than its plaintext: nonce and tag.
pub const SEAL_OVERHEAD: usize = NONCE_LEN + 16;

/// `nonce || ciphertext || tag`.
pub fn seal(
    key: &Secret<32>,
    plaintext: &[u8],
    associated_data: &[u8],
    rng: &mut dyn CryptoRng,
) -> Result<Vec<u8>, TooLong> {
    let mut sealed = Vec::with_capacity(plaintext.len().saturating_add(SEAL_OVERHEAD));
    sealed.resize(NONCE_LEN, 0);
    rng.fill_bytes(&mut sealed);
    sealed.extend_from_slice(plaintext);
    let split = sealed.split_first_chunk_mut::<NONCE_LEN>();
    let (nonce, text) = split.ok_or(TooLong)?;
    let made = apart::<AEAD_STACK, _>(|| {
        let (cipher, nonce) = (Xaes256Gcm::new(key.as_bytes().into()), Nonce::from(*nonce));
        cipher.encrypt_inout_detached(&nonce, associated_data, text.into())
    });
    let Ok(tag) = made else {
        // The plaintext is in it.
        wipe(&mut sealed);
        return Err(TooLong);
    };
    sealed.extend_from_slice(&tag);
    Ok(sealed)
}

/// The plaintext of what [`seal`] made, if key, bytes and associated data are the same.
pub fn open(
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
        Xaes256Gcm::new(key.as_bytes().into()).decrypt(&(*nonce).into(), payload)
    });
    opened
        .map(SecretBytes::new)
        .map_err(|_| AuthenticationFailed)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::crypto::{seeded, sha256};

    /// The first published vector of C2SP XAES-256-GCM.
    #[test]
    fn the_published_vector_opens() {
        let key = Secret::new([0x01; 32]);
        let sealed = [
            b"ABCDEFGHIJKLMNOPQRSTUVWX".as_slice(),
            &data_encoding::HEXLOWER
                .decode(b"ce546ef63c9cc60765923609b33a9a1974e96e52daf2fcf7075e2271")
                .unwrap(),
        ]
        .concat();
        assert_eq!(
            open(&key, &sealed, b"").unwrap().as_slice(),
            b"XAES-256-GCM"
        );
    }

    #[test]
    fn a_sealed_value_opens_under_its_own_key_and_data_only() {
        let mut rng = seeded(&Secret::new(sha256(&[b"seal"])));
        let (key, other) = (Secret::random(&mut rng), Secret::random(&mut rng));
        let sealed = seal(&key, b"row", b"table", &mut rng).unwrap();
        assert_eq!(sealed.len(), 3 + SEAL_OVERHEAD);
        assert_eq!(open(&key, &sealed, b"table").unwrap().as_slice(), b"row");
        assert!(open(&key, &sealed, b"tabla").is_err());
        assert!(open(&other, &sealed, b"table").is_err());
        assert!(open(&key, b"short", b"table").is_err());
    }
}
