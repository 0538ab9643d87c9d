//! The other devices of our identity (RFC windlass §8.3).

use super::{
    Device, Moment, contacts, damaged, get_row, healing, prekeys, put_row, send, unacknowledged,
};
use crate::api::error::WindlassError;
use crate::bundle::{DeviceBundle, OwnDevice, Prekey, VerifiedBundle};
use crate::chat::{Body, DeviceUpdate, KnownContact, MessageId};
use crate::crypto::{DhPublic, Secret};
use crate::identity::PublicIdentity;
use crate::limits::{
    LINK_LIFETIME_SECONDS, MAX_DEVICES, MAX_RESENDS, NEW_DEVICE_SECONDS, RESEND_AFTER_SECONDS,
};
use crate::link::LinkToken;
use crate::session::HintKey;
use crate::store::{Direction, Key, Rows, Table, WHOLE_GROUP, Writer};
use crate::wire::{
    self,
    store::{OwnDeviceRow, PendingLinkRow},
};
use crate::x3dh::Party;

const GROUP: &[u8] = b"own devices";
/// The row of the device that was linked last.
const PENDING_LINK: &[u8] = b"pending link";

/// What a newer bundle changed in somebody's devices.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::api) struct DeviceChange {
    pub(in crate::api) added: Vec<u32>,
    pub(in crate::api) removed: Vec<u32>,
}

impl DeviceChange {
    pub(super) fn is_empty(&self) -> bool {
        self.added.is_empty() && self.removed.is_empty()
    }

    /// From one list of devices to the next.
    pub(super) fn between(before: &[DeviceBundle], after: &[DeviceBundle]) -> Self {
        let only = |of: &[DeviceBundle], other: &[DeviceBundle]| {
            of.iter()
                .map(|device| device.device_id)
                .filter(|id| !other.iter().any(|device| device.device_id == *id))
                .collect()
        };
        Self {
            added: only(after, before),
            removed: only(before, after),
        }
    }
}

/// Another device of ours that is in use.
pub(in crate::api) struct Sibling {
    pub(super) remote: DeviceBundle,
    pub(in crate::api) row: OwnDeviceRow,
}

fn rows(store: &impl Rows) -> Result<Vec<OwnDeviceRow>, WindlassError> {
    store
        .range(
            Table::OwnDevices,
            GROUP,
            WHOLE_GROUP,
            Direction::Forward,
            usize::MAX,
        )?
        .iter()
        .map(|(_, bytes)| wire::decode("own device", bytes).map_err(|_| damaged(Table::OwnDevices)))
        .collect()
}

fn save(store: &mut Writer<'_>, row: &OwnDeviceRow) -> Result<(), WindlassError> {
    let order = row.device_id.to_be_bytes();
    put_row(store, Table::OwnDevices, Key::ordered(GROUP, &order), row)
}

fn find(store: &impl Rows, device_id: u32) -> Result<Option<OwnDeviceRow>, WindlassError> {
    let order = device_id.to_be_bytes();
    get_row(store, Table::OwnDevices, Key::ordered(GROUP, &order))
}

/// The devices that are in use, beside this one.
pub(in crate::api) fn siblings(store: &impl Rows) -> Result<Vec<Sibling>, WindlassError> {
    rows(store)?
        .into_iter()
        .filter(|row| !row.removed)
        .map(|row| {
            let key =
                DhPublic::from_bytes(&row.signed_prekey).map_err(|_| damaged(Table::OwnDevices))?;
            let remote = DeviceBundle {
                device_id: row.device_id,
                signed_prekey: Prekey {
                    id: row.signed_prekey_id,
                    key,
                },
                one_time_prekey: None,
            };
            Ok(Sibling { remote, row })
        })
        .collect()
}

/// When the latest bundle of ours was issued that came from another device, in use or not; 0 if none came.
pub(super) fn last_issued(store: &impl Rows) -> Result<u64, WindlassError> {
    Ok(rows(store)?
        .iter()
        .map(|row| row.issued_at)
        .max()
        .unwrap_or(0))
}

/// Devices that contacts may not have heard of yet.
pub(super) fn new_ones(store: &impl Rows, now: u64) -> Result<Vec<u32>, WindlassError> {
    let siblings = siblings(store)?;
    let age = |sibling: &Sibling| now.saturating_sub(sibling.row.added_at) / 1000;
    let new = siblings.iter().filter(|s| age(s) < NEW_DEVICE_SECONDS);
    Ok(new.map(|sibling| sibling.row.device_id).collect())
}

