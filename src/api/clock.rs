//! The one place that reads the wall clock.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Milliseconds since 1970-01-01T00:00:00Z; 0 for a clock that is set before.
pub(super) fn now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| {
            u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
        })
}

/// The latest time that every language's type can show: 9999-12-31T23:59:59Z.
const LATEST_SECONDS: u64 = 253_402_300_799;

/// Milliseconds since the epoch as a time. A stranger's bytes may name any, so those beyond the year 9999 are shown as its end.
pub(super) fn time(milliseconds: u64) -> SystemTime {
    let latest = LATEST_SECONDS * 1000;
    UNIX_EPOCH + Duration::from_millis(milliseconds.min(latest))
}

/// Seconds since the epoch as a time.
pub(super) fn time_of_seconds(seconds: u64) -> SystemTime {
    time(seconds.saturating_mul(1000))
}
