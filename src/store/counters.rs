//! The sequences of an engine that has none of its own: a row for each, with the last number that may have been given out.

use super::error::StoreError;
use super::rows::{Rows, RowsMut};
use super::sequence::Sequence;
use super::table::{Key, Table};

/// How many numbers are taken from a row at once. What a process that ends has left of them is given to nobody.
const BLOCK: u64 = 64;

/// What was taken from the rows and not given out yet, by the places of [`Sequence::ALL`].
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Blocks([Block; Sequence::ALL.len()]);

/// Numbers of a sequence.
#[derive(Debug, Clone, Copy, Default)]
struct Block {
    /// The last one that was given out.
    last: u64,
    /// The last one that may be.
    end: u64,
}

impl Blocks {
    fn of(&mut self, sequence: Sequence) -> Option<&mut Block> {
        let place = Sequence::ALL.iter().position(|one| *one == sequence);
        place.and_then(|place| self.0.get_mut(place))
    }
}

/// How many numbers a row is ahead for: those of prekeys travel, and are not to be used up by openings; those of the feed are cursors, and one that
/// an older copy never gave is to be known as such.
const fn block_of(sequence: Sequence) -> u64 {
    match sequence {
        Sequence::Outbox | Sequence::Unhandled => BLOCK,
        Sequence::SignedPrekeys | Sequence::OneTimePrekeys | Sequence::Feed => 1,
    }
}

/// The last number of a sequence, or one that is ahead of it; 0 before the first.
pub(super) fn last(rows: &dyn Rows, sequence: Sequence) -> Result<u64, StoreError> {
    let Some(row) = rows.get(Table::Sequences, Key::new(&[sequence.number()]))? else {
        return Ok(0);
    };
    let number = <[u8; 8]>::try_from(row.as_slice()).map_err(|_| damaged())?;
    Ok(u64::from_be_bytes(number))
}

/// The last number of a sequence, where this process has given out some.
pub(super) fn last_given(
    rows: &dyn Rows,
    mut blocks: Blocks,
    sequence: Sequence,
) -> Result<u64, StoreError> {
    match blocks.of(sequence) {
        Some(block) if block.last != 0 => Ok(block.last),
        _ => last(rows, sequence),
    }
}

/// Takes the next number of a sequence. `blocks` are the step's own until it ends well.
pub(super) fn next(
    rows: &mut dyn RowsMut,
    blocks: &mut Blocks,
    sequence: Sequence,
) -> Result<u64, StoreError> {
    let block = blocks.of(sequence).ok_or_else(damaged)?;
    if block.last == block.end {
        let last = last(rows, sequence)?;
        let end = last.checked_add(block_of(sequence)).ok_or_else(damaged)?;
        let key = [sequence.number()];
        rows.put(Table::Sequences, Key::new(&key), &end.to_be_bytes())?;
        *block = Block { last, end };
    }
    block.last += 1;
    Ok(block.last)
}

/// Goes on behind `last`, in an engine that has no sequences of its own.
#[cfg(not(target_arch = "wasm32"))]
pub(super) fn set_last(
    rows: &mut dyn RowsMut,
    sequence: Sequence,
    last: u64,
) -> Result<(), StoreError> {
    let key = [sequence.number()];
    rows.put(Table::Sequences, Key::new(&key), &last.to_be_bytes())
}

fn damaged() -> StoreError {
    StoreError::Damaged {
        what: Table::Sequences.name(),
    }
}
