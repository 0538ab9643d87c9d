//! A file in chunks of one length, each sealed for its place: none can be changed, left out, moved or taken from another file
//! (RFC windlass §9.7; the STREAM construction of Hoang, Reyhanitabar, Rogaway and Vizár, 2015).

use aes_gcm::aead::{Aead, KeyInit, Payload};
use aes_gcm::{Aes256Gcm, Nonce};

use super::{AuthenticationFailed, Secret, SecretBytes, TooLong, hkdf_sha256, labels};

/// By how much a chunk is longer sealed.
pub const CHUNK_OVERHEAD: usize = 16;

/// Seals and opens the chunks of one file. The key is made for one file and never used for another, so the nonces count.
pub struct ChunkCipher(Aes256Gcm);

impl ChunkCipher {
    /// For the file of this key.
    #[must_use]
    pub fn new(key: &Secret<32>) -> Self {
        let key = hkdf_sha256(&[0; 32], key.as_bytes(), labels::ATTACHMENT);
        Self(Aes256Gcm::new(key.as_bytes().into()))
    }

    /// Seals the chunk of this number, from 0.
    pub fn seal(&self, number: u64, last: bool, chunk: &[u8]) -> Result<Vec<u8>, TooLong> {
        self.0
            .encrypt(&nonce(number), payload(chunk, &[u8::from(last)]))
            .map_err(|_| TooLong)
    }

    /// Opens the chunk of this number.
    pub fn open(
        &self,
        number: u64,
        last: bool,
        sealed: &[u8],
    ) -> Result<SecretBytes, AuthenticationFailed> {
        self.0
            .decrypt(&nonce(number), payload(sealed, &[u8::from(last)]))
            .map(SecretBytes::new)
            .map_err(|_| AuthenticationFailed)
    }
}

fn payload<'a>(msg: &'a [u8], aad: &'a [u8]) -> Payload<'a, 'a> {
    Payload { msg, aad }
}

fn nonce(number: u64) -> Nonce<aes_gcm::aead::consts::U12> {
    let mut nonce = [0; 12];
    for (to, from) in nonce.iter_mut().skip(4).zip(number.to_be_bytes()) {
        *to = from;
    }
    Nonce::from(nonce)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_chunk_opens_in_its_place_of_its_file_and_nowhere_else() {
        let [ours, other] = [1, 2].map(|seed| ChunkCipher::new(&Secret::new([seed; 32])));
        let sealed = ours.seal(3, false, b"part").unwrap();
        assert_eq!(sealed.len(), 4 + CHUNK_OVERHEAD);
        assert_eq!(ours.open(3, false, &sealed).unwrap().as_slice(), b"part");
        assert!(ours.open(2, false, &sealed).is_err());
        assert!(ours.open(3, true, &sealed).is_err());
        assert!(other.open(3, false, &sealed).is_err());
    }
}
