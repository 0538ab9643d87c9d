//! When upkeep was last done.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::engine::base::due;

/// How long what is dead stays readable at most, while the client is in use, however often it is opened anew.
pub(super) const SHRED_INTERVAL: u64 = 3_600_000;
/// How often is looked at what is due.
pub(super) const ROUND_INTERVAL: u64 = 600_000;

/// When things were last done, in milliseconds since the epoch.
pub(super) struct Timetable {
    pub(super) shredded_at: AtomicU64,
    pub(super) round_at: AtomicU64,
    /// When the next message that the user scheduled is due; [`u64::MAX`] for none.
    pub(super) scheduled_at: AtomicU64,
}

impl Timetable {
    pub(super) fn since(shredded_at: u64) -> Self {
        Self {
            // As the store knows it: a process that never lives for an hour is to shred too.
            shredded_at: AtomicU64::new(shredded_at),
            // The first round comes with the first call: it may be long since the client was last open.
            round_at: AtomicU64::new(0),
            // It says what is due.
            scheduled_at: AtomicU64::new(u64::MAX),
        }
    }

    /// Whether a scheduled message is due. One of several threads is told so, and says when the next is.
    pub(super) fn takes_scheduled(&self, now: u64) -> bool {
        let at = self.scheduled_at.load(Ordering::Relaxed);
        at <= now
            && (self.scheduled_at)
                .compare_exchange(at, u64::MAX, Ordering::Relaxed, Ordering::Relaxed)
                .is_ok()
    }

    /// A message is due at a time, which may be the first.
    pub(super) fn note_scheduled(&self, at: u64) {
        self.scheduled_at.fetch_min(at, Ordering::Relaxed);
    }
}

/// Whether it is time again. One of several threads is told so.
pub(super) fn is_due(at: &AtomicU64, interval: u64, now: u64) -> bool {
    let last = at.load(Ordering::Relaxed);
    due::is_over(last, interval, now)
        && at
            .compare_exchange(last, now, Ordering::Relaxed, Ordering::Relaxed)
            .is_ok()
}
