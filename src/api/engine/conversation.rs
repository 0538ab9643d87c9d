//! Conversations: with somebody, or in a group (RFC windlass §9).

use super::{damaged, get_row, groups, put_row};
use crate::api::error::WindlassError;
use crate::chat::{Content, GroupId, IdentityKey};
use crate::identity::{AddressError, PublicIdentity};
use crate::limits::MAX_LAMPORT;
use crate::store::{Key, Rows, Table, Writer};
use crate::wire::{
    self,
    store::{ConversationRow, MessageRow, ReadByRow},
};

/// Which conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::api) enum ConversationId {
    /// With somebody.
    Direct(PublicIdentity),
    /// In a group.
    Group(GroupId),
}

impl ConversationId {
    /// Of a content, as whoever talks with `peer` sees it.
    pub(super) fn of(content: &Content, peer: &PublicIdentity) -> Self {
        content.group.map_or(Self::Direct(*peer), Self::Group)
    }

    /// From the address of somebody or of a group.
    pub(in crate::api) fn from_address(address: &str) -> Result<Self, AddressError> {
        match GroupId::from_address(address) {
            Some(group) => Ok(Self::Group(group)),
            None => PublicIdentity::from_address(address).map(Self::Direct),
        }
    }

    pub(in crate::api) fn address(&self) -> String {
        match self {
            Self::Direct(peer) => peer.address(),
            Self::Group(group) => group.to_string(),
        }
    }

    /// The group of its rows. A group's id, which its maker chose, never looks like somebody's key.
    pub(super) fn key(&self) -> Vec<u8> {
        match self {
            Self::Direct(peer) => peer.to_bytes().to_vec(),
            Self::Group(group) => [b"group".as_slice(), group.as_bytes()].concat(),
        }
    }

    /// As requests for healing and copies name it.
    pub(super) fn wire(&self) -> (IdentityKey, bool) {
        match self {
            Self::Direct(peer) => (peer.to_bytes(), false),
            Self::Group(group) => (*group.as_bytes(), true),
        }
    }

    pub(super) fn from_wire(key: &IdentityKey, group: bool) -> Option<Self> {
        if group {
            GroupId::from_bytes(key).ok().map(Self::Group)
        } else {
            PublicIdentity::from_bytes(key).ok().map(Self::Direct)
        }
    }

    /// As rows name it: the key of the other side, or the group.
    pub(super) fn columns(&self) -> (Vec<u8>, Vec<u8>) {
        match self {
            Self::Direct(peer) => (peer.to_bytes().to_vec(), Vec::new()),
            Self::Group(group) => (Vec::new(), group.as_bytes().to_vec()),
        }
    }

    fn from_columns(peer: &[u8], group: &[u8]) -> Option<Self> {
        if group.is_empty() {
            PublicIdentity::from_stored(peer).map(Self::Direct)
        } else {
            GroupId::from_bytes(group).ok().map(Self::Group)
        }
    }

    pub(super) fn of_message(row: &MessageRow) -> Option<Self> {
        Self::from_columns(&row.peer_identity_key, &row.group_id)
    }
}

/// What is known of a conversation.
pub(super) fn row(
    store: &impl Rows,
    conversation: &ConversationId,
) -> Result<ConversationRow, WindlassError> {
    let row: Option<ConversationRow> =
        get_row(store, Table::Conversations, Key::new(&conversation.key()))?;
    let (peer_identity_key, group_id) = conversation.columns();
    Ok(row.unwrap_or_else(|| ConversationRow {
        peer_identity_key,
        group_id,
        ..Default::default()
    }))
}

pub(super) fn save(
    store: &mut Writer<'_>,
    conversation: &ConversationId,
    row: &ConversationRow,
) -> Result<(), WindlassError> {
    put_row(
        store,
        Table::Conversations,
        Key::new(&conversation.key()),
        row,
    )
}

