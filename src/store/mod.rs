//! The encrypted store: rows of bytes, sealed, in one redb file and one small key-slot file (docs/store.md).
//!
//! It knows nothing of protocols. What it promises the layers above: a [`Store::write`] that returned is durable, one that failed
//! left no trace; whoever has the files has sizes, counts and times; what was deleted is gone after [`Store::shred`].

mod error;
mod header;
mod key;
mod lifecycle;
mod rows;
mod shred;
mod slots;
mod table;
mod tree;

pub use error::StoreError;
pub use key::StoreKey;
pub use rows::{Direction, OrderedRow, Reader, Rows, WHOLE_GROUP, Writer};
pub use shred::ShredReport;
pub use table::{Key, Table};

use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use redb::{Database, Durability, ReadableDatabase, TableDefinition};

use crate::crypto::{Secret, system_random};
use slots::Slots;
use tree::Bucket;

/// The one redb table. Its name is not secret.
const ROWS: TableDefinition<'static, &[u8], &[u8]> = TableDefinition::new("windlass rows");

/// Memory that redb may use for pages.
const CACHE_BYTES: usize = 16 * 1024 * 1024;

/// An open store. Any thread may call anything; writers wait for each other.
pub struct Store {
    path: PathBuf,
    /// Whose store it is: after `fork` two processes would each go on with the same ratchets.
    process_id: u32,
    rollback_noticed: bool,
    /// Nothing once it is closed. Readers and writers share the lock; what replaces keys takes it alone.
    inner: RwLock<Option<Inner>>,
}

/// An open database and its keys.
struct Inner {
    database: Database,
    slots: Slots,
    keys: slots::Keys,
    store_id: [u8; 16],
    lookup_key: Secret<32>,
    header_key: Secret<32>,
    epoch: u64,
    root: tree::Keys,
    nodes: RwLock<BTreeMap<u8, Arc<tree::Keys>>>,
    dirty: RwLock<BTreeSet<Bucket>>,
    /// One writer at a time, over the whole of a transaction and what the caches learn from it.
    writer: Mutex<()>,
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
    /// Runs `f` on one snapshot.
    pub fn read<T, E: From<StoreError>>(
        &self,
        f: impl FnOnce(&Reader<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        self.check_process()?;
        let inner = self.shared();
        let inner = inner.as_ref().ok_or(StoreError::Closed)?;
        guarded(|| {
            let transaction = inner.database.begin_read().map_err(StoreError::from)?;
            let table = transaction.open_table(ROWS).map_err(StoreError::from)?;
            f(&Reader::new(inner, table))
        })
    }

    /// Runs `f` in one transaction, which is durable when this returns `Ok` and has left no trace when it returns `Err`.
    pub fn write<T, E: From<StoreError>>(
        &self,
        f: impl FnOnce(&mut Writer<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        self.check_process()?;
        let inner = self.shared();
        let inner = inner.as_ref().ok_or(StoreError::Closed)?;
        let _alone = lock(&inner.writer);
        let rng = system_random().map_err(StoreError::from)?;
        guarded(|| {
            let transaction = inner.begin_write()?;
            let table = transaction.open_table(ROWS).map_err(StoreError::from)?;
            let mut writer = Writer::new(inner, table, rng);
            let value = f(&mut writer)?;
            let learned = writer.into_learned();
            transaction.commit().map_err(StoreError::from)?;
            inner.learn(learned);
            Ok(value)
        })
    }

    /// Whether one of the two files was put back from an older copy since the store was last open.
    #[must_use]
    pub fn rollback_noticed(&self) -> bool {
        self.rollback_noticed
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Numbers without secrets, safe to show to anyone.
    pub fn inspect(&self) -> Result<Inspection, StoreError> {
        self.check_process()?;
        let inner = self.shared();
        let inner = inner.as_ref().ok_or(StoreError::Closed)?;
        guarded(|| {
            let table = inner.database.begin_read()?.open_table(ROWS)?;
            let mut rows = Vec::new();
            for of in Table::ALL {
                let range =
                    table.range::<&[u8]>([of.tag()].as_slice()..[of.tag() + 1].as_slice())?;
                rows.push((of.name(), range.count() as u64));
            }
            Ok(Inspection {
                schema_version: header::SCHEMA_VERSION,
                epoch: inner.epoch,
                passphrase: matches!(inner.slots.derivation(), key::Derivation::Argon2id(_)),
                rows,
                dirty_buckets: read(&inner.dirty).len() as u64,
                file_bytes: std::fs::metadata(&self.path)?.len(),
            })
        })
    }

    fn check_process(&self) -> Result<(), StoreError> {
        if self.process_id != std::process::id() {
            return Err(StoreError::Forked);
        }
        Ok(())
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
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

impl Inner {
    /// One sync for each commit: no two-phase commit, no quick repair (docs/store.md, "Speed").
    fn begin_write(&self) -> Result<redb::WriteTransaction, StoreError> {
        let mut transaction = self.database.begin_write()?;
        transaction
            .set_durability(Durability::Immediate)
            .map_err(|_| StoreError::Damaged { what: "savepoints" })?;
        Ok(transaction)
    }

    fn learn(&self, learned: rows::Learned) {
        self.nodes
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .extend(learned.nodes);
        self.dirty
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .extend(learned.dirty);
    }

    fn cached_node(&self, node: u8) -> Option<Arc<tree::Keys>> {
        read(&self.nodes).get(&node).cloned()
    }

    fn cache_node(&self, node: u8, keys: Arc<tree::Keys>) {
        self.nodes
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(node, keys);
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
