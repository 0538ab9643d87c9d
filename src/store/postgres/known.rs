//! What this process knows of the rows, sealed as they are. Others change them, so whatever a step takes from here it has checked when it is written.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::glance::{Glance, MAX_GLANCES};
use super::span::Span;
use crate::store::Direction;
use crate::store::reader::RawRow;

/// Where it would be more, all is forgotten: it is a cache.
const MAX_BYTES: usize = 8 << 20;
const MAX_ENTRIES: usize = 50_000;

/// For how long an end of a group is taken to be as it was seen: what others put there meanwhile is as if they had come a little later.
const GLANCE_AGE: Duration = Duration::from_millis(200);

/// Where a row's version is in the table. No other version of it ever has this place, the nonce and the tag that it has now.
pub(super) type Place = [u8; 6];

/// A row as it was seen.
#[derive(Clone)]
pub(super) struct Seen {
    pub(super) place: Place,
    pub(super) sealed: Arc<[u8]>,
}

/// What is known.
#[derive(Default)]
pub(super) struct Known {
    rows: BTreeMap<Vec<u8>, Seen>,
    /// Within these every row is known.
    whole: BTreeMap<Vec<u8>, Vec<u8>>,
    bytes: usize,
    /// What steps look at without depending on it.
    pub(super) glances: Glances,
}

/// Ends of groups, as they were seen last.
#[derive(Default)]
pub(super) struct Glances {
    wanted: Vec<Glance>,
    shown: Vec<(Glance, Vec<RawRow>)>,
    at: Option<Instant>,
}

impl Glances {
    /// What is asked for with whatever goes to the server: all that anybody wanted, unless it was seen just now.
    pub(super) fn due(&self) -> Vec<Glance> {
        match self.is_fresh() && self.shown.len() == self.wanted.len() {
            true => Vec::new(),
            false => self.wanted.clone(),
        }
    }

    /// All that anybody wanted.
    pub(super) fn all(&self) -> Vec<Glance> {
        self.wanted.clone()
    }

    fn is_fresh(&self) -> bool {
        self.at.is_some_and(|at| at.elapsed() < GLANCE_AGE)
    }

    /// Is asked for from now on.
    pub(super) fn want(&mut self, glance: &Glance) {
        if !self.wanted.contains(glance) && self.wanted.len() < MAX_GLANCES {
            self.wanted.push(glance.clone());
        }
    }

    pub(super) fn learn(&mut self, shown: Vec<(Glance, Vec<RawRow>)>) {
        if !shown.is_empty() {
            (self.shown, self.at) = (shown, Some(Instant::now()));
        }
    }

    /// What was seen just now; nothing if it was not.
    pub(super) fn shown(&self, glance: &Glance) -> Option<&[RawRow]> {
        let mut shown = self.shown.iter().filter(|_| self.is_fresh());
        let found = shown.find(|(known, _)| known == glance);
        found.map(|(_, rows)| rows.as_slice())
    }
}

impl Known {
    /// The row, or that there is none; nothing where that is not known.
    pub(super) fn get(&self, row: &[u8]) -> Option<Option<Seen>> {
        match self.rows.get(row) {
            Some(seen) => Some(Some(seen.clone())),
            None => self.span_of(row).map(|_| None),
        }
    }

    fn span_of(&self, row: &[u8]) -> Option<(&Vec<u8>, &Vec<u8>)> {
        let before = self
            .whole
            .range::<[u8], _>((Bound::Unbounded, Bound::Included(row)));
        let (low, high) = before.last()?;
        (high.as_slice() > row).then_some((low, high))
    }

    /// The first rows of a span in a direction; nothing where they are not all known.
    pub(super) fn range(
        &self,
        (low, high): &Span,
        direction: Direction,
        limit: usize,
    ) -> Option<Vec<(Vec<u8>, Seen)>> {
        if low >= high {
            return Some(Vec::new());
        }
        let (from, to) = match direction {
            Direction::Forward => self.span_of(low).map(|(_, to)| (low, to.min(high)))?,
            Direction::Backward => {
                let before = self
                    .whole
                    .range::<Vec<u8>, _>((Bound::Unbounded, Bound::Excluded(high)));
                let (from, to) = before.last().filter(|(_, to)| *to >= high)?;
                (from.max(low), to.min(high))
            }
        };
        let complete = from == low && to == high;
        let rows = self.rows.range(from.clone()..to.clone());
        let copied = |(row, seen): (&Vec<u8>, &Seen)| (row.clone(), seen.clone());
        let found: Vec<_> = match direction {
            Direction::Forward => rows.take(limit).map(copied).collect(),
            Direction::Backward => rows.rev().take(limit).map(copied).collect(),
        };
        (complete || found.len() == limit).then_some(found)
    }