/// Devices that were removed and are never taken in again.
pub(super) fn removed(store: &impl Rows) -> Result<Vec<u32>, WindlassError> {
    let rows = rows(store)?;
    let removed = rows.iter().filter(|row| row.removed);
    Ok(removed.map(|row| row.device_id).collect())
}

pub(super) fn is_removed(store: &impl Rows, device_id: u32) -> Result<bool, WindlassError> {
    Ok(find(store, device_id)?.is_some_and(|row| row.removed))
}

/// As our own bundle names them.
pub(super) fn for_bundle(store: &impl Rows) -> Result<Vec<OwnDevice>, WindlassError> {
    let siblings = siblings(store)?;
    let own = siblings.iter().map(|sibling| OwnDevice {
        device_id: sibling.remote.device_id,
        signed_prekey: sibling.remote.signed_prekey,
        one_time_prekey: None,
    });
    Ok(own.collect())
}

/// The key of the hints between devices of one identity.
pub(super) fn hint_key(device: &Device) -> Result<HintKey, WindlassError> {
    HintKey::between(&device.identity, &device.public()).map_err(|_| WindlassError::InvalidKey)
}

/// Takes in what a bundle of our own identity says of our other devices. `from` is the device that sent it, which knows best
/// about itself; of the others the bundle that was issued later does.
pub(super) fn take_in(
    store: &mut Writer<'_>,
    device: &Device,
    bundle: &VerifiedBundle,
    from: Option<u32>,
    moment: &Moment,
) -> Result<DeviceChange, WindlassError> {
    let mut change = DeviceChange::default();
    let mut in_use = siblings(store)?.len() + 1;
    for remote in bundle.devices() {
        let id = remote.device_id;
        if id == device.device_id {
            continue;
        }
        let from_itself = from == Some(id);
        let (prekey, issued_at) = (remote.signed_prekey, bundle.issued_at());
        let known = find(store, id)?;
        let takes_over = match &known {
            Some(row) if row.removed => false,
            Some(row) => {
                let newer = issued_at > row.issued_at;
                if from_itself {
                    newer || !row.from_itself
                } else {
                    newer && !row.from_itself
                }
            }
            None if in_use >= MAX_DEVICES => return Err(WindlassError::TooManyDevices),
            None => {
                change.added.push(id);
                in_use += 1;
                true
            }
        };
        if takes_over {
            let former = known.unwrap_or_default();
            let row = OwnDeviceRow {
                device_id: id,
                signed_prekey_id: prekey.id,
                signed_prekey: prekey.key.as_bytes().to_vec(),
                issued_at,
                from_itself,
                added_at: if former.added_at == 0 {
                    moment.now
                } else {
                    former.added_at
                },
                ..former
            };
            save(store, &row)?;
            prekeys::forget_own_bundle(store)?;
        }
    }
    Ok(change)
}

/// Removes devices for good; those of them that were in use.
pub(in crate::api) fn remove(
    store: &mut Writer<'_>,
    device: &Device,
    ids: &[u32],
) -> Result<DeviceChange, WindlassError> {
    let mut change = DeviceChange::default();
    for id in ids.iter().filter(|id| **id != device.device_id) {
        let mut row = find(store, *id)?.unwrap_or_default();
        if row.removed {
            continue;
        }
        if row.device_id == *id {
            change.removed.push(*id);
        }
        row.device_id = *id;
        row.removed = true;
        save(store, &row)?;
        let gone = Party {
            identity: device.public(),
            device_id: *id,
        };
        unacknowledged::forget(store, &gone)?;
        super::sessions::erase_all(store, &gone)?;
        prekeys::forget_own_bundle(store)?;
    }
    Ok(change)
}

/// Notes that something came from a device.
pub(super) fn seen(store: &mut Writer<'_>, device_id: u32, now: u64) -> Result<(), WindlassError> {
    match find(store, device_id)? {
        Some(mut row) if !row.removed => {
            row.last_seen = now;
            save(store, &row)
        }
        _ => Ok(()),
    }
}

/// Notes which of our bundles a device was last sent.
pub(super) fn told(
    store: &mut Writer<'_>,
    device_id: u32,
    issued_at: u64,
) -> Result<(), WindlassError> {
    match find(store, device_id)? {
        Some(mut row) => {
            row.own_bundle_told = issued_at;
            save(store, &row)
        }
        None => Ok(()),
    }
}

