//! Group commit: steps that come at once share one transaction and its sync.
//!
//! A writer that sees others coming leaves its transaction open for them and waits; the last of them commits, which makes all of
//! them durable. Nobody is told of a step before it is, and a reader sees nothing that is not (docs/store.md, promise 1).

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

use super::error::StoreError;

/// How often a writer steps aside for each of those who shared the last commit, before it commits without them.
const YIELDS_FOR_EACH: u64 = 4;

/// How far steps have come.
#[derive(Debug, Default)]
pub(super) struct Group {
    state: Mutex<State>,
    moved: Condvar,
}

#[derive(Debug, Default)]
struct State {
    /// Writers that were announced and have not got their turn.
    waiting: u64,
    /// Steps so far, committed or not.
    steps: u64,
    /// Steps that are durable; all before them are too.
    durable: u64,
    /// A commit failed: every step up to here that was not durable is lost.
    failed: u64,
    why: Option<StoreError>,
    /// How many shared the last commit.
    last_size: u64,
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

    /// Whether steps wait for somebody's commit.
    pub(super) fn unsynced(&self) -> bool {
        self.lock().pending() > 0
    }

    /// Counts a step.
    pub(super) fn count(&self) {
        self.lock().steps += 1;
    }

    /// Notes that a commit is over, which makes all steps so far durable.
    pub(super) fn synced(&self) {
        let mut state = self.lock();
        state.last_size = state.pending();
        state.durable = state.steps;
        #[cfg(test)]
        {
            state.syncs += 1;
        }
        self.moved.notify_all();
    }

    /// Notes that the commit failed: what waited for it is lost.
    pub(super) fn failed(&self, why: &StoreError) {
        let mut state = self.lock();
        state.failed = state.steps;
        state.why = Some(why.clone());
        self.moved.notify_all();
    }

    /// The number of the latest step.
    pub(super) fn latest(&self) -> u64 {
        self.lock().steps
    }

    /// Waits until a step is durable, or says why it never will be.
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

impl State {
    fn pending(&self) -> u64 {
        self.steps - self.durable.max(self.failed)
    }

    /// Whether one of those who shared the last commit may still come back, for a writer that stepped aside so often.
    fn may_come_back(&self, yields: u64) -> bool {
        self.pending() < self.last_size && yields < YIELDS_FOR_EACH * self.last_size
    }
}

impl Turn<'_> {
    /// The writer has the lock.
    pub(super) fn begin(&mut self) {
        if core::mem::take(&mut self.announced) {
            self.group.lock().waiting -= 1;
        }
    }

    /// Whether somebody else comes who can commit.
    ///
    /// Those who shared the last commit were woken by it together, and most of them come back at once. The first of them gives
    /// the others the processor, or it would commit alone while they line up.
    pub(super) fn others_come(&self) -> bool {
        let mut yields = 0;
        loop {
            let (waiting, may_come_back) = {
                let state = self.group.lock();
                (state.waiting, state.may_come_back(yields))
            };
            if waiting > 0 {
                return true;
            }
            if !may_come_back {
                return false;
            }
            yields += 1;
            thread::yield_now();
        }
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.begin();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_turn_that_is_given_up_is_waited_for_by_nobody() {
        let group = Group::default();
        let turn = group.announce();
        assert_eq!(group.waiting_and_syncs().0, 1);
        drop(turn);
        assert_eq!(group.waiting_and_syncs().0, 0);
        // One that had its turn is no more waited for when it is over.
        let mut turn = group.announce();
        turn.begin();
        assert_eq!(group.waiting_and_syncs().0, 0);
        drop(turn);
        assert_eq!(group.waiting_and_syncs().0, 0);
    }

    #[test]
    fn a_writer_steps_aside_for_as_many_as_shared_the_last_commit_and_not_for_ever() {
        let state = |last_size: u64, pending: u64| State {
            last_size,
            steps: 10 + pending,
            durable: 10,
            ..State::default()
        };
        let alone = state(1, 1);
        assert!(!alone.may_come_back(0));
        let two_of_three = state(3, 2);
        assert!(two_of_three.may_come_back(0));
        assert!(two_of_three.may_come_back(3 * YIELDS_FOR_EACH - 1));
        assert!(!two_of_three.may_come_back(3 * YIELDS_FOR_EACH));
        let all_three = state(3, 3);
        assert!(!all_three.may_come_back(0));
    }

    #[test]
    fn what_a_failed_commit_lost_is_told_to_those_who_waited_and_to_nobody_later() {
        let group = Group::default();
        group.count();
        group.synced();
        group.count();
        assert!(group.unsynced());
        group.failed(&StoreError::DiskFull);
        assert!(!group.unsynced());
        assert_eq!(group.wait_for(1), Ok(()));
        assert_eq!(group.wait_for(2), Err(StoreError::DiskFull));
        group.count();
        assert!(group.unsynced());
        group.synced();
        assert_eq!(group.wait_for(3), Ok(()));
    }
}
