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
