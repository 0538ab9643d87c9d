//! The sequences of an engine that has none of its own: a row for each, with the last number that was given out.

use super::error::StoreError;
use super::rows::{Rows, RowsMut};
use super::sequence::Sequence;
use super::table::{Key, Table};

/// The last number of a sequence; 0 before the first.
pub(super) fn last(rows: &dyn Rows, sequence: Sequence) -> Result<u64, StoreError> {
    let Some(row) = rows.get(Table::Sequences, Key::new(&[sequence.number()]))? else {
        return Ok(0);
    };
    let number = <[u8; 8]>::try_from(row.as_slice()).map_err(|_| damaged())?;
    Ok(u64::from_be_bytes(number))
}

/// Takes the next number of a sequence.
pub(super) fn next(rows: &mut dyn RowsMut, sequence: Sequence) -> Result<u64, StoreError> {
    let next = last(rows, sequence)?.checked_add(1).ok_or_else(damaged)?;
    let key = [sequence.number()];
    rows.put(Table::Sequences, Key::new(&key), &next.to_be_bytes())?;
    Ok(next)
}

fn damaged() -> StoreError {
    StoreError::Damaged {
        what: Table::Sequences.name(),
    }
}
