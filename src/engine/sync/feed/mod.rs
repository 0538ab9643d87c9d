//! What was told, in its order, until the application says that it has handled it: so that it can be told again after a crash
//! (decision 0046).

pub(crate) mod cursor;
mod row;

use std::ops::Bound;

use crate::crypto::Secret;
use crate::engine::base::clock::Clock;
use crate::engine::base::error::EngineError;
use crate::engine::base::rows::{damaged, decode, get_row, number_of, put_row};
use crate::engine::base::singletons::FEED;
use crate::engine::base::step::Step;
use crate::engine::history::unhandled;
use crate::engine::records::conversations::ConversationId;
use crate::engine::sync::feed::cursor::Cursor;
use crate::engine::sync::outcome::{ConversationNews, Outcome};
use crate::identity::PublicIdentity;
use crate::limits::{KEPT_EVENT_RETENTION_SECONDS, MAX_KEPT_EVENTS};
use crate::store::{
    Direction, Key, OrderedRow, Rows, RowsMut, Sequence, StoreError, Table, WHOLE_GROUP,
};
use crate::wire::store::feed_row::Event;
use crate::wire::store::{FeedRow, FeedStateRow};

const GROUP: &[u8] = b"feed";

/// So many are dropped at once, so that a reader who never comes costs a row for each event and hardly more.
const DROPPED_AT_ONCE: u64 = 256;

/// How many rows are looked at in one round of upkeep.
const LOOKED_AT_ONCE: usize = 500;

/// An event, and the cursor behind it.
pub(crate) struct Told {
    pub(crate) cursor: Cursor,
    /// When, in milliseconds since the epoch.
    pub(crate) at: u64,
    pub(crate) outcome: Outcome,
}

/// What there is while events are kept.
struct State {
    life: [u8; 8],
    row: FeedStateRow,
}

impl State {
    fn load(store: &dyn Rows) -> Result<Option<Self>, EngineError> {
        let Some(row) = get_row::<FeedStateRow>(store, Table::Device, FEED)? else {
            return Ok(None);
        };
        let life = row.life.as_slice().try_into();
        let life = life.map_err(|_| damaged(Table::Device))?;
        Ok(Some(Self { life, row }))
    }

    fn save(&self, store: &mut dyn RowsMut) -> Result<(), EngineError> {
        put_row(store, Table::Device, FEED, &self.row)
    }

    fn cursor(&self, number: u64) -> Cursor {
        let life = self.life;
        Cursor { life, number }
    }

    /// The number that a cursor stands behind. One of another life, or ahead of all numbers, says nothing of what is here.
    fn number_of(&self, store: &dyn Rows, cursor: &Cursor) -> Result<u64, EngineError> {
        if cursor.life == self.life && cursor.number <= store.last_id(Sequence::Feed)? {
            Ok(cursor.number)
        } else {
            Err(EngineError::UnknownCursor)
        }
    }

    /// Drops events that nobody handled, up to a number; the reader is told.
    fn drop_up_to(
        &mut self,
        store: &mut dyn RowsMut,
        number: u64,
        now: u64,
    ) -> Result<(), EngineError> {
        let dropped = erase_up_to(store, number)?;
        self.row.dropped = self.row.dropped.saturating_add(dropped as u64);
        self.row.dropped_through = number;
        self.row.dropped_at = now;
        self.save(store)
    }
}

/// Whether events are kept.
pub(crate) fn is_kept(store: &dyn Rows) -> Result<bool, EngineError> {
    Ok(State::load(store)?.is_some())
}

/// Keeps events from now on, or forgets them.
pub(crate) fn set_kept(step: &mut Step<'_>, kept: bool) -> Result<(), EngineError> {
    match (State::load(step.rows)?, kept) {
        (None, true) => begin_life(step, FeedStateRow::default()),
        (Some(_), false) => {
            step.rows
                .delete_range(Table::Feed, GROUP, WHOLE_GROUP, usize::MAX)?;
            step.rows.delete(Table::Device, FEED)?;
            Ok(())
        }
        _ => Ok(()),
    }
}

fn begin_life(step: &mut Step<'_>, mut row: FeedStateRow) -> Result<(), EngineError> {
    row.life = Secret::<8>::random(step.rng).as_bytes().to_vec();
    put_row(step.rows, Table::Device, FEED, &row)
}

/// The store is an older copy: its numbers may have been given out before, so cursors of before mean nothing.
pub(crate) fn note_rollback(step: &mut Step<'_>) -> Result<(), EngineError> {
    if let Some(state) = State::load(step.rows)? {
        begin_life(step, state.row)?;
    }
    tell(step, &[Outcome::RollbackNoticed])?;
    Ok(())
}

/// Writes down what is told with this step, if events are kept; the cursor behind it.
pub(crate) fn tell(
    step: &mut Step<'_>,
    outcomes: &[Outcome],
) -> Result<Option<Cursor>, EngineError> {
    let Some(mut state) = State::load(step.rows)? else {
        return Ok(None);
    };
    let own = step.device.public();
    let mut newest = None;
    for outcome in outcomes {
        // A message that waits to be handled is told again by that.
        if let Outcome::Message(shown) = outcome
            && unhandled::is_enqueued(step.rows, &own, &shown.stored)?
        {
            continue;
        }
        let Some(event) = row::kept(outcome) else {
            continue;
        };
        let number = step.rows.next_id(Sequence::Feed)?;
        let row = FeedRow {
            told_at: step.now,
            event: Some(event),
        };
        let order = number.to_be_bytes();
        put_row(step.rows, Table::Feed, Key::ordered(GROUP, &order), &row)?;
        newest = Some(number);
    }
    let Some(newest) = newest else {
        return Ok(None);
    };
    let oldest = oldest(step.rows, 1)?;
    let oldest = oldest
        .first()
        .map(|(order, _)| number_of(Table::Feed, order));
    let most = MAX_KEPT_EVENTS + DROPPED_AT_ONCE;
    if newest.saturating_sub(oldest.transpose()?.unwrap_or(newest)) >= most {
        state.drop_up_to(step.rows, newest - MAX_KEPT_EVENTS, step.now)?;
    }
    Ok(Some(state.cursor(newest)))
}

