//! A store in a folder of the operating system. There is none in a browser, where a medium is given.

use std::fs::{self, OpenOptions};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use redb::StorageBackend;
use redb::backends::FileBackend;

use super::error::StoreError;
use super::handle::Store;
use super::key::StoreKey;
use super::medium::{Medium, StoreFile};
use super::path::{beside, sync_folder_of};
use super::writer::Writer;

impl Store {
    /// Makes a new store and its key-slot file. Refuses a path where either of them is.
    pub fn create(path: &Path, key: &StoreKey) -> Result<Self, StoreError> {
        Self::create_on(Arc::new(Folder::new(path)), key)
    }

    /// [`Self::create`] of a store that has its first rows when it gets its name: with all of them, or not at all.
    pub fn create_with<E: From<StoreError>>(
        path: &Path,
        key: &StoreKey,
        fill: impl FnOnce(&mut Writer<'_>) -> Result<(), E>,
    ) -> Result<Self, E> {
        Self::create_on_with(Arc::new(Folder::new(path)), key, fill)
    }

    /// Opens a store. Never makes one.
    pub fn open(path: &Path, key: &StoreKey) -> Result<Self, StoreError> {
        Self::open_on(Arc::new(Folder::new(path)), key)
    }
}

/// The wall clock, in milliseconds since 1970-01-01T00:00:00Z; 0 for one that is set before.
#[must_use]
pub fn machine_now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| {
        u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
    })
}

/// Files of the operating system, beside each other.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
}

impl Folder {
    /// The store at `path`, whose key slots are in a file beside it.
    #[must_use]
    pub fn new(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
        }
    }

    fn path_of(&self, file: StoreFile) -> PathBuf {
        match file {
            StoreFile::Rows => self.path.clone(),
            StoreFile::Unfinished => beside(&self.path, "new"),
            StoreFile::KeySlots => beside(&self.path, "keys"),
        }
    }
}

impl Medium for Folder {
    fn exists(&self, file: StoreFile) -> Result<bool, StoreError> {
        Ok(self.path_of(file).try_exists()?)
    }

    fn open(&self, file: StoreFile) -> Result<Box<dyn StorageBackend>, StoreError> {
        let path = self.path_of(file);
        let file = OpenOptions::new().read(true).write(true).open(path)?;
        Ok(Box::new(FileBackend::new(file)?))
    }

    fn create(&self, file: StoreFile) -> Result<Box<dyn StorageBackend>, StoreError> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        #[cfg(unix)]
        {
            use std::os::unix::fs::OpenOptionsExt;
            options.mode(0o600);
        }
        let file = options.open(self.path_of(file))?;
        sync_folder_of(&self.path)?;
        Ok(Box::new(FileBackend::new(file)?))
    }

    fn publish(&self) -> Result<(), StoreError> {
        fs::rename(self.path_of(StoreFile::Unfinished), &self.path)?;
        sync_folder_of(&self.path)
    }

    fn path(&self) -> &Path {
        &self.path
    }

    fn now(&self) -> u64 {
        machine_now()
    }
}
