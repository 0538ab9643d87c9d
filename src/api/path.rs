//! Paths as other languages give them: as text, or byte for byte where a name is none.

use std::path::PathBuf;

/// Begins a path that is told as the hexadecimal digits of its bytes. No path holds this character, so it is nobody's name.
const AS_BYTES: char = '\0';

/// The path that `text` is. A system may have names that are no text (Python keeps their bytes as lone surrogates); a binding tells such a
/// one as a zero character and the digits of its bytes.
pub(super) fn path_of(text: &str) -> PathBuf {
    #[cfg(unix)]
    if let Some(bytes) = text.strip_prefix(AS_BYTES) {
        use std::os::unix::ffi::OsStringExt;
        if let Ok(bytes) = data_encoding::HEXLOWER.decode(bytes.as_bytes()) {
            return std::ffi::OsString::from_vec(bytes).into();
        }
    }
    let _ = AS_BYTES;
    PathBuf::from(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(unix)]
    fn a_path_is_text_or_told_by_its_bytes() {
        assert_eq!(path_of("a/b"), PathBuf::from("a/b"));
        let name = path_of("\x00636166e9");
        assert_eq!(name.as_os_str().as_encoded_bytes(), b"caf\xe9");
        // What is neither is no path of any file.
        assert_eq!(path_of("\0zz"), PathBuf::from("\0zz"));
    }
}
