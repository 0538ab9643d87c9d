//! The facade's one bytes type: `bytes` in Python, `ByteArray` in Kotlin, `Data` in Swift.
//!
//! `UniFFI` moves a `Vec<u8>` element by element. This type has the same form in the foreign languages but moves whole blocks, and
//! it zeroises what came in, which may have been a key.

use core::fmt;

use uniffi::deps::anyhow;
use uniffi::{FfiConverter, MetadataBuffer, RustBuffer};
use zeroize::Zeroize;

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
        self.0.zeroize();
    }
}

/// The length alone: the bytes may be a key or a message.
impl fmt::Debug for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes", self.0.len())
    }
}

// SAFETY: the buffer has the form that the generated bindings write and read for `Vec<u8>`: a big-endian i32 with the length, then
// the bytes. Its type's metadata is that of `Vec<u8>`, so the bindings treat the two alike.
#[allow(unsafe_code)]
unsafe impl<UT> FfiConverter<UT> for Bytes {
    type FfiType = RustBuffer;

    fn lower(bytes: Self) -> RustBuffer {
        let mut buffer = Vec::with_capacity(4 + bytes.len());
        <Self as FfiConverter<UT>>::write(bytes, &mut buffer);
        RustBuffer::from_vec(buffer)
    }

    fn try_lift(buffer: RustBuffer) -> anyhow::Result<Self> {
        let mut buffer = buffer.destroy_into_vec();
        let bytes = {
            let mut rest = buffer.as_slice();
            let bytes = <Self as FfiConverter<UT>>::try_read(&mut rest)?;
            anyhow::ensure!(rest.is_empty(), "{} bytes too many", rest.len());
            bytes
        };
        buffer.zeroize();
        Ok(bytes)
    }

    fn write(bytes: Self, buffer: &mut Vec<u8>) {
        // More than 2 GiB cannot be said; nothing in this crate comes near it.
        let len = i32::try_from(bytes.len()).unwrap_or(0);
        buffer.extend_from_slice(&len.to_be_bytes());
        buffer.extend_from_slice(bytes.get(..len as usize).unwrap_or_default());
    }

    fn try_read(buffer: &mut &[u8]) -> anyhow::Result<Self> {
        let (len, rest) = buffer
            .split_first_chunk::<4>()
            .ok_or_else(|| anyhow::anyhow!("no length"))?;
        let len = usize::try_from(i32::from_be_bytes(*len))?;
        let (bytes, rest) = rest
            .split_at_checked(len)
            .ok_or_else(|| anyhow::anyhow!("too short"))?;
        *buffer = rest;
        Ok(Self(bytes.to_vec()))
    }

    const TYPE_ID_META: MetadataBuffer = <Vec<u8> as uniffi::TypeId<UT>>::TYPE_ID_META;
}

uniffi::derive_ffi_traits!(blanket Bytes);
