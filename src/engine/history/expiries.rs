//! When messages go: those that disappear, and the names of those that are gone (docs/store.md).

use std::ops::Bound;

use crate::engine::base::error::EngineError;
use crate::engine::base::message_ref::MessageRef;
use crate::engine::base::rows::put_row;
use crate::store::{Direction, Key, Rows, RowsMut, Table};
use crate::wire::store::MessageRow;

/// The group of all messages that disappear.
const GROUP: &[u8] = b"expiries";

/// Notes when a message goes; 0 for never.
pub(crate) fn schedule(
    store: &mut dyn RowsMut,
    message: &MessageRef,
    at: u64,
) -> Result<(), EngineError> {
    if at == 0 {
        return Ok(());
    }
    let (order, name) = (at.to_be_bytes(), message.key());
    let key = Key::named(GROUP, &order, &name);
    put_row(store, Table::Expiries, key, &message.to_row())
}

/// Changes when a message goes. Its row is the caller's to save.
pub(crate) fn reschedule(
    store: &mut dyn RowsMut,
    message: &MessageRef,
    row: &mut MessageRow,
    at: u64,
) -> Result<(), EngineError> {
    if row.expires_at != 0 {
        let (order, name) = (row.expires_at.to_be_bytes(), message.key());
        store.delete(Table::Expiries, Key::named(GROUP, &order, &name))?;
    }
    row.expires_at = at;
    schedule(store, message, at)
}

/// Messages whose time has come, at most `limit`, each with the order bytes of its row.
pub(crate) fn due(
    store: &dyn Rows,
    now: u64,
    limit: usize,
) -> Result<Vec<(Vec<u8>, MessageRef)>, EngineError> {
    let end = now.saturating_add(1).to_be_bytes();
    within(
        store,
        (Bound::Unbounded, Bound::Excluded(end.as_slice())),
        limit,
    )
}

/// Messages whose time is within bounds, likewise.
pub(crate) fn within(
    store: &dyn Rows,
    bounds: (Bound<&[u8]>, Bound<&[u8]>),
    limit: usize,
) -> Result<Vec<(Vec<u8>, MessageRef)>, EngineError> {
    // One that comes meanwhile is found by the next step.
    let rows = store.glance(Table::Expiries, GROUP, bounds, Direction::Forward, limit)?;
    rows.into_iter()
        .map(|(order, bytes)| Ok((order, MessageRef::from_row(Table::Expiries, &bytes)?)))
        .collect()
}

/// Takes a row of [`due`] away; false if the message has another time since.
pub(crate) fn take(store: &mut dyn RowsMut, order: &[u8]) -> Result<bool, EngineError> {
    Ok(store.delete(Table::Expiries, Key::ordered(GROUP, order))?)
}
