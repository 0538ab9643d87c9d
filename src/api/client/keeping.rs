//! What a client's owner does with its store.

use std::io::Write;
use std::sync::Arc;

use super::{Client, Stop};
use crate::api::{Inspection, ProgressListener, Result, ShredReport, StoreKey, WindlassError};
use crate::engine::history::deletion;

#[cfg_attr(feature = "uniffi", uniffi::export)]
impl Client {
    /// As [`EncryptedStore::change_key`](crate::EncryptedStore::change_key).
    pub fn change_key(&self, key: &StoreKey) -> Result<()> {
        self.store.change_key(key)
    }

    /// As [`EncryptedStore::shred`](crate::EncryptedStore::shred).
    pub fn shred(&self) -> Result<ShredReport> {
        self.store.shred()
    }

    /// Numbers about the store without secrets.
    pub fn inspect(&self) -> Result<Inspection> {
        self.store.inspect()
    }

    /// Deletes what is due, shreds, and closes the store. A second `close` does nothing.
    pub fn close(&self) -> Result<()> {
        let now = self.store.0.now();
        let expired = self.store.0.write(|rows| {
            match deletion::expire(rows, now)? {
                // Nothing to pay a sync for.
                0 => Err(Stop::Unchanged(Vec::new())),
                _ => Ok(()),
            }
        });
        // Also where nothing can be deleted, as on a full disk: somebody else is to get the store.
        let closed = self.store.close();
        match expired {
            Ok(()) | Err(Stop::Unchanged(_) | Stop::Error(WindlassError::StoreClosed(_))) => closed,
            Err(Stop::Error(error)) => Err(error),
        }
    }
}

impl Client {
    /// As [`EncryptedStore::export_backup_to`](crate::EncryptedStore::export_backup_to), while the client is in use.
    pub fn export_backup_to(
        &self,
        to: Box<dyn Write + Send>,
        key: &StoreKey,
        progress: Option<&dyn ProgressListener>,
    ) -> Result<u64> {
        self.store.export_backup_to(to, key, progress)
    }
}

exported! {
impl Client {
    /// As [`EncryptedStore::export_backup`](crate::EncryptedStore::export_backup), while the client is in use.
    #[uniffi::method(default(progress = None))]
    pub fn export_backup(
        &self,
        path: String,
        key: &StoreKey,
        progress: Option<Arc<dyn ProgressListener>>,
    ) -> Result<u64> {
        self.store.export_backup(path, key, progress)
    }
}
}