/// What the user did here, or elsewhere without an outcome: told to who shows it, and not kept.
pub(crate) fn note(step: &mut Step<'_>, outcome: &Outcome) {
    step.changes.extend(row::kept(outcome));
}

/// The same, of a conversation.
pub(crate) fn note_in(step: &mut Step<'_>, id: &ConversationId, news: ConversationNews) {
    note(step, &Outcome::InConversation(*id, news));
}

/// What is told of a change now; nothing if nothing of it is left.
pub(crate) fn change(
    store: &dyn Rows,
    own: &PublicIdentity,
    event: &Event,
) -> Result<Option<Outcome>, EngineError> {
    row::told_again(store, own, event)
}

/// Events behind a cursor, or the oldest that are kept, in their order. What was deleted since is left out. Those that were dropped
/// stand for one.
pub(crate) fn after(
    store: &dyn Rows,
    own: &PublicIdentity,
    cursor: Option<&Cursor>,
    limit: usize,
) -> Result<Vec<Told>, EngineError> {
    let Some(state) = State::load(store)? else {
        return cursor.map_or(Ok(Vec::new()), |_| Err(EngineError::UnknownCursor));
    };
    let mut last = match cursor {
        Some(cursor) => state.number_of(store, cursor)?,
        None => 0,
    };
    let mut told = Vec::new();
    if state.row.dropped != 0 && last < state.row.dropped_through && limit != 0 {
        last = state.row.dropped_through;
        told.push(Told {
            cursor: state.cursor(last),
            at: state.row.dropped_at,
            outcome: Outcome::Missed {
                events: state.row.dropped,
            },
        });
    }
    while told.len() < limit {
        let wanted = limit - told.len();
        let rows = behind(store, last, wanted)?;
        for (order, bytes) in &rows {
            last = number_of(Table::Feed, order)?;
            let row = read(bytes)?;
            if let Some(outcome) = outcome_of(store, own, &row)? {
                told.push(Told {
                    cursor: state.cursor(last),
                    at: row.told_at,
                    outcome,
                });
            }
        }
        if rows.len() < wanted {
            break;
        }
    }
    Ok(told)
}

/// Erases the events up to a cursor; whether there were any.
pub(crate) fn handled_up_to(store: &mut dyn RowsMut, cursor: &Cursor) -> Result<bool, EngineError> {
    let mut state = State::load(store)?.ok_or(EngineError::UnknownCursor)?;
    let number = state.number_of(store, cursor)?;
    let mut changed = erase_up_to(store, number)? != 0;
    if state.row.dropped != 0 && number >= state.row.dropped_through {
        state.row.dropped = 0;
        state.save(store)?;
        changed = true;
    }
    Ok(changed)
}

/// Erases what is too old, and what nothing is left of; whether there was any.
pub(crate) fn erase_old(
    store: &mut dyn RowsMut,
    own: &PublicIdentity,
    now: u64,
) -> Result<bool, EngineError> {
    let Some(mut state) = State::load(store)? else {
        return Ok(false);
    };
    let clock = Clock::read(store, now)?;
    let (mut last_old, mut gone) = (None, false);
    for (order, bytes) in oldest(store, LOOKED_AT_ONCE)? {
        let row = read(&bytes)?;
        // One that lies ahead goes with those behind it: the clock may have been wrong then.
        if clock.may_erase(row.told_at, KEPT_EVENT_RETENTION_SECONDS * 1000) {
            last_old = Some(number_of(Table::Feed, &order)?);
        } else if outcome_of(store, own, &row)?.is_none() {
            gone |= store.delete(Table::Feed, Key::ordered(GROUP, &order))?;
        }
    }
    if let Some(number) = last_old {
        state.drop_up_to(store, number, now)?;
    }
    Ok(gone || last_old.is_some())
}

fn erase_up_to(store: &mut dyn RowsMut, number: u64) -> Result<usize, StoreError> {
    let high = number.to_be_bytes();
    let bounds = (Bound::Unbounded, Bound::Included(high.as_slice()));
    store.delete_range(Table::Feed, GROUP, bounds, usize::MAX)
}

fn oldest(store: &dyn Rows, limit: usize) -> Result<Vec<OrderedRow>, StoreError> {
    behind(store, 0, limit)
}

fn behind(store: &dyn Rows, number: u64, limit: usize) -> Result<Vec<OrderedRow>, StoreError> {
    let low = number.to_be_bytes();
    let bounds = (Bound::Excluded(low.as_slice()), Bound::Unbounded);
    store.range(Table::Feed, GROUP, bounds, Direction::Forward, limit)
}

fn read(bytes: &[u8]) -> Result<FeedRow, EngineError> {
    decode(Table::Feed, bytes)
}

fn outcome_of(
    store: &dyn Rows,
    own: &PublicIdentity,
    row: &FeedRow,
) -> Result<Option<Outcome>, EngineError> {
    let event = row.event.as_ref().ok_or_else(|| damaged(Table::Feed))?;
    row::told_again(store, own, event)
}
