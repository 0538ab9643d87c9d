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
