//! Envelopes that wait for the transport, until it says that it took them (docs/store.md, promise 2).

use std::ops::Bound;

use super::{damaged, get_row, put_row};
use crate::api::error::WindlassError;
use crate::chat::MessageId;
use crate::identity::PublicIdentity;
use crate::store::{Direction, Key, Rows, Table, Writer};
use crate::wire::{
    self,
    store::{OutboxCounterRow, OutboxRow},
};

const GROUP: &[u8] = b"outbox";
const COUNTER: &[u8] = b"outbox counter";

/// An envelope that waits.
pub(in crate::api) struct Waiting {
    pub(in crate::api) id: u64,
    pub(in crate::api) recipient: PublicIdentity,
    pub(in crate::api) envelope: Vec<u8>,
}

/// Adds an envelope; `message` is the one it carries, if a person wrote it.
pub(super) fn push(
    store: &mut Writer<'_>,
    recipient: PublicIdentity,
    envelope: Vec<u8>,
    message: Option<MessageId>,
) -> Result<Waiting, WindlassError> {
    let counter: OutboxCounterRow =
        get_row(store, Table::Device, Key::new(COUNTER))?.unwrap_or_default();
    let id = counter
        .last_id
        .checked_add(1)
        .ok_or_else(|| damaged(Table::Outbox))?;
    put_row(
        store,
        Table::Device,
        Key::new(COUNTER),
        &OutboxCounterRow { last_id: id },
    )?;
    let row = OutboxRow {
        id,
        recipient_identity_key: recipient.to_bytes().to_vec(),
        envelope,
        message_id: message.map(|id| id.as_bytes().to_vec()).unwrap_or_default(),
    };
    put_row(
        store,
        Table::Outbox,
        Key::ordered(GROUP, &id.to_be_bytes()),
        &row,
    )?;
    Ok(Waiting {
        id,
        recipient,
        envelope: row.envelope,
    })
}

/// The oldest `limit` envelopes that wait, after the one numbered `after`.
pub(in crate::api) fn waiting(
    store: &impl Rows,
    after: u64,
    limit: usize,
) -> Result<Vec<Waiting>, WindlassError> {
    let low = after.to_be_bytes();
    let bounds = (Bound::Excluded(low.as_slice()), Bound::Unbounded);
    store
        .range(Table::Outbox, GROUP, bounds, Direction::Forward, limit)?
        .into_iter()
        .map(|(_, bytes)| {
            let row: OutboxRow =
                wire::decode("outbox", &bytes).map_err(|_| damaged(Table::Outbox))?;
            Ok(Waiting {
                id: row.id,
                recipient: PublicIdentity::from_stored(&row.recipient_identity_key)
                    .ok_or_else(|| damaged(Table::Outbox))?,
                envelope: row.envelope,
            })
        })
        .collect()
}

/// Removes what the transport took. Numbers that are not there were taken before; that is no error.
pub(in crate::api) fn mark_sent(store: &mut Writer<'_>, ids: &[u64]) -> Result<(), WindlassError> {
    for id in ids {
        store.delete(Table::Outbox, Key::ordered(GROUP, &id.to_be_bytes()))?;
    }
    Ok(())
}
