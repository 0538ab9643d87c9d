//! The logs of groups, a row for each event: what grows with a group's age is read by whoever looks at the log alone, and of what is
//! there nothing is written again (RFC windlass §9.6).

use crate::chat::{EventHash, GroupEvent, GroupId, GroupLog};
use crate::engine::base::error::EngineError;
use crate::engine::base::rows::{damaged, decode, put_row};
use crate::store::{Direction, Key, Rows, RowsMut, Table, WHOLE_GROUP};
use crate::wire::store::GroupEventRow;

/// What of a log is stored: nothing else is written.
#[derive(Default)]
pub(super) struct Kept {
    /// So many of its events, in the order in which they came.
    pub(super) events: usize,
    /// The events that wait, each with its place.
    waiting: Vec<(EventHash, u64)>,
}

/// What waits is no part of the log, and goes again.
fn group_of(id: &GroupId, waits: bool) -> Vec<u8> {
    let kind: &[u8] = if waits { b"waiting" } else { b"" };
    [id.as_bytes().as_slice(), kind].concat()
}

/// The log of a group, and what of it is stored.
pub(super) fn load(store: &dyn Rows, id: &GroupId) -> Result<(GroupLog, Kept), EngineError> {
    let table = Table::GroupEvents;
    let mut rows: Vec<GroupEventRow> = Vec::new();
    let mut events = 0;
    for waits in [false, true] {
        events = rows.len();
        let group = group_of(id, waits);
        for (_, bytes) in store.range(table, &group, WHOLE_GROUP, Direction::Forward, usize::MAX)? {
            rows.push(decode(table, &bytes)?);
        }
    }
    let encoded = rows.iter().map(|row| row.event.as_slice());
    let log = GroupLog::from_stored(*id, encoded).map_err(|_| damaged(table))?;
    if log.len() != events {
        return Err(damaged(table));
    }
    let places = rows.iter().skip(events).map(|row| row.place);
    let hashes = log.waiting().iter().map(GroupEvent::hash);
    let waiting = hashes.zip(places).collect();
    Ok((log, Kept { events, waiting }))
}

/// Writes what is new of a log, and takes away what does not wait any more.
pub(super) fn save(
    store: &mut dyn RowsMut,
    log: &GroupLog,
    kept: &mut Kept,
) -> Result<(), EngineError> {
    let id = log.id();
    for event in log.after(kept.events) {
        put(store, &row_of(id, event, kept.events as u64, false))?;
        kept.events += 1;
    }
    let waits = |hash: &EventHash| log.waiting().iter().any(|event| event.hash() == *hash);
    let group = group_of(id, true);
    for (_, place) in kept.waiting.iter().filter(|(hash, _)| !waits(hash)) {
        let order = place.to_be_bytes();
        store.delete(Table::GroupEvents, Key::ordered(&group, &order))?;
    }
    kept.waiting.retain(|(hash, _)| waits(hash));
    for event in log.waiting() {
        if kept.waiting.iter().all(|(hash, _)| *hash != event.hash()) {
            let place = kept.waiting.last().map_or(0, |(_, place)| place + 1);
            put(store, &row_of(id, event, place, true))?;
            kept.waiting.push((event.hash(), place));
        }
    }
    Ok(())
}

fn row_of(id: &GroupId, event: &GroupEvent, place: u64, waits: bool) -> GroupEventRow {
    GroupEventRow {
        group_id: id.as_bytes().to_vec(),
        event: event.encoded().to_vec(),
        place,
        waits,
    }
}

fn put(store: &mut dyn RowsMut, row: &GroupEventRow) -> Result<(), EngineError> {
    let id = GroupId::from_bytes(&row.group_id).map_err(|_| damaged(Table::GroupEvents))?;
    let (group, order) = (group_of(&id, row.waits), row.place.to_be_bytes());
    put_row(store, Table::GroupEvents, Key::ordered(&group, &order), row)
}

/// Puts an event of a backup back.
pub(crate) fn restore(store: &mut dyn RowsMut, row: &GroupEventRow) -> Result<(), EngineError> {
    put(store, row)
}

/// Erases the log of a group.
pub(super) fn erase(store: &mut dyn RowsMut, id: &GroupId) -> Result<(), EngineError> {
    for waits in [false, true] {
        let group = group_of(id, waits);
        store.delete_range(Table::GroupEvents, &group, WHOLE_GROUP, usize::MAX)?;
    }
    Ok(())
}
