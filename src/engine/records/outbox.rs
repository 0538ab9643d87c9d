//! Envelopes that wait for the transport, until it says that it took them (docs/store.md, promise 2).

use std::ops::Bound;

use crate::chat::MessageId;
use crate::engine::base::error::EngineError;
use crate::engine::base::rows::{damaged, decode, put_row};
use crate::identity::PublicIdentity;
use crate::store::{Direction, Key, Rows, RowsMut, Sequence, Table};
use crate::wire::store::OutboxRow;

const GROUP: &[u8] = b"outbox";

/// An envelope that waits.
pub(crate) struct QueuedEnvelope {
    pub(crate) id: u64,
    pub(crate) recipient: PublicIdentity,
    pub(crate) envelope: Vec<u8>,
}

/// Adds an envelope; `message` is the one it carries, if a person wrote it.
pub(crate) fn push(
    store: &mut dyn RowsMut,
    recipient: PublicIdentity,
    envelope: Vec<u8>,
    message: Option<MessageId>,
) -> Result<QueuedEnvelope, EngineError> {
    let id = store.next_id(Sequence::Outbox)?;
    let row = OutboxRow {
        id,
        recipient_identity_key: recipient.to_bytes().to_vec(),
        envelope,
        message_id: message.map(|id| id.as_bytes().to_vec()).unwrap_or_default(),
        transient: false,
    };
    put_row(
        store,
        Table::Outbox,
        Key::ordered(GROUP, &id.to_be_bytes()),
        &row,
    )?;
    Ok(QueuedEnvelope {
        id,
        recipient,
        envelope: row.envelope,
    })
}

/// Adds an envelope that is worth nothing once it is late.
pub(crate) fn push_transient(
    store: &mut dyn RowsMut,
    recipient: PublicIdentity,
    envelope: Vec<u8>,
) -> Result<QueuedEnvelope, EngineError> {
    let queued = push(store, recipient, envelope, None)?;
    let row = OutboxRow {
        id: queued.id,
        recipient_identity_key: recipient.to_bytes().to_vec(),
        envelope: queued.envelope.clone(),
        message_id: Vec::new(),
        transient: true,
    };
    let key = queued.id.to_be_bytes();
    put_row(store, Table::Outbox, Key::ordered(GROUP, &key), &row)?;
    Ok(queued)
}

/// Whether one of the latest envelopes for somebody is of that kind. The transport is behind then, and another would be late too.
pub(crate) fn has_transient(
    store: &dyn Rows,
    recipient: &PublicIdentity,
) -> Result<bool, EngineError> {
    let key = recipient.to_bytes();
    let whole = (Bound::Unbounded, Bound::Unbounded);
    let latest = store.range(Table::Outbox, GROUP, whole, Direction::Backward, LOOK)?;
    for (_, bytes) in &latest {
        let row: OutboxRow = decode(Table::Outbox, bytes)?;
        if row.transient && row.recipient_identity_key == key {
            return Ok(true);
        }
    }
    // Who has so much waiting is not reached at this moment.
    Ok(latest.len() >= LOOK)
}

/// Whether an envelope still waits, and its length.
pub(crate) fn waiting(store: &dyn Rows, id: u64) -> Result<Option<usize>, EngineError> {
    let row = store.get(Table::Outbox, Key::ordered(GROUP, &id.to_be_bytes()))?;
    Ok(row.map(|row| row.len()))
}

/// Whether an envelope with a message waits that is not among those of these numbers.
pub(crate) fn carries(
    store: &dyn Rows,
    message: &MessageId,
    taken: &[u64],
) -> Result<bool, EngineError> {
    let (forward, mut after) = (Direction::Forward, 0_u64);
    loop {
        let low = after.to_be_bytes();
        let bounds = (Bound::Excluded(low.as_slice()), Bound::Unbounded);
        let page = store.range(Table::Outbox, GROUP, bounds, forward, LOOK)?;
        let last = page.len() < LOOK;
        for (_, bytes) in page {
            let row: OutboxRow = decode(Table::Outbox, &bytes)?;
            if row.message_id == message.as_bytes() && !taken.contains(&row.id) {
                return Ok(true);
            }
            after = row.id;
        }
        if last {
            return Ok(false);
        }
    }
}

/// How many envelopes are looked at at once.
const LOOK: usize = 64;

/// The oldest `limit` envelopes that wait, after the one numbered `after`.
pub(crate) fn queued(
    store: &dyn Rows,
    after: u64,
    limit: usize,
) -> Result<Vec<QueuedEnvelope>, EngineError> {
    let low = after.to_be_bytes();
    let bounds = (Bound::Excluded(low.as_slice()), Bound::Unbounded);
    store
        .range(Table::Outbox, GROUP, bounds, Direction::Forward, limit)?
        .into_iter()
        .map(|(_, bytes)| {
            let row: OutboxRow = decode(Table::Outbox, &bytes)?;
            Ok(QueuedEnvelope {
                id: row.id,
                recipient: PublicIdentity::from_stored(&row.recipient_identity_key)
                    .ok_or_else(|| damaged(Table::Outbox))?,
                envelope: row.envelope,
            })
        })
        .collect()
}

/// Which of these wait.
pub(crate) fn there(store: &dyn Rows, ids: &[u64]) -> Result<Vec<u64>, EngineError> {
    let mut there = Vec::with_capacity(ids.len());
    for id in ids.iter().copied() {
        if waiting(store, id)?.is_some() {
            there.push(id);
        }
    }
    Ok(there)
}

/// Removes what the transport took. Numbers that are not there were taken before; that is no error.
pub(crate) fn mark_sent(store: &mut dyn RowsMut, ids: &[u64]) -> Result<(), EngineError> {
    for id in ids {
        store.delete(Table::Outbox, Key::ordered(GROUP, &id.to_be_bytes()))?;
    }
    Ok(())
}
