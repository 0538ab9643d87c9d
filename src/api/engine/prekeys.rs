//! Our prekeys: made, rotated, handed out, erased (X3DH §3.2, §4.7; RFC windlass §5.4).

use super::{DEVICE, Device, Moment, damaged, device_row, devices, get_row, put_row};
use crate::api::error::WindlassError;
use crate::bundle::{self, OwnDevice, Prekey, VerifiedBundle};
use crate::crypto::{DhSecret, Secret};
use crate::limits::{
    BUNDLE_LIFETIME_SECONDS, MAX_ONE_TIME_PREKEYS, SIGNED_PREKEY_LIFETIME_SECONDS,
    SIGNED_PREKEY_RETENTION_SECONDS,
};
use crate::store::{Key, Rows, Table, WHOLE_GROUP, Writer};
use crate::wire::{
    self,
    store::{OneTimePrekeyRow, OwnBundleRow, SignedPrekeyRow},
};

/// The row of the bundle that we give out.
const OWN_BUNDLE: &[u8] = b"own bundle";

/// True if anything was changed. Makes a new signed prekey when the current one is a week old, and erases those that were retired a month ago together with
/// what was remembered of first messages to them. One that was not retired is never erased.
pub(in crate::api) fn rotate(
    store: &mut Writer<'_>,
    moment: &mut Moment,
) -> Result<bool, WindlassError> {
    let now = moment.now;
    let (mut current, mut changed) = (false, false);
    for mut row in signed_prekeys(store)? {
        let key = row.id.to_be_bytes();
        let age = |since: u64| now.saturating_sub(since) / 1000;
        if row.retired_at == 0 {
            if age(row.created_at) < SIGNED_PREKEY_LIFETIME_SECONDS {
                current = true;
            } else {
                changed = true;
                row.retired_at = now;
                put_row(store, Table::SignedPrekeys, Key::new(&key), &row)?;
            }
        } else if age(row.retired_at) >= SIGNED_PREKEY_RETENTION_SECONDS {
            changed = true;
            store.delete(Table::SignedPrekeys, Key::new(&key))?;
            store.delete_range(Table::Handshakes, &key, WHOLE_GROUP, usize::MAX)?;
        }
    }
    if !current {
        let mut device = device_row(store)?;
        let id = next_id(device.last_signed_prekey_id)?;
        device.last_signed_prekey_id = id;
        forget_own_bundle(store)?;
        put_row(store, Table::Device, Key::new(DEVICE), &device)?;
        let row = SignedPrekeyRow {
            id,
            secret: new_secret(moment),
            created_at: now,
            retired_at: 0,
        };
        put_row(
            store,
            Table::SignedPrekeys,
            Key::new(&id.to_be_bytes()),
            &row,
        )?;
    }
    Ok(changed || !current)
}

/// Our reusable bundle: the same bytes until a prekey or a device changes, or half its time is over. So publishing it again
/// changes nothing for anyone.
pub(in crate::api) fn own_bundle(
    store: &mut Writer<'_>,
    device: &Device,
    moment: &mut Moment,
) -> Result<VerifiedBundle, WindlassError> {
    rotate(store, moment)?;
    let row: OwnBundleRow =
        get_row(store, Table::Device, Key::new(OWN_BUNDLE))?.unwrap_or_default();
    let now = moment.seconds();
    // A clock that was wrong made it.
    let future = bundle::is_from_the_future(row.issued_at, now);
    if !row.bundle.is_empty() && !future && now < row.issued_at + BUNDLE_LIFETIME_SECONDS / 2 {
        return Ok(VerifiedBundle::from_stored(&row.bundle)?);
    }
    // Two of the same second could not be told apart by who gets both, also not if another device of ours made one of them.
    let siblings = devices::last_issued(store, now)?;
    let former = if future { 0 } else { row.issued_at };
    let issued_at = now.max(former + 1).max(siblings + 1);
    let bundle = build(store, device, None, issued_at)?;
    let row = OwnBundleRow {
        bundle: bundle.encoded().to_vec(),
        issued_at: bundle.issued_at(),
    };
    put_row(store, Table::Device, Key::new(OWN_BUNDLE), &row)?;
    Ok(bundle)
}

/// When our reusable bundle was issued, if it did not change since; never, if it did.
pub(super) fn last_issued(store: &impl Rows) -> Result<u64, WindlassError> {
    let row: OwnBundleRow =
        get_row(store, Table::Device, Key::new(OWN_BUNDLE))?.unwrap_or_default();
    Ok(if row.bundle.is_empty() {
        u64::MAX
    } else {
        row.issued_at
    })
}

/// The next bundle is made anew.
pub(super) fn forget_own_bundle(store: &mut Writer<'_>) -> Result<(), WindlassError> {
    let row: OwnBundleRow =
        get_row(store, Table::Device, Key::new(OWN_BUNDLE))?.unwrap_or_default();
    if row.bundle.is_empty() {
        return Ok(());
    }
    let row = OwnBundleRow {
        bundle: Vec::new(),
        ..row
    };
    put_row(store, Table::Device, Key::new(OWN_BUNDLE), &row)
}

