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

/// HMAC-SHA-256 of the concatenation of `parts`.
#[must_use]
pub fn hmac_sha256(key: &[u8; 32], parts: &[&[u8]]) -> Secret<32> {
    finish(keyed(key), parts)
}

/// HMAC-SHA-256 of two messages under one key, which is set up once: a chain takes such a step for each message.
#[must_use]
pub fn hmac_sha256_of_two(key: &[u8; 32], first: &[u8], second: &[u8]) -> (Secret<32>, Secret<32>) {
    let mac = keyed(key);
    (finish(mac.clone(), &[first]), finish(mac, &[second]))
}

fn keyed(key: &[u8; 32]) -> Hmac<Sha256> {
    // A key of the hash's own length or shorter is used as it is, so padding it to a block is the same key.
    let mut block = [0u8; 64];
    for (to, from) in block.iter_mut().zip(key) {
        *to = *from;
    }
    let mac = Hmac::<Sha256>::new(&block.into());
    block.zeroize();
    mac
}

fn finish(mut mac: Hmac<Sha256>, parts: &[&[u8]]) -> Secret<32> {
    for part in parts {
        mac.update(part);
    }
    let mut tag: [u8; 32] = mac.finalize().into_bytes().into();
    let output = Secret::new(tag);
    tag.zeroize();
    output
}
