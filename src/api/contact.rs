//! `Contact`.

use std::time::SystemTime;

use super::clock::{time, time_of_seconds};
use crate::engine::records::contacts;
use crate::identity::PublicIdentity;

/// Somebody we know.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
pub struct Contact {
    /// The address.
    pub address: String,
    /// When they became a contact.
    pub added_at: SystemTime,
    /// True when we added their bundle, false when they wrote first.
    pub added_by_us: bool,
    /// True when we want to talk with them: added, accepted, or written to.
    pub accepted: bool,
    /// True when they belong to a group that we take part in, or are whom a contact goes on as. What they write to us alone waits until they are
    /// accepted.
    pub introduced: bool,
    /// True when we do not.
    pub blocked: bool,
    /// True when the safety number was compared.
    pub verified: bool,
    /// The address that they said they go on as.
    pub moved_to: Option<String>,
    /// Ids of their devices.
    pub devices: Vec<u32>,
    /// From when on no new session can be begun with the bundle we have.
    pub bundle_expires_at: Option<SystemTime>,
    /// Its place in the list of contacts, for `contact_page`.
    pub position: u64,
}

impl Contact {
    pub(super) fn from_engine(contact: &contacts::Contact) -> Self {
        let bundle = contact.bundle.as_ref();
        Self {
            address: contact.identity.address(),
            added_at: time(contact.row.added_at),
            added_by_us: contact.row.added_by_user,
            accepted: contact.is_accepted(),
            introduced: contact.is_introduced(),
            blocked: contact.row.blocked,
            verified: contact.row.verified,
            moved_to: PublicIdentity::from_stored(&contact.row.moved_to)
                .map(|identity| identity.address()),
            devices: bundle
                .map(|bundle| bundle.devices().iter().map(|d| d.device_id).collect())
                .unwrap_or_default(),
            bundle_expires_at: bundle.map(|bundle| time_of_seconds(bundle.expires_at())),
            position: contact.row.place,
        }
    }
}
