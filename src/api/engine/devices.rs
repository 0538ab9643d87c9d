//! The other devices of our identity (RFC windlass §8.3).

use super::{
    Device, Moment, contacts, damaged, get_row, healing, prekeys, put_row, unacknowledged,
};
use crate::api::error::WindlassError;
use crate::bundle::{
    DeviceBundle, OwnDevice, Prekey, VerifiedBundle, is_from_the_future, takes_place_of,
};
use crate::crypto::{DhPublic, Secret};
use crate::identity::PublicIdentity;
use crate::limits::{LINK_LIFETIME_SECONDS, MAX_DEVICES, NEW_DEVICE_SECONDS};
use crate::link::LinkToken;
use crate::session::{Envelope, HintKey};
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
    let mut rows = store
        .range(
            Table::OwnDevices,
            GROUP,
            WHOLE_GROUP,
            Direction::Forward,
            usize::MAX,
        )?
        .iter()
        .map(|(_, bytes)| wire::decode("own device", bytes).map_err(|_| damaged(Table::OwnDevices)))
        .collect::<Result<Vec<OwnDeviceRow>, _>>()?;
    rows.sort_unstable_by_key(|row| row.device_id);
    Ok(rows)
}

pub(super) fn save(store: &mut Writer<'_>, row: &OwnDeviceRow) -> Result<(), WindlassError> {
    let name = row.device_id.to_be_bytes();
    put_row(store, Table::OwnDevices, Key::named(GROUP, &[], &name), row)
}

pub(super) fn find(
    store: &impl Rows,
    device_id: u32,
) -> Result<Option<OwnDeviceRow>, WindlassError> {
    // Bundles and envelopes show the ids of devices, so a file must not.
    let name = device_id.to_be_bytes();
    get_row(store, Table::OwnDevices, Key::named(GROUP, &[], &name))
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

/// The devices of an identity, without this one.
pub(super) fn of(
    store: &impl Rows,
    device: &Device,
    identity: &PublicIdentity,
) -> Result<Vec<Party>, WindlassError> {
    if *identity != device.public() {
        let contact = contacts::find(store, identity)?;
        return Ok(contact.map(|contact| contact.parties()).unwrap_or_default());
    }
    let party = |sibling: &Sibling| Party {
        identity: *identity,
        device_id: sibling.row.device_id,
    };
    Ok(siblings(store)?.iter().map(party).collect())
}

/// When the latest bundle of ours was issued that came from another device in use; 0 if none came. One from the future does not count, or
/// all that follow would have to be as well.
pub(super) fn last_issued(store: &impl Rows, now: u64) -> Result<u64, WindlassError> {
    let siblings = siblings(store)?;
    let issued = siblings.iter().map(|sibling| sibling.row.issued_at);
    Ok(issued
        .filter(|issued_at| !is_from_the_future(*issued_at, now))
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
                let newer = takes_place_of(issued_at, row.issued_at, moment.seconds());
                if from_itself {
                    newer || !row.from_itself
                } else {
                    newer && !row.from_itself
                }
            }
            // Whoever linked it was told of the bound; what it says is read all the same.
            None if in_use >= MAX_DEVICES => false,
            None => {
                change.added.push(id);
                in_use += 1;
                true
            }
        };
        if takes_over {
            let former = known.unwrap_or_default();
            let same = former.signed_prekey_id == prekey.id
                && former.signed_prekey == prekey.key.as_bytes();
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
            if !same {
                prekeys::forget_own_bundle(store)?;
            }
        }
    }
    Ok(change)
}

/// Looks at which devices of ours somebody writes to. One that is not known here was forgotten with an older copy of this store: their
/// answer to a request has the bundle that names it. One that was removed is in a bundle that is out of date: they are told ours.
pub(super) fn check_addressees(
    store: &mut Writer<'_>,
    device: &Device,
    envelope: &Envelope,
    from: &PublicIdentity,
    now: u64,
) -> Result<(), WindlassError> {
    for part in &envelope.parts {
        match find(store, part.device_id)? {
            _ if part.device_id == device.device_id => {}
            None => healing::suspect(store, from, now)?,
            Some(row) if row.removed => {
                if let Some(mut contact) = contacts::find(store, from)? {
                    contact.row.bundle_sent_at = 0;
                    contact.save(store)?;
                }
            }
            Some(_) => {}
        }
    }
    Ok(())
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
            row.bundle_sent_at = issued_at;
            save(store, &row)
        }
        None => Ok(()),
    }
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
        device_id: 0,
    };
    put_row(store, Table::Device, Key::new(PENDING_LINK), &row)?;
    Ok(token)
}

/// Whether a request comes from the device that this one linked last: the first that has the token, which may ask again.
pub(super) fn takes_link(
    store: &mut Writer<'_>,
    token: Option<&LinkToken>,
    device_id: u32,
    now: u64,
) -> Result<bool, WindlassError> {
    let row: Option<PendingLinkRow> = get_row(store, Table::Device, Key::new(PENDING_LINK))?;
    let (Some(mut row), Some(token)) = (row, token) else {
        return Ok(false);
    };
    let known = Secret::try_from_slice(&row.token);
    let theirs = row.device_id == 0 || row.device_id == device_id;
    if now >= row.expires_at || !theirs || known.as_ref() != Some(token) {
        return Ok(false);
    }
    row.device_id = device_id;
    put_row(store, Table::Device, Key::new(PENDING_LINK), &row)?;
    Ok(true)
}
