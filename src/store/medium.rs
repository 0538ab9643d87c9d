//! What a store stands on: its two files, the time, randomness.

use std::fmt::Debug;
use std::path::Path;

use redb::StorageBackend;

use super::error::StoreError;
use super::key_slots::{KeySlots, SlotFile};
use crate::crypto::{SeededRandom, system_random};

/// The files of a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum StoreFile {
    /// The redb file.
    Rows,
    /// The redb file while it is being made.
    Unfinished,
    /// The key slots. A medium that keeps them elsewhere is asked only whether they exist.
    KeySlots,
}

/// What the store, and the client on it, asks of the machine: files, the time, randomness. Everything that can be lost in a crash
/// goes through it, so that a simulated disk can lose it; with a clock and a seed of its own a simulation repeats itself.
pub trait Medium: Debug + Send + Sync {
    /// Whether a file is there.
    fn exists(&self, file: StoreFile) -> Result<bool, StoreError>;
    /// Opens a file to read and write; [`StoreError::NotFound`] if it is not there.
    fn open(&self, file: StoreFile) -> Result<Box<dyn StorageBackend>, StoreError>;
    /// Makes a file, for its owner's eyes only, or opens the one that is there, as it is: somebody else may be at work on it. Its name
    /// is durable when this returns.
    fn create(&self, file: StoreFile) -> Result<Box<dyn StorageBackend>, StoreError>;
    /// Gives the unfinished store its name. Durable when it returns.
    fn publish(&self) -> Result<(), StoreError>;
    /// Where it is, to show to a person.
    fn path(&self) -> &Path;

    /// The time, in milliseconds since 1970-01-01T00:00:00Z.
    fn now(&self) -> u64;

    /// The key slots of a store; [`StoreError::NotFound`] if there are none. By default they are in a file beside it.
    fn open_key_slots(&self) -> Result<Box<dyn KeySlots>, StoreError> {
        Ok(Box::new(SlotFile::new(self.open(StoreFile::KeySlots)?)))
    }

    /// Makes key slots, or opens those that are there, as they are: somebody else may be at work on them.
    fn create_key_slots(&self) -> Result<Box<dyn KeySlots>, StoreError> {
        Ok(Box::new(SlotFile::new(self.create(StoreFile::KeySlots)?)))
    }

    /// A generator for one call.
    fn random(&self) -> Result<SeededRandom, StoreError> {
        Ok(system_random()?)
    }
}
