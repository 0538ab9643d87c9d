//! The people and bots we know.

use super::devices::DeviceChange;
use super::{Device, Moment, damaged, get_row, put_row, sessions, trust, unacknowledged};
use crate::api::error::WindlassError;
use crate::bundle::{self, VerifiedBundle};
use crate::crypto::sha256;
use crate::identity::PublicIdentity;
use crate::session::{HintKey, SenderHint};
use crate::store::{Key, Rows, Table, Writer};
use crate::wire::{self, store::ContactRow};
use crate::x3dh::{Party, SessionId};

/// A contact, its row checked.
pub(in crate::api) struct Contact {
    pub(in crate::api) identity: PublicIdentity,
    pub(in crate::api) bundle: Option<VerifiedBundle>,
    pub(in crate::api) row: ContactRow,
}

impl Contact {
    pub(super) fn from_row(row: ContactRow) -> Result<Self, WindlassError> {
        let bundle = match row.bundle.as_slice() {
            [] => None,
            bytes => {
                Some(VerifiedBundle::from_stored(bytes).map_err(|_| damaged(Table::Contacts))?)
            }
        };
        Ok(Self {
            identity: PublicIdentity::from_stored(&row.identity_key)
                .ok_or_else(|| damaged(Table::Contacts))?,
            bundle,
            row,
        })
    }

    /// Whether a bundle takes the place of the one that is known.
    fn takes(&self, new: &VerifiedBundle, now: u64) -> bool {
        match &self.bundle {
            None => true,
            // Of two bundles of the same second, a single-use one brings something that the other has not (RFC windlass §5.3.5).
            Some(known) if known.issued_at() == new.issued_at() => {
                new.encoded() != known.encoded() && (new.single_use() || !known.single_use())
            }
            Some(known) => bundle::takes_place_of(new.issued_at(), known.issued_at(), now),
        }
    }

    /// The bundle that counts, with one that has just come.
    pub(super) fn newest<'a>(
        &'a self,
        came: Option<&'a VerifiedBundle>,
        now: u64,
    ) -> Option<&'a VerifiedBundle> {
        came.filter(|came| self.takes(came, now))
            .or(self.bundle.as_ref())
    }

    pub(super) fn hint_key(&self) -> Result<HintKey, WindlassError> {
        HintKey::from_bytes(&self.row.hint_key).ok_or_else(|| damaged(Table::Contacts))
    }

    pub(in crate::api) fn save(&self, store: &mut Writer<'_>) -> Result<(), WindlassError> {
        let key = self.identity.to_bytes();
        put_row(store, Table::Contacts, Key::new(&key), &self.row)
    }
}

/// The contact of an identity.
pub(in crate::api) fn find(
    store: &impl Rows,
    identity: &PublicIdentity,
) -> Result<Option<Contact>, WindlassError> {
    let row: Option<ContactRow> = get_row(store, Table::Contacts, Key::new(&identity.to_bytes()))?;
    row.map(Contact::from_row).transpose()
}

/// All contacts.
pub(in crate::api) fn all(store: &impl Rows) -> Result<Vec<Contact>, WindlassError> {
    store
        .scan(Table::Contacts)?
        .iter()
        .map(|bytes| {
            let row = wire::decode("contact", bytes).map_err(|_| damaged(Table::Contacts))?;
            Contact::from_row(row)
        })
        .collect()
}

/// Adds a contact whom the user chose, or takes a newer bundle of one. An expired bundle is refused.
pub(in crate::api) fn add(
    store: &mut Writer<'_>,
    device: &Device,
    bundle: &VerifiedBundle,
    moment: &mut Moment,
) -> Result<Contact, WindlassError> {
    bundle.check_time(moment.seconds())?;
    if *bundle.identity() == device.public() {
        return Err(WindlassError::OwnBundle);
    }
    if let Some(known) = find(store, bundle.identity())?
        && known.row.used_invitation == fingerprint(bundle)
    {
        return Err(WindlassError::InvitationUsed);
    }
    let (mut contact, _) = take_in(store, device, bundle, moment)?;
    trust::accept(store, device, &mut contact, moment)?;
    if !contact.row.added_by_user {
        contact.row.added_by_user = true;
        contact.save(store)?;
    }
    Ok(contact)
}

