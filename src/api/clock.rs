//! Times as the languages' own types.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::limits::MAX_TIME_SECONDS;

/// Milliseconds since the epoch as a time. A stranger's bytes may name any, so those beyond the year 9999 are shown as its end.
pub(super) fn time(milliseconds: u64) -> SystemTime {
    let latest = MAX_TIME_SECONDS * 1000;
    UNIX_EPOCH + Duration::from_millis(milliseconds.min(latest))
}

/// Seconds since the epoch as a time.
pub(super) fn time_of_seconds(seconds: u64) -> SystemTime {
    time(seconds.saturating_mul(1000))
}
