//! A bundle as text: `WINDLASS:` and Base32, all of it in the alphanumeric mode of QR codes (RFC windlass §6).

use data_encoding::BASE32_NOPAD;

use super::{BundleError, VerifiedBundle};
use crate::crypto::{labels, sha256};
use crate::limits::MAX_URI_LEN;

/// The scheme, as written; reading takes any case.
pub const URI_SCHEME: &str = "WINDLASS:";

/// Tells a bundle from what later versions or other purposes put behind the scheme.
const KIND: char = 'B';

const CHECKSUM_LEN: usize = 4;

/// Why a text is no bundle.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UriError {
    /// Another application's text.
    #[error("not a windlass: URI")]
    Scheme,
    /// A `windlass:` URI of a kind that is not known here.
    #[error("this windlass: URI is no invitation, or of a newer version")]
    Kind,
    /// Cut short, mistyped or too long.
    #[error("the URI is damaged, copy it or scan it again")]
    Damaged,
    /// The bundle inside is refused.
    #[error(transparent)]
    Bundle(#[from] BundleError),
}

impl VerifiedBundle {
    /// The URI: about 270 characters for one device, 340 with a one-time prekey.
    #[must_use]
    pub fn to_uri(&self) -> String {
        let mut bytes = self.encoded().to_vec();
        bytes.extend_from_slice(&checksum(self.encoded()));
        format!("{URI_SCHEME}{KIND}{}", BASE32_NOPAD.encode(&bytes))
    }

    /// Reads a URI in any case, with white space around it or wrapped into lines, as mail programs do.
    pub fn from_uri(uri: &str) -> Result<Self, UriError> {
        if uri.len() > 2 * MAX_URI_LEN {
            return Err(UriError::Damaged);
        }
        let text: String = uri
            .chars()
            .filter(|character| !character.is_ascii_whitespace())
            .map(|character| character.to_ascii_uppercase())
            .collect();
        let rest = text.strip_prefix(URI_SCHEME).ok_or(UriError::Scheme)?;
        if rest.is_empty() {
            return Err(UriError::Damaged);
        }
        let encoded = rest.strip_prefix(KIND).ok_or(UriError::Kind)?;
        let bytes = BASE32_NOPAD
            .decode(encoded.as_bytes())
            .map_err(|_| UriError::Damaged)?;
        let (bundle, sum) = bytes
            .split_last_chunk::<CHECKSUM_LEN>()
            .ok_or(UriError::Damaged)?;
        if *sum != checksum(bundle) {
            return Err(UriError::Damaged);
        }
        Ok(Self::decode(bundle)?)
    }
}

/// The first four bytes of a hash: finds mistakes, proves nothing (the signature inside does).
fn checksum(bundle: &[u8]) -> [u8; CHECKSUM_LEN] {
    let hash = sha256(&[labels::URI_CHECKSUM, bundle]);
    let mut sum = [0; CHECKSUM_LEN];
    for (to, from) in sum.iter_mut().zip(hash) {
        *to = from;
    }
    sum
}
