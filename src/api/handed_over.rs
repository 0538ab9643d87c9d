//! Envelopes that the transport has taken over, and whose rows are still there.

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// As many are deleted at once, however little else is written.
const MAX_HANDED_OVER: usize = 1_000;

/// Their numbers. A row is deleted with the next step that is made durable, since a commit for it alone costs as much as a message. Until then
/// nobody is shown it; after a crash it is there again, and what is delivered twice is taken in once.
#[derive(Debug, Default)]
pub(super) struct HandedOver(Mutex<BTreeSet<u64>>);

impl HandedOver {
    /// Adds some; whether they are so many that they are to be deleted now.
    pub(super) fn add(&self, ids: impl IntoIterator<Item = u64>) -> bool {
        let mut all = self.lock();
        all.extend(ids);
        all.len() >= MAX_HANDED_OVER
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
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
