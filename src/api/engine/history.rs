//! Messages, where they stand in their conversations, and when they go (RFC windlass §9; docs/store.md).

use super::conversation::{self, ConversationId};
use super::timeline::Place;
use super::{Moment, annotations, damaged, expiries, get_row, put_row};
use crate::api::error::WindlassError;
use crate::chat::{Body, Content, GroupEvent, MessageId};
use crate::crypto::SecretBytes;
use crate::identity::PublicIdentity;
use crate::limits::RESEND_RETENTION_SECONDS;
use crate::store::{Key, Rows, Table, WHOLE_GROUP, Writer};
use crate::wire::{
    self,
    store::{MessageRow, TimelineRow},
};

/// `MessageRow.deleted` of a message that its author deleted: people see that there was one.
pub(super) const DELETED: u32 = 1;
/// `MessageRow.deleted` of a message that is gone here. Its name stays, so that nobody sends it again.
pub(super) const GONE: u32 = 2;

/// A message of the history.
pub(in crate::api) struct Stored {
    pub(in crate::api) author: PublicIdentity,
    pub(in crate::api) conversation: ConversationId,
    pub(in crate::api) content: Content,
    pub(in crate::api) stored_at: u64,
    pub(in crate::api) delivered_at: u64,
    pub(in crate::api) delivered_to: Vec<PublicIdentity>,
    pub(in crate::api) deleted: bool,
    /// Whether somebody else than its author gave it to us.
    pub(in crate::api) copied: bool,
    /// What others say of it.
    pub(in crate::api) annotations: annotations::Annotations,
    /// Who has read it.
    pub(in crate::api) read_by: Vec<PublicIdentity>,
    gone: bool,
    pub(super) expires_at: u64,
    sent_to: Vec<Vec<u8>>,
}

impl Stored {
    fn from_row(row: &MessageRow) -> Result<Self, WindlassError> {
        let damaged = || damaged(Table::Messages);
        let identity = |bytes: &[u8]| PublicIdentity::from_stored(bytes).ok_or_else(damaged);
        Ok(Self {
            author: identity(&row.author_identity_key)?,
            conversation: ConversationId::of_message(row).ok_or_else(damaged)?,
            content: Content::from_bytes(&row.content).map_err(|_| damaged())?,
            stored_at: row.stored_at,
            delivered_at: row.delivered_at,
            delivered_to: row
                .delivered_to
                .iter()
                .filter_map(|key| PublicIdentity::from_stored(key))
                .collect(),
            deleted: row.deleted == DELETED,
            copied: !row.copied_from.is_empty(),
            annotations: annotations::Annotations::default(),
            read_by: Vec::new(),
            gone: row.deleted == GONE,
            expires_at: row.expires_at,
            sent_to: row.sent_to.clone(),
        })
    }

    /// Whether we wrote it in a group, and sent it to somebody.
    pub(super) fn was_sent_to(&self, identity: &PublicIdentity) -> bool {
        let key = identity.to_bytes();
        self.sent_to.iter().any(|one| *one == key)
    }

    /// Whether nothing is left of it.
    pub(super) fn is_gone(&self) -> bool {
        self.gone
    }

    /// Whether it stands in this conversation, and says nothing of another message: so that something can be said of it.
    pub(in crate::api) fn is_message_of(&self, conversation: &ConversationId) -> bool {
        self.conversation == *conversation && !self.annotates()
    }

    fn annotates(&self) -> bool {
        self.content.body.target(self.author.to_bytes()).is_some()
    }

    /// Whether it is shown by itself, at this time.
    pub(super) fn is_shown(&self, now: u64) -> bool {
        let due = self.expires_at != 0 && self.expires_at <= now;
        // An event that somebody sends on for another was shown when it came, and is nobody's news.
        let sent_on = match &self.content.body {
            Body::GroupEvents { events, .. } => {
                let last = events
                    .last()
                    .and_then(|event| GroupEvent::from_stored(event).ok());
                last.is_none_or(|event| *event.author() != self.author)
            }
            _ => false,
        };
        !self.gone && !due && !self.annotates() && !sent_on
    }
}

/// Messages are named by author and id: a stranger cannot take the name of someone else's message.
pub(super) fn message_key(author: &PublicIdentity, id: &MessageId) -> Vec<u8> {
    [author.to_bytes().as_slice(), id.as_bytes()].concat()
}

/// Where a message stands in its conversation, as far as its author does not count.
pub(super) fn timeline_order(content: &Content) -> Vec<u8> {
    Place::order(content.lamport, &content.id)
}

fn message_row(
    store: &impl Rows,
    author: &PublicIdentity,
    id: &MessageId,
) -> Result<Option<MessageRow>, WindlassError> {
    get_row(store, Table::Messages, Key::new(&message_key(author, id)))
}

