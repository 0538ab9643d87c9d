//! What the checks stand on: a home for a store, and one promise under trial in it.

use core::fmt::Debug;
use std::cell::Cell;
use std::sync::Arc;

use crate::crypto::Secret;
use crate::store::{
    Direction, Key, KeySlots, Rows, StorageEngine, StoreError, StoreKey, Table, WHOLE_GROUP,
};

/// A place for one store, which is empty at first.
pub trait Home {
    /// Makes the store.
    fn create(&self, key: &StoreKey) -> Result<Arc<dyn StorageEngine>, StoreError>;

    /// Opens it.
    fn open(&self, key: &StoreKey) -> Result<Arc<dyn StorageEngine>, StoreError>;

    /// The place as it would be found had the machine stopped now. What is open in this one is of no concern to that one.
    fn after_crash(&self) -> Box<dyn Home>;

    /// Copies the rows, without the key slots, of a store that is closed. What it answers puts the copy back.
    fn copy_rows(&self) -> Box<dyn FnOnce() + '_>;

    /// The key slots of a place where no store was made.
    fn key_slots(&self) -> Box<dyn KeySlots>;
}

/// A promise, and what checks it in an empty home.
pub(super) type Promise = (&'static str, fn(&Trial<'_>));

/// A promise under trial.
pub(super) struct Trial<'a> {
    pub(super) home: &'a dyn Home,
    pub(super) checks: Cell<u64>,
}

impl Trial<'_> {
    #[track_caller]
    pub(super) fn equal<T: PartialEq + Debug>(&self, found: T, expected: T) {
        self.checks.set(self.checks.get() + 1);
        assert_eq!(found, expected);
    }

    pub(super) fn create(&self) -> Arc<dyn StorageEngine> {
        self.home.create(&key(1)).unwrap()
    }

    pub(super) fn open(&self) -> Arc<dyn StorageEngine> {
        self.home.open(&key(1)).unwrap()
    }
}

pub(super) fn key(byte: u8) -> StoreKey {
    StoreKey::Raw(Secret::new([byte; 32]))
}

/// Writes a row that is alone in its group.
pub(super) fn put(engine: &dyn StorageEngine, name: &[u8], value: &[u8]) -> Result<(), StoreError> {
    engine.write(|rows| rows.put(Table::Messages, Key::new(name), value))
}

/// The row that [`put`] wrote.
pub(super) fn get(engine: &dyn StorageEngine, name: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
    engine.read(|rows| value(rows, Table::Messages, Key::new(name)))
}

pub(super) fn value(
    rows: &dyn Rows,
    table: Table,
    key: Key<'_>,
) -> Result<Option<Vec<u8>>, StoreError> {
    Ok(rows.get(table, key)?.map(|value| value.to_vec()))
}

/// What orders the rows of a group of the timeline, one byte each.
pub(super) fn orders(rows: &dyn Rows, group: &[u8]) -> Result<Vec<u8>, StoreError> {
    let rows = rows.range(
        Table::Timeline,
        group,
        WHOLE_GROUP,
        Direction::Forward,
        usize::MAX,
    )?;
    Ok(rows.into_iter().map(|(order, _)| order[0]).collect())
}
