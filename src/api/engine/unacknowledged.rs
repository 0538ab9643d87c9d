//! Messages that a device has not acknowledged: kept ready to be sent to it again (RFC windlass §8.4; docs/store.md, promise 2).

use std::collections::BTreeMap;

use super::{damaged, put_row};
use crate::api::error::WindlassError;
use crate::chat::MessageId;
use crate::identity::PublicIdentity;
use crate::limits::{
    MAX_RESENDS, MAX_UNACKNOWLEDGED, RESEND_AFTER_SECONDS, RESEND_RETENTION_SECONDS,
    RESENDS_IN_SESSION, TAKE_OVER_AFTER_SECONDS,
};
use crate::store::{Direction, Key, Rows, Table, WHOLE_GROUP, Writer};
use crate::wire::{self, store::UnacknowledgedRow};
use crate::x3dh::Party;

/// A message that waits for a device's receipt.
pub(super) struct Unacknowledged {
    pub(super) to: Party,
    pub(super) author: PublicIdentity,
    pub(super) id: MessageId,
    row: UnacknowledgedRow,
}

impl Unacknowledged {
    fn from_row(bytes: &[u8]) -> Result<Self, WindlassError> {
        let damaged = || damaged(Table::Unacknowledged);
        let row: UnacknowledgedRow =
            wire::decode("unacknowledged", bytes).map_err(|_| damaged())?;
        let identity = |bytes: &[u8]| PublicIdentity::from_stored(bytes).ok_or_else(damaged);
        Ok(Self {
            to: Party {
                identity: identity(&row.identity_key)?,
                device_id: row.device_id,
            },
            author: identity(&row.author_identity_key)?,
            id: MessageId::from_bytes(&row.message_id).map_err(|_| damaged())?,
            row,
        })
    }

    /// Whether it was sent so often that the other side may not have the session any more, nor know of us.
    pub(super) fn session_may_be_lost(&self) -> bool {
        self.row.resent >= RESENDS_IN_SESSION
    }

    fn save(&self, store: &mut Writer<'_>) -> Result<(), WindlassError> {
        let (group, author) = (group(&self.to), self.author.to_bytes());
        let key = key(&group, &author, &self.id);
        put_row(store, Table::Unacknowledged, key, &self.row)
    }
}

fn group(to: &Party) -> Vec<u8> {
    [
        to.identity.to_bytes().as_slice(),
        &to.device_id.to_be_bytes(),
    ]
    .concat()
}

/// Two authors may have given their messages the same id, so the author is part of it.
fn key<'a>(group: &'a [u8], author: &'a [u8], id: &'a MessageId) -> Key<'a> {
    Key::named(group, id.as_bytes(), author)
}

/// Notes a message that was just sent to a device.
pub(super) fn note(
    store: &mut Writer<'_>,
    to: &Party,
    author: &PublicIdentity,
    id: &MessageId,
    now: u64,
) -> Result<(), WindlassError> {
    note_due(
        store,
        to,
        author,
        id,
        now,
        now + RESEND_AFTER_SECONDS * 1000,
    )
}

/// Notes a message that another device of ours sent, and will send again for a while.
pub(super) fn note_late(
    store: &mut Writer<'_>,
    to: &Party,
    author: &PublicIdentity,
    id: &MessageId,
    now: u64,
) -> Result<(), WindlassError> {
    let due_at = now + TAKE_OVER_AFTER_SECONDS * 1000;
    note_due(store, to, author, id, now, due_at)
}

/// Notes a message to be sent with the next round of what is due, unless it waits for a receipt already.
pub(super) fn note_at_once(
    store: &mut Writer<'_>,
    to: &Party,
    author: &PublicIdentity,
    id: &MessageId,
    now: u64,
) -> Result<(), WindlassError> {
    if is_noted(store, to, author, id)? {
        return Ok(());
    }
    note_due(store, to, author, id, now, now)
}

/// Whether this very message, of this author, waits for a receipt.
fn is_noted(
    store: &impl Rows,
    to: &Party,
    author: &PublicIdentity,
    id: &MessageId,
) -> Result<bool, WindlassError> {
    let (group, by) = (group(to), author.to_bytes());
    let row = store.get(Table::Unacknowledged, key(&group, &by, id))?;
    Ok(row.is_some())
}

/// Notes a message that a device asked for, unless it waits for a receipt already. It is sent with the next round, and once more: whoever does
/// not acknowledge what they asked for has to ask again.
pub(super) fn note_asked(
    store: &mut Writer<'_>,
    to: &Party,
    author: &PublicIdentity,
    id: &MessageId,
    now: u64,
) -> Result<(), WindlassError> {
    if is_noted(store, to, author, id)? {
        return Ok(());
    }
    let mut message = waiting(to, author, id, now, now);
    message.row.resent = MAX_RESENDS - 2;
    message.save(store)
}