    /// These are the rows of a span, and there are no others.
    pub(super) fn learn(&mut self, (low, high): Span, rows: &[(Vec<u8>, Seen)]) {
        if low >= high {
            return;
        }
        if self.bytes > MAX_BYTES || self.rows.len() + self.whole.len() > MAX_ENTRIES {
            self.forget_all();
        }
        let former: Vec<_> = self.rows.range(low.clone()..high.clone()).collect();
        let former: Vec<_> = former.into_iter().map(|(row, _)| row.clone()).collect();
        for row in former {
            self.remove(&row);
        }
        for (row, seen) in rows {
            self.put(row.clone(), seen.clone());
        }
        let (mut from, mut to) = (low, high);
        let touching: Vec<_> = self
            .whole
            .range(..=to.clone())
            .rev()
            .take_while(|(_, end)| **end >= from)
            .map(|(begin, end)| (begin.clone(), end.clone()))
            .collect();
        for (begin, end) in touching {
            self.whole.remove(&begin);
            from = from.min(begin);
            to = to.max(end);
        }
        self.whole.insert(from, to);
    }

    /// A row is so now.
    pub(super) fn put(&mut self, row: Vec<u8>, seen: Seen) {
        self.bytes += row.len() + seen.sealed.len();
        if let Some(former) = self.rows.insert(row.clone(), seen) {
            let len = row.len() + former.sealed.len();
            self.bytes = self.bytes.saturating_sub(len);
        }
    }

    /// A row is gone.
    pub(super) fn remove(&mut self, row: &[u8]) {
        if let Some(former) = self.rows.remove(row) {
            let len = row.len() + former.sealed.len();
            self.bytes = self.bytes.saturating_sub(len);
        }
    }

    /// Nothing is known any more of a row, nor of the spans that it is in.
    pub(super) fn forget(&mut self, row: &[u8]) {
        self.remove(row);
        let of = self.span_of(row).map(|(low, _)| low.clone());
        if let Some(low) = of {
            self.whole.remove(&low);
        }
    }

