//! Conversations and their messages (RFC windlass §9; docs/store.md).

use std::ops::Bound;

use super::{Moment, damaged, get_row, put_row};
use crate::api::error::WindlassError;
use crate::chat::{Content, MessageId};
use crate::identity::PublicIdentity;
use crate::limits::MAX_LAMPORT;
use crate::store::{Direction, Key, Rows, Table, Writer};
use crate::wire::{
    self,
    store::{ConversationRow, MessageRow, TimelineRow},
};

/// The group of all messages that disappear.
const EXPIRIES: &[u8] = b"expiries";

/// What one step deletes at most; the next one goes on.
const MAX_EXPIRED_AT_ONCE: usize = 1_000;

/// A message of the history.
pub(in crate::api) struct Stored {
    pub(in crate::api) author: PublicIdentity,
    pub(in crate::api) peer: PublicIdentity,
    pub(in crate::api) content: Content,
    pub(in crate::api) stored_at: u64,
    pub(in crate::api) delivered_at: u64,
    expires_at: u64,
    /// Whether somebody else than its author gave it to us.
    pub(in crate::api) copied: bool,
}

impl Stored {
    fn from_row(row: &MessageRow) -> Result<Self, WindlassError> {
        let damaged = || damaged(Table::Messages);
        let identity = |bytes: &[u8]| PublicIdentity::from_stored(bytes).ok_or_else(damaged);
        Ok(Self {
            author: identity(&row.author_identity_key)?,
            peer: identity(&row.peer_identity_key)?,
            content: Content::from_bytes(&row.content).map_err(|_| damaged())?,
            stored_at: row.stored_at,
            delivered_at: row.delivered_at,
            expires_at: row.expires_at,
            copied: !row.copied_from.is_empty(),
        })
    }
}

/// Messages are named by author and id: a stranger cannot take the name of someone else's message.
pub(super) fn message_key(author: &PublicIdentity, id: &MessageId) -> Vec<u8> {
    [author.to_bytes().as_slice(), id.as_bytes()].concat()
}

/// The order of a conversation: Lamport clock, then message id.
fn timeline_order(content: &Content) -> Vec<u8> {
    [
        content.lamport.to_be_bytes().as_slice(),
        content.id.as_bytes(),
    ]
    .concat()
}

/// True when the message is in the history.
pub(super) fn contains(
    store: &impl Rows,
    author: &PublicIdentity,
    id: &MessageId,
) -> Result<bool, WindlassError> {
    Ok(store
        .get(Table::Messages, Key::new(&message_key(author, id)))?
        .is_some())
}

/// The conversation with a peer, or a new one.
fn conversation(
    store: &impl Rows,
    peer: &PublicIdentity,
) -> Result<ConversationRow, WindlassError> {
    let key = peer.to_bytes();
    let row: Option<ConversationRow> = get_row(store, Table::Conversations, Key::new(&key))?;
    Ok(row.unwrap_or_else(|| ConversationRow {
        peer_identity_key: key.to_vec(),
        ..Default::default()
    }))
}

/// The clock of the next message that we write to a peer: one more than everything seen.
pub(super) fn next_lamport(store: &impl Rows, peer: &PublicIdentity) -> Result<u64, WindlassError> {
    let clock = conversation(store, peer)?.lamport;
    Ok(clock.saturating_add(1).min(MAX_LAMPORT))
}

/// Puts a message into the history and its conversation; `encoded` is the content as it was sent.
pub(super) fn append(
    store: &mut Writer<'_>,
    author: &PublicIdentity,
    peer: &PublicIdentity,
    content: Content,
    encoded: &[u8],
    copied_from: Option<&PublicIdentity>,
    moment: &Moment,
) -> Result<Stored, WindlassError> {
    let mut conversation = conversation(store, peer)?;
    let expires_at = match conversation.disappear_after {
        0 => 0,
        after => moment.now.saturating_add(after),
    };
    let row = MessageRow {
        author_identity_key: author.to_bytes().to_vec(),
        peer_identity_key: peer.to_bytes().to_vec(),
        content: encoded.to_vec(),
        stored_at: moment.now,
        delivered_at: 0,
        expires_at,
        copied_from: copied_from
            .map(|identity| identity.to_bytes().to_vec())
            .unwrap_or_default(),
    };
    put_message(store, author, peer, &content, &row)?;
    conversation.lamport = conversation.lamport.max(content.lamport);
    conversation.last_activity = moment.now;
    put_row(
        store,
        Table::Conversations,
        Key::new(&peer.to_bytes()),
        &conversation,
    )?;
    Ok(Stored {
        author: *author,
        peer: *peer,
        content,
        stored_at: moment.now,
        delivered_at: 0,
        expires_at,
        copied: copied_from.is_some(),
    })
}

