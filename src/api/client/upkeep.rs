//! What has to happen now and then, without anyone asking for it.

use std::sync::atomic::Ordering;

use super::timetable::{ROUND_INTERVAL, SHRED_INTERVAL, is_due};
use super::{Client, Stop};
use crate::api::Result;
use crate::engine::steps::upkeep;

#[cfg_attr(feature = "uniffi", uniffi::export)]
impl Client {
    /// Does what is due by now: sends again what nobody acknowledged, asks again for what is missing, replaces old prekeys, deletes
    /// what is to disappear. Every other call does it too, when it was not done for ten minutes; so only a program that waits for
    /// long without calling anything needs a timer for it. Look at the outbox afterwards.
    pub fn maintain(&self) -> Result<()> {
        let now = self.store.0.now();
        self.timetable.round_at.store(now, Ordering::Relaxed);
        self.maintain_at(now)
    }
}

impl Client {
    /// Does what is due, when it is time again.
    pub(crate) fn maintain_if_due(&self) -> Result<()> {
        let now = self.store.0.now();
        if is_due(&self.timetable.shredded_at, SHRED_INTERVAL, now) {
            self.store.shred()?;
        }
        if is_due(&self.timetable.round_at, ROUND_INTERVAL, now) {
            self.maintain_at(now)?;
        }
        Ok(())
    }

    fn maintain_at(&self, now: u64) -> Result<()> {
        if self.rollback_to_heal.swap(false, Ordering::Relaxed) {
            self.step(upkeep::note_rollback)?;
        }
        // Else they would count as under way.
        self.store.delete_handed_over()?;
        let due = self.read(|rows| Ok(upkeep::plan(rows, now)?))?;
        let done = self.step(|step| {
            // Else there is nothing to pay a sync for.
            let told = upkeep::maintain(step, &due)?;
            told.ok_or(Stop::Unchanged(Vec::new()))
        });
        match done {
            Ok(outcomes) => {
                self.tell_outcomes_later(outcomes);
                Ok(())
            }
            Err(Stop::Unchanged(_)) => Ok(()),
            Err(Stop::Error(error)) => Err(error),
        }
    }
}
