//! What this device wrote, for who shows it (decision 0105).

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::Client;
use crate::api::{ChangeListener, Event, Result};
use crate::engine::sync::feed;
use crate::wire::store::feed_row;

/// So many changes wait to be taken. Who has not taken them by then reads anew what is shown.
const MOST_CHANGES: usize = 1_000;

/// What waits to be taken: what changed, and not what it says.
#[derive(Default)]
pub(super) struct Changes {
    /// In which order steps were committed. Of two threads the later one may be the first to tell.
    order: AtomicU64,
    waiting: Mutex<Waiting>,
    listener: Mutex<Option<Arc<dyn ChangeListener>>>,
}

#[derive(Default)]
struct Waiting {
    changes: VecDeque<(u64, feed_row::Event)>,
    /// How many were dropped.
    missed: u64,
}

impl Changes {
    /// The number of a step. To be drawn while it has the store for itself.
    pub(super) fn number(&self) -> u64 {
        self.order.fetch_add(1, Ordering::Relaxed)
    }

    /// What a step changed, which is durable now.
    pub(super) fn tell(&self, number: u64, changes: Vec<feed_row::Event>) {
        if changes.is_empty() {
            return;
        }
        let listener = self.listener.lock();
        // Not within the lock: it may set another one, or write.
        let listener = listener.unwrap_or_else(PoisonError::into_inner).clone();
        // Without anybody who takes it nothing is kept.
        let Some(listener) = listener else {
            return;
        };
        self.waiting().put(number, changes);
        listener.on_change();
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Waiting {
    fn put(&mut self, number: u64, changes: Vec<feed_row::Event>) {
        let behind = |(other, _): &(u64, _)| *other < number;
        let at = self.changes.iter().rposition(behind).map_or(0, |at| at + 1);
        let later = self.changes.split_off(at);
        self.changes
            .extend(changes.into_iter().map(|change| (number, change)));
        self.changes.extend(later);
        if self.changes.len() > MOST_CHANGES {
            self.missed = self.missed.saturating_add(self.changes.len() as u64);
            self.changes.clear();
        }
    }

    /// The oldest, and how many were dropped before them.
    fn take(&mut self, limit: usize) -> (u64, Vec<feed_row::Event>) {
        let count = self.changes.len().min(limit);
        let taken = self.changes.drain(..count).map(|(_, change)| change);
        (core::mem::take(&mut self.missed), taken.collect())
    }
}

#[cfg_attr(feature = "uniffi", uniffi::export)]
impl Client {
    /// Who is told from now on when this device wrote, changed or deleted something that is shown, by whatever call; nobody any more without a
    /// listener, and what was not taken is forgotten.
    pub fn set_change_listener(&self, listener: Option<Arc<dyn ChangeListener>>) {
        let ends = listener.is_none();
        let current = self.changes.listener.lock();
        *current.unwrap_or_else(PoisonError::into_inner) = listener;
        if ends {
            *self.changes.waiting() = Waiting::default();
        }
    }
}

exported! {
impl Client {
    /// What this device wrote, changed or deleted since there is a listener (`set_change_listener`), as the events that another device of ours would be
    /// told: `Message`, `Edited`, `Deleted`, `Reacted`, `Pinned`, `Read` by our own address, `DisappearingChanged`, `GroupChanged`,
    /// `ConversationDeleted`, `ChatSettingsChanged`, `ProfileChanged`. Each once, in their order, at most `limit`; a message is as it is now, and what is
    /// gone already is left out. What the user read on another device is told here too. Of more than 1,000 that nobody took `Missed` is told. Take until
    /// there is none.
    #[uniffi::method(default(limit = 100))]
    pub fn take_changes(&self, limit: u32) -> Result<Vec<Event>> {
        let own = self.device.public();
        let limit = (limit as usize).clamp(1, MOST_CHANGES);
        let mut told = Vec::new();
        // As long as something is left there is something to tell: who takes knows the end by that.
        while told.is_empty() {
            let (missed, taken) = self.changes.waiting().take(limit);
            if missed == 0 && taken.is_empty() {
                break;
            }
            let count = taken.len() as u64;
            let outcomes = self.read(|rows| {
                let now = taken.iter().map(|change| feed::change(rows, &own, change));
                Ok(now.collect::<core::result::Result<Vec<_>, _>>()?)
            });
            let outcomes = outcomes.inspect_err(|_| {
                // They are not there any more, and nobody was told.
                let mut waiting = self.changes.waiting();
                waiting.missed = waiting.missed.saturating_add(missed + count);
            })?;
            if missed != 0 {
                told.push(Event::Missed { events: missed });
            }
            let outcomes = outcomes.into_iter().flatten();
            told.extend(outcomes.map(|outcome| Event::from_outcome(outcome, &own)));
        }
        Ok(told)
    }
}
}
