//! HKDF-SHA-256 and HMAC-SHA-256.

use hkdf::Hkdf;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use zeroize::Zeroize;

use super::Secret;

/// HKDF-SHA-256 (RFC 5869) to `N` bytes, `N` at most 8,160. Every caller names its `info` in [`super::labels`].
#[must_use]
pub fn hkdf_sha256<const N: usize>(salt: &[u8], ikm: &[u8], info: &[u8]) -> Secret<N> {
    const { assert!(N <= 255 * 32, "HKDF-SHA-256 gives at most 8,160 bytes") };
    let mut output = Secret::zero();
    // The only error is an output that is too long, which the assertion above excludes when compiling.
    let _ = Hkdf::<Sha256>::new(Some(salt), ikm).expand(info, output.as_mut_bytes());
    output
}

/// The same to 32 bytes, which take the place of the input that they are made of.
#[must_use]
pub fn hkdf_sha256_in_place(salt: &[u8], mut ikm: Secret<32>, info: &[u8]) -> Secret<32> {
    let extracted = Hkdf::<Sha256>::new(Some(salt), ikm.as_bytes());
    let _ = extracted.expand(info, ikm.as_mut_bytes());
    ikm
}

/// HMAC-SHA-256 of the concatenation of `parts`.
#[must_use]
pub fn hmac_sha256(key: &[u8; 32], parts: &[&[u8]]) -> Secret<32> {
    let mut output = Secret::zero();
    finish(keyed(key), parts, output.as_mut_bytes());
    output
}

/// The same where the result is no secret: a tag that travels.
#[must_use]
pub fn public_hmac_sha256(key: &[u8; 32], parts: &[&[u8]]) -> [u8; 32] {
    let mut output = [0; 32];
    finish(keyed(key), parts, &mut output);
    output
}

/// HMAC-SHA-256 of two messages under one key, which is set up once: a chain takes such a step for each message. The second takes the key's
/// place, so that the key is gone.
#[must_use]
pub fn hmac_sha256_step(key: &mut Secret<32>, first: &[u8], second: &[u8]) -> Secret<32> {
    let mac = keyed(key.as_bytes());
    let mut output = Secret::zero();
    finish(mac.clone(), &[first], output.as_mut_bytes());
    finish(mac, &[second], key.as_mut_bytes());
    output
}

#[cfg(test)]
thread_local! {
    /// How many keys were set up by this thread, for the tests that hold what a message costs.
    pub(crate) static MACS: core::cell::Cell<usize> = const { core::cell::Cell::new(0) };
}

fn keyed(key: &[u8; 32]) -> Hmac<Sha256> {
    #[cfg(test)]
    MACS.set(MACS.get() + 1);
    // A key of the hash's own length or shorter is used as it is, so padding it to a block is the same key.
    let mut block = [0u8; 64];
    for (to, from) in block.iter_mut().zip(key) {
        *to = *from;
    }
    let mac = Hmac::<Sha256>::new(&block.into());
    block.zeroize();
    mac
}

fn finish(mut mac: Hmac<Sha256>, parts: &[&[u8]], output: &mut [u8; 32]) {
    for part in parts {
        mac.update(part);
    }
    let mut tag: [u8; 32] = mac.finalize().into_bytes().into();
    output.copy_from_slice(&tag);
    tag.zeroize();
}