/// Puts a message of a backup back, as it was.
pub(super) fn restore(store: &mut Writer<'_>, row: &MessageRow) -> Result<(), WindlassError> {
    let stored = Stored::from_row(row)?;
    put_message(store, &stored.author, &stored.peer, &stored.content, row)
}

/// A message's row, its place in its conversation, and among those that disappear.
fn put_message(
    store: &mut Writer<'_>,
    author: &PublicIdentity,
    peer: &PublicIdentity,
    content: &Content,
    row: &MessageRow,
) -> Result<(), WindlassError> {
    let place = timeline_row(author, &content.id);
    let key = message_key(author, &content.id);
    put_row(store, Table::Messages, Key::new(&key), row)?;
    put_row(
        store,
        Table::Timeline,
        Key::ordered(&peer.to_bytes(), &timeline_order(content)),
        &place,
    )?;
    if row.expires_at != 0 {
        let order = expiry_order(row.expires_at, author, &content.id);
        put_row(
            store,
            Table::Expiries,
            Key::ordered(EXPIRIES, &order),
            &place,
        )?;
    }
    Ok(())
}

fn timeline_row(author: &PublicIdentity, id: &MessageId) -> TimelineRow {
    TimelineRow {
        author_identity_key: author.to_bytes().to_vec(),
        message_id: id.as_bytes().to_vec(),
    }
}

fn expiry_order(expires_at: u64, author: &PublicIdentity, id: &MessageId) -> Vec<u8> {
    [
        expires_at.to_be_bytes().as_slice(),
        &author.to_bytes(),
        id.as_bytes(),
    ]
    .concat()
}

/// Sets how long messages stay that are stored from now on; `None` for ever.
pub(in crate::api) fn set_disappearing(
    store: &mut Writer<'_>,
    peer: &PublicIdentity,
    after: Option<u64>,
) -> Result<(), WindlassError> {
    let mut conversation = conversation(store, peer)?;
    conversation.disappear_after = after.unwrap_or(0);
    put_row(
        store,
        Table::Conversations,
        Key::new(&peer.to_bytes()),
        &conversation,
    )
}

/// How long messages stay that are stored from now on.
pub(in crate::api) fn disappearing(
    store: &impl Rows,
    peer: &PublicIdentity,
) -> Result<Option<u64>, WindlassError> {
    let after = conversation(store, peer)?.disappear_after;
    Ok((after != 0).then_some(after))
}

/// Deletes the messages whose time has come; how many.
pub(in crate::api) fn expire(store: &mut Writer<'_>, now: u64) -> Result<usize, WindlassError> {
    let end = now.saturating_add(1).to_be_bytes();
    let due = (Bound::Unbounded, Bound::Excluded(end.as_slice()));
    let rows = store.range(
        Table::Expiries,
        EXPIRIES,
        due,
        Direction::Forward,
        MAX_EXPIRED_AT_ONCE,
    )?;
    for (order, bytes) in &rows {
        let damaged = || damaged(Table::Expiries);
        let row: TimelineRow = wire::decode("expiry", bytes).map_err(|_| damaged())?;
        let author = PublicIdentity::from_stored(&row.author_identity_key).ok_or_else(damaged)?;
        let id = MessageId::from_bytes(&row.message_id).map_err(|_| damaged())?;
        if let Some(stored) = find(store, &author, &id)? {
            let place = timeline_order(&stored.content);
            store.delete(Table::Messages, Key::new(&message_key(&author, &id)))?;
            let peer = stored.peer.to_bytes();
            store.delete(Table::Timeline, Key::ordered(&peer, &place))?;
        }
        store.delete(Table::Expiries, Key::ordered(EXPIRIES, order))?;
    }
    Ok(rows.len())
}