fn note_due(
    store: &mut Writer<'_>,
    to: &Party,
    author: &PublicIdentity,
    id: &MessageId,
    now: u64,
    due_at: u64,
) -> Result<(), WindlassError> {
    waiting(to, author, id, now, due_at).save(store)
}

fn waiting(
    to: &Party,
    author: &PublicIdentity,
    id: &MessageId,
    now: u64,
    due_at: u64,
) -> Unacknowledged {
    Unacknowledged {
        to: *to,
        author: *author,
        id: *id,
        row: UnacknowledgedRow {
            author_identity_key: author.to_bytes().to_vec(),
            message_id: id.as_bytes().to_vec(),
            identity_key: to.identity.to_bytes().to_vec(),
            device_id: to.device_id,
            written_at: now,
            due_at,
            resent: 0,
        },
    }
}

/// A device has a message with this id. If there are two, by different authors, it is not said which of them: both wait on, and are sent
/// again as often as what nobody acknowledges.
pub(super) fn acknowledge(
    store: &mut Writer<'_>,
    by: &Party,
    id: &MessageId,
) -> Result<(), WindlassError> {
    let group = group(by);
    let waiting = store.of_order(Table::Unacknowledged, &group, id.as_bytes())?;
    if let [(order, _)] = waiting.as_slice() {
        store.delete(Table::Unacknowledged, Key::ordered(&group, order))?;
    }
    Ok(())
}

/// A message is not sent again any more.
pub(super) fn give_up(
    store: &mut Writer<'_>,
    message: &Unacknowledged,
) -> Result<(), WindlassError> {
    let (group, author) = (group(&message.to), message.author.to_bytes());
    store.delete(Table::Unacknowledged, key(&group, &author, &message.id))?;
    Ok(())
}

/// Whether a device has not acknowledged a message yet.
pub(super) fn waits(store: &impl Rows, by: &Party, id: &MessageId) -> Result<bool, WindlassError> {
    let waiting = store.of_order(Table::Unacknowledged, &group(by), id.as_bytes())?;
    Ok(!waiting.is_empty())
}

/// Nothing is sent again to a device that is gone.
pub(super) fn forget(store: &mut Writer<'_>, to: &Party) -> Result<(), WindlassError> {
    store.delete_range(Table::Unacknowledged, &group(to), WHOLE_GROUP, usize::MAX)?;
    Ok(())
}

/// What a device has not acknowledged, at most `limit`.
pub(super) fn of_device(
    store: &impl Rows,
    to: &Party,
    limit: usize,
) -> Result<Vec<Unacknowledged>, WindlassError> {
    let group = group(to);
    let found = store.range(
        Table::Unacknowledged,
        &group,
        WHOLE_GROUP,
        Direction::Forward,
        limit,
    )?;
    found
        .iter()
        .map(|(_, bytes)| Unacknowledged::from_row(bytes))
        .collect()
}

/// It was sent again: when it is due the next time.
pub(super) fn resent(
    store: &mut Writer<'_>,
    mut message: Unacknowledged,
    now: u64,
) -> Result<(), WindlassError> {
    let wait = (RESEND_AFTER_SECONDS * 1000) << message.row.resent.min(MAX_RESENDS);
    message.row.resent = message.row.resent.saturating_add(1);
    message.row.due_at = if message.row.resent >= MAX_RESENDS {
        u64::MAX
    } else {
        now.saturating_add(wait)
    };
    message.save(store)
}

/// What is due to be sent again, and what is too old or too much to be kept ready any longer.
pub(super) fn due(
    store: &impl Rows,
    now: u64,
    limit: usize,
) -> Result<(Vec<Unacknowledged>, Vec<Unacknowledged>), WindlassError> {
    let (mut due, mut over) = (Vec::new(), Vec::new());
    let mut of_device: BTreeMap<Vec<u8>, u64> = BTreeMap::new();
    let mut failed = None;
    store.visit(Table::Unacknowledged, &mut |bytes| {
        match Unacknowledged::from_row(&bytes) {
            Ok(message) => {
                let count = of_device.entry(group(&message.to)).or_default();
                *count += 1;
                let age = now.saturating_sub(message.row.written_at) / 1000;
                if (age > RESEND_RETENTION_SECONDS || *count > MAX_UNACKNOWLEDGED)
                    && over.len() < limit
                {
                    over.push(message);
                } else if message.row.due_at <= now && due.len() < limit {
                    due.push(message);
                }
            }
            Err(error) => failed = Some(error),
        }
        Ok(())
    })?;
    failed.map_or(Ok((due, over)), Err)
}
