//! Messages of groups that came before what they build on: they wait here until that has come, and only so many of them (RFC windlass §9.6.17).

use crate::chat::{Content, GroupId};
use crate::crypto::SecretBytes;
use crate::engine::base::due;
use crate::engine::base::error::EngineError;
use crate::engine::base::message_ref::MessageRef;
use crate::engine::base::rows::{damaged, decode, get_row, put_row};
use crate::engine::history::message::Incoming;
use crate::engine::records::conversations::ConversationId;
use crate::engine::records::doubts;
use crate::identity::PublicIdentity;
use crate::limits::{HELD_SECONDS, MAX_HELD, MAX_HELD_BYTES};
use crate::store::{Direction, Key, Rows, RowsMut, Table, WHOLE_GROUP};
use crate::wire::store::{HeldCountRow, HeldRow};

const COUNT: Key<'_> = Key::new(b"count");
const HOUR: u64 = 3_600_000;

/// A message that was held.
pub(crate) struct Held {
    pub(crate) group: GroupId,
    pub(crate) author: PublicIdentity,
    pub(crate) content: Content,
    pub(crate) encoded: SecretBytes,
    held_at: u64,
    lamport: u64,
}

impl Held {
    fn from_row(bytes: &[u8]) -> Result<Self, EngineError> {
        let row: HeldRow = decode(Table::Held, bytes)?;
        let damaged = || damaged(Table::Held);
        let identity = |bytes: &[u8]| PublicIdentity::from_stored(bytes).ok_or_else(damaged);
        Ok(Self {
            group: GroupId::from_bytes(&row.group_id).map_err(|_| damaged())?,
            author: identity(&row.author_identity_key)?,
            content: Content::from_bytes(&row.content).map_err(|_| damaged())?,
            encoded: SecretBytes::new(row.content),
            held_at: row.held_at,
            lamport: row.lamport,
        })
    }

    /// As it came.
    pub(crate) fn incoming(&self, own: PublicIdentity) -> Incoming<'_> {
        Incoming {
            author: self.author,
            conversation: ConversationId::Group(self.group),
            content: self.content.clone(),
            encoded: &self.encoded,
            copied_from: Some(own),
        }
    }
}

/// Its place among what is held of the group, and what it is called there.
fn parts(message: &MessageRef, lamport: u64) -> ([u8; 8], Vec<u8>) {
    (lamport.to_be_bytes(), message.key())
}

fn count(store: &dyn Rows) -> Result<HeldCountRow, EngineError> {
    Ok(get_row(store, Table::Held, COUNT)?.unwrap_or_default())
}

fn save_count(store: &mut dyn RowsMut, row: &HeldCountRow) -> Result<(), EngineError> {
    if row.messages == 0 {
        store.delete(Table::Held, COUNT)?;
        return Ok(());
    }
    put_row(store, Table::Held, COUNT, row)
}

/// Holds a message that another device of ours gave too early, if there is room; whether it is held.
pub(crate) fn hold(
    store: &mut dyn RowsMut,
    group: &GroupId,
    incoming: &Incoming<'_>,
    now: u64,
) -> Result<bool, EngineError> {
    let (order, name) = parts(&incoming.name(), incoming.content.lamport);
    let key = Key::named(group.as_bytes(), &order, &name);
    if store.get(Table::Held, key)?.is_some() {
        return Ok(true);
    }
    let mut count = count(store)?;
    let bytes = count.bytes.saturating_add(incoming.encoded.len() as u64);
    if count.messages >= MAX_HELD || bytes > MAX_HELD_BYTES {
        return Ok(false);
    }
    if count.messages == 0 {
        count.looked_at = now;
    }
    count.messages += 1;
    count.bytes = bytes;
    save_count(store, &count)?;
    let row = HeldRow {
        group_id: group.as_bytes().to_vec(),
        author_identity_key: incoming.author.to_bytes().to_vec(),
        content: incoming.encoded.to_vec(),
        held_at: now,
        lamport: incoming.content.lamport,
    };
    put_row(store, Table::Held, key, &row)?;
    Ok(true)
}

/// What is held of a group, in the order of its conversation. It is not held any more.
pub(crate) fn take(store: &mut dyn RowsMut, group: &GroupId) -> Result<Vec<Held>, EngineError> {
    let (of, forward) = (group.as_bytes(), Direction::Forward);
    let rows = store.range(Table::Held, of, WHOLE_GROUP, forward, usize::MAX)?;
    let mut held = Vec::new();
    for (order, bytes) in &rows {
        store.delete(Table::Held, Key::ordered(of, order))?;
        let one = Held::from_row(bytes)?;
        uncount(store, &one)?;
        held.push(one);
    }
    Ok(held)
}

fn uncount(store: &mut dyn RowsMut, held: &Held) -> Result<(), EngineError> {
    let mut count = count(store)?;
    count.messages = count.messages.saturating_sub(1);
    count.bytes = count.bytes.saturating_sub(held.encoded.len() as u64);
    save_count(store, &count)
}

/// Nothing is held of a group that is deleted.
pub(crate) fn forget(store: &mut dyn RowsMut, group: &GroupId) -> Result<(), EngineError> {
    take(store, group).map(|_| ())
}

/// What waited for too long is not held any more, and our other devices are asked for it. True if there was anything. Each hour one look at what
/// there is.
pub(crate) fn erase_old(
    store: &mut dyn RowsMut,
    own: &PublicIdentity,
    now: u64,
) -> Result<bool, EngineError> {
    let mut all = count(store)?;
    if all.messages == 0 || !due::is_over(all.looked_at, HOUR, now) {
        return Ok(false);
    }
    all.looked_at = now;
    save_count(store, &all)?;
    let mut old = Vec::new();
    store.visit(Table::Held, &mut |bytes| {
        // The count is no message.
        if let Ok(held) = Held::from_row(&bytes)
            && due::is_over(held.held_at, HELD_SECONDS * 1000, now)
        {
            old.push(held);
        }
        Ok(())
    })?;
    for held in &old {
        let (order, name) = parts(&MessageRef::new(&held.author, &held.content), held.lamport);
        let key = Key::named(held.group.as_bytes(), &order, &name);
        store.delete(Table::Held, key)?;
        uncount(store, held)?;
    }
    if !old.is_empty() {
        doubts::note_missing(store, own, now)?;
    }
    Ok(true)
}
