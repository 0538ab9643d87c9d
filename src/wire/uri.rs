//! Bytes as a `windlass:` URI: a letter for the kind and Base32, all in the alphanumeric mode of QR codes (RFC windlass §6).

use data_encoding::BASE32_NOPAD;

use crate::crypto::{labels, sha256};
use crate::limits::MAX_URI_LEN;

/// The scheme, as written; reading takes any case.
pub const URI_SCHEME: &str = "WINDLASS:";

const CHECKSUM_LEN: usize = 4;

/// Why a text is not the URI that was expected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UriFault {
    /// Another application's text.
    #[error("not a windlass: URI")]
    Scheme,
    /// A `windlass:` URI of another kind, or of one that is not known here.
    #[error("this windlass: URI is of another kind, or of a newer version")]
    Kind,
    /// Cut short, mistyped or too long.
    #[error("the URI is damaged, copy it or scan it again")]
    Damaged,
}

/// The URI of some bytes.
#[must_use]
pub fn to_uri(kind: char, bytes: &[u8]) -> String {
    let mut all = bytes.to_vec();
    all.extend_from_slice(&checksum(bytes));
    format!("{URI_SCHEME}{kind}{}", BASE32_NOPAD.encode(&all))
}

/// The bytes of a URI in any case, with white space around it or wrapped into lines, as mail programs do.
pub fn from_uri(kind: char, uri: &str) -> Result<Vec<u8>, UriFault> {
    if uri.len() > 2 * MAX_URI_LEN {
        return Err(UriFault::Damaged);
    }
    let text: String = uri
        .chars()
        .filter(|character| !character.is_ascii_whitespace())
        .map(|character| character.to_ascii_uppercase())
        .collect();
    let rest = text.strip_prefix(URI_SCHEME).ok_or(UriFault::Scheme)?;
    if rest.is_empty() {
        return Err(UriFault::Damaged);
    }
    let encoded = rest.strip_prefix(kind).ok_or(UriFault::Kind)?;
    let bytes = BASE32_NOPAD
        .decode(encoded.as_bytes())
        .map_err(|_| UriFault::Damaged)?;
    let (bytes, sum) = bytes
        .split_last_chunk::<CHECKSUM_LEN>()
        .ok_or(UriFault::Damaged)?;
    if *sum != checksum(bytes) {
        return Err(UriFault::Damaged);
    }
    Ok(bytes.to_vec())
}

/// The first four bytes of a hash: finds mistakes, proves nothing.
fn checksum(bytes: &[u8]) -> [u8; CHECKSUM_LEN] {
    let hash = sha256(&[labels::URI_CHECKSUM, bytes]);
    let mut sum = [0; CHECKSUM_LEN];
    for (to, from) in sum.iter_mut().zip(hash) {
        *to = from;
    }
    sum
}