/// True when the message is in the history, or was.
pub(super) fn contains(
    store: &impl Rows,
    author: &PublicIdentity,
    id: &MessageId,
) -> Result<bool, WindlassError> {
    Ok(store
        .get(Table::Messages, Key::new(&message_key(author, id)))?
        .is_some())
}

/// Puts a message into the history and its conversation; `encoded` is the content as it was sent.
pub(super) fn append(
    store: &mut Writer<'_>,
    author: &PublicIdentity,
    id: &ConversationId,
    content: Content,
    encoded: &[u8],
    copied_from: Option<&PublicIdentity>,
    moment: &Moment,
) -> Result<Stored, WindlassError> {
    let mut conversation = conversation::row(store, id)?;
    let expires_at = match conversation.disappear_after {
        0 => 0,
        after => moment.now.saturating_add(after),
    };
    let (peer_identity_key, group_id) = id.columns();
    let row = MessageRow {
        author_identity_key: author.to_bytes().to_vec(),
        peer_identity_key,
        group_id,
        content: encoded.to_vec(),
        stored_at: moment.now,
        delivered_at: 0,
        delivered_to: Vec::new(),
        deleted: 0,
        expires_at,
        copied_from: copied_from
            .map(|identity| identity.to_bytes().to_vec())
            .unwrap_or_default(),
        sent_to: Vec::new(),
    };
    put_message(store, author, id, &content, &row)?;
    conversation.lamport = conversation.lamport.max(content.lamport);
    conversation.last_activity = moment.now;
    conversation::save(store, id, &conversation)?;
    Stored::from_row(&row)
}

/// Notes whom a message to a group went to: nobody else gets it later, nor is believed to have it.
pub(super) fn note_sent_to(
    store: &mut Writer<'_>,
    author: &PublicIdentity,
    id: &MessageId,
    identity_keys: Vec<Vec<u8>>,
) -> Result<(), WindlassError> {
    let Some(mut row) = message_row(store, author, id)? else {
        return Ok(());
    };
    row.sent_to = identity_keys;
    let key = message_key(author, id);
    put_row(store, Table::Messages, Key::new(&key), &row)
}

/// Puts a message of a backup back, as it was.
pub(super) fn restore(store: &mut Writer<'_>, row: &MessageRow) -> Result<(), WindlassError> {
    let stored = Stored::from_row(row)?;
    let (author, content) = (stored.author, stored.content);
    annotations::note(store, &author, &content)?;
    put_message(store, &author, &stored.conversation, &content, row)
}

/// A message's row, its place in its conversation, and among those that disappear.
fn put_message(
    store: &mut Writer<'_>,
    author: &PublicIdentity,
    conversation: &ConversationId,
    content: &Content,
    row: &MessageRow,
) -> Result<(), WindlassError> {
    let key = message_key(author, &content.id);
    put_row(store, Table::Messages, Key::new(&key), row)?;
    let (group, by) = (conversation.key(), author.to_bytes());
    put_row(
        store,
        Table::Timeline,
        Key::named(&group, &timeline_order(content), &by),
        &timeline_row(author, &content.id),
    )?;
    expiries::note(store, author, &content.id, row.expires_at)
}

pub(super) fn timeline_row(author: &PublicIdentity, id: &MessageId) -> TimelineRow {
    TimelineRow {
        author_identity_key: author.to_bytes().to_vec(),
        message_id: id.as_bytes().to_vec(),
    }
}

/// Author and id of a row that names a message.
pub(super) fn named(
    table: Table,
    bytes: &[u8],
) -> Result<(PublicIdentity, MessageId), WindlassError> {
    let row: TimelineRow = wire::decode("place", bytes).map_err(|_| damaged(table))?;
    place(table, &row.author_identity_key, &row.message_id)
}

/// A message's name, as rows have it.
pub(super) fn place(
    table: Table,
    author: &[u8],
    id: &[u8],
) -> Result<(PublicIdentity, MessageId), WindlassError> {
    Ok((
        PublicIdentity::from_stored(author).ok_or_else(|| damaged(table))?,
        MessageId::from_bytes(id).map_err(|_| damaged(table))?,
    ))
}

/// Erases the last trace of a message.
pub(super) fn erase(
    store: &mut Writer<'_>,
    author: &PublicIdentity,
    id: &MessageId,
) -> Result<(), WindlassError> {
    let Some(mut row) = message_row(store, author, id)? else {
        return Ok(());
    };
    let stored = Stored::from_row(&row)?;
    let (key, conversation) = (message_key(author, id), stored.conversation.key());
    annotations::forget(store, author, &stored.content)?;
    store.delete_range(Table::Annotations, &key, WHOLE_GROUP, usize::MAX)?;
    expiries::set(store, author, id, &mut row, 0)?;
    store.delete(Table::Messages, Key::new(&key))?;
    let (order, by) = (timeline_order(&stored.content), author.to_bytes());
    store.delete(Table::Timeline, Key::named(&conversation, &order, &by))?;
    Ok(())
}

