//! The order of a conversation (RFC windlass §9.3).

use std::cmp::Reverse;
use std::ops::Bound;

use crate::chat::{Content, MessageId};
use crate::engine::base::error::EngineError;
use crate::engine::base::message_ref::MessageRef;
use crate::engine::base::rows::{self, get_row, put_row};
use crate::engine::records::conversations::ConversationId;
use crate::store::{Direction, Key, OrderedRow, Rows, RowsMut, Table};
use crate::wire::store::TimelineRow;

/// How a message counts in its conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mark {
    /// Not.
    Read,
    /// As unread.
    Unread,
    /// As unread, and as one that mentions the user.
    Mention,
}

/// A message's place in its conversation: its Lamport clock, its id, and who wrote it.
#[derive(Clone, Copy)]
pub(crate) struct Place {
    pub(crate) lamport: u64,
    pub(crate) message: MessageRef,
    pub(crate) mark: Mark,
}

impl Place {
    /// Of a row of a group that is ordered by clock and id.
    pub(crate) fn from_row(table: Table, (order, bytes): &OrderedRow) -> Result<Self, EngineError> {
        let row: TimelineRow = rows::decode(table, bytes)?;
        let (author, id) = (&row.author_identity_key, &row.message_id);
        Ok(Self {
            lamport: rows::number_of(table, order)?,
            message: MessageRef::from_columns(table, author, id)?,
            mark: mark_of(&row),
        })
    }

    pub(crate) fn is_unread(&self) -> bool {
        self.mark != Mark::Read
    }

    /// The order of a conversation (RFC windlass §9.3.2). In the store, rows of the same clock and id are sorted by hashes that no
    /// other store has; so their reader sorts them by this.
    pub(crate) fn rank(&self) -> (u64, MessageId, [u8; 32]) {
        let MessageRef { author, id } = self.message;
        (self.lamport, id, author.to_bytes())
    }
}

/// What the rows of a conversation are ordered by: the clock, 8 bytes, and the id, 16 bytes.
fn order(lamport: u64, id: &MessageId) -> Vec<u8> {
    [lamport.to_be_bytes().as_slice(), id.as_bytes()].concat()
}

/// Where a content stands in its conversation, as far as its author does not count.
pub(crate) fn order_of(content: &Content) -> Vec<u8> {
    order(content.lamport, &content.id)
}

/// Puts a message into its conversation.
pub(crate) fn index(
    store: &mut dyn RowsMut,
    conversation: &ConversationId,
    message: &MessageRef,
    content: &Content,
) -> Result<(), EngineError> {
    let (group, by) = (conversation.key(), message.author.to_bytes());
    let order = order_of(content);
    let key = Key::named(&group, &order, &by);
    put_row(store, Table::Timeline, key, &message.to_row())
}

fn mark_of(row: &TimelineRow) -> Mark {
    match (row.unread, row.mentions) {
        (false, _) => Mark::Read,
        (true, false) => Mark::Unread,
        (true, true) => Mark::Mention,
    }
}

/// How the message of a place counts now.
pub(crate) fn mark_at(
    store: &dyn Rows,
    conversation: &ConversationId,
    place: &Place,
) -> Result<Mark, EngineError> {
    let (group, by) = (conversation.key(), place.message.author.to_bytes());
    let order = order(place.lamport, &place.message.id);
    let key = Key::named(&group, &order, &by);
    let row: Option<TimelineRow> = get_row(store, Table::Timeline, key)?;
    Ok(row.as_ref().map_or(Mark::Read, mark_of))
}

/// Notes how a message counts; how it counted before, if that changes.
pub(crate) fn set_mark(
    store: &mut dyn RowsMut,
    conversation: &ConversationId,
    place: &Place,
    mark: Mark,
) -> Result<Option<Mark>, EngineError> {
    let (group, by) = (conversation.key(), place.message.author.to_bytes());
    let order = order(place.lamport, &place.message.id);
    let key = Key::named(&group, &order, &by);
    let row: Option<TimelineRow> = get_row(store, Table::Timeline, key)?;
    let Some(mut row) = row.filter(|row| mark_of(row) != mark) else {
        return Ok(None);
    };
    let before = mark_of(&row);
    (row.unread, row.mentions) = (mark != Mark::Read, mark == Mark::Mention);
    put_row(store, Table::Timeline, key, &row)?;
    Ok(Some(before))
}

/// Takes a message out of its conversation.
pub(crate) fn unindex(
    store: &mut dyn RowsMut,
    conversation: &ConversationId,
    message: &MessageRef,
    content: &Content,
) -> Result<(), EngineError> {
    let (group, by) = (conversation.key(), message.author.to_bytes());
    let order = order_of(content);
    store.delete(Table::Timeline, Key::named(&group, &order, &by))?;
    Ok(())
}

