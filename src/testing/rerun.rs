//! An engine in which another step is always in the way.

use std::sync::Arc;

use crate::crypto::SeededRandom;
use crate::store::{
    Inspection, Refused, Rows, RowsMut, ShredReport, StorageEngine, StoreError, StoreKey,
};

/// Runs every step and every snapshot of another engine twice, and rolls the first run back: what a database does in which two steps met, or
/// whose server was lost. What has any effect but its rows and its answer shows it here.
#[derive(Debug)]
pub struct RunsTwice(Arc<dyn StorageEngine>);

impl RunsTwice {
    /// The same store, whose steps run twice.
    #[must_use]
    pub fn new(engine: Arc<dyn StorageEngine>) -> Self {
        Self(engine)
    }
}

impl StorageEngine for RunsTwice {
    fn snapshot(
        &self,
        f: &mut dyn FnMut(&dyn Rows) -> Result<(), Refused>,
    ) -> Result<(), StoreError> {
        self.0.snapshot(&mut |rows| {
            let _ = f(rows);
            f(rows)
        })
    }

    fn snapshot_apart(
        &self,
        f: &mut dyn FnMut(&dyn Rows) -> Result<(), Refused>,
    ) -> Result<(), StoreError> {
        self.0.snapshot_apart(f)
    }

    fn step(
        &self,
        f: &mut dyn FnMut(&mut dyn RowsMut) -> Result<(), Refused>,
    ) -> Result<(), StoreError> {
        self.0.step(&mut |rows| {
            // Its answer is of a run that never was.
            let _ = f(rows);
            Err(Refused)
        })?;
        self.0.step(f)
    }

    fn id(&self) -> Result<[u8; 16], StoreError> {
        self.0.id()
    }

    fn now(&self) -> u64 {
        self.0.now()
    }

    fn is_shared(&self) -> bool {
        self.0.is_shared()
    }

    fn claim(&self, names: &[&[u8]]) -> Result<Vec<bool>, StoreError> {
        self.0.claim(names)
    }

    fn release(&self, names: &[&[u8]]) -> Result<(), StoreError> {
        self.0.release(names)
    }

    fn random(&self) -> Result<SeededRandom, StoreError> {
        self.0.random()
    }

    fn shred(&self) -> Result<ShredReport, StoreError> {
        self.0.shred()
    }

    fn shredded_at(&self) -> u64 {
        self.0.shredded_at()
    }

    fn rollback_noticed(&self) -> bool {
        self.0.rollback_noticed()
    }

    fn inspect(&self) -> Result<Inspection, StoreError> {
        self.0.inspect()
    }

    fn change_key(&self, key: &StoreKey) -> Result<(), StoreError> {
        self.0.change_key(key)
    }

    fn close(&self) -> Result<(), StoreError> {
        self.0.close()
    }
}
