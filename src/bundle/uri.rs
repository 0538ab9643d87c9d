//! A bundle as text (RFC windlass §6).

use super::{BundleError, VerifiedBundle};
use crate::identity::PublicIdentity;
use crate::limits::MAX_URI_LEN;
use crate::wire::{GROUP_LINK_KIND, INVITATION_KIND, UriFault, parse_shared, to_uri};

/// A bundle that its owner shows to somebody who stands in front of them.
const IN_PERSON_KIND: char = 'P';

/// Why a text is no bundle.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UriError {
    /// Not the text of a bundle.
    #[error(transparent)]
    Text(#[from] UriFault),
    /// The bundle inside is refused.
    #[error(transparent)]
    Bundle(#[from] BundleError),
    /// The link that it came with names somebody else.
    #[error("the link names another identity than the bundle inside is of; do not use it")]
    Identity,
}

/// A bundle, and how it was handed over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invitation {
    /// The bundle.
    pub bundle: VerifiedBundle,
    /// True for a code that its owner made to be scanned from their own screen.
    pub in_person: bool,
}

impl Invitation {
    /// The first invitation of a text: a URI in any case, wrapped into lines and quoted as mail programs do, with marks in it that nobody sees; or a
    /// link to a web page with the URI as its fragment.
    pub fn from_uri(uri: &str) -> Result<Self, UriError> {
        let found = parse_shared(uri)?;
        let in_person = match found.kind {
            INVITATION_KIND => false,
            IN_PERSON_KIND => true,
            GROUP_LINK_KIND => return Err(UriFault::Kind.into()),
            // Says which of the others it is.
            _ => return Err(other_kind(INVITATION_KIND, uri)),
        };
        let bundle = VerifiedBundle::decode(&found.bytes)?;
        check_link(&found.link, bundle.identity())?;
        Ok(Self { bundle, in_person })
    }
}

/// Why a URI is not of this kind.
pub(super) fn other_kind(wanted: char, uri: &str) -> UriError {
    let fault = crate::wire::from_uri(wanted, uri).err();
    fault.unwrap_or(UriFault::Kind).into()
}

/// A link that names somebody else than whose bundle is inside is not to be followed.
pub(super) fn check_link(link: &str, of: &PublicIdentity) -> Result<(), UriError> {
    let words = link.split(|c: char| !c.is_ascii_alphanumeric());
    let mut named = words.filter_map(|word| PublicIdentity::from_address(word).ok());
    if named.any(|identity| identity != *of) {
        return Err(UriError::Identity);
    }
    Ok(())
}

impl VerifiedBundle {
    /// The URI for a code, without ML-KEM keys: about 340 characters for one device, 450 with a one-time prekey and a secret.
    #[must_use]
    pub fn to_uri(&self) -> String {
        to_uri(INVITATION_KIND, self.without_kem_keys().encoded())
    }

    /// A link to a web page that brings it, with its ML-KEM keys as long as they leave room for a link, and without the secret of a code: a link
    /// goes over networks.
    #[must_use]
    pub fn to_link(&self, page: &str) -> String {
        let shared = self.without_code_secret();
        let full = to_uri(INVITATION_KIND, shared.encoded());
        let uri = if full.len() <= MAX_URI_LEN {
            full
        } else {
            shared.to_uri()
        };
        format!("{}#{uri}", page.split('#').next().unwrap_or_default())
    }

    /// The URI of a code that is shown to somebody in person.
    #[must_use]
    pub fn to_uri_in_person(&self) -> String {
        to_uri(IN_PERSON_KIND, self.without_kem_keys().encoded())
    }

    /// Reads an invitation, however it was handed over.
    pub fn from_uri(uri: &str) -> Result<Self, UriError> {
        Ok(Invitation::from_uri(uri)?.bundle)
    }
}
