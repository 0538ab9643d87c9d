//! The order of a conversation, and what two devices have of it (RFC windlass §8.4, §9.3).

use std::collections::BTreeSet;
use std::ops::Bound;

use super::conversation::ConversationId;
use super::{damaged, history};
use crate::api::error::WindlassError;
use crate::chat::{ConversationState, ID_PREFIX_LEN, MessageId};
use crate::identity::PublicIdentity;
use crate::limits::MAX_HEALING_IDS;
use crate::store::{Direction, Key, Rows, Table, WHOLE_GROUP, Writer};
use crate::wire::{self, store::TimelineRow};

/// A message's place in its conversation: its Lamport clock and id, and who wrote it.
type Place = (u64, MessageId, PublicIdentity);

/// The latest places of a conversation, at most `limit`, from `from_lamport` on; the latest first.
fn places(
    store: &impl Rows,
    conversation: &ConversationId,
    from_lamport: u64,
    limit: usize,
) -> Result<Vec<Place>, WindlassError> {
    let low = from_lamport.to_be_bytes();
    let bounds = (Bound::Included(low.as_slice()), Bound::Unbounded);
    let group = conversation.key();
    store
        .range(Table::Timeline, &group, bounds, Direction::Backward, limit)?
        .iter()
        .map(|(order, bytes)| {
            let damaged = || damaged(Table::Timeline);
            let row: TimelineRow = wire::decode("timeline", bytes).map_err(|_| damaged())?;
            let lamport = order
                .first_chunk()
                .map(|lamport| u64::from_be_bytes(*lamport));
            Ok((
                lamport.ok_or_else(damaged)?,
                MessageId::from_bytes(&row.message_id).map_err(|_| damaged())?,
                PublicIdentity::from_stored(&row.author_identity_key).ok_or_else(damaged)?,
            ))
        })
        .collect()
}

fn id_prefix(id: &MessageId) -> [u8; ID_PREFIX_LEN] {
    let mut prefix = [0; ID_PREFIX_LEN];
    for (to, from) in prefix.iter_mut().zip(id.as_bytes()) {
        *to = *from;
    }
    prefix
}

/// What is here of a conversation, for a request for healing (RFC windlass §8.4.2).
pub(super) fn state(
    store: &impl Rows,
    conversation: &ConversationId,
) -> Result<ConversationState, WindlassError> {
    let mut places = places(store, conversation, 0, MAX_HEALING_IDS + 1)?;
    let mut from_lamport = 0;
    if places.len() > MAX_HEALING_IDS {
        // Below the oldest clock that is told whole, nothing is asked for.
        from_lamport = places.last().map_or(0, |(lamport, ..)| lamport + 1);
        places.retain(|(lamport, ..)| *lamport >= from_lamport);
    }
    let mut have: Vec<_> = places.iter().map(|(_, id, _)| id_prefix(id)).collect();
    have.sort_unstable();
    let (name, group) = conversation.wire();
    Ok(ConversationState {
        conversation: name,
        group,
        from_lamport,
        have,
    })
}

/// What the other side does not have of what was stored here from `since` on: the latest `limit` of it, oldest first. And whether
/// it has what is not here.
pub(super) fn compare(
    store: &impl Rows,
    conversation: &ConversationId,
    theirs: &ConversationState,
    since: u64,
    limit: usize,
    may: impl Fn(&history::Stored) -> bool,
) -> Result<(Vec<(PublicIdentity, MessageId)>, bool), WindlassError> {
    let ours = places(store, conversation, theirs.from_lamport, usize::MAX)?;
    let here: BTreeSet<_> = ours.iter().map(|(_, id, _)| id_prefix(id)).collect();
    let behind = theirs.have.iter().any(|prefix| !here.contains(prefix));
    let there: BTreeSet<_> = theirs.have.iter().collect();
    let mut missing = Vec::new();
    for (_, id, author) in ours {
        let lacks = missing.len() < limit && !there.contains(&id_prefix(&id));
        let found = if lacks {
            history::find(store, &author, &id)?
        } else {
            None
        };
        if found.is_some_and(|stored| stored.stored_at >= since && may(&stored)) {
            missing.push((author, id));
        }
    }
    missing.reverse();
    Ok((missing, behind))
}

/// The ids of what somebody wrote in a conversation, the latest first.
pub(super) fn ids_by(
    store: &impl Rows,
    author: &PublicIdentity,
    conversation: &ConversationId,
) -> Result<Vec<MessageId>, WindlassError> {
    let places = places(store, conversation, 0, usize::MAX)?;
    let theirs = places.into_iter().filter(|(.., by)| by == author);
    Ok(theirs.map(|(_, id, _)| id).collect())
}

/// Deletes a conversation.
pub(super) fn erase(
    store: &mut Writer<'_>,
    conversation: &ConversationId,
) -> Result<(), WindlassError> {
    let key = conversation.key();
    for (_, id, author) in places(store, conversation, 0, usize::MAX)? {
        let message = history::message_key(&author, &id);
        store.delete_range(Table::Annotations, &message, WHOLE_GROUP, usize::MAX)?;
        store.delete(Table::Messages, Key::new(&message))?;
    }
    store.delete_range(Table::Timeline, &key, WHOLE_GROUP, usize::MAX)?;
    store.delete(Table::Conversations, Key::new(&key))?;
    Ok(())
}
