//! What a step looks at without depending on it: the end of a group, as it is when anything else is asked for.

use std::ops::Bound;

use super::connection::Ask;
use super::span::{self, Span};
use crate::store::Direction;
use crate::store::reader::{OwnedBounds, RawRow};
use crate::store::table::{PREFIX_LEN, prefix_end};

/// Rows of a group that are looked at together; whoever wants more asks for these alone.
const ROWS: usize = 64;
/// Groups that are.
pub(super) const MAX_GLANCES: usize = 8;

/// An end of a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Glance {
    group: Span,
    direction: Direction,
    rows: usize,
}

impl Glance {
    /// The end of the group that these bounds are in; nothing where more is wanted than a glance shows.
    pub(super) fn of(bounds: &OwnedBounds, direction: Direction, limit: usize) -> Option<Self> {
        let (Bound::Included(low) | Bound::Excluded(low)) = &bounds.0 else {
            return None;
        };
        let low = low.get(..PREFIX_LEN)?.to_vec();
        let high = prefix_end(&low)?;
        let rows = match limit {
            1 => 1,
            _ => ROWS,
        };
        Some(Self {
            group: (low, high),
            direction,
            rows,
        })
    }

    /// Asks for it.
    pub(super) fn ask(&self) -> Ask<'_> {
        span::ask(&self.group, self.direction, self.rows)
    }

    /// Of the rows that it showed those within bounds; nothing if there may be more.
    pub(super) fn within(
        &self,
        shown: &[RawRow],
        (low, high): &OwnedBounds,
        limit: usize,
    ) -> Option<Vec<RawRow>> {
        let bounds = (low.as_ref(), high.as_ref());
        let inside = |row: &Vec<u8>| std::ops::RangeBounds::<Vec<u8>>::contains(&bounds, row);
        // Whether the last one that was shown is behind all that is wanted.
        let behind = |(row, _): &RawRow| match (self.direction, low, high) {
            (Direction::Forward, _, Bound::Included(high)) => row > high,
            (Direction::Forward, _, Bound::Excluded(high)) => row >= high,
            (Direction::Backward, Bound::Included(low), _) => row < low,
            (Direction::Backward, Bound::Excluded(low), _) => row <= low,
            _ => false,
        };
        let all = shown.len() < self.rows || shown.last().is_some_and(behind);
        let found = shown.iter().filter(|(row, _)| inside(row)).take(limit);
        let found: Vec<_> = found.cloned().collect();
        (all || found.len() == limit).then_some(found)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn row(last: u8) -> Vec<u8> {
        [[7; PREFIX_LEN].as_slice(), &[last]].concat()
    }

    fn shown(rows: impl IntoIterator<Item = u8>) -> Vec<RawRow> {
        rows.into_iter()
            .map(|last| (row(last), vec![last]))
            .collect()
    }

    fn within(
        glance: &Glance,
        rows: &[RawRow],
        bounds: &OwnedBounds,
        limit: usize,
    ) -> Option<Vec<u8>> {
        let found = glance.within(rows, bounds, limit)?;
        Some(
            found
                .into_iter()
                .filter_map(|(_, value)| value.first().copied())
                .collect(),
        )
    }

    #[test]
    fn a_glance_shows_what_it_saw_and_nothing_where_there_may_be_more() {
        let bounds = (Bound::Included(row(3)), Bound::Excluded(row(90)));
        let glance = Glance::of(&bounds, Direction::Forward, 9).unwrap();
        // Fewer than it asked for: there are no others.
        let few = shown([1, 3, 5, 90]);
        assert_eq!(within(&glance, &few, &bounds, 9), Some(vec![3, 5]));
        assert_eq!(within(&glance, &few, &bounds, 2), Some(vec![3, 5]));
        assert_eq!(within(&glance, &few, &bounds, 1), Some(vec![3]));
        assert_eq!(within(&glance, &[], &bounds, 9), Some(vec![]));
        // As many as it asked for, and the last one is not behind what is wanted.
        let many = shown(0..64);
        assert_eq!(within(&glance, &many, &bounds, 62), None);
        let all: Vec<u8> = (3..64).collect();
        assert_eq!(within(&glance, &many, &bounds, 61), Some(all));
        // The last one is behind.
        let cases: [(_, Option<Vec<u8>>); 5] = [
            (Bound::Excluded(row(63)), Some((3..63).collect())),
            (Bound::Included(row(62)), Some((3..63).collect())),
            (Bound::Excluded(row(64)), None),
            (Bound::Included(row(63)), None),
            (Bound::Unbounded, None),
        ];
        for (high, wanted) in cases {
            let bounds = (bounds.0.clone(), high);
            assert_eq!(within(&glance, &many, &bounds, 99), wanted, "{bounds:?}");
        }
    }

    #[test]
    fn a_glance_backwards_ends_below_what_is_wanted() {
        let whole = (Bound::Included(row(0)), Bound::Unbounded);
        let glance = Glance::of(&whole, Direction::Backward, 9).unwrap();
        let many = shown((100..164).rev());
        let cases: [(_, Option<Vec<u8>>); 4] = [
            (Bound::Included(row(101)), Some((101..164).rev().collect())),
            (Bound::Excluded(row(100)), Some((101..164).rev().collect())),
            (Bound::Included(row(100)), None),
            (Bound::Excluded(row(99)), None),
        ];
        for (low, wanted) in cases {
            let bounds = (low, Bound::Unbounded);
            assert_eq!(within(&glance, &many, &bounds, 99), wanted, "{bounds:?}");
        }
    }

    #[test]
    fn who_wants_the_last_one_looks_at_no_other_and_all_of_a_group_look_at_the_same() {
        let bounds = (Bound::Excluded(row(3)), Bound::Unbounded);
        let of = |limit| Glance::of(&bounds, Direction::Backward, limit).unwrap();
        assert_eq!((of(1).rows, of(2).rows, of(500).rows), (1, ROWS, ROWS));
        let others = (Bound::Included(row(9)), Bound::Included(row(10)));
        assert_eq!(Glance::of(&others, Direction::Backward, 5), Some(of(2)));
        // Of no group there is no end.
        for low in [Bound::Unbounded, Bound::Included(vec![7; PREFIX_LEN - 1])] {
            let none = Glance::of(&(low, Bound::Unbounded), Direction::Forward, 1);
            assert_eq!(none, None);
        }
    }
}
