//! A store in a folder of the operating system. There is none in a browser, where a medium is given.

use std::fs::{self, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use redb::StorageBackend;

use super::error::StoreError;
use super::fault::shown;
use super::handle::Store;
use super::key::StoreKey;
use super::key_slots::{KeySlots, SlotFile};
use super::medium::{Medium, StoreFile};
use super::named_file::NamedFile;
use super::path::{beside, fault, of_new, of_store, owners_only, sync_folder_of};
use super::writer::Writer;

impl Store {
    /// Makes a new store and its key-slot file. Refuses a path where either of them is.
    pub fn create(path: &Path, key: &StoreKey) -> Result<Self, StoreError> {
        Self::create_on(Arc::new(Folder::to_be_made(path)?), key)
    }

    /// [`Self::create`] of a store that has its first rows when it gets its name: with all of them, or not at all.
    pub fn create_with<E: From<StoreError>>(
        path: &Path,
        key: &StoreKey,
        fill: impl FnOnce(&mut Writer<'_>) -> Result<(), E>,
    ) -> Result<Self, E> {
        Self::create_on_with(Arc::new(Folder::to_be_made(path)?), key, fill)
    }

    /// Opens a store. Never makes one.
    pub fn open(path: &Path, key: &StoreKey) -> Result<Self, StoreError> {
        Self::open_on(Arc::new(Folder::that_is_there(path)?), key)
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

    /// For a store that is to be made at `path`.
    pub(super) fn to_be_made(path: &Path) -> Result<Self, StoreError> {
        match of_new(path) {
            Ok(path) => Ok(Self { path }),
            Err(StoreError::File(fault)) if fault.kind() == io::ErrorKind::AlreadyExists => {
                Err(StoreError::AlreadyExists)
            }
            Err(error) => Err(error),
        }
    }

    /// For the store that is at `path`, by the name that has its key slots beside it.
    pub(super) fn that_is_there(path: &Path) -> Result<Self, StoreError> {
        let path = of_store(path)?;
        #[cfg(unix)]
        if !beside(&path, "keys").exists() {
            let path = super::other_names::with_key_slots(&path).unwrap_or(path);
            return Ok(Self { path });
        }
        Ok(Self { path })
    }

    /// Whether the file of the rows has another name somewhere, beside which its key slots may be.
    fn has_other_names(&self) -> bool {
        #[cfg(unix)]
        return super::other_names::are_there(&self.path);
        #[cfg(not(unix))]
        false
    }

    fn path_of(&self, file: StoreFile) -> PathBuf {
        match file {
            StoreFile::Rows => self.path.clone(),
            StoreFile::Unfinished => beside(&self.path, "new"),
            StoreFile::KeySlots => beside(&self.path, "keys"),
        }
    }
}

fn opened(path: PathBuf) -> Result<Box<dyn StorageBackend>, StoreError> {
    let opened = OpenOptions::new().read(true).write(true).open(&path);
    match opened {
        Ok(opened) => Ok(Box::new(NamedFile::new(opened, path)?)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Err(StoreError::NotFound),
        Err(error) => Err(fault(&path, "opened", error)),
    }
}

fn made(path: PathBuf) -> Result<Box<dyn StorageBackend>, StoreError> {
    if fs::symlink_metadata(&path).is_ok_and(|there| !there.is_file()) {
        let error = io::Error::new(io::ErrorKind::InvalidInput, "its name is something else's");
        return Err(fault(&path, "made", error));
    }
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    owners_only(&mut options);
    let made = options.open(&path);
    let made = made.map_err(|error| fault(&path, "made", error))?;
    sync_folder_of(&path)?;
    Ok(Box::new(NamedFile::new(made, path)?))
}

/// Key slots in a file whose store is elsewhere.
#[cfg(feature = "postgres")]
pub(super) fn slot_file(path: &Path, create: bool) -> Result<Box<dyn KeySlots>, StoreError> {
    let file = if create {
        made(path.to_owned())?
    } else {
        opened(path.to_owned())?
    };
    Ok(Box::new(SlotFile::new(file)))
}

impl Medium for Folder {
    fn exists(&self, file: StoreFile) -> Result<bool, StoreError> {
        let path = self.path_of(file);
        // A link to nowhere is something, too.
        match fs::symlink_metadata(&path) {
            Ok(_) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(fault(&path, "found", error)),
        }
    }

    fn open(&self, file: StoreFile) -> Result<Box<dyn StorageBackend>, StoreError> {
        opened(self.path_of(file))
    }

    fn create(&self, file: StoreFile) -> Result<Box<dyn StorageBackend>, StoreError> {
        made(self.path_of(file))
    }

    fn open_key_slots(&self) -> Result<Box<dyn KeySlots>, StoreError> {
        match self.open(StoreFile::KeySlots) {
            Ok(file) => Ok(Box::new(SlotFile::new(file))),
            Err(StoreError::NotFound) if self.has_other_names() => Err(StoreError::HardLink {
                path: shown(&self.path),
            }),
            Err(error) => Err(error),
        }
    }

    fn publish(&self) -> Result<(), StoreError> {
        let named = fs::rename(self.path_of(StoreFile::Unfinished), &self.path);
        named.map_err(|error| fault(&self.path, "made", error))?;
        sync_folder_of(&self.path)
    }

    fn path(&self) -> &Path {
        &self.path
    }

    fn now(&self) -> u64 {
        machine_now()
    }
}
