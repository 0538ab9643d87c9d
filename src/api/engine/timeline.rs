//! The order of a conversation, and what two devices have of it (RFC windlass §8.4, §9.3).

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::ops::Bound;

use super::conversation::ConversationId;
use super::{damaged, history};
use crate::api::error::WindlassError;
use crate::chat::{ConversationState, HealingRequest, MessageId, MessageName};
use crate::identity::PublicIdentity;
use crate::limits::MAX_HEALING_IDS;
use crate::store::{Direction, Key, OrderedRow, Rows, Table, Writer};

/// A message's place in its conversation: its Lamport clock, its id, and who wrote it.
#[derive(Clone, Copy)]
pub(super) struct Place {
    lamport: u64,
    pub(super) id: MessageId,
    pub(super) author: PublicIdentity,
}

impl Place {
    pub(super) fn of(stored: &history::Stored) -> Self {
        Self {
            lamport: stored.content.lamport,
            id: stored.content.id,
            author: stored.author,
        }
    }

    pub(super) fn from_row(
        table: Table,
        (order, bytes): &OrderedRow,
    ) -> Result<Self, WindlassError> {
        let lamport = order.first_chunk().map(|clock| u64::from_be_bytes(*clock));
        let (author, id) = history::named(table, bytes)?;
        Ok(Self {
            lamport: lamport.ok_or_else(|| damaged(table))?,
            id,
            author,
        })
    }

    /// As a request for healing names it.
    fn name(&self, salt: &[u8; 16]) -> MessageName {
        HealingRequest::name(salt, &self.author.to_bytes(), &self.id)
    }

    /// What the rows of a conversation are ordered by.
    pub(super) fn order(lamport: u64, id: &MessageId) -> Vec<u8> {
        [lamport.to_be_bytes().as_slice(), id.as_bytes()].concat()
    }

    /// The order of a conversation (RFC windlass §9.3.2). In the store, rows of the same clock and id are sorted by hashes that no
    /// other store has; so whoever reads them sorts them by this.
    pub(super) fn rank(&self) -> (u64, MessageId, [u8; 32]) {
        (self.lamport, self.id, self.author.to_bytes())
    }
}

fn decode(rows: &[OrderedRow]) -> Result<Vec<Place>, WindlassError> {
    rows.iter()
        .map(|row| Place::from_row(Table::Timeline, row))
        .collect()
}

/// The latest first. They are nearly so already.
fn sort(places: &mut [Place]) {
    places.sort_by_key(|place| Reverse(place.rank()));
}

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
    let rows = store.range(Table::Timeline, &group, bounds, Direction::Backward, limit)?;
    let mut places = decode(&rows)?;
    sort(&mut places);
    Ok(places)
}

/// The latest places of a conversation, or the latest before `end`, at most `limit`; the latest first. Fewer than `limit` if there are no
/// more.
pub(super) fn before(
    store: &impl Rows,
    conversation: &ConversationId,
    end: Option<&Place>,
    limit: usize,
) -> Result<Vec<Place>, WindlassError> {
    let group = conversation.key();
    let end_order = end.map(|end| Place::order(end.lamport, &end.id));
    let high = end_order
        .as_deref()
        .map_or(Bound::Unbounded, Bound::Excluded);
    let bounds = (Bound::Unbounded, high);
    let rows = store.range(Table::Timeline, &group, bounds, Direction::Backward, limit)?;
    let mut places = decode(&rows)?;
    // Where it was cut may be between messages of the same clock and id, which are in no order there: there are as many of them as
    // authors at most.
    if let Some(last) = places.last().copied() {
        let order = Place::order(last.lamport, &last.id);
        places.retain(|place| (place.lamport, place.id) != (last.lamport, last.id));
        places.extend(decode(&store.of_order(Table::Timeline, &group, &order)?)?);
    }
    if let (Some(end), Some(order)) = (end, &end_order) {
        let beside = decode(&store.of_order(Table::Timeline, &group, order)?)?;
        let earlier = |place: &Place| place.rank() < end.rank();
        places.extend(beside.into_iter().filter(earlier));
    }
    sort(&mut places);
    places.truncate(limit);
    Ok(places)
}

/// What is here of a conversation, for a request for healing (RFC windlass §8.4.2).
pub(super) fn state(
    store: &impl Rows,
    conversation: &ConversationId,
    salt: &[u8; 16],
) -> Result<ConversationState, WindlassError> {
    let mut places = places(store, conversation, 0, MAX_HEALING_IDS + 1)?;
    let mut from_lamport = 0;
    if places.len() > MAX_HEALING_IDS {
        // Below the oldest clock that is told whole, nothing is asked for.
        from_lamport = places.last().map_or(0, |place| place.lamport + 1);
        places.retain(|place| place.lamport >= from_lamport);
    }
    let mut have: Vec<_> = places.iter().map(|place| place.name(salt)).collect();
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
    salt: &[u8; 16],
    since: u64,
    limit: usize,
    may: impl Fn(&history::Stored) -> bool,
) -> Result<(Vec<(PublicIdentity, MessageId)>, bool), WindlassError> {
    let ours = places(store, conversation, theirs.from_lamport, usize::MAX)?;
    let there: BTreeSet<_> = theirs.have.iter().collect();
    let mut met = BTreeSet::new();
    let mut missing = Vec::new();
    for place in ours {
        let name = place.name(salt);
        if there.contains(&name) {
            met.insert(name);
            continue;
        }
        if missing.len() == limit {
            continue;
        }
        let found = history::find(store, &place.author, &place.id)?;
        if found.is_some_and(|stored| stored.stored_at >= since && may(&stored)) {
            missing.push((place.author, place.id));
        }
    }
    let behind = met.len() < there.len();
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
    let theirs = places.iter().filter(|place| place.author == *author);
    Ok(theirs.map(|place| place.id).collect())
}

/// Deletes a conversation.
pub(super) fn erase(
    store: &mut Writer<'_>,
    conversation: &ConversationId,
) -> Result<(), WindlassError> {
    for place in places(store, conversation, 0, usize::MAX)? {
        history::erase(store, &place.author, &place.id)?;
    }
    store.delete(Table::Conversations, Key::new(&conversation.key()))?;
    Ok(())
}
