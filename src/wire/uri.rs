//! Bytes as a `windlass:` URI: a letter for the kind and Base32, all in the alphanumeric mode of QR codes (RFC windlass §6).

use data_encoding::BASE32_NOPAD;

use crate::crypto::{labels, sha256};

/// The scheme, as written; reading takes any case.
pub const URI_SCHEME: &str = "WINDLASS:";

/// Tells one of several codes from a whole URI.
pub(super) const FRAME_KIND: char = 'F';

pub(super) const CHECKSUM_LEN: usize = 4;

/// Why a text is not the URI that was expected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UriFault {
    /// Another application's text.
    #[error("not a windlass: URI, but another application's code")]
    Scheme,
    /// A `windlass:` URI of another kind, or of one that is not known here.
    #[error("this windlass: URI is of another kind, or of a newer version")]
    Kind,
    /// Cut short, mistyped or too long.
    #[error("the URI is damaged, copy it or scan it again")]
    Damaged,
    /// Something else than an invitation, in a web link or in a text: a link is followed by whoever gets it, from whomever.
    #[error(
        "only an invitation, of a person or to a group, is taken out of a link or a text; give this code alone"
    )]
    Link,
    /// One of several codes.
    #[error("this is one of several codes that belong together; scan the others too")]
    Incomplete,
}

/// The URI of some bytes.
#[must_use]
pub fn to_uri(kind: char, bytes: &[u8]) -> String {
    let mut all = bytes.to_vec();
    all.extend_from_slice(&checksum(&[bytes]));
    format!("{URI_SCHEME}{kind}{}", BASE32_NOPAD.encode(&all))
}

/// The letters of this version.
pub(super) const KINDS: &str = "ABFGLPRST";

/// An invitation to write to somebody.
pub const INVITATION_KIND: char = 'B';

/// A link to a group.
pub const GROUP_LINK_KIND: char = 'G';

/// Whether a web link may bring it, and words may stand beside it.
pub(super) const fn travels(kind: char) -> bool {
    matches!(kind, INVITATION_KIND | GROUP_LINK_KIND)
}

pub(super) fn decode(encoded: &str) -> Result<Vec<u8>, UriFault> {
    let bytes = BASE32_NOPAD
        .decode(encoded.as_bytes())
        .map_err(|_| UriFault::Damaged)?;
    let (bytes, sum) = bytes
        .split_last_chunk::<CHECKSUM_LEN>()
        .ok_or(UriFault::Damaged)?;
    if *sum != checksum(&[bytes]) {
        return Err(UriFault::Damaged);
    }
    Ok(bytes.to_vec())
}

/// The first four bytes of a hash: finds mistakes, proves nothing.
pub(super) fn checksum(parts: &[&[u8]]) -> [u8; CHECKSUM_LEN] {
    let mut all = vec![labels::URI_CHECKSUM];
    all.extend_from_slice(parts);
    let hash = sha256(&all);
    let mut sum = [0; CHECKSUM_LEN];
    for (to, from) in sum.iter_mut().zip(hash) {
        *to = from;
    }
    sum
}
