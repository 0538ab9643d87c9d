//! Finding in a text whom it invites to write to.

use std::sync::Arc;

use super::{Bundle, Result};
use crate::bundle::UriError;
use crate::identity::PublicIdentity;
use crate::wire::{UriFault, words};

/// Whom a text invites to write to.
#[derive(Debug, Clone)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
pub struct FoundContact {
    /// Their address: where the transport has their latest bundle.
    pub address: String,
    /// The bundle of the invitation, whether it has expired or not; nothing if the text has the address alone.
    pub bundle: Option<Arc<Bundle>>,
}

/// The first invitation of a text, or else the first address: of a mail, a chat, a link to a web page. `UriNotWindlass` if it has neither.
#[cfg_attr(feature = "uniffi", uniffi::export)]
pub fn find_contact(text: String) -> Result<FoundContact> {
    let fault = match Bundle::from_uri(text.clone()) {
        Ok(bundle) => {
            let address = bundle.identity().address();
            return Ok(FoundContact {
                address,
                bundle: Some(bundle),
            });
        }
        Err(fault) => fault,
    };
    // An invitation that is there is not passed over.
    if fault != UriError::Text(UriFault::Scheme).into() {
        return Err(fault);
    }
    let words = words(&text);
    let mut found = words
        .iter()
        .filter_map(|word| PublicIdentity::from_address(word).ok());
    let address = found.next().ok_or(fault)?.address();
    Ok(FoundContact {
        address,
        bundle: None,
    })
}
