//! What has to happen now and then, without anyone asking for it.

use std::sync::atomic::{AtomicU64, Ordering};

use super::{Client, Stop};
use crate::api::Result;
use crate::api::engine::{
    Moment, ageing, contacts, due, expiries, healing, prekeys, trust, unhandled,
};

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
    pub fn keep_up_now(&self) -> Result<()> {
        let now = self.store.0.now();
        self.upkeep.round_at.store(now, Ordering::Relaxed);
        self.round(now)
    }
}

impl Client {
    /// Does what is due, when it is time again.
    pub(in crate::api) fn keep_up(&self) -> Result<()> {
        let now = self.store.0.now();
        if is_due(&self.upkeep.shredded_at, SHRED_INTERVAL, now) {
            self.store.0.shred()?;
        }
        if is_due(&self.upkeep.round_at, ROUND_INTERVAL, now) {
            self.round(now)?;
        }
        Ok(())
    }

    /// The store was put back from an older copy: everybody may have what is not here any more.
    fn suspect_everything(&self) -> Result<()> {
        self.store.0.write(|writer| {
            healing::suspect(writer, &self.device.public(), 0)?;
            for contact in contacts::all(writer)? {
                healing::suspect(writer, &contact.identity, 0)?;
            }
            Ok(())
        })
    }

    fn round(&self, now: u64) -> Result<()> {
        if self.rollback_to_heal.swap(false, Ordering::Relaxed) {
            self.suspect_everything()?;
        }
        let found = self.store.0.read(|reader| due::look(reader, now))?;
        let mut moment = Moment::of(&self.store.0)?;
        let done = self.store.0.write(|writer| {
            let mut changed = !found.is_empty();
            changed |= prekeys::rotate(writer, &mut moment)?;
            changed |= prekeys::erase_old(writer, now)?;
            changed |= ageing::erase_old(writer, now)?;
            changed |= trust::erase_old(writer, now)?;
            changed |= unhandled::forget_gone(writer)?;
            changed |= expiries::expire(writer, now)? > 0;
            due::carry_on(writer, &self.device, found, &mut moment)?;
            if changed {
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
