//! Pictures that travel whole: of a person, and of a group.

use core::fmt;

use crate::limits::MAX_PICTURE_LEN;
use crate::wire::{WireError, malformed};

/// A small picture, or none. It is of a kind that every platform shows; nothing here looks into it further.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Picture(Vec<u8>);

impl Picture {
    /// From the bytes of a file; none of them for no picture.
    pub fn from_bytes(bytes: Vec<u8>) -> Result<Self, WireError> {
        let known = bytes.is_empty() || media_type(&bytes).is_some();
        if !known || bytes.len() > MAX_PICTURE_LEN {
            return Err(malformed("picture"));
        }
        Ok(Self(bytes))
    }

    /// The bytes of the file.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// True without a picture.
    #[must_use]
    pub fn is_none(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for Picture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Picture({} bytes)", self.0.len())
    }
}

/// What a file says at its beginning that it is.
fn media_type(bytes: &[u8]) -> Option<&'static str> {
    const PNG: &[u8] = b"\x89PNG\r\n\x1a\n";
    const JPEG: &[u8] = b"\xff\xd8\xff";
    if bytes.starts_with(PNG) {
        return Some("image/png");
    }
    if bytes.starts_with(JPEG) {
        return Some("image/jpeg");
    }
    let webp = bytes.starts_with(b"RIFF") && bytes.get(8..12) == Some(b"WEBP");
    webp.then_some("image/webp")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_is_of_a_kind_that_is_known_and_small() {
        let padded = |head: &[u8], len: usize| {
            let mut bytes = head.to_vec();
            bytes.resize(len, 7);
            Picture::from_bytes(bytes)
        };
        let kinds: [&[u8]; 3] = [b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"RIFF\0\0\0\0WEBP"];
        for kind in kinds {
            assert!(padded(kind, MAX_PICTURE_LEN).is_ok());
            assert!(padded(kind, MAX_PICTURE_LEN + 1).is_err());
        }
        let others: [&[u8]; 5] = [
            b"<svg/>",
            b"GIF89a",
            b"\xff\xd8",
            b"RIFF\0\0\0\0WEBX",
            b"\0",
        ];
        for other in others {
            assert!(Picture::from_bytes(other.to_vec()).is_err(), "{other:?}");
        }
        assert!(Picture::from_bytes(Vec::new()).is_ok_and(|none| none.is_none()));
        let shown = format!("{:?}", padded(kinds[1], 20).ok());
        assert_eq!(shown, "Some(Picture(20 bytes))");
    }
}
