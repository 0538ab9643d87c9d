//! A link to a group as text: whom to ask, and by what (RFC windlass §9.6.19).

use super::uri::{UriError, check_link, other_kind};
use super::{BundleError, VerifiedBundle};
use crate::crypto::Secret;
use crate::limits::MAX_URI_LEN;
use crate::wire::{GROUP_LINK_KIND, INVITATION_KIND, UriFault, malformed, parse_shared, to_uri};

const TOKEN_LEN: usize = 16;
const TAG_LEN: usize = 16;

/// A link to a group.
#[derive(Debug, PartialEq, Eq)]
pub struct GroupInvitation {
    /// What whoever has it asks by.
    pub token: Secret<TOKEN_LEN>,
    /// Which group it is, for whoever knows the group.
    pub group: [u8; TAG_LEN],
    /// The bundle of who made it, and is asked.
    pub bundle: VerifiedBundle,
}

impl GroupInvitation {
    /// The first invitation of a text, as one of a person is found in it: it has to be one to a group.
    pub fn from_uri(uri: &str) -> Result<Self, UriError> {
        let found = parse_shared(uri)?;
        match found.kind {
            GROUP_LINK_KIND => {}
            INVITATION_KIND => return Err(UriFault::Kind.into()),
            // Says which of the others it is.
            _ => return Err(other_kind(GROUP_LINK_KIND, uri)),
        }
        let refused = || UriError::from(BundleError::from(malformed("link to a group")));
        let (token, rest) = (found.bytes.split_first_chunk::<TOKEN_LEN>()).ok_or_else(refused)?;
        let (group, bundle) = rest.split_first_chunk::<TAG_LEN>().ok_or_else(refused)?;
        let bundle = VerifiedBundle::decode(bundle)?;
        check_link(&found.link, bundle.identity())?;
        Ok(Self {
            token: Secret::new(*token),
            group: *group,
            bundle,
        })
    }

    /// The URI for a code, without ML-KEM keys: about 390 characters for one device.
    #[must_use]
    pub fn to_code(&self) -> String {
        self.written(&self.bundle.without_kem_keys())
    }

    /// The URI for a text or for the fragment of a web link, with the bundle's ML-KEM keys as long as they leave room for a link.
    #[must_use]
    pub fn to_uri(&self) -> String {
        let full = self.written(&self.bundle);
        if full.len() <= MAX_URI_LEN {
            full
        } else {
            self.to_code()
        }
    }

    fn written(&self, bundle: &VerifiedBundle) -> String {
        let bundle = bundle.without_code_secret();
        let parts: [&[u8]; 3] = [self.token.as_bytes(), &self.group, bundle.encoded()];
        to_uri(GROUP_LINK_KIND, &parts.concat())
    }
}
