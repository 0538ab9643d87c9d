//! Receipts that wait for the answer of a program, and no longer than that is worth.

use std::sync::atomic::{AtomicU64, Ordering};

use super::Client;
use crate::api::Result;
use crate::engine::base::due;
use crate::engine::history::unhandled;
use crate::engine::sync::receipts;

/// How long an answer is waited for.
const PATIENCE: u64 = 1_000;
/// How many messages are looked at in one transaction.
const PAGE: usize = 1_000;

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
}

impl Client {
    /// Sends what was held back for long enough.
    pub(super) fn send_receipts_if_due(&self) -> Result<()> {
        let since = self.held_receipts.since.load(Ordering::Relaxed);
        if since == 0 || !due::is_over(since, PATIENCE, self.store.0.now()) {
            return Ok(());
        }
        self.send_held_receipts()
    }

    /// Sends what is held back. Each message that waits is looked at once for it, however many there are.
    pub(super) fn send_held_receipts(&self) -> Result<()> {
        let held = &self.held_receipts;
        // First: what comes meanwhile is noted again.
        if held.since.swap(0, Ordering::Relaxed) == 0 {
            return Ok(());
        }
        let sent = self.send_those_above(held.after.load(Ordering::Relaxed));
        if sent.is_err() {
            held.note(1);
        }
        sent
    }

    fn send_those_above(&self, mut after: u64) -> Result<()> {
        loop {
            let found = self.read(|rows| Ok(unhandled::receipts_due(rows, after, PAGE)?))?;
            let (numbers, Some(last)) = found else {
                return Ok(());
            };
            if !numbers.is_empty() {
                self.write(|step| {
                    Ok::<_, crate::api::WindlassError>(receipts::send_held(step, &numbers)?)
                })?;
            }
            after = last;
            self.held_receipts.after.fetch_max(last, Ordering::Relaxed);
        }
    }
}
