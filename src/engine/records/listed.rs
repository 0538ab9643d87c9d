//! The list of conversations, the one first in which something happened last: read a page at a time, however many there are. What orders it are
//! numbers and no dates, so that no clock that was wrong disturbs it.

use std::ops::Bound;

use crate::engine::base::error::EngineError;
use crate::engine::base::rows::{decode, number_of, put_row};
use crate::store::{Direction, Key, OrderedRow, Rows, RowsMut, Table, WHOLE_GROUP};
use crate::wire::store::{ConversationRow, ListedRow};

const LIST: &[u8] = b"list";

/// Something happens in a conversation: it comes first. Its row is the caller's to save.
pub(crate) fn touch(store: &mut dyn RowsMut, row: &mut ConversationRow) -> Result<(), EngineError> {
    // Who has the store besides may put another one there meanwhile: two may share a place, and no step waits for the list.
    let first = store.glance(Table::Listed, LIST, WHOLE_GROUP, Direction::Backward, 1)?;
    let place = match first.first() {
        Some(first) => {
            let place = number_of(Table::Listed, &first.0)?;
            // Where it stands first already nothing is written.
            if row.place == place && is_of(&read(first)?.1, row) {
                return Ok(());
            }
            place
        }
        None => 0,
    };
    forget(store, row)?;
    row.place = place.saturating_add(1);
    enter(store, row)
}

/// Puts a conversation where it stood; one in which nothing happened is in no list.
pub(crate) fn enter(store: &mut dyn RowsMut, row: &ConversationRow) -> Result<(), EngineError> {
    if row.place == 0 {
        return Ok(());
    }
    let (order, name) = (row.place.to_be_bytes(), name_of(row));
    let key = Key::named(LIST, &order, &name);
    put_row(store, Table::Listed, key, &of(row))
}

fn of(row: &ConversationRow) -> ListedRow {
    ListedRow {
        peer_identity_key: row.peer_identity_key.clone(),
        group_id: row.group_id.clone(),
    }
}

fn is_of(listed: &ListedRow, row: &ConversationRow) -> bool {
    listed.peer_identity_key == row.peer_identity_key && listed.group_id == row.group_id
}

fn read((order, bytes): &OrderedRow) -> Result<(u64, ListedRow), EngineError> {
    let place = number_of(Table::Listed, order)?;
    Ok((place, decode(Table::Listed, bytes)?))
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

/// The conversations behind a place, or the first ones; each with its place, at most `limit` and those that share the last one's place.
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
    let mut rows = store.range(Table::Listed, LIST, bounds, Direction::Backward, limit)?;
    if let Some((order, _)) = rows.last().filter(|_| rows.len() == limit) {
        let last = number_of(Table::Listed, order)?.to_be_bytes();
        let sharing = store.of_order(Table::Listed, LIST, &last)?;
        rows.retain(|(order, _)| !order.starts_with(&last));
        rows.extend(sharing.into_iter().rev());
    }
    rows.iter().map(read).collect()
}
