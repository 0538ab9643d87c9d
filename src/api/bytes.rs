//! The facade's one bytes type: `bytes` in Python, `ByteArray` in Kotlin, `Data` in Swift.
//!
//! `UniFFI` moves a `Vec<u8>` element by element. This type has the same form in the foreign languages but moves whole blocks, and
//! it zeroises what came in, which may have been a key.

use core::fmt;

use crate::crypto::wipe;

/// Bytes that cross between Rust and a foreign language; zeroised when dropped on this side.
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Bytes(Vec<u8>);

impl Bytes {
    /// The bytes, taken out.
    #[must_use]
    pub fn into_vec(mut self) -> Vec<u8> {
        core::mem::take(&mut self.0)
    }
}

impl core::ops::Deref for Bytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl From<Vec<u8>> for Bytes {
    fn from(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }
}

impl From<&[u8]> for Bytes {
    fn from(bytes: &[u8]) -> Self {
        Self(bytes.to_vec())
    }
}

impl Drop for Bytes {
    fn drop(&mut self) {
        wipe(&mut self.0);
    }
}

/// The length alone: the bytes may be a key or a message.
impl fmt::Debug for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes", self.0.len())
    }
}
