//! Secret bytes: zeroised when dropped, compared in constant time, never printed.

use core::fmt;

use rand_core::CryptoRng;
use subtle::ConstantTimeEq;
use zeroize::Zeroize;

/// Secret bytes of a length that varies (a plaintext, an encoded ratchet); zeroised when dropped.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct SecretBytes(Vec<u8>);

impl SecretBytes {
    /// Takes the bytes over.
    #[must_use]
    pub const fn new(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }
}

/// Overwrites all that a vector has memory for, and empties it. Its own `zeroize` writes one byte after the other, which was a tenth and more of
/// what a message cost; that of a slice is as fast as memory.
pub fn wipe(bytes: &mut Vec<u8>) {
    bytes.resize(bytes.capacity(), 0);
    bytes.as_mut_slice().zeroize();
    bytes.clear();
}

impl Drop for SecretBytes {
    fn drop(&mut self) {
        wipe(&mut self.0);
    }
}

impl From<Vec<u8>> for SecretBytes {
    fn from(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }
}

impl AsRef<[u8]> for SecretBytes {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl core::ops::Deref for SecretBytes {
    type Target = Vec<u8>;

    fn deref(&self) -> &Vec<u8> {
        &self.0
    }
}

impl core::ops::DerefMut for SecretBytes {
    fn deref_mut(&mut self) -> &mut Vec<u8> {
        &mut self.0
    }
}

impl fmt::Debug for SecretBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[REDACTED]")
    }
}

/// `N` secret bytes.
///
/// Boxed, so that moving the value leaves no copy behind on the stack. There is no `Clone`: a second copy is asked for by name
/// with [`Secret::duplicate`].
pub struct Secret<const N: usize>(Box<[u8; N]>);

impl<const N: usize> Secret<N> {
    /// Takes `bytes` over; the caller's copy is zeroised.
    #[must_use]
    pub fn new(mut bytes: [u8; N]) -> Self {
        let secret = Self(Box::new(bytes));
        bytes.zeroize();
        secret
    }

    /// `None` unless `bytes` are exactly `N` long.
    #[must_use]
    pub fn try_from_slice(bytes: &[u8]) -> Option<Self> {
        let mut secret = Self::zero();
        if bytes.len() != N {
            return None;
        }
        secret.0.copy_from_slice(bytes);
        Some(secret)
    }

    /// `N` bytes from `rng`.
    #[must_use]
    pub fn random(rng: &mut dyn CryptoRng) -> Self {
        let mut secret = Self::zero();
        rng.fill_bytes(secret.0.as_mut_slice());
        secret
    }

    /// All zero, to be filled in place.
    #[must_use]
    pub fn zero() -> Self {
        Self(Box::new([0; N]))
    }

    /// The bytes, to be read.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; N] {
        &self.0
    }

    /// The bytes, to be written in place.
    pub fn as_mut_bytes(&mut self) -> &mut [u8; N] {
        &mut self.0
    }

    /// What dropping does.
    fn wipe(&mut self) {
        self.0.as_mut_slice().zeroize();
    }

    /// A second copy. Named, so that a search finds every place where a secret is doubled.
    #[must_use]
    pub fn duplicate(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<const N: usize> Drop for Secret<N> {
    fn drop(&mut self) {
        self.wipe();
    }
}

impl<const N: usize> PartialEq for Secret<N> {
    fn eq(&self, other: &Self) -> bool {
        self.0.as_slice().ct_eq(other.0.as_slice()).into()
    }
}

impl<const N: usize> Eq for Secret<N> {}

impl<const N: usize> fmt::Debug for Secret<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[REDACTED]")
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn debug_prints_no_secret() {
        assert_eq!(format!("{:?}", Secret::new([0xA5; 32])), "[REDACTED]");
    }

    #[test]
    fn bytes_are_wiped_as_far_as_they_have_memory_and_no_debug_prints_them() {
        let mut bytes = vec![0xA5; 100];
        bytes.truncate(10);
        wipe(&mut bytes);
        assert!(bytes.is_empty() && bytes.capacity() >= 100);
        // Within the memory that was there, as the capacity says.
        let all = bytes.capacity();
        bytes.resize(all, 1);
        assert_eq!(bytes.capacity(), all);
        assert!(core::mem::needs_drop::<SecretBytes>());
        assert_eq!(format!("{:?}", SecretBytes::new(vec![0xA5])), "[REDACTED]");
    }

    #[test]
    fn slices_of_another_length_are_refused() {
        assert!(Secret::<32>::try_from_slice(&[0; 31]).is_none());
        assert!(Secret::<32>::try_from_slice(&[0; 33]).is_none());
        assert_eq!(
            Secret::<32>::try_from_slice(&[7; 32]).unwrap(),
            Secret::new([7; 32])
        );
    }

    /// A feature flag once removed the zeroisation of another library; this would notice.
    #[test]
    fn a_dropped_secret_is_wiped_first() {
        let mut secret = Secret::new([0xA5; 32]);
        secret.wipe();
        assert_eq!(secret.as_bytes(), &[0; 32]);
        assert!(core::mem::needs_drop::<Secret<32>>());
    }
}
