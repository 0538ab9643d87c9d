//! Bytes as a `windlass:` URI: a letter for the kind and Base32, all in the alphanumeric mode of QR codes (RFC windlass §6).

use data_encoding::BASE32_NOPAD;

use crate::crypto::{labels, sha256};
use crate::limits::MAX_URI_LEN;

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
    /// A web link where only a `windlass:` URI is taken: a link is followed by whoever gets it, from whomever.
    #[error("this is a link to a web page; only invitations come as one")]
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
const KINDS: &str = "ABFLPRST";

/// The one kind that a web link may bring: an invitation.
pub const INVITATION_KIND: char = 'B';

/// The bytes of a URI of this kind.
pub fn from_uri(kind: char, uri: &str) -> Result<Vec<u8>, UriFault> {
    let text = plain(uri)?;
    match first(&text)? {
        (found, encoded) if found == kind => decode(encoded),
        (FRAME_KIND, _) => Err(UriFault::Incomplete),
        _ => Err(UriFault::Kind),
    }
}

/// The kind and the bytes of a URI of any kind of this version.
pub fn parse(uri: &str) -> Result<(char, Vec<u8>), UriFault> {
    let text = plain(uri)?;
    match first(&text)? {
        (kind, encoded) if KINDS.contains(kind) => Ok((kind, decode(encoded)?)),
        _ => Err(UriFault::Kind),
    }
}

/// The same; an invitation may also be the fragment of a link to a web page, which nothing else may.
pub fn parse_shared(text: &str) -> Result<(char, Vec<u8>), UriFault> {
    let (link, uri) = split_link(text);
    if link.is_empty() {
        return parse(text);
    }
    if uri.is_empty() {
        return Err(UriFault::Scheme);
    }
    match parse(uri)? {
        (INVITATION_KIND, bytes) => Ok((INVITATION_KIND, bytes)),
        _ => Err(UriFault::Link),
    }
}

/// What is behind the scheme, of a URI in any case, with white space around it or wrapped into lines, as mail programs do.
fn plain(uri: &str) -> Result<String, UriFault> {
    if uri.len() > 2 * MAX_URI_LEN {
        return Err(UriFault::Damaged);
    }
    if !split_link(uri).0.is_empty() {
        return Err(UriFault::Link);
    }
    let text: String = uri
        .chars()
        .filter(|character| !character.is_ascii_whitespace())
        .map(|character| character.to_ascii_uppercase())
        .collect();
    let rest = text.strip_prefix(URI_SCHEME).ok_or(UriFault::Scheme)?;
    Ok(rest.to_owned())
}

fn first(text: &str) -> Result<(char, &str), UriFault> {
    let mut characters = text.chars();
    let kind = characters.next().ok_or(UriFault::Damaged)?;
    Ok((kind, characters.as_str()))
}

fn decode(encoded: &str) -> Result<Vec<u8>, UriFault> {
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

/// A link to a web page before its fragment, and the fragment; an empty link and the whole text if it is no such link.
#[must_use]
pub fn split_link(text: &str) -> (&str, &str) {
    let start: String = text.trim_start().chars().take(8).collect();
    let start = start.to_ascii_lowercase();
    if start.starts_with("https://") || start.starts_with("http://") {
        // Without a fragment it is a link, and no URI of ours.
        text.split_once('#').unwrap_or((text, ""))
    } else {
        ("", text)
    }
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
