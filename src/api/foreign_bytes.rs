//! How [`Bytes`] cross into a foreign language.

use uniffi::deps::anyhow;
use uniffi::{FfiConverter, MetadataBuffer, RustBuffer};

use super::Bytes;
use crate::crypto::wipe;

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
        wipe(&mut buffer);
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
        Ok(Self::from(bytes.to_vec()))
    }

    const TYPE_ID_META: MetadataBuffer = <Vec<u8> as uniffi::TypeId<UT>>::TYPE_ID_META;
}

uniffi::derive_ffi_traits!(blanket Bytes);
