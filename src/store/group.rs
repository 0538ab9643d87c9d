//! Group commit: writers that come at once share one sync.
//!
//! A writer that sees others waiting commits without a sync and waits; the last of them commits with one, which makes all of them
//! durable. Nobody is told of a commit before it is, and a reader waits for what it saw (docs/store.md, promise 1).

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use super::StoreError;

/// How far commits have come.
#[derive(Debug, Default)]
pub(super) struct Group {
    state: Mutex<State>,
    moved: Condvar,
}

#[derive(Debug, Default)]
struct State {
    /// Writers that were announced and have not got their turn.
    waiting: u64,
    /// Commits so far, synced or not.
    committed: u64,
    /// Commits that are durable; all before them are too.
    durable: u64,
    /// A sync failed: every commit up to here that was not durable is lost.
    failed: u64,
    why: Option<StoreError>,
    #[cfg(test)]
    syncs: u64,
}

/// A writer that has its turn or waits for it. Dropping it gives the turn up.
#[derive(Debug)]
pub(super) struct Turn<'a> {
    group: &'a Group,
    announced: bool,
}

impl Group {
    /// Announces a writer, before it waits for the writers' lock.
    pub(super) fn announce(&self) -> Turn<'_> {
        self.lock().waiting += 1;
        Turn {
            group: self,
            announced: true,
        }
    }

    /// Whether commits wait for somebody's sync.
    pub(super) fn unsynced(&self) -> bool {
        let state = self.lock();
        state.committed > state.durable.max(state.failed)
    }

    /// Gives the next commit its number. Before the commit: whoever can see it already must find its number.
    pub(super) fn number(&self) -> u64 {
        let mut state = self.lock();
        state.committed += 1;
        state.committed
    }

    /// Notes that a commit with a sync is over, which makes all before it durable.
    pub(super) fn synced(&self, number: u64) {
        let mut state = self.lock();
        state.durable = number;
        #[cfg(test)]
        {
            state.syncs += 1;
        }
        self.moved.notify_all();
    }

    /// Notes that the sync failed: what waited for it is lost.
    pub(super) fn failed(&self, why: &StoreError) {
        let mut state = self.lock();
        state.failed = state.committed;
        state.why = Some(why.clone());
        self.moved.notify_all();
    }

    /// The number of the latest commit.
    pub(super) fn latest(&self) -> u64 {
        self.lock().committed
    }

    /// Waits until a commit is durable, or says why it never will be.
    pub(super) fn wait_for(&self, number: u64) -> Result<(), StoreError> {
        let mut state = self.lock();
        loop {
            if state.durable >= number {
                return Ok(());
            }
            if state.failed >= number {
                let why = state.why.clone();
                return Err(why.unwrap_or(StoreError::Closed));
            }
            state = self
                .moved
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// How many writers wait for their turn, and how many syncs there were.
    #[cfg(test)]
    pub(super) fn waiting_and_syncs(&self) -> (u64, u64) {
        let state = self.lock();
        (state.waiting, state.syncs)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Turn<'_> {
    /// The writer has the lock; whether others wait behind it.
    pub(super) fn begin(&mut self) {
        if core::mem::take(&mut self.announced) {
            self.group.lock().waiting -= 1;
        }
    }

    /// Whether somebody else will come who can do the sync.
    pub(super) fn others_wait(&self) -> bool {
        self.group.lock().waiting > 0
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.begin();
    }
}
