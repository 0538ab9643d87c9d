//! Conversations: with somebody, or in a group (RFC windlass §9).

use crate::chat::{Content, GroupId, IdentityKey};
use crate::engine::base::error::EngineError;
use crate::engine::base::rows::{all_rows, damaged, get_row, put_row};
use crate::engine::records::{floors, listed, scheduled, states};
use crate::identity::{AddressError, PublicIdentity};
use crate::limits::{MAX_LAMPORT, MAX_TIMERS};
use crate::store::{Key, Rows, RowsMut, Table};
use crate::wire::store::{ConversationRow, FeedInConversation, MessageRow, TimerRow};

/// Which conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ConversationId {
    /// With somebody.
    Direct(PublicIdentity),
    /// In a group.
    Group(GroupId),
}

impl ConversationId {
    /// Of a content, as it is between us and `peer`.
    pub(crate) fn of(content: &Content, peer: &PublicIdentity) -> Self {
        content.group.map_or(Self::Direct(*peer), Self::Group)
    }

    /// From the address of somebody or of a group.
    pub(crate) fn from_address(address: &str) -> Result<Self, AddressError> {
        match GroupId::from_address(address) {
            Some(group) => Ok(Self::Group(group)),
            None => PublicIdentity::from_address(address).map(Self::Direct),
        }
    }

    pub(crate) fn address(&self) -> String {
        match self {
            Self::Direct(peer) => peer.address(),
            Self::Group(group) => group.to_string(),
        }
    }

    /// The group of its rows. A group's id, which its maker chose, never looks like somebody's key.
    pub(crate) fn key(&self) -> Vec<u8> {
        match self {
            Self::Direct(peer) => peer.to_bytes().to_vec(),
            Self::Group(group) => [b"group".as_slice(), group.as_bytes()].concat(),
        }
    }

    /// As requests for healing and copies name it.
    pub(crate) fn wire(&self) -> (IdentityKey, bool) {
        match self {
            Self::Direct(peer) => (peer.to_bytes(), false),
            Self::Group(group) => (*group.as_bytes(), true),
        }
    }

    pub(crate) fn from_wire(key: &IdentityKey, group: bool) -> Option<Self> {
        if group {
            GroupId::from_bytes(key).ok().map(Self::Group)
        } else {
            PublicIdentity::from_bytes(key).ok().map(Self::Direct)
        }
    }

    /// As rows name it: the key of the other side, or the group.
    pub(crate) fn columns(&self) -> (Vec<u8>, Vec<u8>) {
        match self {
            Self::Direct(peer) => (peer.to_bytes().to_vec(), Vec::new()),
            Self::Group(group) => (Vec::new(), group.as_bytes().to_vec()),
        }
    }

    /// The feed's row of something in it, which says no more yet.
    pub(crate) fn feed_row(&self) -> FeedInConversation {
        let (peer_identity_key, group_id) = self.columns();
        FeedInConversation {
            peer_identity_key,
            group_id,
            ..FeedInConversation::default()
        }
    }

    pub(crate) fn from_columns(peer: &[u8], group: &[u8]) -> Option<Self> {
        if group.is_empty() {
            PublicIdentity::from_stored(peer).map(Self::Direct)
        } else {
            GroupId::from_bytes(group).ok().map(Self::Group)
        }
    }

    pub(crate) fn of_message(row: &MessageRow) -> Option<Self> {
        Self::from_columns(&row.peer_identity_key, &row.group_id)
    }
}

/// What is known of a conversation.
pub(crate) fn row(
    store: &dyn Rows,
    conversation: &ConversationId,
) -> Result<ConversationRow, EngineError> {
    let row: Option<ConversationRow> =
        get_row(store, Table::Conversations, Key::new(&conversation.key()))?;
    match row {
        Some(row) => Ok(row),
        None => begin(store, conversation),
    }
}

/// Whether there is a row for it.
pub(crate) fn is_here(
    store: &dyn Rows,
    conversation: &ConversationId,
) -> Result<bool, EngineError> {
    let row = store.get(Table::Conversations, Key::new(&conversation.key()))?;
    Ok(row.is_some())
}

/// A conversation of which nothing is here. One that was deleted goes on with its clock and its timer.
fn begin(store: &dyn Rows, conversation: &ConversationId) -> Result<ConversationRow, EngineError> {
    let (peer_identity_key, group_id) = conversation.columns();
    let mut row = ConversationRow {
        peer_identity_key,
        group_id,
        ..Default::default()
    };
    if let Some(gone) = floors::find(store, &conversation.wire())? {
        let floor = gone.floor();
        row.lamport = floor.clock;
        row.read_lamport = floor.clock;
        if !floor.timer.message_id.is_empty() {
            row.disappear_after = floor.timer.milliseconds;
            row.timer_lamport = floor.timer.lamport;
            row.timer_message_id = floor.timer.message_id.clone();
            row.timers.push(TimerRow {
                lamport: floor.timer.lamport,
                message_id: floor.timer.message_id.clone(),
                author_identity_key: Vec::new(),
                after: floor.timer.milliseconds,
            });
        }
    }
    Ok(row)
}

