//! Envelopes that the transport has taken over, and whose rows are still there.

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

/// As many are deleted at once, however little else is written.
const MAX_HANDED_OVER: usize = 1_000;

/// Their numbers. A row is deleted with the next step that is made durable, since a commit for it alone costs as much as a message. Until then
/// nobody is shown it; after a crash it is there again, and what is delivered twice is taken in once.
///
/// What waited already when the store was opened may have come again by such a crash: it is deleted at once. A process that is killed each time
/// before its next write would send it for ever, and once it is more turns late than its session keeps keys for, nobody knows the repeat.
#[derive(Debug, Default)]
pub(super) struct HandedOver {
    taken: Mutex<BTreeSet<u64>>,
    /// What is queued here has higher numbers; unset, nothing was queued yet.
    queued_after: OnceLock<u64>,
}

impl HandedOver {
    /// The last number of the outbox before a step of this process, which is asked for once: the first one counts.
    pub(super) fn queued_after<E>(
        &self,
        last: impl FnOnce() -> core::result::Result<u64, E>,
    ) -> core::result::Result<(), E> {
        if self.queued_after.get().is_none() {
            let last = last()?;
            self.queued_after.get_or_init(|| last);
        }
        Ok(())
    }

    /// Adds some; whether they are to be deleted now, being of an earlier process or so many.
    pub(super) fn add(&self, ids: Vec<u64>) -> bool {
        let queued_here = |id: &u64| self.queued_after.get().is_some_and(|last| id > last);
        let earlier = !ids.iter().all(queued_here);
        let mut all = self.lock();
        all.extend(ids);
        earlier || all.len() >= MAX_HANDED_OVER
    }

    /// Which there are.
    pub(super) fn ids(&self) -> Vec<u64> {
        self.lock().iter().copied().collect()
    }

    /// These are deleted, and that is durable.
    pub(super) fn forget(&self, ids: &[u64]) {
        let mut all = self.lock();
        for id in ids {
            all.remove(id);
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeSet<u64>> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