/// What a device of ours tells about a contact; who it is, if they were not known here.
pub(super) fn take_in_contact(
    store: &mut Writer<'_>,
    device: &Device,
    known: &KnownContact,
    moment: &Moment,
) -> Result<Option<PublicIdentity>, WindlassError> {
    let bundle = VerifiedBundle::decode(&known.bundle).ok();
    let Some(bundle) = bundle.filter(|bundle| *bundle.identity() != device.public()) else {
        return Ok(None);
    };
    let identity = *bundle.identity();
    let new = contacts::find(store, &identity)?.is_none();
    let (mut contact, _) = contacts::take_in(store, device, &bundle, moment)?;
    // A decision of the user stays until the user takes it back here.
    // Whoever left that identity is not vouched for by an older message.
    contact.row.verified |= known.verified && contact.row.moved_to.is_empty();
    contact.row.accepted |= known.accepted;
    contact.row.blocked |= known.blocked;
    contact.save(store)?;
    Ok((new && !known.blocked).then_some(identity))
}

/// Tells our other devices what the user decided about a contact.
pub(in crate::api) fn share_contact(
    store: &mut Writer<'_>,
    device: &Device,
    contact: &contacts::Contact,
    moment: &mut Moment,
) -> Result<(), WindlassError> {
    let update = DeviceUpdate {
        contacts: healing::known_contact(contact).into_iter().collect(),
        ..DeviceUpdate::default()
    };
    share(store, device, send::To::All, update, moment)
}

/// Tells our other devices which were removed.
pub(in crate::api) fn share_removed(
    store: &mut Writer<'_>,
    device: &Device,
    moment: &mut Moment,
) -> Result<(), WindlassError> {
    let update = DeviceUpdate {
        removed: removed(store)?,
        ..DeviceUpdate::default()
    };
    share(store, device, send::To::All, update, moment)
}

/// Sends an update, to be sent again as long as it is not acknowledged.
pub(super) fn share(
    store: &mut Writer<'_>,
    device: &Device,
    to: send::To,
    update: DeviceUpdate,
    moment: &mut Moment,
) -> Result<(), WindlassError> {
    let own = device.public();
    let body = Body::DeviceUpdate(update);
    let Some(id) = send::send_control(store, device, &own, to, body, moment)? else {
        return Ok(());
    };
    for mut sibling in siblings(store)? {
        if to.takes(sibling.row.device_id) {
            if !sibling.row.update_id.is_empty() {
                sibling.row.update_tries += 1;
            }
            sibling.row.update_id = id.as_bytes().to_vec();
            sibling.row.updated_at = moment.now;
            save(store, &sibling.row)?;
        }
    }
    Ok(())
}

/// A device has the update of this id.
pub(super) fn updated(
    store: &mut Writer<'_>,
    device_id: u32,
    id: &MessageId,
) -> Result<(), WindlassError> {
    match find(store, device_id)? {
        Some(mut row) if row.update_id == id.as_bytes() => {
            row.update_id = Vec::new();
            row.update_tries = 0;
            save(store, &row)
        }
        _ => Ok(()),
    }
}

/// Devices that have not acknowledged an update for long.
pub(super) fn not_updated(store: &impl Rows, now: u64) -> Result<Vec<u32>, WindlassError> {
    let siblings = siblings(store)?;
    let waits = siblings.iter().filter(|sibling| {
        let since = now.saturating_sub(sibling.row.updated_at) / 1000;
        let tries = sibling.row.update_tries;
        !sibling.row.update_id.is_empty()
            && tries <= MAX_RESENDS
            && since >= RESEND_AFTER_SECONDS << tries
    });
    Ok(waits.map(|sibling| sibling.row.device_id).collect())
}

/// Makes the token by which a device that is linked now asks for the history.
pub(in crate::api) fn new_link(
    store: &mut Writer<'_>,
    moment: &mut Moment,
) -> Result<LinkToken, WindlassError> {
    let token = LinkToken::random(&mut moment.rng);
    let row = PendingLinkRow {
        token: token.as_bytes().to_vec(),
        expires_at: moment.now + LINK_LIFETIME_SECONDS * 1000,
    };
    put_row(store, Table::Device, Key::new(PENDING_LINK), &row)?;
    Ok(token)
}

/// Whether a request comes from the device that this one linked last. The token is used up.
pub(super) fn takes_link(
    store: &mut Writer<'_>,
    token: Option<&LinkToken>,
    now: u64,
) -> Result<bool, WindlassError> {
    let row: Option<PendingLinkRow> = get_row(store, Table::Device, Key::new(PENDING_LINK))?;
    let (Some(row), Some(token)) = (row, token) else {
        return Ok(false);
    };
    let known = Secret::try_from_slice(&row.token);
    if now >= row.expires_at || known.as_ref() != Some(token) {
        return Ok(false);
    }
    store.delete(Table::Device, Key::new(PENDING_LINK))?;
    Ok(true)
}