fn decode(table: Table, rows: &[OrderedRow]) -> Result<Vec<Place>, EngineError> {
    rows.iter().map(|row| Place::from_row(table, row)).collect()
}

/// The latest first. They are nearly so already.
fn sort(places: &mut [Place]) {
    places.sort_by_key(|place| Reverse(place.rank()));
}

/// The latest places of a conversation, at most `limit`, from `from_lamport` on; the latest first.
pub(crate) fn latest(
    store: &dyn Rows,
    conversation: &ConversationId,
    from_lamport: u64,
    limit: usize,
) -> Result<Vec<Place>, EngineError> {
    let low = from_lamport.to_be_bytes();
    let bounds = (Bound::Included(low.as_slice()), Bound::Unbounded);
    let group = conversation.key();
    let rows = store.range(Table::Timeline, &group, bounds, Direction::Backward, limit)?;
    let mut places = decode(Table::Timeline, &rows)?;
    sort(&mut places);
    Ok(places)
}

/// The places of a conversation whose clocks are within these bounds, both included.
pub(crate) fn between(
    store: &dyn Rows,
    conversation: &ConversationId,
    low: u64,
    high: u64,
) -> Result<Vec<Place>, EngineError> {
    let (low, high) = (low.to_be_bytes(), high.saturating_add(1).to_be_bytes());
    let bounds = (
        Bound::Included(low.as_slice()),
        Bound::Excluded(high.as_slice()),
    );
    let group = conversation.key();
    let rows = store.range(
        Table::Timeline,
        &group,
        bounds,
        Direction::Forward,
        usize::MAX,
    )?;
    decode(Table::Timeline, &rows)
}

/// The latest places of a conversation, or the latest before `end`, at most `limit`; the latest first. Fewer than `limit` if there are
/// no more.
pub(crate) fn before(
    store: &dyn Rows,
    conversation: &ConversationId,
    end: Option<&Place>,
    limit: usize,
) -> Result<Vec<Place>, EngineError> {
    before_in(store, Table::Timeline, conversation, end, limit)
}

/// The same, of what another table has of the conversation in its order.
pub(crate) fn before_in(
    store: &dyn Rows,
    table: Table,
    conversation: &ConversationId,
    end: Option<&Place>,
    limit: usize,
) -> Result<Vec<Place>, EngineError> {
    let group = conversation.key();
    let end_order = end.map(|end| order(end.lamport, &end.message.id));
    let high = end_order
        .as_deref()
        .map_or(Bound::Unbounded, Bound::Excluded);
    let bounds = (Bound::Unbounded, high);
    let rows = store.range(table, &group, bounds, Direction::Backward, limit)?;
    let mut places = decode(table, &rows)?;
    make_whole(store, table, &group, &mut places)?;
    if let (Some(end), Some(order)) = (end, &end_order) {
        let beside = decode(table, &store.of_order(table, &group, order)?)?;
        let earlier = |place: &Place| place.rank() < end.rank();
        places.extend(beside.into_iter().filter(earlier));
    }
    sort(&mut places);
    places.truncate(limit);
    Ok(places)
}

/// The next places of a conversation behind `start`, at most `limit`; the earliest first. Fewer than `limit` if there are no more.
pub(crate) fn after(
    store: &dyn Rows,
    conversation: &ConversationId,
    start: &Place,
    limit: usize,
) -> Result<Vec<Place>, EngineError> {
    let group = conversation.key();
    let low = order(start.lamport, &start.message.id);
    // What has this clock and id too comes first.
    let beside = store.of_order(Table::Timeline, &group, &low)?.len();
    let (bounds, most) = (
        (Bound::Included(low.as_slice()), Bound::Unbounded),
        limit.saturating_add(beside),
    );
    let rows = store.range(Table::Timeline, &group, bounds, Direction::Forward, most)?;
    let mut places = decode(Table::Timeline, &rows)?;
    make_whole(store, Table::Timeline, &group, &mut places)?;
    places.retain(|place| place.rank() > start.rank());
    places.sort_by_key(Place::rank);
    places.truncate(limit);
    Ok(places)
}

/// Where places were cut may be between messages of the same clock and id, which are in no order there: all of these take the place of those
/// that were read. There are as many of them as authors at most.
fn make_whole(
    store: &dyn Rows,
    table: Table,
    group: &[u8],
    places: &mut Vec<Place>,
) -> Result<(), EngineError> {
    if let Some(last) = places.last().copied() {
        let cut = (last.lamport, last.message.id);
        places.retain(|place| (place.lamport, place.message.id) != cut);
        let order = order(last.lamport, &last.message.id);
        places.extend(decode(table, &store.of_order(table, group, &order)?)?);
    }
    Ok(())
}
