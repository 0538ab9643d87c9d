//! Messages as they are stored (RFC windlass §9; docs/store.md).

use crate::chat::{Body, Content, GroupEvent};
use crate::crypto::SecretBytes;
use crate::engine::base::error::EngineError;
use crate::engine::base::message_ref::MessageRef;
use crate::engine::base::rows::{damaged, get_row, put_row};
use crate::engine::history::place::{Mark, Place};
use crate::engine::history::{annotations, expiries, place};
use crate::engine::records::conversations::ConversationId;
use crate::identity::PublicIdentity;
use crate::store::{Key, Rows, RowsMut, Table};
use crate::wire::store::MessageRow;
use crate::x3dh::SessionId;

/// `MessageRow.deleted` of a message that its author deleted: people see that there was one.
pub(crate) const DELETED: u32 = 1;

/// `MessageRow.deleted` of a message that is gone here. Its name stays, so that nobody sends it again.
pub(crate) const TOMBSTONE: u32 = 2;

/// A message of the history.
pub(crate) struct Stored {
    pub(crate) author: PublicIdentity,
    pub(crate) conversation: ConversationId,
    pub(crate) content: Content,
    pub(crate) stored_at: u64,
    pub(crate) deleted: bool,
    /// Whether it came from another than its author.
    pub(crate) copied: bool,
    gone: bool,
    pub(crate) expires_at: u64,
    sent_to: Vec<Vec<u8>>,
    session_id: Vec<u8>,
}

impl Stored {
    pub(crate) fn from_row(row: &MessageRow) -> Result<Self, EngineError> {
        let damaged = || damaged(Table::Messages);
        let identity = |bytes: &[u8]| PublicIdentity::from_stored(bytes).ok_or_else(damaged);
        Ok(Self {
            author: identity(&row.author_identity_key)?,
            conversation: ConversationId::of_message(row).ok_or_else(damaged)?,
            content: content_of(row)?,
            stored_at: row.stored_at,
            deleted: row.deleted == DELETED,
            copied: !row.copied_from.is_empty(),
            gone: row.deleted == TOMBSTONE,
            expires_at: row.expires_at,
            sent_to: row.sent_to.clone(),
            session_id: row.session_id.clone(),
        })
    }

    /// By what it is found.
    pub(crate) fn name(&self) -> MessageRef {
        MessageRef::new(&self.author, &self.content)
    }

    /// Whether it is one of the first words of one of these sessions, written before that was known to be its author's.
    pub(crate) fn began(&self, sessions: &[SessionId]) -> bool {
        sessions.iter().any(|session| self.session_id == session)
    }

    /// Where it stands in its conversation.
    pub(crate) fn place(&self) -> Place {
        Place {
            lamport: self.content.lamport,
            message: self.name(),
            mark: Mark::Read,
        }
    }

    /// Whom a message of ours was written to.
    pub(crate) fn written_to(&self) -> Vec<PublicIdentity> {
        match self.conversation {
            ConversationId::Direct(peer) => vec![peer],
            ConversationId::Group(_) => {
                let keys = self.sent_to.iter();
                keys.filter_map(|key| PublicIdentity::from_stored(key))
                    .collect()
            }
        }
    }

    /// Whether we wrote it in a group, and sent it to somebody.
    pub(crate) fn was_sent_to(&self, identity: &PublicIdentity) -> bool {
        let key = identity.to_bytes();
        self.sent_to.iter().any(|one| *one == key)
    }

    /// Whether anybody may say so. Of what others wrote nobody tells us.
    pub(crate) fn may_be_delivered(&self) -> bool {
        match &self.conversation {
            ConversationId::Direct(peer) => *peer != self.author,
            ConversationId::Group(_) => !self.sent_to.is_empty(),
        }
    }

    /// Whether somebody may say that they have it: of what we wrote, the other side, or a member whom it was sent to.
    pub(crate) fn may_be_delivered_to(&self, identity: &PublicIdentity) -> bool {
        match &self.conversation {
            ConversationId::Direct(peer) => peer == identity,
            // A member who came later learns its id from what others say of it.
            ConversationId::Group(_) => self.was_sent_to(identity),
        }
    }

    /// Whether its content was deleted, by its author or with its time.
    pub(crate) fn is_deleted(&self) -> bool {
        self.deleted || self.gone
    }

    /// Whether it stands in this conversation, and says nothing of another message: so that something can be said of it.
    pub(crate) fn is_message_of(&self, conversation: &ConversationId) -> bool {
        self.conversation == *conversation && !self.annotates()
    }

    fn annotates(&self) -> bool {
        self.content.body.target(self.author.to_bytes()).is_some()
    }

