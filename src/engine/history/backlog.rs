//! How much waits to be handled, of each author and in all: so that nobody fills the store of a program faster than it answers, and nobody
//! takes the place of others.

use std::ops::Bound;

use crate::engine::base::error::EngineError;
use crate::engine::base::rows::{damaged, decode, get_row, put_row};
use crate::engine::records::settings;
use crate::identity::PublicIdentity;
use crate::limits::{
    MAX_UNHANDLED, MAX_UNHANDLED_BYTES, MIN_UNHANDLED_BY_ONE, MIN_UNHANDLED_BYTES_BY_ONE,
    UNHANDLED_SHARE,
};
use crate::store::{Direction, Key, Rows, RowsMut, Table, WHOLE_GROUP};
use crate::wire::store::BacklogRow;

const AUTHORS: &[u8] = b"backlog of each";
const ALL: &[u8] = b"backlog of all";

fn key<'a>(of: Option<&'a [u8]>) -> Key<'a> {
    of.map_or(Key::new(ALL), |author| Key::named(AUTHORS, &[], author))
}

fn row(store: &dyn Rows, of: Option<&[u8]>) -> Result<BacklogRow, EngineError> {
    let found = get_row(store, Table::Unhandled, key(of))?;
    Ok(found.unwrap_or_else(|| BacklogRow {
        author_identity_key: of.unwrap_or_default().to_vec(),
        ..BacklogRow::default()
    }))
}

/// Messages of an author begin to wait.
pub(crate) fn add(
    store: &mut dyn RowsMut,
    author: &[u8],
    messages: u64,
    bytes: u64,
) -> Result<(), EngineError> {
    for of in [Some(author), None] {
        let mut row = row(store, of)?;
        row.messages = row.messages.saturating_add(messages);
        row.bytes = row.bytes.saturating_add(bytes);
        put_row(store, Table::Unhandled, key(of), &row)?;
    }
    Ok(())
}

/// A message of an author does not wait any more.
pub(crate) fn remove(
    store: &mut dyn RowsMut,
    author: &[u8],
    bytes: u64,
) -> Result<(), EngineError> {
    for of in [Some(author), None] {
        let mut row = row(store, of)?;
        row.messages = row.messages.saturating_sub(1);
        row.bytes = row.bytes.saturating_sub(bytes);
        if row.messages == 0 {
            store.delete(Table::Unhandled, key(of))?;
        } else {
            put_row(store, Table::Unhandled, key(of), &row)?;
        }
    }
    Ok(())
}

/// Nothing waits any more.
pub(crate) fn clear(store: &mut dyn RowsMut) -> Result<(), EngineError> {
    store.delete_range(Table::Unhandled, AUTHORS, WHOLE_GROUP, usize::MAX)?;
    store.delete(Table::Unhandled, key(None))?;
    Ok(())
}

/// Whether there is so much that nothing more is taken in, of nobody.
pub(crate) fn is_full(store: &dyn Rows) -> Result<bool, EngineError> {
    let all = row(store, None)?;
    Ok(all.messages >= MAX_UNHANDLED || all.bytes >= MAX_UNHANDLED_BYTES)
}

/// Whether a message of so many bytes may wait beside what waits of its author. One author has a share of what the others leave free, so
/// there is always something free. `direct`: it was said to us alone, and a little of that is taken of everybody.
pub(crate) fn has_room(
    store: &dyn Rows,
    author: &PublicIdentity,
    bytes: u64,
    direct: bool,
) -> Result<bool, EngineError> {
    if !settings::row(store)?.keep_unhandled {
        return Ok(true);
    }
    let (all, own) = (row(store, None)?, row(store, Some(&author.to_bytes()))?);
    let share = |most: u64, taken: u64, least: u64| {
        let share = most.saturating_sub(taken) / UNHANDLED_SHARE;
        if direct { share.max(least) } else { share }
    };
    let messages = share(MAX_UNHANDLED, all.messages, MIN_UNHANDLED_BY_ONE);
    let room = share(MAX_UNHANDLED_BYTES, all.bytes, MIN_UNHANDLED_BYTES_BY_ONE);
    Ok(own.messages < messages && own.bytes.saturating_add(bytes) <= room)
}

/// What waits of somebody.
pub(crate) struct Backlog {
    pub(crate) author: PublicIdentity,
    pub(crate) messages: u64,
    pub(crate) bytes: u64,
}

/// Of whom most waits, by bytes, the most first.
pub(crate) fn largest(store: &dyn Rows, limit: usize) -> Result<Vec<Backlog>, EngineError> {
    let bounds = (Bound::Unbounded, Bound::Unbounded);
    let mut found = store
        .range(
            Table::Unhandled,
            AUTHORS,
            bounds,
            Direction::Forward,
            usize::MAX,
        )?
        .into_iter()
        .map(|(_, bytes)| {
            let row: BacklogRow = decode(Table::Unhandled, &bytes)?;
            Ok(Backlog {
                author: PublicIdentity::from_stored(&row.author_identity_key)
                    .ok_or_else(|| damaged(Table::Unhandled))?,
                messages: row.messages,
                bytes: row.bytes,
            })
        })
        .collect::<Result<Vec<_>, EngineError>>()?;
    found.sort_by_key(|one| core::cmp::Reverse((one.bytes, one.messages)));
    found.truncate(limit);
    Ok(found)
}
