//! A snapshot of a database.

use std::ops::Bound;

use super::reads::Reads;
use super::source::Source;
use crate::crypto::SecretBytes;
use crate::store::reader::{order_of, physical, physical_bounds};
use crate::store::{Direction, Key, OrderedRow, Rows, Sequence, StoreError, Table};

/// One transaction that only reads.
pub(super) struct Snapshot(pub(super) Source);

impl Rows for Snapshot {
    fn get(&self, table: Table, key: Key<'_>) -> Result<Option<SecretBytes>, StoreError> {
        let row = physical(&self.0.tree, table, key);
        let Some(sealed) = self.0.get(&row)? else {
            return Ok(None);
        };
        self.0.unseal(table, &row, &sealed).map(Some)
    }

    fn range(
        &self,
        table: Table,
        group: &[u8],
        bounds: (Bound<&[u8]>, Bound<&[u8]>),
        direction: Direction,
        limit: usize,
    ) -> Result<Vec<OrderedRow>, StoreError> {
        let bounds = physical_bounds(&self.0.tree, table, group, bounds);
        let rows = self.0.range(&bounds, direction, limit)?.into_iter();
        rows.map(|(row, sealed)| {
            let value = self.0.unseal(table, &row, &sealed)?;
            Ok((order_of(&row), value))
        })
        .collect()
    }

    fn visit(
        &self,
        table: Table,
        each: &mut dyn FnMut(SecretBytes) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        self.0.visit(table, &mut |row, sealed| {
            each(self.0.unseal(table, row, sealed)?)
        })
    }

    fn count(&self, table: Table) -> Result<u64, StoreError> {
        self.0.count(table)
    }

    fn last_id(&self, sequence: Sequence) -> Result<u64, StoreError> {
        self.0.last_id(sequence)
    }
}
