//! The other devices of our identity (RFC windlass §8.3).

use crate::bundle::{
    DeviceBundle, DeviceChange, KemPrekey, Prekey, VerifiedBundle, is_from_the_future,
    takes_place_of,
};
use crate::crypto::{DhPublic, KemPublic};
use crate::engine::base::clock::Clock;
use crate::engine::base::error::EngineError;
use crate::engine::base::rows::{damaged, decode, get_row, put_row};
use crate::engine::base::step::Step;
use crate::engine::records::{linking, pair_rows, pairs, prekeys, sessions, unacknowledged};
use crate::limits::{MAX_DEVICES, NEW_DEVICE_SECONDS};
use crate::store::{Direction, Key, Rows, RowsMut, Table, WHOLE_GROUP};
use crate::wire::store::OwnDeviceRow;
use crate::x3dh::Party;

const GROUP: &[u8] = b"own devices";

/// Another device of ours that is in use.
pub(crate) struct Sibling {
    pub(crate) remote: DeviceBundle,
    pub(crate) row: OwnDeviceRow,
}

fn rows(store: &dyn Rows) -> Result<Vec<OwnDeviceRow>, EngineError> {
    let found = store.range(
        Table::OwnDevices,
        GROUP,
        WHOLE_GROUP,
        Direction::Forward,
        usize::MAX,
    )?;
    let rows = found
        .iter()
        .map(|(_, bytes)| decode(Table::OwnDevices, bytes));
    let mut rows = rows.collect::<Result<Vec<OwnDeviceRow>, _>>()?;
    rows.sort_unstable_by_key(|row| row.device_id);
    Ok(rows)
}

pub(crate) fn save(store: &mut dyn RowsMut, row: &OwnDeviceRow) -> Result<(), EngineError> {
    let name = row.device_id.to_be_bytes();
    put_row(store, Table::OwnDevices, Key::named(GROUP, &[], &name), row)
}

pub(crate) fn find(store: &dyn Rows, device_id: u32) -> Result<Option<OwnDeviceRow>, EngineError> {
    // Bundles and envelopes show the ids of devices, so a file must not.
    let name = device_id.to_be_bytes();
    get_row(store, Table::OwnDevices, Key::named(GROUP, &[], &name))
}

/// The devices that are in use, beside this one.
pub(crate) fn siblings(store: &dyn Rows) -> Result<Vec<Sibling>, EngineError> {
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
                kem_prekey: kem_prekey(&row)?,
                one_time_prekey: None,
            };
            Ok(Sibling { remote, row })
        })
        .collect()
}

/// When the latest bundle of ours was issued that came from another device in use; 0 if none came. One from the future does not count, or
/// all that follow would have to be as well.
pub(crate) fn bundle_issued_at(store: &dyn Rows, now: u64) -> Result<u64, EngineError> {
    let siblings = siblings(store)?;
    let issued = siblings.iter().map(|sibling| sibling.row.issued_at);
    Ok(issued
        .filter(|issued_at| !is_from_the_future(*issued_at, now))
        .max()
        .unwrap_or(0))
}

/// Those of some devices of our own that whoever wrote something at a time may not have heard of then, however late it comes; for all that is known of them, they have a bundle of
/// ours that was issued at some time, in seconds since the epoch.
pub(crate) fn perhaps_unheard_of(
    store: &dyn Rows,
    siblings: &[Sibling],
    written_at: u64,
    has_bundle_of: u64,
    now: u64,
) -> Result<Vec<u32>, EngineError> {
    let clock = Clock::read(store, now)?;
    let new = siblings.iter().filter(|one| {
        let added_at = one.row.added_at;
        let was_new = written_at < added_at.saturating_add(NEW_DEVICE_SECONDS * 1000);
        let is_unheard_of = has_bundle_of < added_at / 1000;
        was_new || is_unheard_of || !clock.is_over(added_at, NEW_DEVICE_SECONDS * 1000)
    });
    Ok(new.map(|sibling| sibling.row.device_id).collect())
}

