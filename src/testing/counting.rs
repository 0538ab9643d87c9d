//! What a step reads and writes, counted: what something costs is asserted by this and never by time.

// A tool of tests: a fault in it is to be loud.
#![allow(clippy::unwrap_used)]

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::{Arc, Mutex};

use crate::crypto::{SecretBytes, SeededRandom};
use crate::store::{
    Direction, Inspection, Key, OrderedRow, Refused, Rows, RowsMut, Sequence, ShredReport,
    StorageEngine, StoreError, StoreKey, Table,
};

/// Bytes of values; a row that one step writes twice is sealed once, and counts once.
#[derive(Debug, Clone, Default)]
pub struct Cost {
    read: BTreeMap<&'static str, usize>,
    rows: usize,
    looks: usize,
    written: BTreeMap<(&'static str, Vec<u8>), usize>,
}

impl Cost {
    /// Bytes of all rows that were read.
    #[must_use]
    pub fn bytes_read(&self) -> usize {
        self.read.values().sum()
    }

    /// Bytes of all rows that were written.
    #[must_use]
    pub fn bytes_written(&self) -> usize {
        self.written.values().sum()
    }

    /// Looks at rows, those that are not there among them.
    #[must_use]
    pub fn rows_read(&self) -> usize {
        self.rows
    }

    /// Look-ups of one row or of a range.
    #[must_use]
    pub fn look_ups(&self) -> usize {
        self.looks
    }

    /// Rows that were sealed.
    #[must_use]
    pub fn rows_sealed(&self) -> usize {
        self.written.len()
    }

    /// Which rows were written, by their tables.
    pub fn tables_written(&self) -> impl Iterator<Item = &'static str> {
        self.written.keys().map(|(table, _)| *table)
    }

    /// Bytes read of one table.
    #[must_use]
    pub fn read_of(&self, table: Table) -> usize {
        self.read.get(table.name()).copied().unwrap_or(0)
    }

    /// Bytes written of one table.
    #[must_use]
    pub fn written_of(&self, table: Table) -> usize {
        let rows = self.written.iter();
        rows.filter(|((name, _), _)| *name == table.name())
            .map(|(_, len)| len)
            .sum()
    }

    fn note_read(&mut self, table: Table, rows: usize, len: usize) {
        self.looks += 1;
        self.rows += rows;
        *self.read.entry(table.name()).or_default() += len;
    }
}

fn name_of(key: Key<'_>) -> Vec<u8> {
    format!("{key:?}").into_bytes()
}

/// A step's rows, which counts what goes through them.
pub struct CountingRows<'a> {
    rows: &'a mut dyn RowsMut,
    cost: RefCell<Cost>,
}

impl<'a> CountingRows<'a> {
    /// These rows, of which nothing was read or written.
    pub fn new(rows: &'a mut dyn RowsMut) -> Self {
        Self {
            rows,
            cost: RefCell::default(),
        }
    }

    fn note_range(&self, table: Table, rows: &[OrderedRow]) {
        let len = rows.iter().map(|(_, row)| row.len()).sum();
        self.cost.borrow_mut().note_read(table, rows.len(), len);
    }

    /// What went through them.
    #[must_use]
    pub fn into_cost(self) -> Cost {
        self.cost.into_inner()
    }
}

impl Rows for CountingRows<'_> {
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
        self.note_range(table, &rows);
        Ok(rows)
    }

    fn glance(
        &self,
        table: Table,
        group: &[u8],
        bounds: (Bound<&[u8]>, Bound<&[u8]>),
        direction: Direction,
        limit: usize,
    ) -> Result<Vec<OrderedRow>, StoreError> {
        let rows = self.rows.glance(table, group, bounds, direction, limit)?;
        self.note_range(table, &rows);
        Ok(rows)
    }

    fn lane(&self) -> u8 {
        self.rows.lane()
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

impl RowsMut for CountingRows<'_> {
    fn put(&mut self, table: Table, key: Key<'_>, value: &[u8]) -> Result<(), StoreError> {
        let row = (table.name(), name_of(key));
        self.cost.get_mut().written.insert(row, value.len());
        self.rows.put(table, key, value)
    }

    fn delete(&mut self, table: Table, key: Key<'_>) -> Result<bool, StoreError> {
        let row = (table.name(), name_of(key));
        self.cost.get_mut().written.remove(&row);
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

    fn took(&self, sequence: Sequence) -> bool {
        self.rows.took(sequence)
    }
}

/// An engine that keeps what each of its steps cost.
#[derive(Debug, Clone)]
pub struct Counted {
    engine: Arc<dyn StorageEngine>,
    steps: Arc<Mutex<Vec<Cost>>>,
}

impl Counted {
    /// The same store, whose steps are counted.
    #[must_use]
    pub fn new(engine: Arc<dyn StorageEngine>) -> Self {
        Self {
            engine,
            steps: Arc::default(),
        }
    }

    /// The steps that were made durable since it was last asked.
    #[must_use]
    pub fn steps(&self) -> Vec<Cost> {
        core::mem::take(&mut *self.steps.lock().unwrap())
    }
}

impl StorageEngine for Counted {
    fn snapshot(
        &self,
        f: &mut dyn FnMut(&dyn Rows) -> Result<(), Refused>,
    ) -> Result<(), StoreError> {
        self.engine.snapshot(f)
    }

    fn snapshot_apart(
        &self,
        f: &mut dyn FnMut(&dyn Rows) -> Result<(), Refused>,
    ) -> Result<(), StoreError> {
        self.engine.snapshot_apart(f)
    }

    fn step(
        &self,
        f: &mut dyn FnMut(&mut dyn RowsMut) -> Result<(), Refused>,
    ) -> Result<(), StoreError> {
        let mut counted = None;
        self.engine.step(&mut |rows| {
            let mut counting = CountingRows::new(rows);
            let done = f(&mut counting);
            counted = done.is_ok().then(|| counting.into_cost());
            done
        })?;
        self.steps.lock().unwrap().extend(counted);
        Ok(())
    }

    fn id(&self) -> Result<[u8; 16], StoreError> {
        self.engine.id()
    }

    fn now(&self) -> u64 {
        self.engine.now()
    }

    fn is_shared(&self) -> bool {
        self.engine.is_shared()
    }

    fn claim(&self, names: &[&[u8]]) -> Result<Vec<bool>, StoreError> {
        self.engine.claim(names)
    }

    fn release(&self, names: &[&[u8]]) -> Result<(), StoreError> {
        self.engine.release(names)
    }

    fn random(&self) -> Result<SeededRandom, StoreError> {
        self.engine.random()
    }

    fn shred(&self) -> Result<ShredReport, StoreError> {
        self.engine.shred()
    }

    fn shredded_at(&self) -> u64 {
        self.engine.shredded_at()
    }

    fn rollback_noticed(&self) -> bool {
        self.engine.rollback_noticed()
    }

    fn inspect(&self) -> Result<Inspection, StoreError> {
        self.engine.inspect()
    }

    fn change_key(&self, key: &StoreKey) -> Result<(), StoreError> {
        self.engine.change_key(key)
    }

    fn close(&self) -> Result<(), StoreError> {
        self.engine.close()
    }
}
