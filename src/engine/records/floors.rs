//! What outlives the rows of what was deleted: nothing of it is taken in again, from whomever it comes (RFC windlass §8.3.8).
//!
//! A row is found, and named, by a hash under a key of the identity: what stays says nothing of with whom the conversation was.

use std::collections::BTreeSet;

use crate::chat::{Decision, Floor, FloorKey, FloorName, FloorTimer, IdentityKey, NamedMessage};
use crate::engine::base::device;
use crate::engine::base::error::EngineError;
use crate::engine::base::message_ref::MessageRef;
use crate::engine::base::rows::{all_rows, damaged, get_row, put_row};
use crate::limits::{MAX_CLOCK_SKEW_SECONDS, MAX_FLOOR_NAMES, MAX_FLOORS, MAX_LAMPORT_JUMP};
use crate::store::{Key, Rows, RowsMut, Table};
use crate::wire::store::FloorRow;

/// A conversation: the other side or the group, and whether it is one.
pub(crate) type Which = (IdentityKey, bool);

/// What is gone of one conversation.
pub(crate) struct Gone {
    key: FloorKey,
    floor: Floor,
    /// Gone with their time: our other devices need not be told.
    expired: BTreeSet<NamedMessage>,
    /// Nothing of this clock or a lower one, written until `floor.until`, is taken in here any more: names had to make room.
    closed: u64,
    is_new: bool,
}

/// The key of the names.
pub(crate) fn key(store: &dyn Rows) -> Result<FloorKey, EngineError> {
    let row = device::row(store)?.ok_or(EngineError::IdentityMissing)?;
    Ok(FloorKey::of_seed(&row.identity_seed))
}

fn names(bytes: &[u8]) -> Result<Vec<NamedMessage>, EngineError> {
    let (names, rest) = bytes.as_chunks();
    if rest.is_empty() {
        Ok(names.to_vec())
    } else {
        Err(damaged(Table::Floors))
    }
}

fn floor_of(row: &FloorRow) -> Result<Floor, EngineError> {
    let name = row.conversation.as_slice().try_into();
    Ok(Floor {
        conversation: name.map_err(|_| damaged(Table::Floors))?,
        clock: row.clock,
        lamport: row.lamport,
        until: row.until,
        messages: names(&row.deleted)?,
        timer: FloorTimer {
            lamport: row.timer_lamport,
            message_id: row.timer_message_id.clone(),
            milliseconds: row.disappear_after,
        },
        removed: Decision {
            clock: row.removed_clock,
            device_id: row.removed_by,
        },
    })
}

fn load(store: &dyn Rows, key: FloorKey, name: FloorName) -> Result<Gone, EngineError> {
    let row: Option<FloorRow> = get_row(store, Table::Floors, Key::new(&name))?;
    let is_new = row.is_none();
    let row = row.unwrap_or_else(|| FloorRow {
        conversation: name.to_vec(),
        ..Default::default()
    });
    Ok(Gone {
        key,
        floor: floor_of(&row)?,
        expired: names(&row.expired)?.into_iter().collect(),
        closed: row.closed_lamport,
        is_new,
    })
}

fn of(store: &dyn Rows, which: &Which) -> Result<Gone, EngineError> {
    let key = key(store)?;
    let name = key.conversation(&which.0, which.1);
    load(store, key, name)
}

/// What is gone of a conversation, if anything is.
pub(crate) fn find(store: &dyn Rows, which: &Which) -> Result<Option<Gone>, EngineError> {
    let gone = of(store, which)?;
    Ok((!gone.is_new).then_some(gone))
}

/// The clock in front of a name.
fn clock_of(name: &NamedMessage) -> u64 {
    name.first_chunk()
        .map_or(0, |clock| u64::from_be_bytes(*clock))
}

impl Gone {
    /// What our other devices are told of it.
    pub(crate) fn floor(&self) -> &Floor {
        &self.floor
    }

    /// The clocks of the messages that are named as deleted.
    pub(crate) fn named_clocks(&self) -> BTreeSet<u64> {
        self.floor.messages.iter().map(clock_of).collect()
    }

