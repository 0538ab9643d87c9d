//! The encrypted store: rows of bytes, sealed, in one redb file and one small key-slot file (docs/store.md).
//!
//! It knows nothing of protocols. What it promises the layers above: a [`Store::write`] that returned is durable, one that failed
//! left no trace; whoever has the files has sizes, counts and times; what was deleted is gone after [`Store::shred`].

mod backup;
mod error;
mod group;
mod header;
mod key;
mod lifecycle;
mod medium;
mod rows;
mod shred;
mod slots;
mod table;
mod tree;
mod writer;

pub use backup::{BackupReader, BackupWriter};
pub use error::StoreError;
pub use key::StoreKey;
pub use medium::{Medium, StoreFile, machine_now};
pub use rows::{Direction, OrderedRow, Reader, Rows, WHOLE_GROUP};
pub use shred::ShredReport;
pub use table::{Key, Table};
pub use writer::Writer;

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use redb::{Database, Durability, ReadableDatabase, TableDefinition, WriteTransaction};

use crate::crypto::{Secret, SeededRandom};
use group::{Group, Turn};
use slots::Slots;
use tree::{Bucket, Tree};

/// The one redb table. Its name is not secret.
const ROWS: TableDefinition<'static, &[u8], &[u8]> = TableDefinition::new("windlass rows");

/// Memory that redb may use for pages.
const CACHE_BYTES: usize = 16 * 1024 * 1024;

/// An open store. Any thread may call anything; writers wait for each other.
pub struct Store {
    medium: Arc<dyn Medium>,
    /// Whose store it is: after `fork` two processes would each go on with the same ratchets.
    process_id: u32,
    rollback_noticed: bool,
    /// Nothing once it is closed. Readers and writers share the lock; what replaces keys takes it alone.
    inner: RwLock<Option<Inner>>,
}

/// An open database and its keys.
struct Inner {
    medium: Arc<dyn Medium>,
    /// Nothing only while a failed one is opened again.
    database: Option<Opened>,
    slots: Slots,
    /// As the slots hold them. More than one epoch: a shred has not come to its end.
    keys: slots::Keys,
    header_key: Secret<32>,
    epoch: u64,
    shredded_at: u64,
    tree: Arc<Tree>,
    dirty: RwLock<BTreeSet<Bucket>>,
    /// One writer at a time, over the whole of a step and what the caches learn from it. Inside, the transaction that a group of
    /// steps shares, as long as one of them has still to come.
    writer: Mutex<Option<WriteTransaction>>,
    group: Group,
    /// A write failed, so what memory and disk say may differ: both files are read again before anything else is done.
    failed: AtomicBool,
}

/// A redb database that is closed without a panic, whatever state a damaged file left it in.
struct Opened(Option<Database>);

impl Drop for Opened {
    fn drop(&mut self) {
        let database = self.0.take();
        let _ = guarded(|| {
            drop(database);
            Ok::<_, StoreError>(())
        });
    }
}

/// What may be shown of a store to anyone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inspection {
    /// Version of the schema.
    pub schema_version: u32,
    /// How many shreds there have been, plus one.
    pub epoch: u64,
    /// True when a passphrase opens it, false when key bytes do.
    pub passphrase: bool,
    /// Rows in each table, by the table's name.
    pub rows: Vec<(&'static str, u64)>,
    /// Buckets in which something was replaced or deleted since the last shred.
    pub dirty_buckets: u64,
    /// Bytes of the store file.
    pub file_bytes: u64,
}

impl Store {
    /// Runs `f` on one snapshot. What it saw is durable.
    pub fn read<T, E: From<StoreError>>(
        &self,
        f: impl FnOnce(&Reader) -> Result<T, E>,
    ) -> Result<T, E> {
        let inner = self.usable()?;
        let inner = inner.as_ref().ok_or(StoreError::Closed)?;
        let read = guarded(|| f(&inner.reader()?));
        if read.is_err() {
            inner.find_out_whether_failed(&lock(&inner.writer));
        }
        read
    }

    /// [`Self::read`] for what takes long, or calls what this library does not know: no lock is held meanwhile, so nobody waits for
    /// `f`, and it may call the store itself. It sees the store as it was, also what is shredded meanwhile; closing ends it with
    /// [`StoreError::Closed`].
    pub fn read_apart<T, E: From<StoreError>>(
        &self,
        f: impl FnOnce(&Reader) -> Result<T, E>,
    ) -> Result<T, E> {
        let reader = {
            let inner = self.usable()?;
            let inner = inner.as_ref().ok_or(StoreError::Closed)?;
            guarded(|| inner.reader())?
        };
        let read = guarded(|| f(&reader));
        if let (Err(_), Some(inner)) = (&read, self.shared().as_ref()) {
            inner.find_out_whether_failed(&lock(&inner.writer));
        }
        read
    }

