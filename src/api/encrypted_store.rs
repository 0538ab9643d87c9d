//! `EncryptedStore`.

use std::io::{Read, Write};
use std::sync::Arc;

use super::handed_over::HandedOver;
use super::path::path_of;
use super::{ProgressListener, Result, StoreKey, progress};
use crate::engine::base::error::EngineError;
use crate::engine::records::outbox;
use crate::engine::steps::backup;
use crate::store::{BackupReader, BackupWriter, Medium, StorageEngine, Store, Table};

/// The file that holds everything a client knows, sealed. One process owns it.
#[derive(Debug)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Object))]
pub struct EncryptedStore(pub(super) Box<dyn StorageEngine>, pub(super) HandedOver);

/// Numbers about a store without secrets, safe to paste into a bug report.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
pub struct Inspection {
    /// Version of the file format.
    pub schema_version: u32,
    /// How often the keys were replaced, plus one.
    pub epoch: u64,
    /// True when a passphrase opens it, false when key bytes do.
    pub passphrase: bool,
    /// Rows in each table.
    pub tables: Vec<TableRows>,
    /// Parts of the store in which something was replaced or deleted since the last shred.
    pub dirty_buckets: u64,
    /// Bytes of the store file, or of the table in a database.
    pub file_bytes: u64,
    /// True when the key slots are rows of the database that the store is in. What was deleted can then be read, by who has the store's
    /// key, for as long as a log, a replica or a backup of the database from before is there; otherwise a shred ends it.
    pub slots_in_database: bool,
    /// True when the key slots are sealed by a key in Vault. A shred makes its former versions be no more, so what is kept of the database
    /// reads nothing of before.
    pub slots_in_vault: bool,
}

/// The number of rows of one table.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
pub struct TableRows {
    /// The table.
    pub table: String,
    /// Its rows.
    pub rows: u64,
}

/// What a shred did.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
pub struct ShredReport {
    /// Parts of the store that held something dead.
    pub buckets: u64,
    /// Living rows that shared their keys and were sealed anew.
    pub rows: u64,
}

/// A store of another storage engine, or whose files are kept elsewhere than in a folder (`windlass::store::Medium`).
impl<E: StorageEngine + 'static> From<E> for EncryptedStore {
    fn from(engine: E) -> Self {
        Self(Box::new(engine), HandedOver::default())
    }
}

#[cfg_attr(feature = "uniffi", uniffi::export)]
impl EncryptedStore {
    /// Changes the passphrase or key bytes. The cost does not depend on the size of the store; the former key opens nothing any
    /// more, not even with an older look at the disk.
    pub fn change_key(&self, key: &StoreKey) -> Result<()> {
        Ok(self.0.change_key(&key.0)?)
    }

    /// Makes everything that was replaced or deleted unreadable for good, also for who has the file and the passphrase. `close`
    /// does it too.
    pub fn shred(&self) -> Result<ShredReport> {
        self.delete_handed_over()?;
        let report = self.0.shred()?;
        Ok(ShredReport {
            buckets: report.buckets,
            rows: report.rows,
        })
    }

    /// Numbers without secrets.
    pub fn inspect(&self) -> Result<Inspection> {
        let inspection = self.0.inspect()?;
        let handed_over = self.1.ids().len() as u64;
        Ok(Inspection {
            schema_version: inspection.schema_version,
            epoch: inspection.epoch,
            passphrase: inspection.passphrase,
            tables: inspection
                .rows
                .into_iter()
                .map(|(table, rows)| TableRows {
                    table: table.to_owned(),
                    // What the transport took does not wait any more.
                    rows: if table == Table::Outbox.name() {
                        rows.saturating_sub(handed_over)
                    } else {
                        rows
                    },
                })
                .collect(),
            dirty_buckets: inspection.dirty_buckets,
            file_bytes: inspection.file_bytes,
            slots_in_database: inspection.slots_in_database,
            slots_in_vault: inspection.slots_in_vault,
        })
    }

    /// True when the store, or its key-slot file, was put back from an older copy since it was last open.
    #[must_use]
    pub fn rollback_noticed(&self) -> bool {
        self.0.rollback_noticed()
    }

    /// Shreds and closes. Later calls answer that the store is closed; a second `close` does nothing.
    pub fn close(&self) -> Result<()> {
        let deleted = self.delete_handed_over();
        // Also if that failed: it waits again when the store is opened, and a second `close` has nothing to do.
        self.1.forget(&self.1.ids());
        self.0.close()?;
        deleted
    }
}

exported! {
impl EncryptedStore {
    /// Writes identity, contacts and history to a new file at `path`, sealed under a key of its own, and answers how many records.
    /// No ratchets and no prekeys: they must not be used twice. The file is whole when this returns, and not there if it fails.
    ///
    /// It holds everything as it was at the call; the store can be used meanwhile, by the listener too.
    #[uniffi::method(default(progress = None))]
    pub fn export_backup(
        &self,
        path: String,
        key: &StoreKey,
        progress: Option<Arc<dyn ProgressListener>>,
    ) -> Result<u64> {
        let writer = BackupWriter::create(&path_of(&path), &key.0)?;
        self.export(writer, progress.as_deref())
    }
}
}

impl EncryptedStore {
    /// As `export_backup`, to wherever its bytes are to go, where there are no files. The last call is of `flush`, once it is whole.
    pub fn export_backup_to(
        &self,
        to: Box<dyn Write + Send>,
        key: &StoreKey,
        progress: Option<&dyn ProgressListener>,
    ) -> Result<u64> {
        self.export(BackupWriter::create_to(to, &key.0)?, progress)
    }

    fn export(&self, writer: BackupWriter, progress: Option<&dyn ProgressListener>) -> Result<u64> {
        let mut listener = progress::tell(progress);
        let records = self
            .0
            .read_apart(|reader| backup::export(reader, writer, self.0.now(), &mut listener))?;
        Ok(records)
    }

    /// Makes a new store on a medium from the backup of `len` bytes that is read from `backup`.
    pub fn import_backup_from(
        (backup, len): (Box<dyn Read + Send>, u64),
        backup_key: &StoreKey,
        medium: Arc<dyn Medium>,
        key: &StoreKey,
        progress: Option<&dyn ProgressListener>,
    ) -> Result<Self> {
        let reader = BackupReader::open_from(backup, len, &backup_key.0)?;
        let (now, mut rng) = (medium.now(), medium.random()?);
        let mut listener = progress::tell(progress);
        let store = Store::create_on_with(medium, &key.0, |writer| {
            backup::import(writer, reader, now, &mut rng, &mut listener)
        })?;
        Ok(store.into())
    }

    /// Deletes what the transport has taken over, if anything of it is still there.
    pub(super) fn delete_handed_over(&self) -> Result<()> {
        let ids = self.1.ids();
        if ids.is_empty() {
            return Ok(());
        }
        self.0.write(|rows| {
            outbox::mark_sent(rows, &ids)?;
            Ok::<_, EngineError>(())
        })?;
        self.1.forget(&ids);
        Ok(())
    }
}

/// Who forgets to close does not send again what was sent.
impl Drop for EncryptedStore {
    fn drop(&mut self) {
        // A failure has nobody to be told to here, and only means that it is sent again.
        let _ = self.delete_handed_over();
    }
}
