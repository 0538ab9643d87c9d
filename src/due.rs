//! Dates that lie ahead of now (RFC windlass §8.7). A clock may be wrong, for a minute or for a day, by years: what it dated then must not hold
//! anything up for as long, nor keep anything. All times are milliseconds since 1970-01-01T00:00:00Z.
//!
//! Every comparison of a date in a row with now is one of these, or one of `engine::base::clock::Clock`; `engine::base::dates` lists the rows.

use crate::limits::MAX_CLOCK_SKEW_SECONDS;

/// How far ahead of now a date of something that happened may be: a clock that is put right goes back by no more.
pub(crate) const TOLERANCE: u64 = MAX_CLOCK_SKEW_SECONDS * 1000;

/// Whether something that happened is dated further ahead than it can honestly be.
pub(crate) fn is_ahead(date: u64, now: u64) -> bool {
    date > now.saturating_add(TOLERANCE)
}

/// Whether an interval is over that began at a date. One that begins further ahead than the clock can have been put back within it counts as over.
pub(crate) fn is_over(since: u64, interval: u64, now: u64) -> bool {
    let ahead = since.saturating_sub(now);
    now.saturating_sub(since) >= interval || ahead > TOLERANCE || (ahead != 0 && ahead >= interval)
}

/// Whether a date has come that was set at most `at_most` ahead. One that is further ahead counts as come.
pub(crate) fn has_come(at: u64, at_most: u64, now: u64) -> bool {
    at <= now || is_ahead(at, now.saturating_add(at_most))
}

/// Whether what is dated so takes the place of the same of another date: the later one does, but nothing that lies ahead of now that of what does
/// not, or a clock that was wrong once would have the last word for as long.
pub(crate) fn takes_place(date: u64, known: u64, now: u64) -> bool {
    let rank = |date| (!is_ahead(date, now), date);
    rank(date) > rank(known)
}

/// The date of what takes the place of something of a known date now.
pub(crate) fn next_date(known: u64, now: u64) -> u64 {
    if is_ahead(known, now) {
        return now;
    }
    now.max(known.saturating_add(1))
}

/// Whether something was so by a time, of which it is known since when. What is dated ahead of now was so before: by a clock that was wrong.
pub(crate) fn was_by(since: u64, time: u64, now: u64) -> bool {
    since <= time || is_ahead(since, now)
}

/// Of two times since when something is known, that of which it is known for longer. What is dated ahead of now was noted before a clock was put
/// back, and a date of now is not earlier than that because it is less: when the clock is right it is found out to be later.
pub(crate) fn known_longer(since: u64, other: u64, now: u64) -> u64 {
    std::cmp::min_by_key(since, other, |date| (!is_ahead(*date, now), *date))
}

/// A date of something that is kept from then on: one that lies ahead becomes now, so that it is kept no longer than from now on. True if it was.
pub(crate) fn pull_back(date: &mut u64, now: u64) -> bool {
    let ahead = is_ahead(*date, now);
    if ahead {
        *date = now;
    }
    ahead
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: u64 = 3_600_000;
    const DAY: u64 = 24 * HOUR;
    const NOW: u64 = 20_000 * DAY;

    #[test]
    fn an_interval_that_begins_ahead_of_now_is_over() {
        assert!(!is_over(NOW, HOUR, NOW));
        assert!(!is_over(NOW - HOUR + 1, HOUR, NOW));
        assert!(is_over(NOW - HOUR, HOUR, NOW));
        // A clock that was put back a little makes it longer by that, and no more.
        assert!(!is_over(NOW + HOUR - 1, HOUR, NOW));
        assert!(is_over(NOW + HOUR, HOUR, NOW));
        assert!(!is_over(NOW + DAY, 7 * DAY, NOW));
        assert!(is_over(NOW + DAY + 1, 7 * DAY, NOW));
        assert!(is_over(u64::MAX, u64::MAX, NOW));
    }

    #[test]
    fn what_a_wrong_clock_dated_ahead_was_so_before() {
        assert!(was_by(NOW, NOW, NOW));
        assert!(!was_by(NOW, NOW - 1, NOW));
        assert!(was_by(NOW + 2 * DAY, NOW - DAY, NOW));
    }

    #[test]
    fn of_two_times_the_one_counts_since_when_something_is_known_for_longer() {
        assert_eq!(known_longer(NOW, NOW - HOUR, NOW), NOW - HOUR);
        for wrong in [NOW + 2 * DAY, NOW + 4_000 * DAY] {
            assert_eq!(known_longer(wrong, NOW, NOW), wrong);
            assert_eq!(known_longer(NOW, wrong, NOW), wrong);
        }
    }

    #[test]
    fn a_date_that_was_set_further_ahead_than_it_can_be_has_come() {
        assert!(has_come(NOW, HOUR, NOW));
        assert!(!has_come(NOW + 1, HOUR, NOW));
        assert!(!has_come(NOW + HOUR + DAY, HOUR, NOW));
        assert!(has_come(NOW + HOUR + DAY + 1, HOUR, NOW));
    }

    #[test]
    fn of_two_dates_the_later_counts_unless_it_cannot_be() {
        let wrong = NOW + 4_000 * DAY;
        assert!(takes_place(NOW, NOW - 1, NOW) && !takes_place(NOW - 1, NOW, NOW));
        assert!(!takes_place(NOW, NOW, NOW));
        assert!(!takes_place(wrong, NOW, NOW) && takes_place(NOW, wrong, NOW));
        for known in [0, NOW - DAY, NOW, NOW + HOUR, wrong] {
            let next = next_date(known, NOW);
            assert!(takes_place(next, known, NOW) && !is_ahead(next, NOW + HOUR));
        }
    }

    #[test]
    fn what_is_kept_is_kept_from_now_on() {
        let mut date = NOW + 4_000 * DAY;
        assert!(pull_back(&mut date, NOW) && date == NOW);
        assert!(!pull_back(&mut date, NOW));
    }
}
