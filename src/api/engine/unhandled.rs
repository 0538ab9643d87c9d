//! Messages that wait for the application to handle them: so that an answer is written once, whenever the process dies.

use super::{damaged, history, put_row, settings};
use crate::api::error::WindlassError;
use crate::chat::MessageId;
use crate::identity::PublicIdentity;
use crate::store::{Direction, Key, Rows, Table, WHOLE_GROUP, Writer};
use crate::wire::{self, store::TimelineRow};

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
    let place = TimelineRow {
        author_identity_key: author.to_bytes().to_vec(),
        message_id: id.as_bytes().to_vec(),
    };
    put_row(store, Table::Unhandled, Key::ordered(GROUP, &order), &place)
}

/// The oldest ones, with their numbers. One that was deleted meanwhile is passed over.
pub(in crate::api) fn oldest(
    store: &impl Rows,
    limit: usize,
) -> Result<Vec<(u64, history::Stored)>, WindlassError> {
    let rows = store.range(
        Table::Unhandled,
        GROUP,
        WHOLE_GROUP,
        Direction::Forward,
        limit,
    )?;
    let mut found = Vec::with_capacity(rows.len());
    for (order, bytes) in rows {
        let damaged = || damaged(Table::Unhandled);
        let number = order.first_chunk().map(|order| u64::from_be_bytes(*order));
        let row: TimelineRow = wire::decode("unhandled", &bytes).map_err(|_| damaged())?;
        let author = PublicIdentity::from_stored(&row.author_identity_key).ok_or_else(damaged)?;
        let id = MessageId::from_bytes(&row.message_id).map_err(|_| damaged())?;
        if let Some(stored) = history::find(store, &author, &id)? {
            found.push((number.ok_or_else(damaged)?, stored));
        }
    }
    Ok(found)
}

/// It was handled; false if it was before.
pub(in crate::api) fn handled(store: &mut Writer<'_>, number: u64) -> Result<bool, WindlassError> {
    let order = number.to_be_bytes();
    Ok(store.delete(Table::Unhandled, Key::ordered(GROUP, &order))?)
}
