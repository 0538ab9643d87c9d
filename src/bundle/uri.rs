//! A bundle as text (RFC windlass §6).

use super::{BundleError, VerifiedBundle};
use crate::wire::{UriFault, from_uri, to_uri};

/// Tells a bundle from what later versions or other purposes put behind the scheme.
const KIND: char = 'B';

/// Why a text is no bundle.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UriError {
    /// Not the text of a bundle.
    #[error(transparent)]
    Text(#[from] UriFault),
    /// The bundle inside is refused.
    #[error(transparent)]
    Bundle(#[from] BundleError),
}

impl VerifiedBundle {
    /// The URI: about 270 characters for one device, 340 with a one-time prekey.
    #[must_use]
    pub fn to_uri(&self) -> String {
        to_uri(KIND, self.encoded())
    }

    /// Reads a URI in any case, with white space around it or wrapped into lines, as mail programs do.
    pub fn from_uri(uri: &str) -> Result<Self, UriError> {
        Ok(Self::decode(&from_uri(KIND, uri)?)?)
    }
}
