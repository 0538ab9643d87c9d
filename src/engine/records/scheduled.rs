//! What the user wrote to be sent at a time, grouped by conversation and in the order in which it is to go.

use crate::engine::base::clock::Clock;
use crate::engine::base::error::EngineError;
use crate::engine::base::rows::{decode, put_row};
use crate::store::{Direction, Key, Rows, RowsMut, Table, WHOLE_GROUP};
use crate::wire::store::ScheduledRow;

const TABLE: Table = Table::Scheduled;

/// The columns of a conversation, of which one is empty.
pub(crate) type Columns = (Vec<u8>, Vec<u8>);

/// The group of a conversation's rows.
fn group((peer, group): &Columns) -> Vec<u8> {
    // What kind it is stands in front.
    [&[u8::from(peer.is_empty())], peer.as_slice(), group].concat()
}

/// The group and the order of a row; `name` is that of its message.
fn place(row: &ScheduledRow, name: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let columns = (row.peer_identity_key.clone(), row.group_id.clone());
    let order = [row.send_at.to_be_bytes().as_slice(), name].concat();
    (group(&columns), order)
}

pub(crate) fn save(
    store: &mut dyn RowsMut,
    row: &ScheduledRow,
    name: &[u8],
) -> Result<(), EngineError> {
    let (group, order) = place(row, name);
    put_row(store, TABLE, Key::ordered(&group, &order), row)
}

pub(crate) fn erase(
    store: &mut dyn RowsMut,
    row: &ScheduledRow,
    name: &[u8],
) -> Result<(), EngineError> {
    let (group, order) = place(row, name);
    store.delete(TABLE, Key::ordered(&group, &order))?;
    Ok(())
}

/// The rows of a conversation, what goes first in front.
pub(crate) fn of(store: &dyn Rows, columns: &Columns) -> Result<Vec<ScheduledRow>, EngineError> {
    let (group, forward) = (group(columns), Direction::Forward);
    let rows = store.range(TABLE, &group, WHOLE_GROUP, forward, usize::MAX)?;
    let rows = rows.iter();
    rows.map(|(_, bytes)| decode(TABLE, bytes)).collect()
}

/// With a conversation goes what was to be sent to it.
pub(super) fn erase_of(store: &mut dyn RowsMut, columns: Columns) -> Result<(), EngineError> {
    store.delete_range(TABLE, &group(&columns), WHOLE_GROUP, usize::MAX)?;
    Ok(())
}

pub(crate) fn count(store: &dyn Rows) -> Result<u64, EngineError> {
    Ok(store.count(TABLE)?)
}

/// When a row is to go.
pub(crate) fn goes_at(row: &ScheduledRow, clock: &Clock) -> u64 {
    clock.comes_to(row.send_at, row.set_at)
}

/// Each row that is to be sent yet, in no order.
pub(crate) fn visit(
    store: &dyn Rows,
    mut each: impl FnMut(ScheduledRow),
) -> Result<(), EngineError> {
    let mut failed = None;
    store.visit(TABLE, &mut |bytes| {
        match decode::<ScheduledRow>(TABLE, &bytes) {
            Ok(row) if row.failed.is_empty() => each(row),
            Ok(_) => {}
            Err(error) => failed = Some(error),
        }
        Ok(())
    })?;
    failed.map_or(Ok(()), Err)
}