pub(crate) fn save(
    store: &mut dyn RowsMut,
    conversation: &ConversationId,
    row: &ConversationRow,
) -> Result<(), EngineError> {
    put_row(
        store,
        Table::Conversations,
        Key::new(&conversation.key()),
        row,
    )
}

pub(crate) fn erase(
    store: &mut dyn RowsMut,
    conversation: &ConversationId,
) -> Result<(), EngineError> {
    let row = row(store, conversation)?;
    listed::forget(store, &row)?;
    store.delete(Table::Conversations, Key::new(&conversation.key()))?;
    scheduled::erase_of(store, conversation.columns())?;
    states::erase_of(store, &states::Owner::conversation(conversation.columns()))
}

/// Puts a conversation of a backup back.
pub(crate) fn restore(store: &mut dyn RowsMut, row: &ConversationRow) -> Result<(), EngineError> {
    let id = ConversationId::from_columns(&row.peer_identity_key, &row.group_id);
    let id = id.ok_or_else(|| damaged(Table::Conversations))?;
    listed::enter(store, row)?;
    save(store, &id, row)
}

/// The clock of the next message that we write: one more than everything seen.
pub(crate) fn next_lamport(row: &ConversationRow) -> u64 {
    row.lamport.saturating_add(1).min(MAX_LAMPORT)
}

/// Sets how long messages stay that are stored from now on, if no later message said otherwise; 0 for ever.
/// True if it is so from now on.
pub(crate) fn set_timer(
    row: &mut ConversationRow,
    author: &PublicIdentity,
    content: &Content,
    after: u64,
) -> bool {
    let by = author.to_bytes();
    remember_timer(
        row,
        TimerRow {
            lamport: content.lamport,
            message_id: content.id.as_bytes().to_vec(),
            author_identity_key: by.to_vec(),
            after,
        },
    );
    let before = (
        row.timer_lamport,
        row.timer_message_id.as_slice(),
        row.timer_author_identity_key.as_slice(),
    );
    let this = (content.lamport, content.id.as_bytes().as_slice(), &by[..]);
    if before >= this {
        return false;
    }
    row.disappear_after = after;
    row.timer_lamport = content.lamport;
    row.timer_message_id = content.id.as_bytes().to_vec();
    row.timer_author_identity_key = by.to_vec();
    true
}

/// A place in the order of a conversation.
fn rank(timer: &TimerRow) -> (u64, &[u8], &[u8]) {
    let (id, author) = (&timer.message_id, &timer.author_identity_key);
    (timer.lamport, id, author)
}

/// The latest changes of the timer are kept in the conversation's order.
fn remember_timer(row: &mut ConversationRow, timer: TimerRow) {
    if let Err(place) = (row.timers).binary_search_by(|one| rank(one).cmp(&rank(&timer))) {
        row.timers.insert(place, timer);
    }
    let over = row.timers.len().saturating_sub(MAX_TIMERS);
    row.timers.drain(..over);
}

/// How long a message stays that is stored now, by its place in the conversation: a later change of the timer is not for it, even if it
/// came before; 0 for ever.
pub(crate) fn timer_for(row: &ConversationRow, author: &PublicIdentity, content: &Content) -> u64 {
    if row.timers.is_empty() {
        return row.disappear_after;
    }
    let by = author.to_bytes();
    let this = (content.lamport, content.id.as_bytes().as_slice(), &by[..]);
    let before = row.timers.iter().rev().find(|timer| rank(timer) <= this);
    // What was in front of the changes that are remembered is not known any more.
    let oldest = row
        .timers
        .first()
        .filter(|_| row.timers.len() >= MAX_TIMERS);
    before.or(oldest).map_or(0, |timer| timer.after)
}

/// How long messages stay that are stored from now on.
pub(crate) fn disappearing(
    store: &dyn Rows,
    conversation: &ConversationId,
) -> Result<Option<u64>, EngineError> {
    let after = row(store, conversation)?.disappear_after;
    Ok((after != 0).then_some(after))
}

/// Messages of others since the user last read.
pub(crate) fn unread(store: &dyn Rows, conversation: &ConversationId) -> Result<u64, EngineError> {
    Ok(row(store, conversation)?.unread)
}

/// A conversation in a list of them, with its row.
pub(crate) struct Summary {
    pub(crate) id: ConversationId,
    pub(crate) row: ConversationRow,
}

/// The conversations, the latest activity first.
pub(crate) fn all(store: &dyn Rows) -> Result<Vec<Summary>, EngineError> {
    let rows = all_rows::<ConversationRow>(store, Table::Conversations)?;
    let summaries = rows.into_iter().map(|row| {
        let id = ConversationId::from_columns(&row.peer_identity_key, &row.group_id);
        let id = id.ok_or_else(|| damaged(Table::Conversations))?;
        Ok(Summary { id, row })
    });
    let mut found = summaries.collect::<Result<Vec<_>, EngineError>>()?;
    found.sort_by_key(|one| core::cmp::Reverse((one.row.last_activity, one.id.key())));
    Ok(found)
}
