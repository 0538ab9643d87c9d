//! Who has what we wrote (RFC windlass §9.4). Each receipt is a row of its own: a message may be long, and many have it.

use crate::engine::base::error::EngineError;
use crate::engine::base::message_ref::MessageRef;
use crate::engine::base::rows::{damaged, decode, get_row, put_row};
use crate::engine::history::message;
use crate::engine::history::message::Stored;
use crate::identity::PublicIdentity;
use crate::store::{Direction, Key, Rows, RowsMut, Table, WHOLE_GROUP};
use crate::wire::store::DeliveredRow;

/// Somebody has a message.
pub(crate) struct Delivered {
    pub(crate) to: PublicIdentity,
    /// When that came to be known here.
    pub(crate) at: u64,
}

/// What a receipt says that is not known.
pub(crate) enum Receipt {
    /// They have a message.
    New,
    /// Nothing: it is known, or counts for nothing.
    Known,
    /// They have what is not here.
    OfUnknown,
}

fn key<'a>(message: &'a [u8], by: &'a [u8]) -> Key<'a> {
    Key::named(message, &[], by)
}

/// Notes the receipt of a message that we wrote to `by`, or to a group they belong to. A receipt for another's conversation counts for
/// nothing.
pub(crate) fn note(
    store: &mut dyn RowsMut,
    message: &MessageRef,
    by: &PublicIdentity,
    now: u64,
) -> Result<Receipt, EngineError> {
    // First what costs little, however long the message is.
    if at(store, message, by)?.is_some() {
        return Ok(Receipt::Known);
    }
    let Some(stored) = message::find(store, message)? else {
        return Ok(Receipt::OfUnknown);
    };
    if !stored.may_be_delivered_to(by) {
        return Ok(Receipt::Known);
    }
    let row = DeliveredRow {
        message_id: message.id.as_bytes().to_vec(),
        identity_key: by.to_bytes().to_vec(),
        at: now.max(1),
    };
    put(store, message, &row)?;
    Ok(Receipt::New)
}

fn put(
    store: &mut dyn RowsMut,
    message: &MessageRef,
    row: &DeliveredRow,
) -> Result<(), EngineError> {
    let group = message.key();
    let key = key(&group, &row.identity_key);
    put_row(store, Table::Delivered, key, row)
}

/// Since when it is known that somebody has a message of ours.
pub(crate) fn at(
    store: &dyn Rows,
    message: &MessageRef,
    by: &PublicIdentity,
) -> Result<Option<u64>, EngineError> {
    let (group, by) = (message.key(), by.to_bytes());
    let row: Option<DeliveredRow> = get_row(store, Table::Delivered, key(&group, &by))?;
    Ok(row.map(|row| row.at))
}

/// Who has a message, the first of them first.
pub(crate) fn of(store: &dyn Rows, stored: &Stored) -> Result<Vec<Delivered>, EngineError> {
    if !stored.may_be_delivered() {
        return Ok(Vec::new());
    }
    let (table, group) = (Table::Delivered, stored.name().key());
    let rows = store.range(table, &group, WHOLE_GROUP, Direction::Forward, usize::MAX)?;
    let mut all = Vec::new();
    for (_, bytes) in rows {
        let row: DeliveredRow = decode(table, &bytes)?;
        let to = PublicIdentity::from_stored(&row.identity_key).ok_or_else(|| damaged(table))?;
        all.push(Delivered { to, at: row.at });
    }
    // In the store they are sorted by hashes that no other store has.
    all.sort_by_key(|one| (one.at, one.to.to_bytes()));
    Ok(all)
}

/// Nobody has a message any more.
pub(crate) fn erase_of(store: &mut dyn RowsMut, message: &MessageRef) -> Result<(), EngineError> {
    store.delete_range(Table::Delivered, &message.key(), WHOLE_GROUP, usize::MAX)?;
    Ok(())
}

/// Puts the receipt of a backup back; `own` wrote the message.
pub(crate) fn restore(
    store: &mut dyn RowsMut,
    own: &PublicIdentity,
    row: &DeliveredRow,
) -> Result<(), EngineError> {
    let own = own.to_bytes();
    let message = MessageRef::from_columns(Table::Delivered, &own, &row.message_id)?;
    // One of nothing would be deleted by nothing.
    if message::contains(store, &message)? {
        put(store, &message, row)?;
    }
    Ok(())
}
