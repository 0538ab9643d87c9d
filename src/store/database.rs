//! The redb database: one table, in a file that a medium keeps.

use std::io;
use std::ops::Bound;

use redb::{BackendError, Database, ReadableDatabase, StorageBackend, TableDefinition};

use super::error::StoreError;
use super::guard::guarded;
use super::medium::{Medium, StoreFile};

/// The one redb table. Its name is not secret.
pub(super) const ROWS: TableDefinition<'static, &[u8], &[u8]> =
    TableDefinition::new("windlass rows");

/// Memory that redb may use for pages.
const CACHE_BYTES: usize = 16 * 1024 * 1024;

/// Up to this length every page of a file is checked when it is opened.
const CHECKED_AT_OPEN_BYTES: u64 = 64 * 1024 * 1024;

/// What every redb file begins with.
const REDB_MAGIC: &[u8] = b"redb\x1A\x0A\xA9\x0D\x0A";

pub(super) type Raw<'a> = &'a [u8];
pub(super) type RowsTable<'a> = redb::Table<'a, Raw<'static>, Raw<'static>>;
pub(super) type ReadOnlyRows = redb::ReadOnlyTable<Raw<'static>, Raw<'static>>;

/// A redb database that is closed without a panic, whatever state a damaged file left it in.
pub(super) struct Opened {
    database: Option<Database>,
    small: bool,
}

impl Opened {
    /// A new database. Whatever was in the file is gone.
    pub(super) fn create(file: Box<dyn StorageBackend>) -> Result<Self, StoreError> {
        file.set_len(0)?;
        let database = Some(builder().create_with_backend(Boxed(file))?);
        Ok(Self {
            database,
            small: true,
        })
    }

    /// The database of a store.
    pub(super) fn open(medium: &dyn Medium) -> Result<Self, StoreError> {
        let rows = medium.open(StoreFile::Rows)?;
        // Asked before redb sees it, which would make a database of an empty file.
        let mut start = [0; REDB_MAGIC.len()];
        if rows.len()? < start.len() as u64 {
            return Err(StoreError::NotAStore);
        }
        rows.read(0, &mut start)?;
        if start != REDB_MAGIC {
            return Err(StoreError::NotAStore);
        }
        // redb trusts a file that was closed in order, and a flipped byte in a key could hide a row. Reading all of a small file
        // costs little; a large one is opened in constant time (docs/store.md, "Damage").
        let small = rows.len()? <= CHECKED_AT_OPEN_BYTES;
        guarded(|| {
            let mut builder = builder();
            builder.set_check_integrity_on_open(small);
            let database = Some(builder.create_with_backend(Boxed(rows))?);
            Ok(Self { database, small })
        })
    }

    pub(super) fn database(&self) -> Result<&Database, StoreError> {
        self.database.as_ref().ok_or(StoreError::Closed)
    }

    /// Whether all of the file is read when it is opened.
    pub(super) fn is_small(&self) -> bool {
        self.small
    }

    pub(super) fn begin_read(&self) -> Result<ReadOnlyRows, StoreError> {
        Ok(self.database()?.begin_read()?.open_table(ROWS)?)
    }
}

impl Drop for Opened {
    fn drop(&mut self) {
        let database = self.database.take();
        let _ = guarded(|| {
            drop(database);
            Ok::<_, StoreError>(())
        });
    }
}

fn builder() -> redb::Builder {
    let mut builder = Database::builder();
    builder.set_cache_size(CACHE_BYTES);
    builder
}

/// redb takes a back end by its type.
#[derive(Debug)]
struct Boxed(Box<dyn StorageBackend>);

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

#[cfg(unix)]
#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)]
mod tests {
    use std::fs::File;
    use std::ops::Bound::{Excluded, Included, Unbounded};

    use redb::backends::InMemoryBackend;

    use super::*;
    use crate::store::named_file::NamedFile;

    /// A file, and as many handles of it as somebody asks for, each as another process has it.
    struct Shared(tempfile::NamedTempFile);

    impl Shared {
        fn new() -> Self {
            Self(tempfile::NamedTempFile::new().unwrap())
        }

        fn file(&self) -> File {
            let mut options = File::options();
            options.read(true).write(true).open(self.0.path()).unwrap()
        }

        fn handle(&self, file: File) -> Boxed {
            let path = self.0.path().to_owned();
            Boxed(Box::new(NamedFile::new(file, path).unwrap()))
        }
    }

    #[test]
    fn what_one_handle_of_a_file_has_locked_another_does_not_get() {
        let shared = Shared::new();
        let [one, other] = [(); 2].map(|()| shared.handle(shared.file()));
        for (from, to) in [(Unbounded, Unbounded), (Included(10), Excluded(20))] {
            let refused = || {
                assert!(!other.try_lock_range(from, to).unwrap());
                assert!(other.query_lock_range(from, to).unwrap());
            };
            assert!(!other.query_lock_range(from, to).unwrap());
            assert!(one.try_lock_range(from, to).unwrap());
            refused();
            assert!(!other.try_lock_shared_range(from, to).unwrap());
            one.unlock_range(from, to).unwrap();
            one.lock_range(from, to).unwrap();
            refused();
            assert!(!other.try_lock_shared_range(from, to).unwrap());
            one.unlock_range(from, to).unwrap();
            // Readers keep away whoever writes, and not each other.
            assert!(one.try_lock_shared_range(from, to).unwrap());
            refused();
            assert!(other.try_lock_shared_range(from, to).unwrap());
            other.unlock_range(from, to).unwrap();
            one.unlock_range(from, to).unwrap();
            one.lock_shared_range(from, to).unwrap();
            refused();
            assert!(other.try_lock_shared_range(from, to).unwrap());
            other.unlock_range(from, to).unwrap();
            one.unlock_range(from, to).unwrap();
        }
    }

    #[test]
    fn a_file_that_is_closed_is_free_whoever_else_has_it_from_us() {
        let shared = Shared::new();
        let file = shared.file();
        // As a child process has it that was started meanwhile.
        let _inherited = file.try_clone().unwrap();
        let (one, other) = (shared.handle(file), shared.handle(shared.file()));
        assert!(one.try_lock_range(Unbounded, Unbounded).unwrap());
        assert!(!other.try_lock_range(Unbounded, Unbounded).unwrap());
        one.close().unwrap();
        assert!(other.try_lock_range(Unbounded, Unbounded).unwrap());
    }

    /// A file whose end is a panic.
    #[derive(Debug)]
    struct EndsBadly(InMemoryBackend);

    impl StorageBackend for EndsBadly {
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
            panic!("a file that cannot be closed")
        }
    }

    #[test]
    fn a_panic_at_the_end_of_a_database_is_nobody_elses() {
        let file = EndsBadly(InMemoryBackend::new());
        drop(Opened::create(Box::new(file)).unwrap());
    }
}