    /// Nothing is known of any row.
    pub(super) fn forget_all(&mut self) {
        self.rows.clear();
        self.whole.clear();
        self.bytes = 0;
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::store::table::PREFIX_LEN;

    fn row(key: u8, value: u8) -> (Vec<u8>, Seen) {
        let seen = Seen {
            place: [key; 6],
            sealed: vec![value].into(),
        };
        (vec![key], seen)
    }

    fn span_of(low: u8, high: u8) -> Span {
        (vec![low], vec![high])
    }

    fn keys(found: Option<Vec<(Vec<u8>, Seen)>>) -> Option<Vec<u8>> {
        let found = found?.into_iter();
        Some(found.filter_map(|(row, _)| row.first().copied()).collect())
    }

    #[test]
    fn what_was_not_looked_at_is_not_known() {
        let mut known = Known::default();
        known.learn(span_of(2, 6), &[row(3, 1), row(5, 1)]);
        assert!(known.get(&[1]).is_none() && known.get(&[6]).is_none());
        assert!(known.get(&[2]).is_some_and(|row| row.is_none()));
        assert!(known.get(&[3]).is_some_and(|row| row.is_some()));
        let (forward, backward) = (Direction::Forward, Direction::Backward);
        assert_eq!(
            keys(known.range(&span_of(2, 6), forward, 9)),
            Some(vec![3, 5])
        );
        assert_eq!(
            keys(known.range(&span_of(2, 6), backward, 9)),
            Some(vec![5, 3])
        );
        // As many as were asked for are known, whatever is behind them.
        assert_eq!(
            keys(known.range(&span_of(2, 9), forward, 2)),
            Some(vec![3, 5])
        );
        assert_eq!(keys(known.range(&span_of(2, 9), forward, 3)), None);
        assert_eq!(
            keys(known.range(&span_of(0, 6), backward, 2)),
            Some(vec![5, 3])
        );
        assert_eq!(keys(known.range(&span_of(0, 6), backward, 3)), None);
        assert_eq!(keys(known.range(&span_of(2, 7), backward, 1)), None);
    }

    #[test]
    fn spans_that_touch_are_one() {
        let mut known = Known::default();
        known.learn(span_of(2, 4), &[row(3, 1)]);
        known.learn(span_of(6, 8), &[row(6, 1)]);
        assert_eq!(
            keys(known.range(&span_of(2, 8), Direction::Forward, 9)),
            None
        );
        known.learn(span_of(4, 6), &[]);
        let all = known.range(&span_of(2, 8), Direction::Forward, 9);
        assert_eq!(keys(all), Some(vec![3, 6]));
        // What is learnt anew takes the place of what was known.
        known.learn(span_of(3, 7), &[row(4, 2)]);
        let all = known.range(&span_of(2, 8), Direction::Forward, 9);
        assert_eq!(keys(all), Some(vec![4]));
    }

    #[test]
    fn what_is_forgotten_is_asked_for_again_and_what_is_written_is_known() {
        let mut known = Known::default();
        known.learn(span_of(2, 6), &[row(3, 1)]);
        let (key, seen) = row(4, 1);
        known.put(key, seen);
        known.remove(&[3]);
        let all = known.range(&span_of(2, 6), Direction::Forward, 9);
        assert_eq!(keys(all), Some(vec![4]));
        known.forget(&[3]);
        assert!(known.get(&[3]).is_none() && known.get(&[2]).is_none());
        known.forget_all();
        assert!(known.get(&[4]).is_none());
        assert_eq!(known.bytes, 0);
    }

    #[test]
    fn the_bytes_that_are_known_are_counted_whatever_becomes_of_them() {
        let mut known = Known::default();
        let put = |known: &mut Known, key: &[u8], len: usize| {
            let seen = Seen {
                place: [0; 6],
                sealed: vec![7; len].into(),
            };
            known.put(key.to_vec(), seen);
        };
        put(&mut known, &[1; 3], 50);
        put(&mut known, &[2; 4], 60);
        assert_eq!(known.bytes, 53 + 64);
        put(&mut known, &[1; 3], 20);
        assert_eq!(known.bytes, 23 + 64);
        known.remove(&[2; 4]);
        known.remove(&[9; 4]);
        assert_eq!(known.bytes, 23);
        known.forget(&[1; 3]);
        assert_eq!(known.bytes, 0);
    }

    fn glance(group: u8) -> Glance {
        let bounds = (Bound::Included(vec![group; PREFIX_LEN]), Bound::Unbounded);
        Glance::of(&bounds, Direction::Forward, 9).unwrap()
    }

    #[test]
    fn a_glance_is_asked_for_once_and_not_again_while_it_is_fresh() {
        let mut glances = Glances::default();
        assert!(glances.due().is_empty());
        for _ in 0..2 {
            glances.want(&glance(1));
            assert_eq!(glances.all(), [glance(1)]);
            assert_eq!(glances.due(), [glance(1)]);
        }
        let rows = || vec![(vec![1], vec![2])];
        glances.learn(vec![(glance(1), rows())]);
        // As if it had been seen only now, however long this takes.
        let now = Instant::now();
        glances.at = Some(now + Duration::from_secs(3600));
        assert!(glances.due().is_empty());
        assert_eq!(glances.shown(&glance(1)), Some(rows().as_slice()));
        assert_eq!(glances.shown(&glance(2)), None);
        // One more is wanted, and all are asked for.
        glances.want(&glance(2));
        assert_eq!(glances.due(), [glance(1), glance(2)]);
        // What was not answered leaves what was seen.
        glances.learn(Vec::new());
        assert!(glances.shown(&glance(1)).is_some());
        glances.at = now.checked_sub(GLANCE_AGE);
        assert_eq!(glances.shown(&glance(1)), None);
        for group in 0..20 {
            glances.want(&glance(group));
        }
        assert_eq!(glances.all().len(), MAX_GLANCES);
    }

    #[test]
    fn all_is_forgotten_where_it_would_be_too_much() {
        for more in [0, 1, 2] {
            let mut known = Known::default();
            known.learn(span_of(2, 6), &[row(3, 1)]);
            known.bytes = MAX_BYTES + more;
            known.learn(span_of(7, 9), &[]);
            assert_eq!(known.get(&[3]).is_some(), more == 0, "{more} bytes");
            assert!(known.get(&[8]).is_some());
            let mut known = Known::default();
            let (_, seen) = row(3, 1);
            for number in 0..MAX_ENTRIES + more {
                known.put(number.to_be_bytes().to_vec(), seen.clone());
            }
            known.learn(span_of(7, 9), &[]);
            assert_eq!(known.rows.is_empty(), more != 0, "{more} rows");
        }
    }
}
