//! What this device wrote and nobody has taken yet (decision 0105).

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::api::ChangeListener;
use crate::wire::store::feed_row;

/// So many changes wait to be taken. Who has not taken them by then reads anew what is shown.
pub(super) const MOST_CHANGES: usize = 1_000;

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

    /// Who is told from now on. With nobody what was not taken is forgotten.
    pub(super) fn set_listener(&self, listener: Option<Arc<dyn ChangeListener>>) {
        let ends = listener.is_none();
        let current = self.listener.lock();
        *current.unwrap_or_else(PoisonError::into_inner) = listener;
        if ends {
            *self.waiting() = Waiting::default();
        }
    }

    /// The oldest, and how many were dropped before them.
    pub(super) fn take(&self, limit: usize) -> (u64, Vec<feed_row::Event>) {
        self.waiting().take(limit)
    }

    /// So many were taken, and could not be told.
    pub(super) fn miss(&self, count: u64) {
        let mut waiting = self.waiting();
        waiting.missed = waiting.missed.saturating_add(count);
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

    fn take(&mut self, limit: usize) -> (u64, Vec<feed_row::Event>) {
        let count = self.changes.len().min(limit);
        let taken = self.changes.drain(..count).map(|(_, change)| change);
        (core::mem::take(&mut self.missed), taken.collect())
    }
}
