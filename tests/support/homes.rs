//! Stores in files, for the checks of every storage engine.

#![allow(dead_code, clippy::unwrap_used)]

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use tempfile::TempDir;
use windlass::store::{Folder, KeySlots, Medium, StorageEngine, Store, StoreError, StoreKey};
use windlass::testing::contract::Home;

pub type Opened = Result<Arc<dyn StorageEngine>, StoreError>;

/// Files of the operating system.
pub struct Files(TempDir);

impl Files {
    pub fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self) -> PathBuf {
        self.0.path().join("test.wl")
    }
}

impl Home for Files {
    fn create(&self, key: &StoreKey) -> Opened {
        Ok(Arc::new(Store::create(&self.path(), key)?))
    }

    fn open(&self, key: &StoreKey) -> Opened {
        Ok(Arc::new(Store::open(&self.path(), key)?))
    }

    /// The process is gone, and the operating system still has what it wrote.
    fn after_crash(&self) -> Box<dyn Home> {
        let after = Self::new();
        for file in fs::read_dir(self.0.path()).unwrap() {
            let file = file.unwrap();
            fs::copy(file.path(), after.0.path().join(file.file_name())).unwrap();
        }
        Box::new(after)
    }

    fn copy_rows(&self) -> Box<dyn FnOnce() + '_> {
        let copy = fs::read(self.path()).unwrap();
        Box::new(move || fs::write(self.path(), copy).unwrap())
    }

    fn key_slots(&self) -> Box<dyn KeySlots> {
        Folder::new(&self.path()).create_key_slots().unwrap()
    }
}
