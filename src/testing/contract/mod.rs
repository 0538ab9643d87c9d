//! What every storage engine promises, and every keeper of key slots, as checks that run against any of them.
//!
//! An implementation gives a [`Home`] for one store, and calls [`check`].

// A tool of tests: a broken promise is to be loud.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod keys;
mod rows;
mod steps;

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
type Promise = (&'static str, fn(&Trial<'_>));

const PROMISES: &[&[Promise]] = &[rows::PROMISES, steps::PROMISES, keys::PROMISES];

/// Checks every promise in a home of its own, and panics at the first that is not kept. Answers the promises with the number of
/// checks, which is the same for every implementation.
pub fn check(new_home: impl Fn() -> Box<dyn Home>) -> Vec<(&'static str, u64)> {
    let promises = PROMISES.iter().flat_map(|promises| promises.iter());
    promises
        .map(|(name, promise)| {
            let home = new_home();
            let trial = Trial {
                home: home.as_ref(),
                checks: Cell::new(0),
            };
            promise(&trial);
            (*name, trial.checks.get())
        })
        .collect()
}

/// A promise under trial.
struct Trial<'a> {
    home: &'a dyn Home,
    checks: Cell<u64>,
}

impl Trial<'_> {
    #[track_caller]
    fn equal<T: PartialEq + Debug>(&self, found: T, expected: T) {
        self.checks.set(self.checks.get() + 1);
        assert_eq!(found, expected);
    }

    fn create(&self) -> Arc<dyn StorageEngine> {
        self.home.create(&key(1)).unwrap()
    }

    fn open(&self) -> Arc<dyn StorageEngine> {
        self.home.open(&key(1)).unwrap()
    }
}

fn key(byte: u8) -> StoreKey {
    StoreKey::Raw(Secret::new([byte; 32]))
}

/// Writes a row that is alone in its group.
fn put(engine: &dyn StorageEngine, name: &[u8], value: &[u8]) -> Result<(), StoreError> {
    engine.write(|rows| rows.put(Table::Messages, Key::new(name), value))
}

/// The row that [`put`] wrote.
fn get(engine: &dyn StorageEngine, name: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
    engine.read(|rows| value(rows, Table::Messages, Key::new(name)))
}

fn value(rows: &dyn Rows, table: Table, key: Key<'_>) -> Result<Option<Vec<u8>>, StoreError> {
    Ok(rows.get(table, key)?.map(|value| value.to_vec()))
}

/// What orders the rows of a group of the timeline, one byte each.
fn orders(rows: &dyn Rows, group: &[u8]) -> Result<Vec<u8>, StoreError> {
    let rows = rows.range(
        Table::Timeline,
        group,
        WHOLE_GROUP,
        Direction::Forward,
        usize::MAX,
    )?;
    Ok(rows.into_iter().map(|(order, _)| order[0]).collect())
}
