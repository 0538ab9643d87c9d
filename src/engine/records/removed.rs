//! Who was removed without having been accepted, or while blocked: nothing that their program sends by itself makes them ask again (RFC windlass
//! §8.6.7). Names are hashed with a salt, so the rows say of nobody that they were here.

use std::ops::Bound;

use crate::crypto::{Secret, hmac_sha256};
use crate::engine::base::clock::Clock;
use crate::engine::base::due;
use crate::engine::base::error::EngineError;
use crate::engine::base::rows::{damaged, get_row, put_row};
use crate::engine::base::singletons::REMOVED;
use crate::engine::base::step::Step;
use crate::identity::PublicIdentity;
use crate::limits::{MAX_REMOVED, REMOVED_RETENTION_SECONDS};
use crate::store::{Direction, Key, Rows, RowsMut, Table, WHOLE_GROUP};
use crate::wire::store::{RemovedRow, RemovedSaltRow};

const RETENTION: u64 = REMOVED_RETENTION_SECONDS * 1000;
/// The rows that say when each is to be forgotten.
const BY_TIME: &[u8] = b"by time";

fn salt(store: &dyn Rows) -> Result<Option<RemovedSaltRow>, EngineError> {
    get_row(store, Table::Device, REMOVED)
}

/// What a row is named after.
fn tag(salt: &RemovedSaltRow, identity: &PublicIdentity) -> Option<[u8; 32]> {
    let salt: Secret<32> = Secret::try_from_slice(&salt.salt)?;
    let tag: Secret<32> = hmac_sha256(salt.as_bytes(), &[&identity.to_bytes()]);
    Some(*tag.as_bytes())
}

/// When a row is to be forgotten, as the order has it.
fn order(removed_at: u64, tag: &[u8; 32]) -> Vec<u8> {
    [removed_at.to_be_bytes().as_slice(), tag].concat()
}

/// Somebody is removed. Blocked they stay blocked.
pub(crate) fn note(
    step: &mut Step<'_>,
    identity: &PublicIdentity,
    blocked: bool,
) -> Result<(), EngineError> {
    forget(step.rows, identity)?;
    let mut salt = match salt(step.rows)? {
        Some(salt) => salt,
        None => RemovedSaltRow {
            salt: Secret::<32>::random(step.rng).as_bytes().to_vec(),
            count: 0,
        },
    };
    let Some(tag) = tag(&salt, identity) else {
        return Ok(());
    };
    let row = RemovedRow {
        removed_at: step.now,
        blocked,
    };
    put_row(step.rows, Table::Removed, Key::new(&tag), &row)?;
    if !blocked {
        let key = order(step.now, &tag);
        step.rows
            .put(Table::Removed, Key::ordered(BY_TIME, &key), &[])?;
        salt.count += 1;
    }
    put_row(step.rows, Table::Device, REMOVED, &salt)?;
    while self::salt(step.rows)?.is_some_and(|salt| salt.count > MAX_REMOVED) {
        let Some((removed_at, tag)) = by_time(step.rows, WHOLE_GROUP, 1)?.pop() else {
            break;
        };
        erase(step.rows, removed_at, &tag)?;
    }
    Ok(())
}

/// Whether a first message of somebody is refused. An invitation that the user made after it counts more than a removal, and nothing counts more than
/// a block.
pub(crate) fn refuses(
    store: &dyn Rows,
    identity: &PublicIdentity,
    invited_at: Option<u64>,
    now: u64,
) -> Result<bool, EngineError> {
    let Some(salt) = salt(store)? else {
        return Ok(false);
    };
    let Some(tag) = tag(&salt, identity) else {
        return Ok(false);
    };
    let row: Option<RemovedRow> = get_row(store, Table::Removed, Key::new(&tag))?;
    let clock = Clock::read(store, now)?;
    Ok(row.is_some_and(|row| {
        let over = clock.is_over(row.removed_at, RETENTION);
        let invited = invited_at.is_some_and(|made_at| made_at >= row.removed_at);
        row.blocked || !(over || invited)
    }))
}

/// The user wants to hear from them.
pub(crate) fn forget(
    store: &mut dyn RowsMut,
    identity: &PublicIdentity,
) -> Result<(), EngineError> {
    let Some(salt) = salt(store)? else {
        return Ok(());
    };
    if let Some(tag) = tag(&salt, identity)
        && let Some(row) = get_row::<RemovedRow>(store, Table::Removed, Key::new(&tag))?
    {
        erase(store, row.removed_at, &tag)?;
    }
    Ok(())
}

/// Forgets those whose time is over; whether there were any.
pub(crate) fn erase_old(store: &mut dyn RowsMut, now: u64) -> Result<bool, EngineError> {
    if salt(store)?.is_none_or(|salt| salt.count == 0) {
        return Ok(false);
    }
    let clock = Clock::read(store, now)?;
    let until = now
        .saturating_sub(RETENTION)
        .saturating_add(1)
        .to_be_bytes();
    let ahead = now.saturating_add(due::TOLERANCE).to_be_bytes();
    let mut changed = false;
    for bounds in [
        (Bound::Unbounded, Bound::Excluded(until.as_slice())),
        (Bound::Excluded(ahead.as_slice()), Bound::Unbounded),
    ] {
        for (removed_at, tag) in by_time(store, bounds, usize::MAX)? {
            if clock.may_erase(removed_at, RETENTION) || clock.is_ahead(removed_at) {
                erase(store, removed_at, &tag)?;
                changed = true;
            }
        }
    }
    Ok(changed)
}

/// When each was removed, and what its row is named after.
fn by_time(
    store: &dyn Rows,
    bounds: (Bound<&[u8]>, Bound<&[u8]>),
    limit: usize,
) -> Result<Vec<(u64, [u8; 32])>, EngineError> {
    let rows = store.range(Table::Removed, BY_TIME, bounds, Direction::Forward, limit)?;
    let read = |order: &[u8]| {
        let (time, tag) = order.split_first_chunk::<8>()?;
        Some((u64::from_be_bytes(*time), *tag.first_chunk::<32>()?))
    };
    let rows = rows.iter();
    rows.map(|(order, _)| read(order).ok_or_else(|| damaged(Table::Removed)))
        .collect()
}

fn erase(store: &mut dyn RowsMut, removed_at: u64, tag: &[u8; 32]) -> Result<(), EngineError> {
    store.delete(Table::Removed, Key::new(tag))?;
    let key = order(removed_at, tag);
    if store.delete(Table::Removed, Key::ordered(BY_TIME, &key))?
        && let Some(mut salt) = salt(store)?
    {
        salt.count = salt.count.saturating_sub(1);
        put_row(store, Table::Device, REMOVED, &salt)?;
    }
    Ok(())
}