    /// Runs `f` as one step, which is durable when this returns `Ok` and has left no trace when it returns `Err`. Callers that come
    /// at once share a transaction and its sync.
    pub fn write<T, E: From<StoreError>>(
        &self,
        f: impl FnOnce(&mut Writer<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        let inner = self.usable()?;
        let inner = inner.as_ref().ok_or(StoreError::Closed)?;
        let rng = self.medium.random()?;
        let (stepped, seen) = {
            let mut turn = inner.group.announce();
            let mut open = lock(&inner.writer);
            turn.begin();
            inner.check_whole()?;
            let stepped = inner.step(&mut open, rng, f);
            let seen = inner.group.latest();
            inner.end_turn(&mut open, &turn);
            (stepped, seen)
        };
        // A refusal waits too: it may follow from what another step of the same group did.
        inner.group.wait_for(seen)?;
        stepped
    }

    /// Whether one of the two files was put back from an older copy since the store was last open.
    #[must_use]
    pub fn rollback_noticed(&self) -> bool {
        self.rollback_noticed
    }

    /// When it was last shredded, or made, in milliseconds since 1970-01-01T00:00:00Z; 0 when it is closed. It is known again after
    /// a restart.
    #[must_use]
    pub fn shredded_at(&self) -> u64 {
        self.shared().as_ref().map_or(0, |inner| inner.shredded_at)
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.medium.path()
    }

    /// The time, in milliseconds since 1970-01-01T00:00:00Z.
    #[must_use]
    pub fn now(&self) -> u64 {
        self.medium.now()
    }

    /// A generator for one call.
    pub fn random(&self) -> Result<SeededRandom, StoreError> {
        self.medium.random()
    }

    /// Numbers without secrets, safe to show to anyone.
    pub fn inspect(&self) -> Result<Inspection, StoreError> {
        let inner = self.usable()?;
        let inner = inner.as_ref().ok_or(StoreError::Closed)?;
        guarded(|| {
            let reader = inner.reader()?;
            let mut rows = Vec::new();
            for of in Table::ALL {
                rows.push((of.name(), reader.count(of)?));
            }
            Ok(Inspection {
                schema_version: header::SCHEMA_VERSION,
                epoch: inner.epoch,
                passphrase: matches!(inner.slots.derivation(), key::Derivation::Argon2id(_)),
                rows,
                dirty_buckets: read(&inner.dirty).len() as u64,
                file_bytes: self.medium.open(StoreFile::Rows)?.len()?,
            })
        })
    }

    fn check_process(&self) -> Result<(), StoreError> {
        if self.process_id != std::process::id() {
            return Err(StoreError::Forked);
        }
        Ok(())
    }

    /// The open store, once whatever failed before is repaired.
    fn usable(&self) -> Result<RwLockReadGuard<'_, Option<Inner>>, StoreError> {
        self.check_process()?;
        let shared = self.shared();
        if shared
            .as_ref()
            .is_none_or(|inner| inner.check_whole().is_ok())
        {
            return Ok(shared);
        }
        drop(shared);
        if let Some(inner) = self.alone().as_mut() {
            inner.repair()?;
        }
        Ok(self.shared())
    }

    fn shared(&self) -> RwLockReadGuard<'_, Option<Inner>> {
        read(&self.inner)
    }

    fn alone(&self) -> RwLockWriteGuard<'_, Option<Inner>> {
        self.inner.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl core::fmt::Debug for Store {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Store")
            .field("path", &self.path())
            .finish_non_exhaustive()
    }
}

impl Inner {
    fn reader(&self) -> Result<Reader, StoreError> {
        let table = self.database()?.begin_read()?.open_table(ROWS)?;
        Ok(Reader::new(Arc::clone(&self.tree), table))
    }

    fn database(&self) -> Result<&Database, StoreError> {
        let database = self.database.as_ref();
        database
            .and_then(|opened| opened.0.as_ref())
            .ok_or(StoreError::Io {
                kind: std::io::ErrorKind::Other,
            })
    }

