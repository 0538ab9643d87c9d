//! Strangers: people who wrote first and wait to be accepted, and what they may cost (RFC windlass §8.6.3).

use crate::engine::base::due;
use crate::engine::base::error::EngineError;
use crate::engine::base::rows::{get_row, put_row};
use crate::engine::base::singletons::STRANGERS;
use crate::engine::records::contacts::Contact;
use crate::engine::records::settings::TrustPolicy;
use crate::engine::records::trust;
use crate::limits::{
    MAX_STRANGER_BYTES, MAX_STRANGER_SESSIONS_PER_HOUR, MAX_STRANGER_SKIPPED_KEYS, MAX_STRANGERS,
    MAX_STRANGERS_BYTES,
};
use crate::ratchet::SkippedChange;
use crate::store::{Rows, RowsMut, Table};
use crate::wire::store::StrangersRow;

const HOUR: u64 = 3_600_000;

/// Somebody belongs to a group that the user takes part in: they are answered, and are no stranger.
pub(crate) fn introduce(store: &mut dyn RowsMut, contact: &mut Contact) -> Result<(), EngineError> {
    release(store, contact)?;
    contact.row.introduced = true;
    contact.save(store)
}

pub(crate) fn totals(store: &dyn Rows) -> Result<StrangersRow, EngineError> {
    Ok(get_row(store, Table::Device, STRANGERS)?.unwrap_or_default())
}

fn save_totals(store: &mut dyn RowsMut, row: &StrangersRow) -> Result<(), EngineError> {
    put_row(store, Table::Device, STRANGERS, row)
}

/// A contact that was counted among the strangers is none any more.
pub(crate) fn release(store: &mut dyn RowsMut, contact: &mut Contact) -> Result<(), EngineError> {
    if !contact.row.counted {
        return Ok(());
    }
    contact.row.counted = false;
    let mut all = totals(store)?;
    all.count = all.count.saturating_sub(1);
    all.stored_bytes = all.stored_bytes.saturating_sub(contact.row.stored_bytes);
    contact.row.stored_bytes = 0;
    save_totals(store, &all)
}

/// Whether a handshake may be looked at, before it costs anything.
pub(crate) fn admits_session(
    store: &dyn Rows,
    contact: Option<&Contact>,
    number: u32,
    now: u64,
) -> Result<bool, EngineError> {
    let all = trust::policy(store)? == TrustPolicy::AcceptAll;
    // A step of a chain for each message in front of it.
    let far = number as usize > MAX_STRANGER_SKIPPED_KEYS;
    Ok(match contact {
        None if all => true,
        None => !far && totals(store)?.count < MAX_STRANGERS,
        Some(contact) if contact.is_stranger() && far => false,
        Some(contact) if contact.is_stranger() => {
            due::is_over(contact.row.window_start, HOUR, now)
                || contact.row.window_sessions < MAX_STRANGER_SESSIONS_PER_HOUR
        }
        Some(_) => true,
    })
}

/// Whether a message of a stranger may be stored.
pub(crate) fn admits_message(
    store: &dyn Rows,
    contact: &Contact,
    len: usize,
    changes: &[SkippedChange],
) -> Result<bool, EngineError> {
    if !contact.is_stranger() || trust::policy(store)? == TrustPolicy::AcceptAll {
        return Ok(true);
    }
    let kept = changes
        .iter()
        .filter(|change| matches!(change, SkippedChange::Keep(..)))
        .count();
    let len = len as u64;
    Ok(kept <= MAX_STRANGER_SKIPPED_KEYS
        && contact.row.stored_bytes.saturating_add(len) <= MAX_STRANGER_BYTES
        && totals(store)?.stored_bytes.saturating_add(len) <= MAX_STRANGERS_BYTES)
}

/// Somebody wrote first, and is a contact from now on.
pub(crate) fn admit(store: &mut dyn RowsMut, contact: &mut Contact) -> Result<(), EngineError> {
    if trust::policy(store)? == TrustPolicy::AcceptAll {
        contact.row.accepted = true;
    } else {
        register(store, contact)?;
    }
    contact.save(store)
}

/// Counts a contact among the strangers, once, if it is one.
pub(crate) fn register(store: &mut dyn RowsMut, contact: &mut Contact) -> Result<(), EngineError> {
    if contact.row.counted || !contact.is_stranger() {
        return Ok(());
    }
    contact.row.counted = true;
    let mut all = totals(store)?;
    all.count += 1;
    all.stored_bytes = all.stored_bytes.saturating_add(contact.row.stored_bytes);
    save_totals(store, &all)
}

/// Counts what a stranger cost.
pub(crate) fn charge(
    store: &mut dyn RowsMut,
    contact: &mut Contact,
    len: usize,
    new_session: bool,
    now: u64,
) -> Result<(), EngineError> {
    if !contact.is_stranger() {
        return Ok(());
    }
    register(store, contact)?;
    let mut all = totals(store)?;
    all.stored_bytes = all.stored_bytes.saturating_add(len as u64);
    save_totals(store, &all)?;
    let row = &mut contact.row;
    row.stored_bytes = row.stored_bytes.saturating_add(len as u64);
    if new_session {
        if due::is_over(row.window_start, HOUR, now) {
            row.window_start = now;
            row.window_sessions = 0;
        }
        row.window_sessions += 1;
    }
    contact.save(store)
}