/// Notes the receipt of a message that we wrote to `peer`; true when it is the first for it. A receipt for another's
/// conversation counts for nothing.
pub(super) fn mark_delivered(
    store: &mut Writer<'_>,
    author: &PublicIdentity,
    peer: &PublicIdentity,
    id: &MessageId,
    now: u64,
) -> Result<bool, WindlassError> {
    let key = message_key(author, id);
    let Some(mut row) = get_row::<MessageRow>(store, Table::Messages, Key::new(&key))? else {
        return Ok(false);
    };
    if row.peer_identity_key != peer.to_bytes() || row.delivered_at != 0 {
        return Ok(false);
    }
    row.delivered_at = now.max(1);
    put_row(store, Table::Messages, Key::new(&key), &row)?;
    Ok(true)
}

/// The message as its author encoded it.
pub(super) fn encoded(
    store: &impl Rows,
    author: &PublicIdentity,
    id: &MessageId,
) -> Result<Option<(PublicIdentity, Vec<u8>)>, WindlassError> {
    let key = message_key(author, id);
    let row: Option<MessageRow> = get_row(store, Table::Messages, Key::new(&key))?;
    row.map(|mut row| {
        let peer = PublicIdentity::from_stored(&row.peer_identity_key)
            .ok_or_else(|| damaged(Table::Messages))?;
        Ok((peer, core::mem::take(&mut row.content)))
    })
    .transpose()
}

/// One message.
pub(in crate::api) fn find(
    store: &impl Rows,
    author: &PublicIdentity,
    id: &MessageId,
) -> Result<Option<Stored>, WindlassError> {
    let row: Option<MessageRow> =
        get_row(store, Table::Messages, Key::new(&message_key(author, id)))?;
    row.map(|row| Stored::from_row(&row)).transpose()
}

/// The latest `limit` messages of a conversation, or the latest before `before`; oldest first.
pub(in crate::api) fn page(
    store: &impl Rows,
    peer: &PublicIdentity,
    limit: usize,
    before: Option<&Stored>,
    now: u64,
) -> Result<Vec<Stored>, WindlassError> {
    let end = before.map(|stored| timeline_order(&stored.content));
    let high = match &end {
        Some(end) => Bound::Excluded(end.as_slice()),
        None => Bound::Unbounded,
    };
    let mut messages = store
        .range(
            Table::Timeline,
            &peer.to_bytes(),
            (Bound::Unbounded, high),
            Direction::Backward,
            limit,
        )?
        .into_iter()
        .map(|(_, bytes)| {
            let damaged = || damaged(Table::Timeline);
            let row: TimelineRow = wire::decode("timeline", &bytes).map_err(|_| damaged())?;
            let author =
                PublicIdentity::from_stored(&row.author_identity_key).ok_or_else(damaged)?;
            let id = MessageId::from_bytes(&row.message_id).map_err(|_| damaged())?;
            find(store, &author, &id)?.ok_or_else(damaged)
        })
        .collect::<Result<Vec<_>, WindlassError>>()?;
    // What is due and not deleted yet is not shown any more.
    messages.retain(|stored| stored.expires_at == 0 || stored.expires_at > now);
    messages.reverse();
    Ok(messages)
}

/// The peers we have conversations with, the latest activity first.
pub(in crate::api) fn conversations(
    store: &impl Rows,
) -> Result<Vec<(PublicIdentity, u64)>, WindlassError> {
    let mut found = store
        .scan(Table::Conversations)?
        .iter()
        .map(|bytes| {
            let damaged = || damaged(Table::Conversations);
            let row: ConversationRow =
                wire::decode("conversation", bytes).map_err(|_| damaged())?;
            let peer = PublicIdentity::from_stored(&row.peer_identity_key).ok_or_else(damaged)?;
            Ok((peer, row.last_activity))
        })
        .collect::<Result<Vec<_>, WindlassError>>()?;
    found.sort_by_key(|(_, last)| core::cmp::Reverse(*last));
    Ok(found)
}
