//! What a device asked for: in which turn it is sent, and how much of it may be under way at once. The rest follows as that is acknowledged
//! (RFC windlass §8.4.4).

use crate::engine::base::due;
use crate::engine::base::error::EngineError;
use crate::engine::base::message_ref::MessageRef;
use crate::engine::base::rows::{get_row, put_row};
use crate::limits::{HEALING_BACK_OFF_SECONDS, MAX_RESENT_AT_ONCE, MAX_RESENT_BYTES_TO_ONE};
use crate::store::{Direction, Key, Rows, RowsMut, Table, WHOLE_GROUP};
use crate::wire::store::AskedRow;
use crate::x3dh::Party;

/// What is under way of it.
const STATE: &[u8] = b"state";

fn group(to: &Party) -> Vec<u8> {
    let id = to.device_id.to_be_bytes();
    [to.identity.to_bytes().as_slice(), &id].concat()
}

fn state(store: &dyn Rows, to: &Party) -> Result<Option<AskedRow>, EngineError> {
    get_row(store, Table::Asked, Key::named(STATE, &[], &group(to)))
}

fn save(store: &mut dyn RowsMut, to: &Party, row: &AskedRow) -> Result<(), EngineError> {
    put_row(store, Table::Asked, Key::named(STATE, &[], &group(to)), row)
}

/// How much more may be sent now.
pub(crate) struct Room {
    pub(crate) messages: usize,
    /// Bytes that are under way.
    pub(crate) under_way: usize,
}

impl Room {
    /// Whether there is any.
    pub(crate) fn is_none(&self) -> bool {
        self.messages == 0 || self.under_way >= MAX_RESENT_BYTES_TO_ONE
    }
}

/// How much more may be sent to a device now because it asked. What was lost under way takes no room any more once nothing has moved for a while.
pub(crate) fn room(store: &dyn Rows, to: &Party, now: u64) -> Result<Room, EngineError> {
    let moves = |row: &AskedRow| !due::is_over(row.moved_at, HEALING_BACK_OFF_SECONDS * 1000, now);
    let row = state(store, to)?.filter(moves).unwrap_or_default();
    let (messages, bytes) = (usize::try_from(row.messages), usize::try_from(row.bytes));
    Ok(Room {
        messages: MAX_RESENT_AT_ONCE.saturating_sub(messages.unwrap_or(usize::MAX)),
        under_way: bytes.unwrap_or(usize::MAX),
    })
}

/// A device asked for a message: its turn, behind all that it asked for before. Never 0.
pub(super) fn enter(
    store: &mut dyn RowsMut,
    to: &Party,
    message: &MessageRef,
) -> Result<u64, EngineError> {
    let mut row = state(store, to)?.unwrap_or_default();
    row.turns = row.turns.saturating_add(1);
    save(store, to, &row)?;
    let (group, order) = (group(to), row.turns.to_be_bytes());
    let key = Key::ordered(&group, &order);
    put_row(store, Table::Asked, key, &message.to_row())?;
    Ok(row.turns)
}

/// What had a turn was sent, or is not to be; 0 for none.
pub(super) fn leave(store: &mut dyn RowsMut, to: &Party, turn: u64) -> Result<(), EngineError> {
    if turn != 0 {
        let (group, order) = (group(to), turn.to_be_bytes());
        store.delete(Table::Asked, Key::ordered(&group, &order))?;
    }
    Ok(())
}

/// A message was sent, in so many bytes.
pub(super) fn sent(
    store: &mut dyn RowsMut,
    to: &Party,
    bytes: u64,
    now: u64,
) -> Result<(), EngineError> {
    let mut row = state(store, to)?.unwrap_or_default();
    if due::is_over(row.moved_at, HEALING_BACK_OFF_SECONDS * 1000, now) {
        // What is not acknowledged by now was lost.
        (row.messages, row.bytes) = (0, 0);
    }
    row.messages = row.messages.saturating_add(1);
    row.bytes = row.bytes.saturating_add(bytes);
    row.moved_at = now;
    save(store, to, &row)
}

/// What was sent in so many bytes is not under way any more: it was acknowledged at a time, or it is sent anew. 0 for what was not sent.
pub(super) fn came(
    store: &mut dyn RowsMut,
    to: &Party,
    bytes: u64,
    now: Option<u64>,
) -> Result<(), EngineError> {
    if bytes == 0 {
        return Ok(());
    }
    let Some(mut row) = state(store, to)? else {
        return Ok(());
    };
    row.messages = row.messages.saturating_sub(1);
    row.bytes = row.bytes.saturating_sub(bytes);
    row.moved_at = now.unwrap_or(row.moved_at);
    save(store, to, &row)
}

/// What comes next, at most `limit`.
pub(super) fn next(
    store: &dyn Rows,
    to: &Party,
    limit: usize,
) -> Result<Vec<MessageRef>, EngineError> {
    let (group, forward) = (group(to), Direction::Forward);
    let rows = store.range(Table::Asked, &group, WHOLE_GROUP, forward, limit)?;
    rows.iter()
        .map(|(_, bytes)| MessageRef::from_row(Table::Asked, bytes))
        .collect()
}

/// Nothing is sent any more to a device that is gone.
pub(super) fn forget(store: &mut dyn RowsMut, to: &Party) -> Result<(), EngineError> {
    let group = group(to);
    store.delete_range(Table::Asked, &group, WHOLE_GROUP, usize::MAX)?;
    store.delete(Table::Asked, Key::named(STATE, &[], &group))?;
    Ok(())
}
