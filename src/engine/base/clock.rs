//! What this device's clock did: the stretches of time in which it went on as clocks do, and what it dated while it was wrong (RFC windlass §8.7).
//!
//! A clock that leaps and then comes back to where it was before was wrong meanwhile. What it dated then is read as dated when it was really
//! written, as nearly as that can be known: rows are not written again for it. A clock that leaps ahead is not believed at once: for a day nothing is
//! erased because of its age.

use crate::engine::base::due;
use crate::engine::base::error::EngineError;
use crate::engine::base::rows::{get_row, put_row};
use crate::engine::base::singletons::CLOCK;
use crate::limits::{CLOCK_LEAP_SECONDS, CLOCK_PATIENCE_SECONDS, CLOCK_PROOF_SECONDS};
use crate::store::{Rows, RowsMut, Table};
use crate::wire::store::{ClockCorrectionRow, ClockRow, ClockStretchRow};

const LEAP: u64 = CLOCK_LEAP_SECONDS * 1000;
const PATIENCE: u64 = CLOCK_PATIENCE_SECONDS * 1000;
const PROVED: u64 = CLOCK_PROOF_SECONDS * 1000;

/// How exactly the end of a stretch is known: so often it is written down.
const STEP: u64 = 600_000;

/// Stretches, and corrections, that are remembered.
const MAX_REMEMBERED: usize = 8;

/// The time as it is now, and what is known of the clock that tells it.
pub(crate) struct Clock {
    pub(crate) now: u64,
    row: ClockRow,
}

impl Clock {
    pub(crate) fn read(store: &dyn Rows, now: u64) -> Result<Self, EngineError> {
        let mut row = row(store)?;
        // A round is planned on a snapshot, before any step has looked at the clock.
        advance(&mut row, now);
        Ok(Self { now, row })
    }

    /// When something happened that was given this date.
    pub(crate) fn real(&self, date: u64) -> u64 {
        let corrections = self.row.corrections.iter();
        let mut found = corrections.filter(|one| (one.from..=one.to).contains(&date));
        found.next().map_or(date, |one| {
            if one.back {
                date.saturating_sub(one.by)
            } else {
                date.saturating_add(one.by)
            }
        })
    }

    /// Whether an interval is over since something happened, as [`due::is_over`] has it.
    pub(crate) fn is_over(&self, since: u64, interval: u64) -> bool {
        due::is_over(self.real(since), interval, self.now)
    }

    /// Whether something happened further ahead than it can have.
    pub(crate) fn is_ahead(&self, date: u64) -> bool {
        due::is_ahead(self.real(date), self.now)
    }

    /// Whether something was so by a time, of which it is known since when, as [`due::was_by`] has it.
    pub(crate) fn was_by(&self, since: u64, time: u64) -> bool {
        due::was_by(self.real(since), self.real(time), self.now)
    }

    /// Whether what is kept for a while may be erased: not as long as the clock may be wrong, nor what lies ahead of now.
    pub(crate) fn may_erase(&self, since: u64, retention: u64) -> bool {
        self.is_settled() && self.now.saturating_sub(self.real(since)) >= retention
    }

    /// When a moment comes that the user chose at a time: as long after it as it was then, by whatever clock that was.
    pub(crate) fn comes_to(&self, chosen: u64, set_at: u64) -> u64 {
        let wait = chosen.saturating_sub(set_at);
        // What lay behind then has come.
        self.real(set_at).saturating_add(wait)
    }

    /// Whether a clock that was put back is right: it came to where it was before, or has gone on for long.
    pub(crate) fn is_put_back_for_good(&self) -> bool {
        let last = self.row.stretches.last();
        last.is_some_and(|now| self.now.saturating_sub(now.begin) >= PROVED)
    }

    /// Whether the clock has gone on for a while since it leapt ahead.
    pub(crate) fn is_settled(&self) -> bool {
        let last = self.row.stretches.last();
        !last.is_some_and(|now| now.leapt && self.now.saturating_sub(now.begin) < PATIENCE)
    }
}

fn row(store: &dyn Rows) -> Result<ClockRow, EngineError> {
    Ok(get_row(store, Table::Device, CLOCK)?.unwrap_or_default())
}

