//! Skipped message keys do not lie around for longer than it takes what they open to come (RFC windlass §7.4.9).

use std::ops::Bound;

use super::{damaged, put_row, sessions};
use crate::api::error::WindlassError;
use crate::limits::SKIPPED_KEY_RETENTION_SECONDS;
use crate::store::{Direction, Key, Rows, Table, Writer};
use crate::wire::{self, store::SkippedAgeRow};
use crate::x3dh::SessionId;

/// The group of all sessions with skipped keys.
const GROUP: &[u8] = b"skipped keys";

/// What stands in the file about them is as exact as this.
const DAY: u64 = 86_400_000;

/// Sessions that one round looks at; the next one goes on.
const MAX_AT_ONCE: usize = 100;

/// Keys of a session are skipped now: on which day they are looked at. One row does for all of a day, whatever a peer makes us skip.
pub(super) fn note(
    store: &mut Writer<'_>,
    session: &SessionId,
    now: u64,
) -> Result<(), WindlassError> {
    let end_of_day = (now / DAY).saturating_add(1).saturating_mul(DAY);
    let due = end_of_day.saturating_add(SKIPPED_KEY_RETENTION_SECONDS * 1000);
    let order = due.to_be_bytes();
    let key = Key::named(GROUP, &order, session);
    if store.get(Table::SkippedAges, key)?.is_some() {
        return Ok(());
    }
    let row = SkippedAgeRow {
        session_id: session.to_vec(),
    };
    put_row(store, Table::SkippedAges, key, &row)
}

/// Erases the skipped keys that are too old; whether anything has changed.
pub(in crate::api) fn erase_old(store: &mut Writer<'_>, now: u64) -> Result<bool, WindlassError> {
    let end = now.saturating_add(1).to_be_bytes();
    let due = (Bound::Unbounded, Bound::Excluded(end.as_slice()));
    let rows = store.range(
        Table::SkippedAges,
        GROUP,
        due,
        Direction::Forward,
        MAX_AT_ONCE,
    )?;
    let until = now.saturating_sub(SKIPPED_KEY_RETENTION_SECONDS * 1000);
    for (order, bytes) in &rows {
        let damaged = || damaged(Table::SkippedAges);
        let row: SkippedAgeRow = wire::decode("age", bytes).map_err(|_| damaged())?;
        let session = row.session_id.try_into().map_err(|_| damaged())?;
        store.delete(Table::SkippedAges, Key::ordered(GROUP, order))?;
        sessions::erase_skipped(store, &session, until)?;
    }
    Ok(!rows.is_empty())
}
