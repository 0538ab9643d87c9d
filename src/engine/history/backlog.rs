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

/// The row of an author, or of the part of the sum of all that this process keeps.
fn change(
    store: &mut dyn RowsMut,
    author: Option<&[u8]>,
    messages: i64,
    bytes: i64,
) -> Result<(), EngineError> {
    let lane = [store.lane()];
    let key = match author {
        Some(author) => Key::named(AUTHORS, &[], author),
        None => Key::ordered(ALL, &lane),
    };
    let found: Option<BacklogRow> = get_row(store, Table::Unhandled, key)?;
    let mut row = found.unwrap_or_default();
    row.author_identity_key = author.unwrap_or_default().to_vec();
    row.messages = row.messages.saturating_add(messages);
    row.bytes = row.bytes.saturating_add(bytes);
    if row.messages == 0 && row.bytes == 0 {
        store.delete(Table::Unhandled, key)?;
        return Ok(());
    }
    put_row(store, Table::Unhandled, key, &row)
}

fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}

/// Messages of an author begin to wait.
pub(crate) fn add(
    store: &mut dyn RowsMut,
    author: &[u8],
    messages: u64,
    bytes: u64,
) -> Result<(), EngineError> {
    for of in [Some(author), None] {
        change(store, of, signed(messages), signed(bytes))?;
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
        change(store, of, -1, -signed(bytes))?;
    }
    Ok(())
}

/// What waits, in messages and bytes.
type Sum = (u64, u64);

/// Of all. What others take in and handle meanwhile does not matter: a bound is a bound with a few more.
fn of_all(store: &dyn Rows) -> Result<Sum, EngineError> {
    let lanes = store.glance(
        Table::Unhandled,
        ALL,
        WHOLE_GROUP,
        Direction::Forward,
        usize::MAX,
    )?;
    let (mut messages, mut bytes) = (0i64, 0i64);
    for (_, row) in lanes {
        let row: BacklogRow = decode(Table::Unhandled, &row)?;
        messages = messages.saturating_add(row.messages);
        bytes = bytes.saturating_add(row.bytes);
    }
    Ok((unsigned(messages), unsigned(bytes)))
}

fn of_author(store: &dyn Rows, author: &[u8]) -> Result<Sum, EngineError> {
    let key = Key::named(AUTHORS, &[], author);
    let row: Option<BacklogRow> = get_row(store, Table::Unhandled, key)?;
    let row = row.unwrap_or_default();
    Ok((unsigned(row.messages), unsigned(row.bytes)))
}

/// Nothing waits any more.
pub(crate) fn clear(store: &mut dyn RowsMut) -> Result<(), EngineError> {
    store.delete_range(Table::Unhandled, AUTHORS, WHOLE_GROUP, usize::MAX)?;
    store.delete_range(Table::Unhandled, ALL, WHOLE_GROUP, usize::MAX)?;
    Ok(())
}

/// Whether there is so much that nothing more is taken in, of nobody.
pub(crate) fn is_full(store: &dyn Rows) -> Result<bool, EngineError> {
    let (messages, bytes) = of_all(store)?;
    Ok(messages >= MAX_UNHANDLED || bytes >= MAX_UNHANDLED_BYTES)
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
    let (all_messages, all_bytes) = of_all(store)?;
    let (own_messages, own_bytes) = of_author(store, &author.to_bytes())?;
    let share = |most: u64, taken: u64, least: u64| {
        let share = most.saturating_sub(taken) / UNHANDLED_SHARE;
        if direct { share.max(least) } else { share }
    };
    let messages = share(MAX_UNHANDLED, all_messages, MIN_UNHANDLED_BY_ONE);
    let room = share(MAX_UNHANDLED_BYTES, all_bytes, MIN_UNHANDLED_BYTES_BY_ONE);
    Ok(own_messages < messages && own_bytes.saturating_add(bytes) <= room)
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
                messages: unsigned(row.messages),
                bytes: unsigned(row.bytes),
            })
        })
        .collect::<Result<Vec<_>, EngineError>>()?;
    found.sort_by_key(|one| core::cmp::Reverse((one.bytes, one.messages)));
    found.truncate(limit);
    Ok(found)
}