/// Devices that were removed and are never taken in again.
pub(crate) fn removed(store: &dyn Rows) -> Result<Vec<u32>, EngineError> {
    let rows = rows(store)?;
    let removed = rows.iter().filter(|row| row.removed);
    Ok(removed.map(|row| row.device_id).collect())
}

pub(crate) fn is_removed(store: &dyn Rows, device_id: u32) -> Result<bool, EngineError> {
    Ok(find(store, device_id)?.is_some_and(|row| row.removed))
}

fn kem_prekey(row: &OwnDeviceRow) -> Result<KemPrekey, EngineError> {
    let damaged = || damaged(Table::OwnDevices);
    let commitment = row.kem_commitment.as_slice().try_into();
    Ok(KemPrekey {
        commitment: commitment.map_err(|_| damaged())?,
        key: match row.kem_key.as_slice() {
            [] => None,
            bytes => Some(KemPublic::from_stored(bytes).ok_or_else(damaged)?),
        },
    })
}

/// As our own bundle names them.
pub(crate) fn for_bundle(store: &dyn Rows) -> Result<Vec<DeviceBundle>, EngineError> {
    let siblings = siblings(store)?.into_iter();
    Ok(siblings.map(|sibling| sibling.remote).collect())
}

/// Takes in what a bundle of our own identity says of our other devices. `from` is the device that sent it, which knows best
/// about itself; of the others the bundle that was issued later does.
pub(crate) fn merge_bundle(
    step: &mut Step<'_>,
    bundle: &VerifiedBundle,
    from: Option<u32>,
) -> Result<DeviceChange, EngineError> {
    let mut change = DeviceChange::default();
    let mut in_use = siblings(step.rows)?.len() + 1;
    for remote in bundle.devices() {
        let id = remote.device_id;
        if id == step.device.device_id {
            continue;
        }
        let from_itself = from == Some(id);
        let (prekey, issued_at) = (remote.signed_prekey, bundle.issued_at());
        let known = find(step.rows, id)?;
        let takes_over = match &known {
            Some(row) if row.removed => false,
            Some(row) => {
                let newer = takes_place_of(issued_at, row.issued_at, step.seconds());
                if from_itself {
                    newer || !row.from_itself
                } else {
                    newer && !row.from_itself
                }
            }
            // The device that linked it was told of the bound; what the new one says is read all the same.
            None if in_use >= MAX_DEVICES => false,
            None => {
                change.added.push(id);
                in_use += 1;
                true
            }
        };
        if takes_over {
            let former = known.unwrap_or_default();
            let kem = &remote.kem_prekey;
            let committed = former.kem_commitment == kem.commitment;
            // A form of it that came without its key does not take the key away.
            let kem_key = match &kem.key {
                Some(key) => key.as_bytes().to_vec(),
                None if committed => former.kem_key.clone(),
                None => Vec::new(),
            };
            let same = former.signed_prekey_id == prekey.id
                && former.signed_prekey == prekey.key.as_bytes()
                && committed
                && former.kem_key == kem_key;
            let row = OwnDeviceRow {
                device_id: id,
                signed_prekey_id: prekey.id,
                signed_prekey: prekey.key.as_bytes().to_vec(),
                kem_commitment: kem.commitment.to_vec(),
                kem_key,
                issued_at,
                from_itself,
                added_at: if former.added_at == 0 {
                    step.now
                } else {
                    former.added_at
                },
                ..former
            };
            save(step.rows, &row)?;
            let party = Party {
                identity: step.device.public(),
                device_id: id,
            };
            pairs::note_prekey(step, &party, &prekey.key, step.now)?;
            if !same {
                prekeys::invalidate_own_bundle(step.rows)?;
            }
        }
    }
    Ok(change)
}

