//! Messages that wait for the application to handle them: so that an answer is written once, whenever the process dies.

use std::ops::Bound;

use super::{damaged, get_row, history, pages, put_row, settings};
use crate::api::error::WindlassError;
use crate::chat::MessageId;
use crate::identity::PublicIdentity;
use crate::store::{Direction, Key, Rows, Table, WHOLE_GROUP, Writer};
use crate::wire::{self, store::UnhandledRow};

const GROUP: &[u8] = b"unhandled";

/// Whether messages are kept until they are handled.
pub(in crate::api) fn set_kept(store: &mut Writer<'_>, kept: bool) -> Result<(), WindlassError> {
    let mut row = settings::row(store)?;
    row.keep_unhandled = kept;
    if !kept {
        store.delete_range(Table::Unhandled, GROUP, WHOLE_GROUP, usize::MAX)?;
    }
    settings::save(store, &row)
}

/// Notes a message that came.
pub(super) fn note(
    store: &mut Writer<'_>,
    author: &PublicIdentity,
    id: &MessageId,
) -> Result<(), WindlassError> {
    let mut row = settings::row(store)?;
    if !row.keep_unhandled {
        return Ok(());
    }
    row.last_unhandled += 1;
    settings::save(store, &row)?;
    let order = row.last_unhandled.to_be_bytes();
    let row = UnhandledRow {
        author_identity_key: author.to_bytes().to_vec(),
        message_id: id.as_bytes().to_vec(),
        attempts: 0,
    };
    put_row(store, Table::Unhandled, Key::ordered(GROUP, &order), &row)
}

/// A message that waits.
pub(in crate::api) struct Waiting {
    /// By which the application names it.
    pub number: u64,
    /// How often the application began to handle it.
    pub attempts: u32,
    /// The message.
    pub stored: history::Stored,
}

fn read(bytes: &[u8]) -> Result<UnhandledRow, WindlassError> {
    wire::decode("unhandled", bytes).map_err(|_| damaged(Table::Unhandled))
}

fn named(row: &UnhandledRow) -> Result<(PublicIdentity, MessageId), WindlassError> {
    history::place(Table::Unhandled, &row.author_identity_key, &row.message_id)
}

/// The oldest ones. One that was deleted meanwhile, or whose conversation was, is passed over.
pub(in crate::api) fn oldest(
    store: &impl Rows,
    limit: usize,
) -> Result<Vec<Waiting>, WindlassError> {
    let mut found = Vec::new();
    let mut last: Option<Vec<u8>> = None;
    while found.len() < limit {
        let low = last.as_deref().map_or(Bound::Unbounded, Bound::Excluded);
        let wanted = limit - found.len();
        let bounds = (low, Bound::Unbounded);
        let rows = store.range(Table::Unhandled, GROUP, bounds, Direction::Forward, wanted)?;
        let more = rows.len() == wanted;
        for (order, bytes) in &rows {
            let number = order.first_chunk().map(|order| u64::from_be_bytes(*order));
            let number = number.ok_or_else(|| damaged(Table::Unhandled))?;
            let row = read(bytes)?;
            let (author, id) = named(&row)?;
            let stored = pages::shown(store, &author, &id)?;
            if let Some(stored) = stored.filter(|stored| !stored.deleted && !stored.is_gone()) {
                found.push(Waiting {
                    number,
                    attempts: row.attempts,
                    stored,
                });
            }
        }
        last = rows.into_iter().next_back().map(|(order, _)| order);
        if !more {
            break;
        }
    }
    Ok(found)
}

/// Forgets those of which nothing is left.
pub(in crate::api) fn forget_gone(store: &mut Writer<'_>) -> Result<bool, WindlassError> {
    if !settings::row(store)?.keep_unhandled {
        return Ok(false);
    }
    let rows = store.range(
        Table::Unhandled,
        GROUP,
        WHOLE_GROUP,
        Direction::Forward,
        usize::MAX,
    )?;
    let mut forgot = false;
    for (order, bytes) in rows {
        let (author, id) = named(&read(&bytes)?)?;
        let stored = history::find(store, &author, &id)?;
        if stored.is_none_or(|stored| stored.deleted || stored.is_gone()) {
            forgot |= store.delete(Table::Unhandled, Key::ordered(GROUP, &order))?;
        }
    }
    Ok(forgot)
}

/// Notes how often the application began to handle it; false if it was handled before.
pub(in crate::api) fn set_attempts(
    store: &mut Writer<'_>,
    number: u64,
    attempts: u32,
) -> Result<bool, WindlassError> {
    let order = number.to_be_bytes();
    let key = Key::ordered(GROUP, &order);
    let Some(row) = get_row::<UnhandledRow>(store, Table::Unhandled, key)? else {
        return Ok(false);
    };
    put_row(
        store,
        Table::Unhandled,
        key,
        &UnhandledRow { attempts, ..row },
    )?;
    Ok(true)
}

/// It was handled; false if it was before.
pub(in crate::api) fn handled(store: &mut Writer<'_>, number: u64) -> Result<bool, WindlassError> {
    let order = number.to_be_bytes();
    Ok(store.delete(Table::Unhandled, Key::ordered(GROUP, &order))?)
}