    /// Whether a message is one of those that are named.
    pub(crate) fn names(&self, message: &MessageRef) -> bool {
        let name = self.key.message(0, &message.author.to_bytes(), &message.id);
        let same = |one: &NamedMessage| one.iter().skip(8).eq(name.iter().skip(8));
        self.floor.messages.iter().any(same) || self.expired.iter().any(same)
    }

    /// Whether a message was deleted, as far as our devices say, whichever of them it was on.
    pub(crate) fn is_deleted(&self, message: &MessageRef, lamport: u64, sent_at: u64) -> bool {
        let name = (self.key).message(lamport, &message.author.to_bytes(), &message.id);
        (lamport <= self.floor.lamport && sent_at <= self.floor.until)
            || self.floor.messages.binary_search(&name).is_ok()
    }

    /// Whether a message that is not here is not taken in.
    pub(crate) fn covers(&self, message: &MessageRef, lamport: u64, sent_at: u64) -> bool {
        let below = self.floor.lamport.max(self.closed);
        (lamport <= below && sent_at <= self.floor.until) || self.names(message)
    }

    /// From which clock on messages of it are asked for.
    pub(crate) fn asked_from(&self) -> u64 {
        let below = self.floor.clock.max(self.floor.lamport);
        if below == 0 {
            0
        } else {
            below.saturating_add(1)
        }
    }

    /// A single message is gone; `told` if the user deleted it, so that our other devices hear of it.
    fn add(&mut self, lamport: u64, message: &MessageRef, sent_at: u64, told: bool) {
        let name = (self.key).message(lamport, &message.author.to_bytes(), &message.id);
        if told {
            self.expired.remove(&name);
            if let Err(place) = self.floor.messages.binary_search(&name) {
                self.floor.messages.insert(place, name);
            }
        } else if self.floor.messages.binary_search(&name).is_err() {
            self.expired.insert(name);
        }
        self.floor.until = self.floor.until.max(sent_at);
        self.make_room();
    }

    /// Names have a bound: the lowest clocks go, and with them the door closes for all up to theirs that is not here.
    fn make_room(&mut self) {
        let over = self.floor.messages.len().saturating_sub(MAX_FLOOR_NAMES);
        for name in self.floor.messages.drain(..over) {
            self.closed = self.closed.max(clock_of(&name));
        }
        while self.expired.len() > MAX_FLOOR_NAMES
            && let Some(name) = self.expired.pop_first()
        {
            self.closed = self.closed.max(clock_of(&name));
        }
    }

    /// What a device of ours, or a deletion here, says is gone too. It does not matter in which order they come. Nothing is gone that is
    /// written after now, whoever says so.
    fn merge(&mut self, other: &Floor, now: u64) {
        let floor = &mut self.floor;
        let ahead = |clock: u64| clock.saturating_add(MAX_LAMPORT_JUMP);
        let clock = other.clock.min(ahead(floor.clock));
        floor.clock = floor.clock.max(clock);
        floor.lamport = floor.lamport.max(other.lamport.min(clock));
        let skew = MAX_CLOCK_SKEW_SECONDS * 1000;
        floor.until = floor.until.max(other.until.min(now.saturating_add(skew)));
        if other.removed.clock <= ahead(floor.removed.clock) {
            floor.removed = floor.removed.max(other.removed);
        }
        if other.timer.lamport <= clock && other.timer > floor.timer {
            floor.timer = other.timer.clone();
        }
        let all: BTreeSet<_> = floor.messages.iter().chain(&other.messages).collect();
        floor.messages = all.into_iter().copied().collect();
        self.expired
            .retain(|name| floor.messages.binary_search(name).is_err());
        self.make_room();
    }