/// A bundle with a one-time prekey that is in no other.
pub(in crate::api) fn single_use_bundle(
    store: &mut Writer<'_>,
    device: &Device,
    moment: &mut Moment,
) -> Result<VerifiedBundle, WindlassError> {
    let reusable = own_bundle(store, device, moment)?;
    let prekey = new_one_time_prekey(store, moment)?;
    let issued_at = moment.seconds().max(reusable.issued_at());
    build(store, device, Some(prekey), issued_at)
}

fn build(
    store: &impl Rows,
    device: &Device,
    one_time_prekey: Option<Prekey>,
    issued_at: u64,
) -> Result<VerifiedBundle, WindlassError> {
    let current = signed_prekeys(store)?
        .into_iter()
        .filter(|row| row.retired_at == 0)
        .max_by_key(|row| row.id)
        .ok_or_else(|| damaged(Table::SignedPrekeys))?;
    let signed_prekey = Prekey {
        id: current.id,
        key: secret(&current.secret, Table::SignedPrekeys)?.public(),
    };
    let mut all = devices::for_bundle(store)?;
    all.push(OwnDevice {
        device_id: device.device_id,
        signed_prekey,
        one_time_prekey,
    });
    Ok(bundle::build(&device.identity, &all, issued_at)?)
}

/// Erases one-time prekeys that nobody used in time.
pub(in crate::api) fn erase_old(store: &mut Writer<'_>, now: u64) -> Result<bool, WindlassError> {
    let mut erased = false;
    for bytes in store.scan(Table::OneTimePrekeys)? {
        let row: OneTimePrekeyRow =
            wire::decode("one-time prekey", &bytes).map_err(|_| damaged(Table::OneTimePrekeys))?;
        let age = now.saturating_sub(row.created_at) / 1000;
        if age >= BUNDLE_LIFETIME_SECONDS + SIGNED_PREKEY_RETENTION_SECONDS {
            erase_one_time_prekey(store, row.id)?;
            erased = true;
        }
    }
    Ok(erased)
}

fn new_one_time_prekey(
    store: &mut Writer<'_>,
    moment: &mut Moment,
) -> Result<Prekey, WindlassError> {
    let mut device = device_row(store)?;
    let id = next_id(device.last_one_time_prekey_id)?;
    device.last_one_time_prekey_id = id;
    if let Some(oldest) = id.checked_sub(MAX_ONE_TIME_PREKEYS) {
        erase_one_time_prekey(store, oldest)?;
    }
    put_row(store, Table::Device, Key::new(DEVICE), &device)?;
    let row = OneTimePrekeyRow {
        id,
        secret: new_secret(moment),
        created_at: moment.now,
    };
    put_row(
        store,
        Table::OneTimePrekeys,
        Key::new(&id.to_be_bytes()),
        &row,
    )?;
    Ok(Prekey {
        id,
        key: secret(&row.secret, Table::OneTimePrekeys)?.public(),
    })
}

/// The private half of a signed prekey, as long as it is kept.
pub(super) fn signed_prekey(store: &impl Rows, id: u32) -> Result<Option<DhSecret>, WindlassError> {
    let row: Option<SignedPrekeyRow> =
        get_row(store, Table::SignedPrekeys, Key::new(&id.to_be_bytes()))?;
    row.map(|row| secret(&row.secret, Table::SignedPrekeys))
        .transpose()
}

/// The private half of a one-time prekey, until its first use.
pub(super) fn one_time_prekey(
    store: &impl Rows,
    id: u32,
) -> Result<Option<DhSecret>, WindlassError> {
    let row: Option<OneTimePrekeyRow> =
        get_row(store, Table::OneTimePrekeys, Key::new(&id.to_be_bytes()))?;
    row.map(|row| secret(&row.secret, Table::OneTimePrekeys))
        .transpose()
}

/// Whether there was a one-time prekey of this number. An older copy of this store may have forgotten that.
pub(super) fn was_handed_out(store: &impl Rows, id: u32) -> Result<bool, WindlassError> {
    Ok(id <= device_row(store)?.last_one_time_prekey_id)
}

/// Erases a one-time prekey: in the transaction that stores the session it made, never before.
pub(super) fn erase_one_time_prekey(store: &mut Writer<'_>, id: u32) -> Result<(), WindlassError> {
    store.delete(Table::OneTimePrekeys, Key::new(&id.to_be_bytes()))?;
    Ok(())
}

fn signed_prekeys(store: &impl Rows) -> Result<Vec<SignedPrekeyRow>, WindlassError> {
    store
        .scan(Table::SignedPrekeys)?
        .iter()
        .map(|bytes| {
            wire::decode("signed prekey", bytes).map_err(|_| damaged(Table::SignedPrekeys))
        })
        .collect()
}

fn secret(bytes: &[u8], table: Table) -> Result<DhSecret, WindlassError> {
    Secret::try_from_slice(bytes)
        .map(|secret| DhSecret::from_bytes(&secret))
        .ok_or_else(|| damaged(table))
}

fn new_secret(moment: &mut Moment) -> Vec<u8> {
    DhSecret::generate(&mut moment.rng)
        .to_bytes()
        .as_bytes()
        .to_vec()
}

/// Ids are never used again, so they end one day: after four billion prekeys.
fn next_id(last: u32) -> Result<u32, WindlassError> {
    last.checked_add(1).ok_or_else(|| damaged(Table::Device))
}
