//! The people and bots we know.

use crate::bundle::{DeviceBundle, DeviceChange, VerifiedBundle, takes_place_of};
use crate::crypto::{sha256, wipe};
use crate::engine::base::device::Device;
use crate::engine::base::error::EngineError;
use crate::engine::base::rows::{all_rows, damaged, get_row, put_row};
use crate::engine::base::step::Step;
use crate::engine::records::conversations::ConversationId;
use crate::engine::records::{
    chat_settings, contact_list, floors, pair_rows, pairs, profiles, sessions, states,
    unacknowledged,
};
use crate::identity::PublicIdentity;
use crate::session::HintKey;
use crate::store::{Key, Rows, RowsMut, Table};
use crate::wire::store::ContactRow;
use crate::x3dh::Party;

/// A contact, its row checked.
pub(crate) struct Contact {
    pub(crate) identity: PublicIdentity,
    pub(crate) bundle: Option<VerifiedBundle>,
    pub(crate) row: ContactRow,
}

impl Contact {
    pub(crate) fn from_row(row: ContactRow) -> Result<Self, EngineError> {
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
            Some(known) if known.is_form_of(new) => false,
            // Of two bundles of the same second, a single-use one brings something that the other has not (RFC windlass §5.3.5).
            Some(known) if known.issued_at() == new.issued_at() => {
                new.single_use() || !known.single_use()
            }
            Some(known) => takes_place_of(new.issued_at(), known.issued_at(), now),
        }
    }

    /// The bundle that counts, with one that has just come.
    pub(crate) fn newest<'a>(
        &'a self,
        came: Option<&'a VerifiedBundle>,
        now: u64,
    ) -> Option<&'a VerifiedBundle> {
        came.filter(|came| self.takes(came, now))
            .or(self.bundle.as_ref())
    }

    /// The one-time prekeys of the bundle are used now, and what came with them is needed no more.
    pub(crate) fn use_invitation(&mut self) {
        let Some(bundle) = self.bundle.take() else {
            return;
        };
        self.row.one_time_prekeys_used = true;
        self.row.used_invitation = fingerprint(&bundle).to_vec();
        self.keep(bundle.without_code_secret());
    }

    fn keep(&mut self, bundle: VerifiedBundle) {
        wipe(&mut self.row.bundle);
        self.row.bundle = bundle.encoded().to_vec();
        self.bundle = Some(bundle);
    }

    /// Whether the user wants to talk with them.
    pub(crate) fn is_accepted(&self) -> bool {
        self.row.is_accepted()
    }

    /// Whether they wrote first, and the user has not said what to think of them.
    pub(crate) fn is_stranger(&self) -> bool {
        !self.is_known() && !self.row.blocked
    }

    /// Whether what they say to the user alone waits for the user to say what to think of them.
    pub(crate) fn waits(&self) -> bool {
        self.row.waits()
    }

    /// Whether they are accepted, or introduced by somebody.
    pub(crate) fn is_known(&self) -> bool {
        self.row.is_known()
    }

    /// Whether they belong to a group that the user takes part in, or are whom a contact goes on as.
    pub(crate) fn is_introduced(&self) -> bool {
        self.row.is_introduced()
    }

    /// What their bundle says of their devices.
    pub(crate) fn devices(&self) -> &[DeviceBundle] {
        self.bundle.as_ref().map_or(&[], VerifiedBundle::devices)
    }

    /// Their devices.
    pub(crate) fn parties(&self) -> Vec<Party> {
        let devices = self.bundle.iter().flat_map(|bundle| bundle.devices());
        devices
            .map(|device| Party {
                identity: self.identity,
                device_id: device.device_id,
            })
            .collect()
    }

    /// Whether one of their devices answered in the session that there is: what goes in it needs no handshake.
    pub(crate) fn has_answered(&self, store: &dyn Rows) -> Result<bool, EngineError> {
        for party in self.parties() {
            if sessions::active(store, &party)?.is_some_and(|one| !one.is_pending()) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    pub(crate) fn hint_key(&self) -> Result<HintKey, EngineError> {
        HintKey::from_bytes(&self.row.hint_key).ok_or_else(|| damaged(Table::Contacts))
    }

    pub(crate) fn save(&mut self, store: &mut dyn RowsMut) -> Result<(), EngineError> {
        let key = self.identity.to_bytes();
        if self.row.place == 0 {
            contact_list::enter(store, &mut self.row)?;
        }
        put_row(store, Table::Contacts, Key::new(&key), &self.row)
    }
}

/// What is decided of a contact is in the row, whatever their bundle says.
impl ContactRow {
    pub(crate) fn is_accepted(&self) -> bool {
        self.added_by_user || self.accepted
    }

    pub(crate) fn waits(&self) -> bool {
        !self.is_accepted() && !self.blocked
    }

    pub(crate) fn is_known(&self) -> bool {
        self.is_accepted() || self.is_introduced()
    }

    fn is_introduced(&self) -> bool {
        !self.introduced_by_groups.is_empty() || !self.introduced_by_contacts.is_empty()
    }
}

/// The contact of an identity.
pub(crate) fn find(
    store: &dyn Rows,
    identity: &PublicIdentity,
) -> Result<Option<Contact>, EngineError> {
    row(store, identity)?.map(Contact::from_row).transpose()
}

/// The row of a contact, for whoever does not ask what their bundle says: to parse that costs more than all the rest of it.
pub(crate) fn row(
    store: &dyn Rows,
    identity: &PublicIdentity,
) -> Result<Option<ContactRow>, EngineError> {
    get_row(store, Table::Contacts, Key::new(&identity.to_bytes()))
}

/// All contacts.
pub(crate) fn all(store: &dyn Rows) -> Result<Vec<Contact>, EngineError> {
    let rows = all_rows(store, Table::Contacts)?;
    rows.into_iter().map(Contact::from_row).collect()
}

/// The contacts behind a place in the list of contacts, or the first ones; at most `limit`.
pub(crate) fn page(
    store: &dyn Rows,
    after: u64,
    limit: usize,
) -> Result<Vec<Contact>, EngineError> {
    let listed = contact_list::page(store, after, limit)?.into_iter();
    listed
        .map(|identity| find(store, &identity)?.ok_or_else(|| damaged(Table::ContactList)))
        .collect()
}

pub(crate) fn erase(store: &mut dyn RowsMut, contact: &Contact) -> Result<(), EngineError> {
    let identity = &contact.identity;
    contact_list::forget(store, &contact.row)?;
    store.delete(Table::Contacts, Key::new(&identity.to_bytes()))?;
    chat_settings::erase(store, &ConversationId::Direct(*identity))?;
    profiles::erase(store, identity)?;
    states::erase_of(store, &states::Owner::Person(*identity))
}

/// What a single-use bundle is known by once it was used, in whatever form it comes.
pub(crate) fn fingerprint(bundle: &VerifiedBundle) -> [u8; 32] {
    sha256(&[&bundle.body()])
}

/// Merges a bundle into its contact. One that is older than the one we have changes nothing.
///
/// The time is not looked at: a bundle that came inside a message says how to answer it, however wrong a clock is.
pub(crate) fn merge_bundle(
    step: &mut Step<'_>,
    new: &VerifiedBundle,
) -> Result<(Contact, DeviceChange), EngineError> {
    let mut change = DeviceChange::default();
    let mut contact = find_or_new(step.rows, step.device, new.identity(), step.now)?;
    let takes_over = contact.takes(new, step.seconds());
    if takes_over {
        if let Some(known) = &contact.bundle {
            change = DeviceChange::between(known.devices(), new.devices());
            if !change.added.is_empty() {
                // The new ones have not heard it.
                contact.row.profile_known = 0;
            }
        }
        for device_id in &change.removed {
            // It is nobody's device any more. What it did not acknowledge goes to the others.
            let party = |device_id| Party {
                identity: contact.identity,
                device_id,
            };
            let gone = party(*device_id);
            for message in unacknowledged::of_device(step.rows, &gone, usize::MAX)? {
                for heir in new.devices() {
                    let heir = party(heir.device_id);
                    unacknowledged::inherit(step.rows, &heir, &message, step.now)?;
                }
            }
            unacknowledged::forget(step.rows, &gone)?;
            sessions::erase_all(step.rows, &gone)?;
            pair_rows::forget(step.rows, &gone)?;
        }
        contact.row.one_time_prekeys_used = false;
        contact.keep(new.clone());
        for (party, remote) in contact.parties().iter().zip(new.devices()) {
            pairs::note_prekey(step, party, &remote.signed_prekey.key, step.now)?;
        }
        contact.save(step.rows)?;
    } else if let Some(known) = contact
        .bundle
        .as_ref()
        .filter(|known| known.is_form_of(new))
    {
        // A code has no ML-KEM keys; the first answer to it brings them.
        let full = known.with_kem_keys_of(new);
        if full.encoded() != known.encoded() {
            contact.keep(full);
            contact.save(step.rows)?;
        }
    }
    Ok((contact, change))
}

/// The same for a bundle that somebody passed on: a one-time prekey in it was theirs to use.
pub(crate) fn merge_forwarded_bundle(
    step: &mut Step<'_>,
    new: &VerifiedBundle,
) -> Result<(Contact, DeviceChange), EngineError> {
    let (mut contact, change) = merge_bundle(step, new)?;
    let known = contact.bundle.as_ref();
    if known.is_some_and(|known| known.is_form_of(new)) {
        contact.row.one_time_prekeys_used = true;
        contact.save(step.rows)?;
    }
    Ok((contact, change))
}

/// The contact of an identity, or a new one that is not stored yet.
pub(crate) fn find_or_new(
    store: &dyn Rows,
    device: &Device,
    identity: &PublicIdentity,
    now: u64,
) -> Result<Contact, EngineError> {
    if let Some(contact) = find(store, identity)? {
        return Ok(contact);
    }
    let hint_key =
        HintKey::between(&device.identity, identity).map_err(|_| EngineError::InvalidKey)?;
    // Nothing that was decided before they were removed counts for whoever comes anew.
    let removal = floors::removal(store, &identity.to_bytes())?;
    Ok(Contact {
        identity: *identity,
        bundle: None,
        row: ContactRow {
            identity_key: identity.to_bytes().to_vec(),
            bundle: Vec::new(),
            added_at: now,
            hint_key: hint_key.as_bytes().to_vec(),
            moved_to: Vec::new(),
            used_invitation: Vec::new(),
            standing_clock: removal.clock,
            standing_by: removal.device_id,
            verified_clock: removal.clock,
            verified_by: removal.device_id,
            introduced_by_groups: Vec::new(),
            introduced_by_contacts: Vec::new(),
            ..Default::default()
        },
    })
}
