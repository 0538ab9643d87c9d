//! What has to happen now and then, without anyone asking for it.

use std::sync::atomic::Ordering;
use std::time::SystemTime;

use super::timetable::{ROUND_INTERVAL, SHRED_INTERVAL, is_due};
use super::{Client, Stop};
use crate::api::clock::time;
use crate::api::{Result, WindlassError};
use crate::engine::base::error::EngineError;
use crate::engine::steps::{scheduled, upkeep};

#[cfg_attr(feature = "uniffi", uniffi::export)]
impl Client {
    /// Does what is due by now: sends again what nobody acknowledged, asks again for what is missing, replaces old prekeys, deletes
    /// what is to disappear, sends what was scheduled. Every other call does it too, when it was not done for ten minutes; so only a program that waits for
    /// long without calling anything needs a timer for it. Look at the outbox afterwards.
    pub fn maintain(&self) -> Result<()> {
        let now = self.store.0.now();
        self.timetable.round_at.store(now, Ordering::Relaxed);
        self.maintain_at(now)
    }

    /// Does what is due by now, as every call does, and says when the next message is due that the user scheduled (`Conversation.send_at`); nothing if
    /// none is. A program that waits for long without calling anything sets a timer for it, and calls this again; `Sync` and its like do.
    pub fn next_due(&self) -> Result<Option<SystemTime>> {
        self.maintain_if_due()?;
        let now = self.store.0.now();
        let (due, next) = self.read(|rows| Ok(scheduled::due(rows, now)?))?;
        // What another call is sending at this moment is due now.
        let at = if due.is_empty() { next } else { Some(now) };
        Ok(at.map(time))
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
        if self.timetable.takes_scheduled(now) {
            self.send_scheduled(now)?;
        }
        Ok(())
    }

    /// A message is due at a time.
    pub(in crate::api) fn note_scheduled(&self, at: u64) {
        self.timetable.note_scheduled(at);
    }

    /// Sends the messages whose time has come, each in a step of its own: one that is refused takes nothing along.
    fn send_scheduled(&self, now: u64) -> Result<()> {
        let sent = self.send_due(now);
        if sent.is_err() {
            // The next call tries again.
            self.timetable.note_scheduled(now);
        }
        sent
    }

    fn send_due(&self, now: u64) -> Result<()> {
        let (due, next) = self.read(|rows| Ok(scheduled::due(rows, now)?))?;
        if let Some(at) = next {
            self.timetable.note_scheduled(at);
        }
        for name in &due {
            match self.step(|step| scheduled::send(step, name)) {
                Ok(_) => {}
                Err(EngineError::Store(error)) => return Err(error.into()),
                Err(refused) => {
                    let code = WindlassError::from(refused).code();
                    self.step(|step| Ok::<_, WindlassError>(scheduled::fail(step, name, &code)?))?;
                }
            }
        }
        Ok(())
    }

    fn maintain_at(&self, now: u64) -> Result<()> {
        if self.rollback_to_heal.swap(false, Ordering::Relaxed) {
            self.step(upkeep::note_rollback)?;
        }
        // Else they would count as under way.
        self.store.delete_handed_over()?;
        self.send_scheduled(now)?;
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