    fn save(&self, store: &mut dyn RowsMut, now: u64) -> Result<(), EngineError> {
        let floor = &self.floor;
        let key = Key::new(&floor.conversation);
        if self.is_new {
            make_room_for_one(store, now)?;
        }
        let expired: Vec<_> = self.expired.iter().copied().collect();
        let row = FloorRow {
            conversation: floor.conversation.to_vec(),
            clock: floor.clock,
            lamport: floor.lamport,
            until: floor.until,
            deleted: floor.messages.concat(),
            expired: expired.concat(),
            closed_lamport: self.closed,
            disappear_after: floor.timer.milliseconds,
            timer_lamport: floor.timer.lamport,
            timer_message_id: floor.timer.message_id.clone(),
            removed_clock: floor.removed.clock,
            removed_by: floor.removed.device_id,
            changed_at: now,
        };
        put_row(store, Table::Floors, key, &row)
    }
}

/// The floor that nobody added to for the longest time goes, if there are as many as there may be.
fn make_room_for_one(store: &mut dyn RowsMut, now: u64) -> Result<(), EngineError> {
    if store.count(Table::Floors)? < MAX_FLOORS {
        return Ok(());
    }
    let rows: Vec<FloorRow> = all_rows(store, Table::Floors)?;
    let oldest = rows
        .iter()
        .min_by_key(|row| (row.changed_at.min(now), row.conversation.clone()));
    if let Some(row) = oldest {
        store.delete(Table::Floors, Key::new(&row.conversation))?;
    }
    Ok(())
}

/// Notes that a single message is gone; `told` if the user deleted it, so that our other devices hear of it.
pub(crate) fn note(
    store: &mut dyn RowsMut,
    which: &Which,
    (message, lamport, sent_at): (&MessageRef, u64, u64),
    told: bool,
    now: u64,
) -> Result<Gone, EngineError> {
    let mut gone = of(store, which)?;
    // A date is its author's to choose, and nobody closes the door to what others will write.
    gone.add(lamport, message, sent_at.min(now), told);
    gone.save(store, now)?;
    Ok(gone)
}

/// Merges what is gone of a conversation; nothing if that is known.
pub(crate) fn merge(
    store: &mut dyn RowsMut,
    other: &Floor,
    now: u64,
) -> Result<Option<Gone>, EngineError> {
    let key = key(store)?;
    let mut gone = load(store, key, other.conversation)?;
    let before = gone.floor.clone();
    gone.merge(other, now);
    if gone.floor == before {
        return Ok(None);
    }
    gone.save(store, now)?;
    Ok(Some(gone))
}

/// The decision by which somebody was last removed from the contacts.
pub(crate) fn removal(store: &dyn Rows, identity: &IdentityKey) -> Result<Decision, EngineError> {
    let gone = find(store, &(*identity, false))?;
    Ok(gone.map(|gone| gone.floor.removed).unwrap_or_default())
}

/// Whether it says anything that the user decided.
fn is_decided(floor: &Floor) -> bool {
    let nothing = Floor {
        conversation: floor.conversation,
        until: floor.until,
        ..Floor::default()
    };
    *floor != nothing
}

/// Forgets what is gone of a conversation, unless it is so by a decision of the user.
pub(crate) fn forget_undecided(store: &mut dyn RowsMut, which: &Which) -> Result<(), EngineError> {
    let floor = of(store, which)?.floor;
    if !is_decided(&floor) {
        store.delete(Table::Floors, Key::new(&floor.conversation))?;
    }
    Ok(())
}

/// What the user deleted, by name: the rows of the store come in no order.
pub(crate) fn all(store: &dyn Rows) -> Result<Vec<Floor>, EngineError> {
    let rows: Vec<FloorRow> = all_rows(store, Table::Floors)?;
    let floors = rows.iter().map(floor_of);
    let mut floors = floors.collect::<Result<Vec<_>, _>>()?;
    floors.retain(is_decided);
    floors.sort_by_key(|floor| floor.conversation);
    Ok(floors)
}

/// Puts a floor of a backup back.
pub(crate) fn restore(store: &mut dyn RowsMut, row: &FloorRow) -> Result<(), EngineError> {
    floor_of(row)?;
    put_row(store, Table::Floors, Key::new(&row.conversation), row)
}
