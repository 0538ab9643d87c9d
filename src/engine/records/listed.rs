//! The list of conversations, the one first in which something happened last: read a page at a time, however many there are. What orders it are
//! numbers and no dates, so that no clock that was wrong disturbs it.

use std::ops::Bound;

use crate::engine::base::error::EngineError;
use crate::engine::base::rows::{damaged, decode, put_row};
use crate::store::{Direction, Key, Rows, RowsMut, Table, WHOLE_GROUP};
use crate::wire::store::{ConversationRow, ListedRow};

const LIST: &[u8] = b"list";

/// Something happens in a conversation: it comes first. Its row is the caller's to save.
pub(crate) fn touch(store: &mut dyn RowsMut, row: &mut ConversationRow) -> Result<(), EngineError> {
    let backward = Direction::Backward;
    let first = store.range(Table::Listed, LIST, WHOLE_GROUP, backward, 1)?;
    let first = first.first().map(place_of).transpose()?.unwrap_or(0);
    // Where it stands first already nothing is written.
    if first != 0 && row.place == first {
        return Ok(());
    }
    forget(store, row)?;
    row.place = first.saturating_add(1);
    enter(store, row)
}

/// Puts a conversation where it stood; one in which nothing happened is in no list.
pub(crate) fn enter(store: &mut dyn RowsMut, row: &ConversationRow) -> Result<(), EngineError> {
    if row.place == 0 {
        return Ok(());
    }
    let (order, name) = (row.place.to_be_bytes(), name_of(row));
    let listed = ListedRow {
        peer_identity_key: row.peer_identity_key.clone(),
        group_id: row.group_id.clone(),
    };
    put_row(
        store,
        Table::Listed,
        Key::named(LIST, &order, &name),
        &listed,
    )
}

/// Takes a conversation out of the list.
pub(crate) fn forget(store: &mut dyn RowsMut, row: &ConversationRow) -> Result<(), EngineError> {
    if row.place != 0 {
        let (order, name) = (row.place.to_be_bytes(), name_of(row));
        store.delete(Table::Listed, Key::named(LIST, &order, &name))?;
    }
    Ok(())
}

/// What tells conversations of one place apart: a copy that was put back may give a place again.
fn name_of(row: &ConversationRow) -> Vec<u8> {
    [row.peer_identity_key.as_slice(), &row.group_id].concat()
}

fn place_of((order, _): &crate::store::OrderedRow) -> Result<u64, EngineError> {
    let place = order.first_chunk().map(|place| u64::from_be_bytes(*place));
    place.ok_or_else(|| damaged(Table::Listed))
}

/// The conversations behind a place, or the first ones; each with its place, at most `limit`.
pub(crate) fn page(
    store: &dyn Rows,
    after: Option<u64>,
    limit: usize,
) -> Result<Vec<(u64, ListedRow)>, EngineError> {
    let end = after.map(u64::to_be_bytes);
    let high = end
        .as_ref()
        .map_or(Bound::Unbounded, |end| Bound::Excluded(end.as_slice()));
    let bounds = (Bound::Unbounded, high);
    let rows = store.range(Table::Listed, LIST, bounds, Direction::Backward, limit)?;
    let read = |ordered: &crate::store::OrderedRow| {
        Ok((place_of(ordered)?, decode(Table::Listed, &ordered.1)?))
    };
    rows.iter().map(read).collect()
}