/// Puts a conversation of a backup back.
pub(super) fn restore(store: &mut Writer<'_>, row: &ConversationRow) -> Result<(), WindlassError> {
    let id = ConversationId::from_columns(&row.peer_identity_key, &row.group_id);
    save(
        store,
        &id.ok_or_else(|| damaged(Table::Conversations))?,
        row,
    )
}

/// The clock of the next message that we write: one more than everything seen.
pub(super) fn next_lamport(
    store: &impl Rows,
    conversation: &ConversationId,
) -> Result<u64, WindlassError> {
    let clock = row(store, conversation)?.lamport;
    Ok(clock.saturating_add(1).min(MAX_LAMPORT))
}

/// Sets how long messages stay that are stored from now on, if no later message said otherwise; 0 for ever.
pub(super) fn set_timer(
    store: &mut Writer<'_>,
    conversation: &ConversationId,
    author: &PublicIdentity,
    content: &Content,
    after: u64,
) -> Result<bool, WindlassError> {
    let mut row = row(store, conversation)?;
    let by = author.to_bytes();
    let before = (
        row.timer_lamport,
        row.timer_message_id.as_slice(),
        row.timer_author_identity_key.as_slice(),
    );
    let this = (content.lamport, content.id.as_bytes().as_slice(), &by[..]);
    if before >= this {
        return Ok(false);
    }
    row.disappear_after = after;
    row.timer_lamport = content.lamport;
    row.timer_message_id = content.id.as_bytes().to_vec();
    row.timer_author_identity_key = by.to_vec();
    save(store, conversation, &row)?;
    Ok(true)
}

/// How long messages stay that are stored from now on.
pub(in crate::api) fn disappearing(
    store: &impl Rows,
    conversation: &ConversationId,
) -> Result<Option<u64>, WindlassError> {
    let after = row(store, conversation)?.disappear_after;
    Ok((after != 0).then_some(after))
}

/// Messages of others since the user last read.
pub(in crate::api) fn unread(
    store: &impl Rows,
    conversation: &ConversationId,
) -> Result<u64, WindlassError> {
    Ok(row(store, conversation)?.unread)
}

/// Somebody has read up to a clock; true if that is news.
pub(super) fn read_by(
    store: &mut Writer<'_>,
    conversation: &ConversationId,
    by: &PublicIdentity,
    lamport: u64,
    now: u64,
) -> Result<bool, WindlassError> {
    // Nobody reads in a group who does not belong to it.
    if !groups::hears(store, conversation, by, now)? {
        return Ok(false);
    }
    let mut row = row(store, conversation)?;
    // Nobody has read what was not written.
    let lamport = lamport.min(row.lamport);
    let key = by.to_bytes();
    match row.read_by.iter_mut().find(|mark| mark.identity_key == key) {
        Some(mark) if mark.lamport >= lamport => return Ok(false),
        Some(mark) => (mark.lamport, mark.at) = (lamport, now),
        None if lamport == 0 => return Ok(false),
        None => row.read_by.push(ReadByRow {
            identity_key: key.to_vec(),
            lamport,
            at: now,
        }),
    }
    save(store, conversation, &row)?;
    Ok(true)
}

/// What a list of conversations shows.
pub(in crate::api) struct Summary {
    pub(in crate::api) id: ConversationId,
    pub(in crate::api) last_activity: u64,
    pub(in crate::api) unread: u64,
}

/// The conversations, the latest activity first.
pub(in crate::api) fn all(store: &impl Rows) -> Result<Vec<Summary>, WindlassError> {
    let mut found = store
        .scan(Table::Conversations)?
        .iter()
        .map(|bytes| {
            let damaged = || damaged(Table::Conversations);
            let row: ConversationRow =
                wire::decode("conversation", bytes).map_err(|_| damaged())?;
            Ok(Summary {
                id: ConversationId::from_columns(&row.peer_identity_key, &row.group_id)
                    .ok_or_else(damaged)?,
                last_activity: row.last_activity,
                unread: row.unread,
            })
        })
        .collect::<Result<Vec<_>, WindlassError>>()?;
    found.sort_by_key(|summary| core::cmp::Reverse((summary.last_activity, summary.id.key())));
    Ok(found)
}