    /// Whether it is shown by itself, at this time.
    pub(crate) fn is_shown(&self, now: u64) -> bool {
        let due = self.expires_at != 0 && self.expires_at <= now;
        // An event that somebody sends on for another was shown when it came.
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

/// The content of a row, with the clock that it has here.
pub(crate) fn content_of(row: &MessageRow) -> Result<Content, EngineError> {
    let content = Content::from_bytes(&row.content);
    let mut content = content.map_err(|_| damaged(Table::Messages))?;
    if row.lamport != 0 {
        content.lamport = row.lamport;
    }
    Ok(content)
}

pub(crate) fn row(
    store: &dyn Rows,
    message: &MessageRef,
) -> Result<Option<MessageRow>, EngineError> {
    get_row(store, Table::Messages, Key::new(&message.key()))
}

pub(crate) fn save(
    store: &mut dyn RowsMut,
    message: &MessageRef,
    row: &MessageRow,
) -> Result<(), EngineError> {
    put_row(store, Table::Messages, Key::new(&message.key()), row)
}

pub(crate) fn erase(store: &mut dyn RowsMut, message: &MessageRef) -> Result<(), EngineError> {
    store.delete(Table::Messages, Key::new(&message.key()))?;
    Ok(())
}

/// One message.
pub(crate) fn find(store: &dyn Rows, message: &MessageRef) -> Result<Option<Stored>, EngineError> {
    let row = row(store, message)?;
    row.map(|row| Stored::from_row(&row)).transpose()
}

/// True when the message is in the history, or was.
pub(crate) fn contains(store: &dyn Rows, message: &MessageRef) -> Result<bool, EngineError> {
    let row = store.get(Table::Messages, Key::new(&message.key()))?;
    Ok(row.is_some())
}

/// A message that is to be stored: the content, and the same as its author encoded it.
pub(crate) struct Incoming<'a> {
    pub(crate) author: PublicIdentity,
    pub(crate) conversation: ConversationId,
    /// With the clock that it has here, which is the author's unless that is too far ahead.
    pub(crate) content: Content,
    pub(crate) encoded: &'a [u8],
    /// Who gave it to us, if it was not its author.
    pub(crate) copied_from: Option<PublicIdentity>,
}

impl Incoming<'_> {
    /// By what it is found.
    pub(crate) fn name(&self) -> MessageRef {
        MessageRef::new(&self.author, &self.content)
    }
}

/// Stores a message and puts it into its conversation; `expires_at` is 0 for one that stays.
pub(crate) fn append(
    store: &mut dyn RowsMut,
    incoming: &Incoming<'_>,
    expires_at: u64,
    now: u64,
) -> Result<Stored, EngineError> {
    let (peer_identity_key, group_id) = incoming.conversation.columns();
    let copied_from = incoming.copied_from.as_ref();
    let mut row = MessageRow {
        author_identity_key: incoming.author.to_bytes().to_vec(),
        peer_identity_key,
        group_id,
        content: incoming.encoded.to_vec(),
        stored_at: now,
        deleted: 0,
        expires_at,
        copied_from: copied_from.map_or_else(Vec::new, |identity| identity.to_bytes().to_vec()),
        sent_to: Vec::new(),
        lamport: 0,
        session_id: Vec::new(),
    };
    let mut stored = Stored::from_row(&row)?;
    if stored.content.lamport != incoming.content.lamport {
        row.lamport = incoming.content.lamport;
        stored.content.lamport = row.lamport;
    }
    put(store, &stored, &row)?;
    Ok(stored)
}

/// A message that has just been stored was written before the session was known to be its author's in which it came.
pub(crate) fn note_session(
    store: &mut dyn RowsMut,
    message: &MessageRef,
    session: &SessionId,
) -> Result<(), EngineError> {
    if let Some(mut row) = row(store, message)? {
        row.session_id = session.to_vec();
        save(store, message, &row)?;
    }
    Ok(())
}

/// Puts a message of a backup back, as it was.
pub(crate) fn restore(store: &mut dyn RowsMut, row: &MessageRow) -> Result<(), EngineError> {
    let stored = Stored::from_row(row)?;
    annotations::index(store, &stored.conversation, &stored.author, &stored.content)?;
    put(store, &stored, row)
}

/// A message's row, its place in its conversation, and among those that disappear.
fn put(store: &mut dyn RowsMut, stored: &Stored, row: &MessageRow) -> Result<(), EngineError> {
    let message = stored.name();
    save(store, &message, row)?;
    place::index(store, &stored.conversation, &message, &stored.content)?;
    expiries::schedule(store, &message, row.expires_at)
}

/// Notes to whom a message to a group went: nobody else gets it later, nor is believed to have it.
pub(crate) fn note_sent_to(
    store: &mut dyn RowsMut,
    message: &MessageRef,
    identity_keys: Vec<Vec<u8>>,
) -> Result<(), EngineError> {
    let Some(mut row) = row(store, message)? else {
        return Ok(());
    };
    row.sent_to = identity_keys;
    save(store, message, &row)
}

/// The message as its author encoded it; nothing for one that was deleted.
pub(crate) fn encoded(
    store: &dyn Rows,
    message: &MessageRef,
) -> Result<Option<(ConversationId, SecretBytes)>, EngineError> {
    let row = row(store, message)?.filter(|row| row.deleted == 0);
    row.map(|mut row| {
        let conversation =
            ConversationId::of_message(&row).ok_or_else(|| damaged(Table::Messages))?;
        let content = SecretBytes::new(core::mem::take(&mut row.content));
        Ok((conversation, content))
    })
    .transpose()
}
