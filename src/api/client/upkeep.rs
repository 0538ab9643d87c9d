//! What has to happen now and then, without anyone asking for it.

use std::sync::atomic::{AtomicU64, Ordering};

use super::{Client, Stop};
use crate::api::Result;
use crate::engine::steps::upkeep;

/// How long what is dead stays readable at most, while the client is in use, however often it is opened anew.
const SHRED_INTERVAL: u64 = 3_600_000;
/// How often is looked at what is due.
const ROUND_INTERVAL: u64 = 600_000;

/// When things were last done, in milliseconds since the epoch.
pub(super) struct Upkeep {
    shredded_at: AtomicU64,
    round_at: AtomicU64,
}

impl Upkeep {
    pub(super) fn since(shredded_at: u64) -> Self {
        Self {
            // As the store knows it: a process that never lives for an hour is to shred too.
            shredded_at: AtomicU64::new(shredded_at),
            // The first round comes with the first call: it may be long since the client was last open.
            round_at: AtomicU64::new(0),
        }
    }
}

/// Whether it is time again. One of several threads is told so.
fn is_due(at: &AtomicU64, interval: u64, now: u64) -> bool {
    let last = at.load(Ordering::Relaxed);
    now.abs_diff(last) >= interval
        && at
            .compare_exchange(last, now, Ordering::Relaxed, Ordering::Relaxed)
            .is_ok()
}

#[uniffi::export]
impl Client {
    /// Does what is due by now: sends again what nobody acknowledged, asks again for what is missing, replaces old prekeys, deletes
    /// what is to disappear. Every other call does it too, when it was not done for ten minutes; so only a program that waits for
    /// long without calling anything needs a timer for it. Look at the outbox afterwards.
    pub fn maintain(&self) -> Result<()> {
        let now = self.store.0.now();
        self.upkeep.round_at.store(now, Ordering::Relaxed);
        self.maintain_at(now)
    }
}

impl Client {
    /// Does what is due, when it is time again.
    pub(crate) fn maintain_if_due(&self) -> Result<()> {
        let now = self.store.0.now();
        if is_due(&self.upkeep.shredded_at, SHRED_INTERVAL, now) {
            self.store.0.shred()?;
        }
        if is_due(&self.upkeep.round_at, ROUND_INTERVAL, now) {
            self.maintain_at(now)?;
        }
        Ok(())
    }

    fn maintain_at(&self, now: u64) -> Result<()> {
        if self.rollback_to_heal.swap(false, Ordering::Relaxed) {
            self.step(upkeep::note_rollback)?;
        }
        let due = self.read(|rows| Ok(upkeep::plan(rows, now)?))?;
        let done = self.step(|step| {
            if upkeep::maintain(step, &due)? {
                Ok(())
            } else {
                // Nothing to pay a sync for.
                Err(Stop::Unchanged(Vec::new()))
            }
        });
        match done {
            Ok(()) | Err(Stop::Unchanged(_)) => Ok(()),
            Err(Stop::Error(error)) => Err(error),
        }
    }
}