/// Looks at the clock, before every step. Writes something down when it leaps, and every ten minutes.
pub(crate) fn tick(store: &mut dyn RowsMut, now: u64) -> Result<(), EngineError> {
    let mut row = row(store)?;
    if advance(&mut row, now) {
        put_row(store, Table::Device, CLOCK, &row)?;
    }
    Ok(())
}

/// Whether what a clock that was wrong dated has to be looked through, and from which place on.
pub(crate) fn unchecked(store: &dyn Rows) -> Result<Option<Vec<u8>>, EngineError> {
    let row = row(store)?;
    Ok(row.unchecked.then_some(row.checked_to))
}

/// It was looked through up to a place; or to the end.
pub(crate) fn checked(store: &mut dyn RowsMut, to: Option<Vec<u8>>) -> Result<(), EngineError> {
    let mut row = row(store)?;
    row.unchecked = to.is_some();
    row.checked_to = to.unwrap_or_default();
    put_row(store, Table::Device, CLOCK, &row)
}

/// Whether a time may come after a stretch without a leap.
fn goes_on(stretch: &ClockStretchRow, now: u64) -> bool {
    !due::is_ahead(stretch.last, now) && now <= stretch.last.saturating_add(LEAP)
}

fn advance(row: &mut ClockRow, now: u64) -> bool {
    let Some((current, earlier)) = row.stretches.split_last_mut() else {
        row.stretches.push(stretch(now, false));
        return true;
    };
    // Where it could be without what it did since: the stretch that ends closest to it.
    let former = earlier.iter().enumerate();
    let former = former.filter(|(_, one)| goes_on(one, now));
    let former = former.max_by_key(|(_, one)| one.last).map(|(at, _)| at);
    if goes_on(current, now) && !is_put_forward(current, earlier, former, now) {
        let later = now >= current.last.saturating_add(STEP);
        if later {
            current.last = now;
        }
        return later;
    }
    let leapt = now > current.last;
    match former {
        // Everything after it was wrong.
        Some(at) => {
            let wrong = row.stretches.split_off(at + 1);
            let corrections = wrong.iter().map(|one| correction(one, now));
            row.corrections.extend(corrections);
            if let Some(current) = row.stretches.last_mut() {
                current.last = current.last.max(now);
            }
        }
        None => row.stretches.push(stretch(now, leapt)),
    }
    // What was dated while the clock was ahead would stay for as long.
    row.unchecked |= !leapt;
    keep_last(&mut row.stretches);
    keep_last(&mut row.corrections);
    true
}

/// Whether a clock that was put back before now leaps to where it could be without that: it was behind meanwhile, though a device that was off for as
/// long leaps as far.
fn is_put_forward(
    current: &ClockStretchRow,
    earlier: &[ClockStretchRow],
    former: Option<usize>,
    now: u64,
) -> bool {
    let former = former.and_then(|at| earlier.get(at));
    due::is_ahead(now, current.last)
        && former.is_some_and(|former| due::is_ahead(former.last, current.begin))
}

fn stretch(now: u64, leapt: bool) -> ClockStretchRow {
    ClockStretchRow {
        begin: now,
        last: now,
        leapt,
    }
}

/// What was dated in a wrong stretch, as if that had ended now: what is a day older in it stays a day older.
fn correction(wrong: &ClockStretchRow, now: u64) -> ClockCorrectionRow {
    let to = wrong.last.saturating_add(STEP);
    ClockCorrectionRow {
        from: wrong.begin.saturating_sub(STEP),
        to,
        by: to.abs_diff(now),
        back: to > now,
    }
}