/// Deletes what a message said, and what others said of it. Its name and place stay: who does not know that it was here would get it
/// again. False if it is not here.
pub(super) fn delete(
    store: &mut Writer<'_>,
    author: &PublicIdentity,
    id: &MessageId,
    deleted: u32,
    now: u64,
) -> Result<bool, WindlassError> {
    if !blank(store, author, id, deleted, now)? {
        return Ok(false);
    }
    // A list, so that nobody who writes decides how deep it goes.
    let mut said = annotations::of(store, author, id)?;
    while let Some((annotator, annotation)) = said.pop() {
        // The deletion itself goes on to whoever has not heard of it.
        let deletes = find(store, &annotator, &annotation)?
            .is_some_and(|stored| matches!(stored.content.body, Body::Deletion { .. }));
        if !deletes && blank(store, &annotator, &annotation, GONE, now)? {
            said.extend(annotations::of(store, &annotator, &annotation)?);
        }
    }
    Ok(true)
}

/// Deletes what one message said.
fn blank(
    store: &mut Writer<'_>,
    author: &PublicIdentity,
    id: &MessageId,
    deleted: u32,
    now: u64,
) -> Result<bool, WindlassError> {
    let Some(mut row) = message_row(store, author, id)? else {
        return Ok(false);
    };
    if row.deleted == GONE || row.deleted == deleted {
        return Ok(false);
    }
    let mut content = Content::from_bytes(&row.content).map_err(|_| damaged(Table::Messages))?;
    // A deletion says nothing that is to be deleted, and what it deletes may come later than it goes.
    if !matches!(content.body, Body::Deletion { .. }) {
        annotations::forget(store, author, &content)?;
        content.body = Body::Unknown;
        content.reply_to = None;
        row.content = content.to_bytes().to_vec();
    }
    row.deleted = deleted;
    if deleted == GONE {
        // As long as others may send it again, its name stays.
        let later = now.saturating_add(RESEND_RETENTION_SECONDS * 1000);
        expiries::set(store, author, id, &mut row, later)?;
    }
    put_row(
        store,
        Table::Messages,
        Key::new(&message_key(author, id)),
        &row,
    )?;
    Ok(true)
}

/// From now on a message goes when another does.
pub(super) fn go_with(
    store: &mut Writer<'_>,
    author: &PublicIdentity,
    id: &MessageId,
    other: &Stored,
) -> Result<(), WindlassError> {
    let Some(mut row) = message_row(store, author, id)?.filter(|row| row.deleted == 0) else {
        return Ok(());
    };
    expiries::set(store, author, id, &mut row, other.expires_at)?;
    let key = message_key(author, id);
    put_row(store, Table::Messages, Key::new(&key), &row)
}

/// Notes the receipt of a message that we wrote to `by`, or to a group they belong to; true when it is the first of theirs for it. A
/// receipt for another's conversation counts for nothing.
pub(super) fn mark_delivered(
    store: &mut Writer<'_>,
    author: &PublicIdentity,
    by: &PublicIdentity,
    id: &MessageId,
    now: u64,
) -> Result<bool, WindlassError> {
    let Some(mut row) = message_row(store, author, id)? else {
        return Ok(false);
    };
    let by = by.to_bytes();
    if row.group_id.is_empty() {
        if row.peer_identity_key != by || row.delivered_at != 0 {
            return Ok(false);
        }
    } else {
        // Who came later learns its id from what others say of it.
        if !row.sent_to.iter().any(|key| *key == by) {
            return Ok(false);
        }
        if row.delivered_to.iter().any(|key| *key == by) {
            return Ok(false);
        }
        row.delivered_to.push(by.to_vec());
    }
    if row.delivered_at == 0 {
        row.delivered_at = now.max(1);
    }
    let key = message_key(author, id);
    put_row(store, Table::Messages, Key::new(&key), &row)?;
    Ok(true)
}

/// The message as its author encoded it; nothing for one that was deleted.
pub(super) fn encoded(
    store: &impl Rows,
    author: &PublicIdentity,
    id: &MessageId,
) -> Result<Option<(ConversationId, SecretBytes)>, WindlassError> {
    let row = message_row(store, author, id)?.filter(|row| row.deleted == 0);
    row.map(|mut row| {
        let conversation =
            ConversationId::of_message(&row).ok_or_else(|| damaged(Table::Messages))?;
        let content = SecretBytes::new(core::mem::take(&mut row.content));
        Ok((conversation, content))
    })
    .transpose()
}

/// One message.
pub(in crate::api) fn find(
    store: &impl Rows,
    author: &PublicIdentity,
    id: &MessageId,
) -> Result<Option<Stored>, WindlassError> {
    let row = message_row(store, author, id)?;
    row.map(|row| Stored::from_row(&row)).transpose()
}