    fn check_whole(&self) -> Result<(), StoreError> {
        if self.failed.load(Ordering::Acquire) {
            return Err(StoreError::Io {
                kind: std::io::ErrorKind::Other,
            });
        }
        Ok(())
    }

    /// Runs one step in the group's transaction, or in a new one.
    fn step<T, E: From<StoreError>>(
        &self,
        open: &mut Option<WriteTransaction>,
        rng: SeededRandom,
        f: impl FnOnce(&mut Writer<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        let transaction = match open.take() {
            Some(shared) => shared,
            None => guarded(|| Ok::<_, E>(self.begin_write()?))?,
        };
        let mut lost = Some(StoreError::Damaged {
            what: "database pages",
        });
        let stepped = guarded(|| {
            let table = transaction.open_table(ROWS).map_err(StoreError::from)?;
            let mut writer = Writer::new(self, table, rng, false);
            let value = f(&mut writer).inspect_err(|_| lost = None)?;
            let learned = writer
                .finish()
                .inspect_err(|why| lost = Some(why.clone()))?;
            Ok::<_, E>((value, learned))
        });
        match (stepped, lost) {
            (Ok((value, learned)), _) => {
                self.learn(learned);
                self.group.count();
                *open = Some(transaction);
                Ok(value)
            }
            // It refused before anything was sealed, so the transaction is as it was.
            (Err(refused), None) => {
                if self.group.unsynced() {
                    *open = Some(transaction);
                } else {
                    drop(transaction);
                    self.find_out_whether_failed(open);
                }
                Err(refused)
            }
            // Half of a step is in the transaction, which goes, with every step that shared it.
            (Err(error), Some(why)) => {
                drop(transaction);
                self.fail(&why);
                Err(error)
            }
        }
    }

    /// Commits what the group's steps did, unless somebody comes who will.
    fn end_turn(&self, open: &mut Option<WriteTransaction>, turn: &Turn<'_>) {
        if open.is_some() && !turn.others_come() {
            let committed = guarded(|| match open.take() {
                Some(transaction) => self.commit(transaction),
                None => Ok(()),
            });
            match committed {
                Ok(()) => self.group.synced(),
                Err(why) => self.fail(&why),
            }
        }
    }

    /// The files are read again before anything else is done.
    fn fail(&self, why: &StoreError) {
        self.failed.store(true, Ordering::Release);
        self.group.failed(why);
    }

    /// redb answers nothing more once a file failed it, in whichever call that was. A transaction that is open finds out itself.
    fn find_out_whether_failed(&self, open: &Option<WriteTransaction>) {
        if open.is_some() || self.check_whole().is_err() {
            return;
        }
        let asked = guarded(|| {
            let _aborted = self.database()?.begin_write()?;
            Ok::<_, StoreError>(())
        });
        if let Err(why) = asked {
            self.fail(&why);
        }
    }

    fn begin_write(&self) -> Result<WriteTransaction, StoreError> {
        self.check_whole()?;
        Ok(self.database()?.begin_write()?)
    }

    /// One sync: no two-phase commit, no quick repair (docs/store.md, "Speed").
    fn commit(&self, mut transaction: WriteTransaction) -> Result<(), StoreError> {
        transaction
            .set_durability(Durability::Immediate)
            .map_err(|_| StoreError::Damaged { what: "savepoints" })?;
        let committed = transaction.commit().map_err(StoreError::from);
        if committed.is_err() {
            self.failed.store(true, Ordering::Release);
        }
        committed
    }

    fn learn(&self, learned: writer::Learned) {
        self.tree.learn(learned.nodes);
        self.dirty
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .extend(learned.dirty);
    }

    fn is_dirty(&self, bucket: Bucket) -> bool {
        read(&self.dirty).contains(&bucket)
    }
}

/// redb is trusted with pages it wrote itself, not with every page a failing disk can make of them. A panic over one becomes an
/// error here and nowhere else.
fn guarded<T, E: From<StoreError>>(f: impl FnOnce() -> Result<T, E>) -> Result<T, E> {
    catch_unwind(AssertUnwindSafe(f)).unwrap_or_else(|_| {
        Err(StoreError::Damaged {
            what: "database pages",
        }
        .into())
    })
}

// A thread that panicked under one of these locks left no half-done state: redb's transaction is whole or not there, and caches
// are extended in one call. So a poisoned lock is taken over.

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn read<T>(lock: &RwLock<T>) -> RwLockReadGuard<'_, T> {
    lock.read().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]
mod tests;