fn keep_last<T>(list: &mut Vec<T>) {
    list.drain(..list.len().saturating_sub(MAX_REMEMBERED));
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: u64 = 86_400_000;
    const NOW: u64 = 20_000 * DAY;
    const YEARS: u64 = 3_650 * DAY;

    fn clock(times: &[u64]) -> Clock {
        let mut row = ClockRow::default();
        for now in times {
            advance(&mut row, *now);
        }
        let now = times.last().copied().unwrap_or_default();
        Clock { now, row }
    }

    #[test]
    fn what_was_dated_ahead_or_behind_is_read_as_dated_when_it_was_written() {
        for wrong in [NOW + YEARS, NOW - YEARS] {
            let back = NOW + 2 * DAY;
            let clock = clock(&[NOW, wrong, wrong + DAY, back]);
            let real = clock.real(wrong + DAY);
            assert!(real <= back && back - real <= STEP);
            // A day before that.
            assert!(real - clock.real(wrong) == DAY);
            assert_eq!(clock.real(NOW), NOW);
            assert!(clock.is_settled());
        }
    }

    #[test]
    fn a_clock_that_was_behind_by_days_is_found_out_too() {
        let [first, then] = [NOW - 2 * DAY, NOW - 9 * DAY];
        let behind = clock(&[NOW, first, then, then + DAY / 2, NOW + DAY]);
        for wrong in [first, then, then + DAY / 2] {
            assert!(behind.real(wrong) > NOW);
        }
        assert_eq!(behind.real(NOW), NOW);
        // One that was ahead and is right, in a device that is off for a while: what it dated is a little younger then, and nothing else.
        let clock = clock(&[NOW, NOW + 9 * DAY, NOW + DAY, NOW + 20 * DAY]);
        assert!((NOW + DAY..=NOW + 20 * DAY).contains(&clock.real(NOW + DAY)));
    }

    #[test]
    fn a_moment_that_was_chosen_stays_as_far_from_when_it_was_chosen() {
        let tomorrow = |now| now + DAY;
        assert_eq!(clock(&[NOW]).comes_to(tomorrow(NOW), NOW), NOW + DAY);
        assert_eq!(clock(&[NOW]).comes_to(NOW - 1, NOW), NOW);
        // Chosen while the clock was ahead: it goes the next day, and not in ten years.
        let wrong = NOW + YEARS;
        let right = clock(&[NOW, wrong, NOW + 1]);
        assert!((NOW..=NOW + DAY + STEP).contains(&right.comes_to(tomorrow(wrong), wrong)));
        // A clock that is behind brings nothing forward.
        assert_eq!(
            clock(&[NOW, NOW - YEARS]).comes_to(tomorrow(NOW), NOW),
            NOW + DAY
        );
    }

    #[test]
    fn a_clock_that_leaps_ahead_is_not_believed_for_a_day() {
        let ahead = NOW + YEARS;
        assert!(!clock(&[NOW, ahead]).may_erase(NOW, DAY));
        assert!(!clock(&[NOW, ahead, ahead + DAY - 1]).may_erase(NOW, DAY));
        assert!(clock(&[NOW, ahead, ahead + DAY]).may_erase(NOW, DAY));
        // A device that was off for a month tells the time.
        assert!(clock(&[NOW, NOW + 31 * DAY]).may_erase(NOW, DAY));
    }

    #[test]
    fn a_clock_that_was_put_back_is_right_once_it_went_on_for_long() {
        let back = NOW - 2 * YEARS;
        let almost = back + PROVED - 1;
        assert!(!clock(&[NOW, back]).is_put_back_for_good());
        assert!(!clock(&[NOW, back, almost]).is_put_back_for_good());
        assert!(clock(&[NOW, back, almost + 1]).is_put_back_for_good());
    }

    #[test]
    fn what_is_dated_further_ahead_than_a_clock_is_off_lies_ahead() {
        let latest = NOW + due::TOLERANCE;
        assert!(!clock(&[NOW]).is_ahead(latest) && clock(&[NOW]).is_ahead(latest + 1));
        // But not what was dated by a clock of which it is known that it was wrong.
        let wrong = NOW + YEARS;
        assert!(!clock(&[NOW, wrong, NOW + 1]).is_ahead(wrong));
    }

    #[test]
    fn little_is_remembered_however_often_it_leaps() {
        let times: Vec<u64> = (0..200).map(|n| NOW + (n * 37 % 50) * YEARS).collect();
        let clock = clock(&times);
        assert!(clock.row.stretches.len() <= MAX_REMEMBERED);
        assert!(clock.row.corrections.len() <= MAX_REMEMBERED);
    }
}
