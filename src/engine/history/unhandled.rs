//! Messages that wait for the application to handle them: so that an answer is written once, whenever the process dies.

use std::ops::Bound;

use crate::chat::MessageOrigin;
use crate::engine::base::error::EngineError;
use crate::engine::base::message_ref::MessageRef;
use crate::engine::base::rows::{damaged, decode, get_row, number_of, put_row};
use crate::engine::base::step::Step;
use crate::engine::history::message::Stored;
use crate::engine::history::view::Shown;
use crate::engine::history::{backlog, message, view};
use crate::engine::records::conversations::ConversationId;
use crate::engine::records::settings;
use crate::identity::PublicIdentity;
use crate::store::{Direction, Key, Rows, RowsMut, Sequence, Table, WHOLE_GROUP};
use crate::wire::store::UnhandledRow;

const GROUP: &[u8] = b"unhandled";

/// Whether messages are kept until they are handled.
pub(crate) fn set_kept(store: &mut dyn RowsMut, kept: bool) -> Result<(), EngineError> {
    let mut row = settings::row(store)?;
    row.keep_unhandled = kept;
    if !kept {
        store.delete_range(Table::Unhandled, GROUP, WHOLE_GROUP, usize::MAX)?;
        backlog::clear(store)?;
    }
    settings::save(store, &row)
}

/// Whether a message waits here when it has come: what others wrote, and wrote to this device, if messages are kept.
pub(crate) fn is_enqueued(
    store: &dyn Rows,
    own: &PublicIdentity,
    stored: &Stored,
) -> Result<bool, EngineError> {
    let for_us = stored.author != *own && !stored.copied;
    Ok(for_us && settings::row(store)?.keep_unhandled)
}

/// Notes a message that came, of so many bytes, if it is to wait. What is said to a program alone gets its receipt with the answer.
pub(crate) fn enqueue(
    step: &mut Step<'_>,
    stored: &Stored,
    bytes: usize,
) -> Result<(), EngineError> {
    if !is_enqueued(step.rows, &step.device.public(), stored)? {
        return Ok(());
    }
    let receipt_due = step.origin == MessageOrigin::Bot
        && matches!(stored.conversation, ConversationId::Direct(_));
    if receipt_due {
        step.receipts.held.push(stored.name());
    }
    let store = &mut *step.rows;
    let message = stored.name();
    let order = store.next_id(Sequence::Unhandled)?.to_be_bytes();
    let (peer_identity_key, group_id) = stored.conversation.columns();
    let row = UnhandledRow {
        author_identity_key: message.author.to_bytes().to_vec(),
        message_id: message.id.as_bytes().to_vec(),
        attempts: 0,
        bytes: bytes as u64,
        peer_identity_key,
        group_id,
        receipt_due,
    };
    backlog::add(store, &row.author_identity_key, 1, row.bytes)?;
    put_row(store, Table::Unhandled, Key::ordered(GROUP, &order), &row)
}

/// A message that waits.
pub(crate) struct PendingMessage {
    /// By which the application names it.
    pub(crate) number: u64,
    /// How often the application began to handle it.
    pub(crate) attempts: u32,
    /// The message.
    pub(crate) message: Shown,
}

fn read(bytes: &[u8]) -> Result<UnhandledRow, EngineError> {
    decode(Table::Unhandled, bytes)
}

fn named(row: &UnhandledRow) -> Result<MessageRef, EngineError> {
    MessageRef::from_columns(Table::Unhandled, &row.author_identity_key, &row.message_id)
}

/// The oldest ones. One that was deleted meanwhile, or whose conversation was, is passed over.
pub(crate) fn oldest(store: &dyn Rows, limit: usize) -> Result<Vec<PendingMessage>, EngineError> {
    let mut found = Vec::new();
    let mut last: Option<Vec<u8>> = None;
    while found.len() < limit {
        let low = last.as_deref().map_or(Bound::Unbounded, Bound::Excluded);
        let wanted = limit - found.len();
        let bounds = (low, Bound::Unbounded);
        let rows = store.range(Table::Unhandled, GROUP, bounds, Direction::Forward, wanted)?;
        let more = rows.len() == wanted;
        for (order, bytes) in &rows {
            found.extend(pending(
                store,
                number_of(Table::Unhandled, order)?,
                &read(bytes)?,
            )?);
        }
        last = rows.into_iter().next_back().map(|(order, _)| order);
        if !more {
            break;
        }
    }
    Ok(found)
}

/// Forgets those of which nothing is left.
pub(crate) fn forget_gone(store: &mut dyn RowsMut) -> Result<bool, EngineError> {
    if !settings::row(store)?.keep_unhandled {
        return Ok(false);
    }
    let forgot = take_out_all(store, |store, row| {
        let stored = message::find(store, &named(row)?)?;
        Ok(stored.is_none_or(|stored| stored.is_deleted()))
    })?;
    Ok(forgot > 0)
}

