//! What a step reads and writes: rows of bytes, whatever engine keeps them.

use std::ops::Bound;

use super::error::StoreError;
use super::sequence::Sequence;
use super::table::{Key, NAME_LEN, Table};
use crate::crypto::SecretBytes;

/// Look-ups, the same in a snapshot and in a transaction that writes.
pub trait Rows {
    /// The value of one row.
    fn get(&self, table: Table, key: Key<'_>) -> Result<Option<SecretBytes>, StoreError>;

    /// Rows of one group in the order of their order bytes, or against it, at most `limit`.
    fn range(
        &self,
        table: Table,
        group: &[u8],
        bounds: (Bound<&[u8]>, Bound<&[u8]>),
        direction: Direction,
        limit: usize,
    ) -> Result<Vec<OrderedRow>, StoreError>;

    /// The same rows of which the step that reads them does not depend: others may change them before it is durable. For sums that need not be
    /// exact and ends that need not be the last ones, which else every step would have in common with every other.
    fn glance(
        &self,
        table: Table,
        group: &[u8],
        bounds: (Bound<&[u8]>, Bound<&[u8]>),
        direction: Direction,
        limit: usize,
    ) -> Result<Vec<OrderedRow>, StoreError> {
        self.range(table, group, bounds, direction, limit)
    }

    /// Where several processes have the store: a number of this one, by which it keeps sums for itself.
    fn lane(&self) -> u8 {
        0
    }

    /// The rows of one group and order, whatever their names.
    fn of_order(
        &self,
        table: Table,
        group: &[u8],
        order: &[u8],
    ) -> Result<Vec<OrderedRow>, StoreError> {
        let last = [order, &[u8::MAX; NAME_LEN]].concat();
        let bounds = (Bound::Included(order), Bound::Included(last.as_slice()));
        self.range(table, group, bounds, Direction::Forward, usize::MAX)
    }

    /// All rows of a table, in no order. For tables that are small by nature.
    fn scan(&self, table: Table) -> Result<Vec<SecretBytes>, StoreError> {
        let mut rows = Vec::new();
        self.visit(table, &mut |row| {
            rows.push(row);
            Ok(())
        })?;
        Ok(rows)
    }

    /// Shows all rows of a table to `each`, one after the other, in no order.
    fn visit(
        &self,
        table: Table,
        each: &mut dyn FnMut(SecretBytes) -> Result<(), StoreError>,
    ) -> Result<(), StoreError>;

    /// How many rows a table has.
    fn count(&self, table: Table) -> Result<u64, StoreError>;

    /// No number of a sequence that is in any row is above this one; 0 before the first.
    fn last_id(&self, sequence: Sequence) -> Result<u64, StoreError>;
}

/// A step: what it reads, and what it changes. What it changed it also sees, and nobody else before the step is durable.
pub trait RowsMut: Rows {
    /// Writes a row. If there was one, its former value is dead from now on, and the next shred makes it unreadable.
    fn put(&mut self, table: Table, key: Key<'_>, value: &[u8]) -> Result<(), StoreError>;

    /// Removes a row; true if there was one.
    fn delete(&mut self, table: Table, key: Key<'_>) -> Result<bool, StoreError>;

    /// Removes the rows of a group whose order bytes are within `bounds`, lowest first, at most `limit`; how many there were.
    fn delete_range(
        &mut self,
        table: Table,
        group: &[u8],
        bounds: (Bound<&[u8]>, Bound<&[u8]>),
        limit: usize,
    ) -> Result<usize, StoreError>;

    /// Takes the next number of a sequence, from 1 on. No two steps that end well ever take the same number, and one that begins
    /// when another is durable takes higher ones. A step that fails may leave a gap.
    fn next_id(&mut self, sequence: Sequence) -> Result<u64, StoreError>;

    /// Whether this step took a number of a sequence.
    fn took(&self, sequence: Sequence) -> bool;
}

/// Which way a range is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// From the lowest order bytes.
    Forward,
    /// From the highest order bytes.
    Backward,
}

/// A row of a group: its order bytes, with the hash of its name if it has one, and its value.
pub type OrderedRow = (Vec<u8>, SecretBytes);

/// Every row of a group.
pub const WHOLE_GROUP: (Bound<&[u8]>, Bound<&[u8]>) = (Bound::Unbounded, Bound::Unbounded);
