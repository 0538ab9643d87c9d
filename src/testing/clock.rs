//! Clocks to test by.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

#[cfg(not(target_arch = "wasm32"))]
pub(super) use crate::store::machine_now;

/// A clock that stands still until it is set; milliseconds since the epoch.
#[derive(Debug, Clone)]
pub struct Clock {
    time: Arc<AtomicU64>,
    /// By how much it is wrong: ahead, or behind below zero.
    ahead: Arc<AtomicI64>,
}

impl Clock {
    /// A clock that shows this time.
    #[must_use]
    pub fn at(now: u64) -> Self {
        Self {
            time: Arc::new(AtomicU64::new(now)),
            ahead: Arc::default(),
        }
    }

    /// Another clock that goes with this one, and is right until it is set wrong.
    #[must_use]
    pub fn another(&self) -> Self {
        Self {
            time: Arc::clone(&self.time),
            ahead: Arc::default(),
        }
    }

    /// What it shows.
    #[must_use]
    pub fn now(&self) -> u64 {
        let time = self.time.load(Ordering::Relaxed);
        time.saturating_add_signed(self.ahead.load(Ordering::Relaxed))
    }

    /// Moves it forward, and whatever goes with it.
    pub fn advance(&self, milliseconds: u64) {
        self.time.fetch_add(milliseconds, Ordering::Relaxed);
    }

    /// From now on it is wrong by so many milliseconds: ahead, or behind if they are below zero.
    pub fn set_ahead(&self, milliseconds: i64) {
        self.ahead.store(milliseconds, Ordering::Relaxed);
    }
}

/// A machine whose clock nobody asks.
#[cfg(target_arch = "wasm32")]
pub(super) fn machine_now() -> u64 {
    0
}