/// Removes devices for good; those of them that were in use.
pub(crate) fn remove(step: &mut Step<'_>, ids: &[u32]) -> Result<DeviceChange, EngineError> {
    let mut change = DeviceChange::default();
    for id in ids.iter().filter(|id| **id != step.device.device_id) {
        let mut row = find(step.rows, *id)?.unwrap_or_default();
        if row.removed {
            continue;
        }
        if row.device_id == *id {
            change.removed.push(*id);
        }
        row.device_id = *id;
        row.removed = true;
        save(step.rows, &row)?;
        let gone = Party {
            identity: step.device.public(),
            device_id: *id,
        };
        unacknowledged::forget(step.rows, &gone)?;
        sessions::erase_all(step.rows, &gone)?;
        pair_rows::forget(step.rows, &gone)?;
        linking::close(step.rows, *id, step.now)?;
        prekeys::invalidate_own_bundle(step.rows)?;
    }
    Ok(change)
}

/// A device showed a token that is not known here, in a session that is known to be its own since a time.
pub(crate) fn note_shown(
    store: &mut dyn RowsMut,
    device_id: u32,
    hash: Vec<u8>,
    known_since: u64,
) -> Result<(), EngineError> {
    match find(store, device_id)? {
        Some(mut row) if !row.removed && row.shown_token != hash => {
            (row.shown_token, row.shown_at) = (hash, known_since);
            save(store, &row)
        }
        _ => Ok(()),
    }
}

/// A device proved that the user linked it, in a session that is known to be its own since a time. Whoever was known by its name before may be
/// somebody else, who has the seed: those sessions and keys go.
pub(crate) fn prove_linked(
    store: &mut dyn RowsMut,
    device: &Party,
    known_since: u64,
) -> Result<(), EngineError> {
    let id = device.device_id;
    if find(store, id)?.is_none_or(|row| row.removed || row.linked_at != 0) {
        return Ok(());
    }
    sessions::erase_known_before(store, device, known_since)?;
    pair_rows::forget_before(store, device, known_since)?;
    note_linked(store, id, known_since)
}

/// A device is one that the user linked.
pub(crate) fn note_linked(
    store: &mut dyn RowsMut,
    device_id: u32,
    now: u64,
) -> Result<(), EngineError> {
    match find(store, device_id)? {
        Some(mut row) if row.linked_at == 0 => {
            row.linked_at = now.max(1);
            save(store, &row)
        }
        _ => Ok(()),
    }
}

/// Whether the other end of a session, known since a time, is a device that the user linked.
pub(crate) fn is_linked(
    store: &dyn Rows,
    device_id: u32,
    known_since: u64,
    now: u64,
) -> Result<bool, EngineError> {
    let Some(row) = find(store, device_id)?.filter(|row| !row.removed && row.linked_at != 0) else {
        return Ok(false);
    };
    Ok(Clock::read(store, now)?.was_by(known_since, row.linked_at))
}

/// The devices that the user linked, with since when they are known as that.
pub(crate) fn linked(store: &dyn Rows) -> Result<Vec<(u32, u64)>, EngineError> {
    let rows = rows(store)?.into_iter();
    let linked = rows.filter(|row| !row.removed && row.linked_at != 0);
    Ok(linked.map(|row| (row.device_id, row.linked_at)).collect())
}

/// Whether a device may be told of what was written at a time: of everything if the user linked it, else of what was written while it was
/// here (RFC windlass §8.3.5).
pub(crate) fn may_have(
    store: &dyn Rows,
    device_id: u32,
    written_at: u64,
) -> Result<bool, EngineError> {
    let row = find(store, device_id)?.filter(|row| !row.removed);
    Ok(row.is_some_and(|row| row.linked_at != 0 || written_at >= row.added_at))
}

/// Notes that something came from a device.
pub(crate) fn seen(store: &mut dyn RowsMut, device_id: u32, now: u64) -> Result<(), EngineError> {
    match find(store, device_id)? {
        Some(mut row) if !row.removed => {
            row.last_seen = now;
            save(store, &row)
        }
        _ => Ok(()),
    }
}
