//! The redb store as a storage engine.

use super::engine::{Inspection, Refused, ShredReport, StorageEngine};
use super::error::StoreError;
use super::handle::Store;
use super::key::StoreKey;
use super::rows::{Rows, RowsMut};
use crate::crypto::SeededRandom;

/// Why a closure's call ended.
enum Ended {
    Refused,
    Failed(StoreError),
}

impl From<StoreError> for Ended {
    fn from(error: StoreError) -> Self {
        Self::Failed(error)
    }
}

impl From<Refused> for Ended {
    fn from(_: Refused) -> Self {
        Self::Refused
    }
}

/// That a closure refused is for its caller to know.
fn ran(ended: Result<(), Ended>) -> Result<(), StoreError> {
    match ended {
        Ok(()) | Err(Ended::Refused) => Ok(()),
        Err(Ended::Failed(error)) => Err(error),
    }
}

impl StorageEngine for Store {
    fn snapshot(
        &self,
        f: &mut dyn FnMut(&dyn Rows) -> Result<(), Refused>,
    ) -> Result<(), StoreError> {
        ran(self.read(|reader| Ok(f(reader)?)))
    }

    fn snapshot_apart(
        &self,
        f: &mut dyn FnMut(&dyn Rows) -> Result<(), Refused>,
    ) -> Result<(), StoreError> {
        ran(self.read_apart(|reader| Ok(f(reader)?)))
    }

    /// Writers wait for each other, so no step is ever in the way of another, and each runs once.
    fn step(
        &self,
        f: &mut dyn FnMut(&mut dyn RowsMut) -> Result<(), Refused>,
    ) -> Result<(), StoreError> {
        ran(self.write(|writer| Ok(f(writer)?)))
    }

    fn id(&self) -> Result<[u8; 16], StoreError> {
        self.read(|reader| Ok(reader.store_id()))
    }

    fn now(&self) -> u64 {
        self.now()
    }

    fn random(&self) -> Result<SeededRandom, StoreError> {
        self.random()
    }

    fn shred(&self) -> Result<ShredReport, StoreError> {
        self.shred()
    }

    fn shredded_at(&self) -> u64 {
        self.shredded_at()
    }

    fn rollback_noticed(&self) -> bool {
        self.rollback_noticed()
    }

    fn inspect(&self) -> Result<Inspection, StoreError> {
        self.inspect()
    }

    fn change_key(&self, key: &StoreKey) -> Result<(), StoreError> {
        self.change_key(key)
    }

    fn close(&self) -> Result<(), StoreError> {
        self.close()
    }
}
