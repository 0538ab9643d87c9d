//! A file of the operating system, whose failures name it, and which is never taken for locked when it only cannot be locked.

use std::fs::File;
use std::io;
use std::ops::Bound;
use std::path::PathBuf;

use redb::backends::FileBackend;
use redb::{BackendError, StorageBackend};

use super::error::StoreError;
use super::fault::FileFault;

/// redb's way to a file, with its name.
#[derive(Debug)]
pub(super) struct NamedFile {
    file: FileBackend,
    /// The same open file: what is locked by the one is unlocked by the other.
    #[cfg(target_os = "android")]
    same: File,
    path: PathBuf,
}

impl NamedFile {
    pub(super) fn new(file: File, path: PathBuf) -> Result<Self, StoreError> {
        Ok(Self {
            #[cfg(target_os = "android")]
            same: file.try_clone()?,
            file: FileBackend::new(file)?,
            path,
        })
    }

    fn named<T>(&self, step: &'static str, done: io::Result<T>) -> io::Result<T> {
        done.map_err(|error| FileFault::new(&self.path, step, &error).carried())
    }

    /// A lock of the whole file that cannot be had is an error with its reason: without one a second process would write to the same
    /// store. A part that cannot be locked is answered as such, and redb asks for the whole.
    fn locked(
        &self,
        (start, end): (Bound<u64>, Bound<u64>),
        tried: Result<bool, BackendError>,
    ) -> Result<bool, BackendError> {
        let error = match tried {
            Ok(locked) => return Ok(locked),
            Err(error) => io::Error::from(error),
        };
        let whole =
            end == Bound::Unbounded && matches!(start, Bound::Unbounded | Bound::Included(0));
        let unsupported = error.kind() == io::ErrorKind::Unsupported;
        if unsupported && !whole {
            return Err(BackendError::Unsupported);
        }
        #[cfg(target_os = "android")]
        if unsupported {
            return self.lock_whole();
        }
        Err(self.no_lock(&error))
    }

    fn no_lock(&self, error: &io::Error) -> BackendError {
        BackendError::Io(FileFault::no_lock(&self.path, error).carried())
    }

    /// The standard library locks no file on Android before Rust 1.98.
    #[cfg(target_os = "android")]
    fn lock_whole(&self) -> Result<bool, BackendError> {
        use rustix::fs::{FlockOperation, flock};
        match flock(&self.same, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(true),
            Err(rustix::io::Errno::WOULDBLOCK) => Ok(false),
            Err(error) => Err(self.no_lock(&error.into())),
        }
    }
}

impl StorageBackend for NamedFile {
    fn len(&self) -> io::Result<u64> {
        self.named("measured", self.file.len())
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.named("read", self.file.read(offset, out))
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.named("given its length", self.file.set_len(len))
    }

    fn sync_data(&self) -> io::Result<()> {
        self.named("synced", self.file.sync_data())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.named("written", self.file.write(offset, data))
    }

    fn close(&self) -> io::Result<()> {
        self.file.close()
    }

    fn try_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.locked((start, end), self.file.try_lock_range(start, end))
    }

    fn try_lock_shared_range(
        &self,
        start: Bound<u64>,
        end: Bound<u64>,
    ) -> Result<bool, BackendError> {
        self.locked((start, end), self.file.try_lock_shared_range(start, end))
    }

    fn lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.file.lock_range(start, end)
    }

    fn lock_shared_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.file.lock_shared_range(start, end)
    }

    fn unlock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        #[cfg(target_os = "android")]
        let _ = rustix::fs::flock(&self.same, rustix::fs::FlockOperation::Unlock);
        self.file.unlock_range(start, end)
    }

    fn query_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.file.query_lock_range(start, end)
    }
}

#[cfg(unix)]
#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)]
mod tests {
    use std::ops::Bound::{Excluded, Included, Unbounded};
    use std::path::Path;

    use super::*;

    fn nowhere() -> NamedFile {
        let path = Path::new("/dev/null").to_owned();
        NamedFile::new(File::open(&path).unwrap(), path).unwrap()
    }

    #[test]
    fn whatever_fails_names_the_file_and_the_step() {
        let file = nowhere();
        let failed = [
            ("read", file.read(0, &mut [0])),
            ("written", file.write(0, &[1])),
            ("given its length", file.set_len(1)),
            ("synced", file.sync_data()),
        ];
        for (step, failed) in failed {
            let StoreError::File(fault) = failed.unwrap_err().into() else {
                panic!("{step}");
            };
            let said = fault.to_string();
            let wanted = format!("/dev/null could not be {step}: ");
            assert!(said.starts_with(&wanted), "{said}");
        }
        assert_eq!(file.len().unwrap(), 0);
    }

    #[test]
    fn where_nothing_can_be_locked_no_store_is_opened() {
        let file = nowhere();
        let unsupported = || Err(BackendError::Unsupported);
        let broken = || Err(io::Error::from(io::ErrorKind::Deadlock).into());
        let (whole, also_whole) = ((Unbounded, Unbounded), (Included(0), Unbounded));
        let parts = [
            (Included(5), Unbounded),
            (Unbounded, Excluded(9)),
            (Included(0), Included(9)),
        ];
        // redb asks for the whole when a part cannot be locked.
        for part in parts {
            let answer = file.locked(part, unsupported());
            assert!(matches!(answer, Err(BackendError::Unsupported)));
        }
        let refused = [whole, also_whole].map(|range| file.locked(range, unsupported()));
        let broken = parts.map(|range| file.locked(range, broken()));
        for refused in refused.into_iter().chain(broken) {
            let Err(BackendError::Io(error)) = refused else {
                panic!("{refused:?}");
            };
            // Of another kind redb would take it for a machine without processes.
            assert_eq!(error.kind(), io::ErrorKind::Other);
            let said = StoreError::from(error);
            assert!(matches!(said, StoreError::NoLocks(_)), "{said}");
        }
        for answer in [true, false] {
            assert_eq!(file.locked(whole, Ok(answer)).unwrap(), answer);
        }
    }
}
