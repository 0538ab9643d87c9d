//! Where a store's two files are: beside each other in a folder, or in what a simulation puts in their place.

use std::fmt::Debug;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::ops::Bound;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use redb::backends::FileBackend;
use redb::{BackendError, StorageBackend};

use super::StoreError;
use crate::crypto::{SeededRandom, system_random};

/// The files of a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum StoreFile {
    /// The redb file.
    Rows,
    /// The redb file while it is being made.
    Unfinished,
    /// The key slots.
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
    fn now(&self) -> u64 {
        machine_now()
    }

    /// A generator for one call.
    fn random(&self) -> Result<SeededRandom, StoreError> {
        Ok(system_random()?)
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

/// Files of the operating system.
#[derive(Debug)]
pub(super) struct Folder {
    path: PathBuf,
}

impl Folder {
    pub(super) fn new(path: &Path) -> Self {
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
}

/// A name is durable once its folder is.
pub(super) fn sync_folder_of(path: &Path) -> Result<(), StoreError> {
    #[cfg(unix)]
    {
        let folder = path
            .parent()
            .filter(|folder| !folder.as_os_str().is_empty());
        File::open(folder.unwrap_or(Path::new(".")))?.sync_all()?;
    }
    Ok(())
}

/// `path` with a dot and `suffix` behind its whole name.
pub(super) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(suffix);
    name.into()
}

/// redb takes a back end by its type.
#[derive(Debug)]
pub(super) struct Boxed(pub(super) Box<dyn StorageBackend>);

impl StorageBackend for Boxed {
    fn len(&self) -> io::Result<u64> {
        self.0.len()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.0.read(offset, out)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.0.set_len(len)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.0.sync_data()
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.0.write(offset, data)
    }

    fn close(&self) -> io::Result<()> {
        self.0.close()
    }

    fn try_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.0.try_lock_range(start, end)
    }

    fn try_lock_shared_range(
        &self,
        start: Bound<u64>,
        end: Bound<u64>,
    ) -> Result<bool, BackendError> {
        self.0.try_lock_shared_range(start, end)
    }

    fn lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.0.lock_range(start, end)
    }

    fn lock_shared_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.0.lock_shared_range(start, end)
    }

    fn unlock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.0.unlock_range(start, end)
    }

    fn query_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.0.query_lock_range(start, end)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use crate::crypto::Secret;
    use crate::store::{Key, Rows, Store, StoreError, StoreKey, Table};

    #[test]
    fn two_who_make_one_store_at_once_spoil_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("test.wl");
        let [ours, theirs] = [1, 2].map(|byte| StoreKey::Raw(Secret::new([byte; 32])));
        let made = Store::create_with(&path, &ours, |writer| {
            let second = Store::create(&path, &theirs).unwrap_err();
            assert_eq!(second, StoreError::Locked);
            writer.put(Table::Messages, Key::new(b"a"), b"kept")
        });
        drop(made.unwrap());
        assert_eq!(
            Store::create(&path, &theirs).unwrap_err(),
            StoreError::AlreadyExists
        );
        let store = Store::open(&path, &ours).unwrap();
        let kept = store.read(|rows| rows.get(Table::Messages, Key::new(b"a")));
        assert_eq!(kept.unwrap().unwrap().as_slice(), b"kept");
    }
}
