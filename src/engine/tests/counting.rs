//! What a step reads and writes, counted: what something costs is asserted by this and never by time.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::ops::Bound;

use super::*;
use crate::crypto::SecretBytes;
use crate::store::{Direction, OrderedRow, RowsMut, Sequence};

/// Bytes of values; a row that one step writes twice is sealed once, and counts once.
#[derive(Debug, Clone, Default)]
pub(super) struct Cost {
    read: BTreeMap<&'static str, usize>,
    rows: usize,
    written: BTreeMap<(&'static str, Vec<u8>), usize>,
}

impl Cost {
    pub(super) fn bytes_read(&self) -> usize {
        self.read.values().sum()
    }

    pub(super) fn bytes_written(&self) -> usize {
        self.written.values().sum()
    }

    /// Looks at rows, those that are not there among them.
    pub(super) fn rows_read(&self) -> usize {
        self.rows
    }

    /// Bytes read of one table.
    pub(super) fn read_of(&self, table: Table) -> usize {
        self.read.get(table.name()).copied().unwrap_or(0)
    }

    /// Bytes written of one table.
    pub(super) fn written_of(&self, table: Table) -> usize {
        let rows = self.written.iter();
        rows.filter(|((name, _), _)| *name == table.name())
            .map(|(_, len)| len)
            .sum()
    }

    fn note_read(&mut self, table: Table, rows: usize, len: usize) {
        self.rows += rows;
        *self.read.entry(table.name()).or_default() += len;
    }
}

/// A step's rows, which counts what goes through them.
struct Counting<'a> {
    rows: &'a mut dyn RowsMut,
    cost: RefCell<Cost>,
}

impl Rows for Counting<'_> {
    fn get(&self, table: Table, key: Key<'_>) -> Result<Option<SecretBytes>, StoreError> {
        let found = self.rows.get(table, key)?;
        let len = found.as_ref().map_or(0, |row| row.len());
        self.cost.borrow_mut().note_read(table, 1, len);
        Ok(found)
    }

    fn range(
        &self,
        table: Table,
        group: &[u8],
        bounds: (Bound<&[u8]>, Bound<&[u8]>),
        direction: Direction,
        limit: usize,
    ) -> Result<Vec<OrderedRow>, StoreError> {
        let rows = self.rows.range(table, group, bounds, direction, limit)?;
        let len = rows.iter().map(|(_, row)| row.len()).sum();
        self.cost.borrow_mut().note_read(table, rows.len(), len);
        Ok(rows)
    }

    fn visit(
        &self,
        table: Table,
        each: &mut dyn FnMut(SecretBytes) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        self.rows.visit(table, &mut |row| {
            self.cost.borrow_mut().note_read(table, 1, row.len());
            each(row)
        })
    }

    fn count(&self, table: Table) -> Result<u64, StoreError> {
        self.rows.count(table)
    }

    fn last_id(&self, sequence: Sequence) -> Result<u64, StoreError> {
        self.rows.last_id(sequence)
    }
}

impl RowsMut for Counting<'_> {
    fn put(&mut self, table: Table, key: Key<'_>, value: &[u8]) -> Result<(), StoreError> {
        let name = format!("{key:?}").into_bytes();
        let mut cost = self.cost.borrow_mut();
        cost.written.insert((table.name(), name), value.len());
        self.rows.put(table, key, value)
    }

    fn delete(&mut self, table: Table, key: Key<'_>) -> Result<bool, StoreError> {
        self.rows.delete(table, key)
    }

    fn delete_range(
        &mut self,
        table: Table,
        group: &[u8],
        bounds: (Bound<&[u8]>, Bound<&[u8]>),
        limit: usize,
    ) -> Result<usize, StoreError> {
        self.rows.delete_range(table, group, bounds, limit)
    }

    fn next_id(&mut self, sequence: Sequence) -> Result<u64, StoreError> {
        self.rows.next_id(sequence)
    }
}

/// What a step of a party's costs.
pub(super) fn cost_of(
    party: &Party,
    day: u64,
    mut f: impl FnMut(&mut Step<'_>) -> Result<(), EngineError>,
) -> Cost {
    let counted = party.at(day, |step| {
        let mut counting = Counting {
            rows: &mut *step.rows,
            cost: RefCell::default(),
        };
        f(&mut Step {
            origin: crate::chat::MessageOrigin::Person,
            rows: &mut counting,
            device: step.device,
            now: step.now,
            rng: &mut *step.rng,
        })?;
        Ok(counting.cost.into_inner())
    });
    counted.unwrap()
}

/// What it costs to take an envelope in, and to acknowledge it.
pub(super) fn cost_of_taking(party: &Party, day: u64, envelope: &[u8]) -> Cost {
    let envelope = Envelope::decode(envelope).unwrap();
    cost_of(party, day, |step| {
        let processed = receive::receive(step, &envelope)?;
        let came: Vec<_> = processed.acknowledge.into_iter().collect();
        receipts::acknowledge(step, &came)
    })
}