/// What a single-use bundle is known by once it was used.
pub(super) fn fingerprint(bundle: &VerifiedBundle) -> [u8; 32] {
    sha256(&[bundle.encoded()])
}

/// Takes a bundle in. One that is older than the one we have changes nothing.
///
/// The time is not looked at: a bundle that came inside a message says how to answer it, however wrong a clock is.
pub(super) fn take_in(
    store: &mut Writer<'_>,
    device: &Device,
    new: &VerifiedBundle,
    moment: &Moment,
) -> Result<(Contact, DeviceChange), WindlassError> {
    let mut change = DeviceChange::default();
    let mut contact = find_or_new(store, device, new.identity(), moment)?;
    let takes_over = contact.takes(new, moment.seconds());
    if takes_over {
        if let Some(known) = &contact.bundle {
            change = DeviceChange::between(known.devices(), new.devices());
        }
        for device_id in &change.removed {
            // It is nobody's device any more, whoever holds it. What it did not acknowledge goes to the others.
            let party = |device_id| Party {
                identity: contact.identity,
                device_id,
            };
            let gone = party(*device_id);
            for message in unacknowledged::of_device(store, &gone, usize::MAX)? {
                for heir in new.devices() {
                    let heir = party(heir.device_id);
                    let (author, id) = (&message.author, &message.id);
                    unacknowledged::note_at_once(store, &heir, author, id, moment.now)?;
                }
            }
            unacknowledged::forget(store, &gone)?;
            sessions::erase_all(store, &gone)?;
        }
        contact.row.bundle = new.encoded().to_vec();
        contact.row.one_time_prekeys_used = false;
        contact.bundle = Some(new.clone());
        contact.save(store)?;
    }
    Ok((contact, change))
}

/// The same for a bundle that somebody passed on: a one-time prekey in it was theirs to use.
pub(super) fn take_in_passed_on(
    store: &mut Writer<'_>,
    device: &Device,
    new: &VerifiedBundle,
    moment: &Moment,
) -> Result<Contact, WindlassError> {
    let (mut contact, _) = take_in(store, device, new, moment)?;
    let known = contact.bundle.as_ref();
    if known.is_some_and(|known| known.encoded() == new.encoded()) {
        contact.row.one_time_prekeys_used = true;
        contact.save(store)?;
    }
    Ok(contact)
}

/// The contact of an identity, or a new one that is not stored yet.
pub(super) fn find_or_new(
    store: &impl Rows,
    device: &Device,
    identity: &PublicIdentity,
    moment: &Moment,
) -> Result<Contact, WindlassError> {
    if let Some(contact) = find(store, identity)? {
        return Ok(contact);
    }
    let hint_key =
        HintKey::between(&device.identity, identity).map_err(|_| WindlassError::InvalidKey)?;
    Ok(Contact {
        identity: *identity,
        bundle: None,
        row: ContactRow {
            identity_key: identity.to_bytes().to_vec(),
            bundle: Vec::new(),
            added_at: moment.now,
            hint_key: hint_key.as_bytes().to_vec(),
            added_by_user: false,
            verified: false,
            one_time_prekeys_used: false,
            moved_to: Vec::new(),
            used_invitation: Vec::new(),
            ..Default::default()
        },
    })
}

/// Whose message it is that names a session we do not have (RFC windlass §7.3); and how many contacts were looked at.
pub(super) fn by_hint(
    store: &impl Rows,
    session_id: &SessionId,
    hint: &SenderHint,
) -> Result<(Option<PublicIdentity>, u64), WindlassError> {
    let (mut found, mut looked_at) = (None, 0);
    store.visit(Table::Contacts, &mut |bytes| {
        looked_at += 1;
        let row: Option<ContactRow> = wire::decode("contact", &bytes).ok();
        let identity = row
            .as_ref()
            .and_then(|row| PublicIdentity::from_stored(&row.identity_key));
        let key = row
            .as_ref()
            .and_then(|row| HintKey::from_bytes(&row.hint_key));
        if let (Some(identity), Some(key)) = (identity, key)
            && key.hint(&identity, session_id) == *hint
        {
            found = Some(identity);
        }
        Ok(())
    })?;
    Ok((found, looked_at))
}
