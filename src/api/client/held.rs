//! Receipts that wait for the answer of a program, and no longer than that is worth.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::engine::base::due;

/// How long an answer is waited for.
const PATIENCE: u64 = 1_000;

/// Since when receipts are held back, and where these are.
pub(super) struct HeldReceipts {
    /// When the first of them came, in milliseconds since the epoch; 0 if there is none.
    since: AtomicU64,
    /// None is of a message with this number, or a lower one.
    after: AtomicU64,
}

impl HeldReceipts {
    pub(super) fn new() -> Self {
        Self {
            // What a process that died has left is looked for with the first look at the outbox.
            since: AtomicU64::new(1),
            after: AtomicU64::new(0),
        }
    }

    /// A receipt is held back from now on.
    pub(super) fn note(&self, now: u64) {
        let (none, order) = (0, Ordering::Relaxed);
        // What is there already is older.
        let _ = self.since.compare_exchange(none, now.max(1), order, order);
    }

    /// Whether the answer was waited for long enough.
    pub(super) fn are_due(&self, now: u64) -> bool {
        let since = self.since.load(Ordering::Relaxed);
        since != 0 && due::is_over(since, PATIENCE, now)
    }

    /// Whether there are any; none is noted from now on.
    pub(super) fn take(&self) -> bool {
        self.since.swap(0, Ordering::Relaxed) != 0
    }

    /// None is of a message with this number, or a lower one.
    pub(super) fn after(&self) -> u64 {
        self.after.load(Ordering::Relaxed)
    }

    /// They were sent, up to this message.
    pub(super) fn sent(&self, last: u64) {
        self.after.fetch_max(last, Ordering::Relaxed);
    }
}
