//! Keys next to each other, and the question for their rows.

use std::ops::Bound;

use super::connection::{Ask, Value};
use crate::store::Direction;
use crate::store::reader::OwnedBounds;

const FORWARD: &str =
    "SELECT k, v, ctid FROM rows WHERE k >= $1 AND k < $2 ORDER BY k ASC LIMIT $3";
const BACKWARD: &str =
    "SELECT k, v, ctid FROM rows WHERE k >= $1 AND k < $2 ORDER BY k DESC LIMIT $3";

/// Keys from the first one up to the second, which is not among them.
pub(super) type Span = (Vec<u8>, Vec<u8>);

/// The key behind a key: nothing is between the two.
pub(super) fn behind(row: &[u8]) -> Vec<u8> {
    [row, &[0]].concat()
}

/// Bounds as a span.
pub(super) fn span(bounds: &OwnedBounds) -> Span {
    let low = match &bounds.0 {
        Bound::Included(low) => low.clone(),
        Bound::Excluded(low) => behind(low),
        Bound::Unbounded => Vec::new(),
    };
    let high = match &bounds.1 {
        Bound::Included(high) => behind(high),
        Bound::Excluded(high) => high.clone(),
        // No key of ours is as long as this.
        Bound::Unbounded => vec![u8::MAX; 1024],
    };
    (low, high)
}

/// Asks for the first rows of a span: their keys, their values, and their places.
pub(super) fn ask((low, high): &Span, direction: Direction, limit: usize) -> Ask<'_> {
    let sql = match direction {
        Direction::Forward => FORWARD,
        Direction::Backward => BACKWARD,
    };
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let values = vec![Value::Bytes(low), Value::Bytes(high), Value::Number(limit)];
    Ask::new(sql, values)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_has_the_rows_that_its_bounds_have() {
        let (low, high) = (vec![1, 2], vec![1, 5]);
        let all = [
            Bound::Included as fn(Vec<u8>) -> Bound<Vec<u8>>,
            Bound::Excluded,
            |_| Bound::Unbounded,
        ];
        let rows = [
            vec![],
            vec![1, 2],
            vec![1, 2, 0],
            vec![1, 3],
            vec![1, 5],
            vec![1, 5, 0],
        ];
        for from in all {
            for to in all {
                let bounds = (from(low.clone()), to(high.clone()));
                let (begin, end) = span(&bounds);
                for row in &rows {
                    let within = std::ops::RangeBounds::<Vec<u8>>::contains(&bounds, row);
                    assert_eq!(begin <= *row && *row < end, within, "{row:?} {bounds:?}");
                }
            }
        }
    }

    #[test]
    fn a_question_goes_the_way_that_is_asked_for_and_so_far() {
        let span = (vec![1], vec![9]);
        for (direction, order) in [
            (Direction::Forward, " ASC "),
            (Direction::Backward, " DESC "),
        ] {
            for (limit, number) in [(7, 7), (usize::MAX, i64::MAX)] {
                let ask = ask(&span, direction, limit);
                assert!(ask.sql.contains(order), "{}", ask.sql);
                let [Value::Bytes(low), Value::Bytes(high), Value::Number(limit)] =
                    ask.values.as_slice()
                else {
                    unreachable!();
                };
                assert_eq!((*low, *high, *limit), (&[1][..], &[9][..], number));
            }
        }
    }
}
