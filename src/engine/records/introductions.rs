//! Who introduced whom (RFC windlass §8.6.4): a member of a group that the user takes part in, and whoever a contact goes on as. It is said by
//! somebody, lasts as long as what it was said for, and is no acceptance.

use crate::chat::GroupId;
use crate::engine::base::error::EngineError;
use crate::engine::records::contacts;
use crate::engine::records::contacts::Contact;
use crate::engine::records::strangers::{self, Wait};
use crate::identity::PublicIdentity;
use crate::limits::MAX_INTRODUCERS;
use crate::store::{Rows, RowsMut};

/// By what somebody is introduced.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Origin<'a> {
    /// A group that the user takes part in, and they too.
    Group(&'a GroupId),
    /// A contact who goes on as them.
    Contact(&'a PublicIdentity),
}

impl Origin<'_> {
    fn name(self) -> Vec<u8> {
        match self {
            Self::Group(group) => group.as_bytes().to_vec(),
            Self::Contact(identity) => identity.to_bytes().to_vec(),
        }
    }

    fn list(self, contact: &mut Contact) -> &mut Vec<Vec<u8>> {
        match self {
            Self::Group(_) => &mut contact.row.introduced_by_groups,
            Self::Contact(_) => &mut contact.row.introduced_by_contacts,
        }
    }
}

/// Somebody is introduced: they are answered as far as that goes, and what they write to the user alone waits in a place that no stranger takes.
pub(crate) fn introduce(
    store: &mut dyn RowsMut,
    contact: &mut Contact,
    origin: Origin<'_>,
) -> Result<(), EngineError> {
    let (name, list) = (origin.name(), origin.list(contact));
    let full = matches!(origin, Origin::Contact(_)) && list.len() >= MAX_INTRODUCERS;
    if full || list.contains(&name) {
        return contact.save(store);
    }
    list.push(name);
    match Wait::of(contact) {
        Some(Wait::Stranger) => {
            let since = contact.row.waits_since;
            strangers::enter(store, contact, Wait::Invited, since)
        }
        Some(Wait::Aged | Wait::Lapsed) => {
            strangers::release(store, contact)?;
            contact.save(store)
        }
        Some(Wait::Invited) | None => contact.save(store),
    }
}

/// What somebody was introduced by is over. The contact, if that changed it; the caller saves it.
pub(crate) fn take_back(
    store: &dyn Rows,
    identity: &PublicIdentity,
    origin: Origin<'_>,
) -> Result<Option<Contact>, EngineError> {
    let Some(mut contact) = contacts::find(store, identity)? else {
        return Ok(None);
    };
    let (name, list) = (origin.name(), origin.list(&mut contact));
    let before = list.len();
    list.retain(|one| *one != name);
    Ok((list.len() < before).then_some(contact))
}
