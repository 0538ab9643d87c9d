//! When messages go: those that disappear, and the names of those that are gone (docs/store.md).

use std::ops::Bound;

use super::history::{self, GONE};
use super::put_row;
use crate::api::error::WindlassError;
use crate::chat::MessageId;
use crate::identity::PublicIdentity;
use crate::store::{Direction, Key, Rows, Table, Writer};
use crate::wire::store::MessageRow;

/// The group of all messages that disappear.
const GROUP: &[u8] = b"expiries";

/// What one step deletes at most; the next one goes on.
const MAX_AT_ONCE: usize = 1_000;

/// Notes when a message goes; 0 for never.
pub(super) fn note(
    store: &mut Writer<'_>,
    author: &PublicIdentity,
    id: &MessageId,
    at: u64,
) -> Result<(), WindlassError> {
    if at == 0 {
        return Ok(());
    }
    put_row(
        store,
        Table::Expiries,
        Key::named(GROUP, &at.to_be_bytes(), &history::message_key(author, id)),
        &history::timeline_row(author, id),
    )
}

/// Changes when a message goes. Its row is the caller's to save.
pub(super) fn set(
    store: &mut Writer<'_>,
    author: &PublicIdentity,
    id: &MessageId,
    row: &mut MessageRow,
    at: u64,
) -> Result<(), WindlassError> {
    if row.expires_at != 0 {
        let name = history::message_key(author, id);
        let order = row.expires_at.to_be_bytes();
        store.delete(Table::Expiries, Key::named(GROUP, &order, &name))?;
    }
    row.expires_at = at;
    note(store, author, id, at)
}

/// Deletes the messages whose time has come; how many.
pub(in crate::api) fn expire(store: &mut Writer<'_>, now: u64) -> Result<usize, WindlassError> {
    let end = now.saturating_add(1).to_be_bytes();
    let due = (Bound::Unbounded, Bound::Excluded(end.as_slice()));
    let rows = store.range(Table::Expiries, GROUP, due, Direction::Forward, MAX_AT_ONCE)?;
    for (order, bytes) in &rows {
        let (author, id) = history::named(Table::Expiries, bytes)?;
        // One that went with another just now has a later time already.
        if !store.delete(Table::Expiries, Key::ordered(GROUP, order))? {
            continue;
        }
        if !history::delete(store, &author, &id, GONE, now)? {
            history::erase(store, &author, &id)?;
        }
    }
    Ok(rows.len())
}