/// Notes how often the application began to handle it; false if it was handled before.
pub(crate) fn set_attempts(
    store: &mut dyn RowsMut,
    number: u64,
    attempts: u32,
) -> Result<bool, EngineError> {
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

/// What was handled.
pub(crate) struct Handled {
    /// The message, if its author is still to be told that it is here.
    pub(crate) receipt_due: Option<MessageRef>,
}

/// It was handled; nothing if it was before.
pub(crate) fn handled(
    store: &mut dyn RowsMut,
    number: u64,
) -> Result<Option<Handled>, EngineError> {
    let order = number.to_be_bytes();
    let Some(row) = take_out(store, Key::ordered(GROUP, &order))? else {
        return Ok(None);
    };
    let message = named(&row)?;
    Ok(Some(Handled {
        receipt_due: row.receipt_due.then_some(message),
    }))
}

fn take_out(store: &mut dyn RowsMut, key: Key<'_>) -> Result<Option<UnhandledRow>, EngineError> {
    let Some(row) = get_row::<UnhandledRow>(store, Table::Unhandled, key)? else {
        return Ok(None);
    };
    backlog::remove(store, &row.author_identity_key, row.bytes)?;
    store.delete(Table::Unhandled, key)?;
    Ok(Some(row))
}

/// Those with a number above `after` whose receipts are still due, at most `limit` looked at; and the number of the last one that was.
pub(crate) fn receipts_due(
    store: &dyn Rows,
    after: u64,
    limit: usize,
) -> Result<(Vec<u64>, Option<u64>), EngineError> {
    let low = after.to_be_bytes();
    let bounds = (Bound::Excluded(low.as_slice()), Bound::Unbounded);
    let rows = store.range(Table::Unhandled, GROUP, bounds, Direction::Forward, limit)?;
    let (mut due, mut last) = (Vec::new(), None);
    for (order, bytes) in &rows {
        let number = number_of(Table::Unhandled, order)?;
        last = Some(number);
        if read(bytes)?.receipt_due {
            due.push(number);
        }
    }
    Ok((due, last))
}

/// The receipts of these are sent without an answer; which messages they are, without those that were handled meanwhile.
pub(crate) fn take_receipts(
    store: &mut dyn RowsMut,
    numbers: &[u64],
) -> Result<Vec<MessageRef>, EngineError> {
    let mut taken = Vec::new();
    for number in numbers {
        let order = number.to_be_bytes();
        let key = Key::ordered(GROUP, &order);
        let found = get_row::<UnhandledRow>(store, Table::Unhandled, key)?;
        let Some(mut row) = found.filter(|row| row.receipt_due) else {
            continue;
        };
        taken.push(named(&row)?);
        row.receipt_due = false;
        put_row(store, Table::Unhandled, key, &row)?;
    }
    Ok(taken)
}

/// What an author wrote counts as handled; how many messages that were.
pub(crate) fn drop_of(
    store: &mut dyn RowsMut,
    author: &PublicIdentity,
) -> Result<u64, EngineError> {
    take_out_all(store, |_, row| {
        Ok(row.author_identity_key == author.to_bytes())
    })
}

/// Takes out those of which something is true; how many these were.
fn take_out_all(
    store: &mut dyn RowsMut,
    is_over: impl Fn(&dyn Rows, &UnhandledRow) -> Result<bool, EngineError>,
) -> Result<u64, EngineError> {
    let rows = store.range(
        Table::Unhandled,
        GROUP,
        WHOLE_GROUP,
        Direction::Forward,
        usize::MAX,
    )?;
    let mut count = 0;
    for (order, bytes) in rows {
        if is_over(store, &read(&bytes)?)? {
            count += u64::from(take_out(store, Key::ordered(GROUP, &order))?.is_some());
        }
    }
    Ok(count)
}

/// A message that waits, without what it says.
pub(crate) struct WaitingName {
    pub(crate) number: u64,
    pub(crate) attempts: u32,
    pub(crate) author: PublicIdentity,
    pub(crate) conversation: ConversationId,
}

/// The oldest ones with a number above `after`, by name.
pub(crate) fn waiting(
    store: &dyn Rows,
    after: u64,
    limit: usize,
) -> Result<Vec<WaitingName>, EngineError> {
    let low = after.to_be_bytes();
    let bounds = (Bound::Excluded(low.as_slice()), Bound::Unbounded);
    store
        .range(Table::Unhandled, GROUP, bounds, Direction::Forward, limit)?
        .into_iter()
        .map(|(order, bytes)| {
            let row = read(&bytes)?;
            let conversation = ConversationId::from_columns(&row.peer_identity_key, &row.group_id);
            Ok(WaitingName {
                number: number_of(Table::Unhandled, &order)?,
                attempts: row.attempts,
                author: named(&row)?.author,
                conversation: conversation.ok_or_else(|| damaged(Table::Unhandled))?,
            })
        })
        .collect()
}

/// One that waits; nothing if it was handled, or deleted meanwhile.
pub(crate) fn one(store: &dyn Rows, number: u64) -> Result<Option<PendingMessage>, EngineError> {
    let order = number.to_be_bytes();
    let row = get_row::<UnhandledRow>(store, Table::Unhandled, Key::ordered(GROUP, &order))?;
    row.map_or(Ok(None), |row| pending(store, number, &row))
}

fn pending(
    store: &dyn Rows,
    number: u64,
    row: &UnhandledRow,
) -> Result<Option<PendingMessage>, EngineError> {
    let shown = view::shown(store, &named(row)?)?;
    let there = shown.filter(|shown| !shown.stored.is_deleted());
    Ok(there.map(|message| PendingMessage {
        number,
        attempts: row.attempts,
        message,
    }))
}
