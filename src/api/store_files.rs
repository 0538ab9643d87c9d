//! Stores in files of the operating system; WebAssembly has none.

use std::sync::Arc;

use super::path::path_of;
use super::{
    EncryptedStore, ProgressListener, Result, StoreKey, WindlassError, database, progress,
};
use crate::crypto::system_random;
use crate::engine::steps::backup;
use crate::store::copying::{Copied, copy};
use crate::store::{BackupReader, Store, StoreError, machine_now};

#[cfg_attr(feature = "uniffi", uniffi::export)]
impl EncryptedStore {
    /// Makes a new store at `path`, and its key-slot file beside it. Refuses a path where something is.
    ///
    /// In place of a path the address of a PostgreSQL database makes one there: `postgresql://user:password@host/database?store=name`.
    #[cfg_attr(feature = "uniffi", uniffi::constructor)]
    pub fn create(path: String, key: &StoreKey) -> Result<Arc<Self>> {
        if database::is_meant(&path) {
            return Ok(Arc::new(database::create(&path, key)?));
        }
        Ok(Arc::new(Store::create(&path_of(&path), &key.0)?.into()))
    }

    /// Opens the store at `path`, or in a database. Never makes one. One process has a file open, any number a database.
    #[cfg_attr(feature = "uniffi", uniffi::constructor)]
    pub fn open(path: String, key: &StoreKey) -> Result<Arc<Self>> {
        if database::is_meant(&path) {
            return Ok(Arc::new(database::open(&path, key)?));
        }
        Ok(Arc::new(Store::open(&path_of(&path), &key.0)?.into()))
    }
}

exported! {
impl EncryptedStore {
    /// Carries the store at `source` to `target`, and opens it there, by the same key: from a file to a database or back, or to another file
    /// or database. What a store is may stand in one place alone, so the one at `source` is retired: it answers `store_moved` from then on,
    /// and its keys are overwritten.
    ///
    /// Every row is carried, and compared where it came to. Until that is done the store is where it was, also if this is stopped or fails. If
    /// the process or a server ends meanwhile, the same call goes on; what did not come to its end answers `copy_unfinished`. Progress is
    /// told of rows, each of which counts when it is written and when it was compared.
    #[uniffi::constructor(default(progress = None))]
    pub fn copy(
        source: String,
        target: String,
        key: &StoreKey,
        progress: Option<Arc<dyn ProgressListener>>,
    ) -> Result<Arc<Self>> {
        let (from, to) = (database::place(&source)?, database::place(&target)?);
        let mut listener = progress::tell(progress.as_deref());
        match copy((&from, &to), &key.0, &mut listener)? {
            Copied::Whole(_) => Self::open(target, key),
            Copied::Stopped => Err(WindlassError::Cancelled),
        }
    }

    /// Makes a new store at `path` from the backup at `backup`: the same identity on a new device, with contacts and history.
    /// Sessions begin anew with the next messages; this one answers a contact that writes to the former device.
    ///
    /// The store is whole when this returns, and not there if it fails.
    #[uniffi::constructor(default(progress = None))]
    pub fn import_backup(
        backup: String,
        backup_key: &StoreKey,
        path: String,
        key: &StoreKey,
        progress: Option<Arc<dyn ProgressListener>>,
    ) -> Result<Arc<Self>> {
        if database::is_meant(&path) {
            let why = "a backup is imported into a file";
            return Err(StoreError::DatabaseAddress { why }.into());
        }
        let reader = BackupReader::open(&path_of(&backup), &backup_key.0)?;
        let (now, mut rng) = (machine_now(), system_random()?);
        let mut listener = progress::tell(progress.as_deref());
        let store = Store::create_with(&path_of(&path), &key.0, |writer| {
            backup::import(writer, reader, now, &mut rng, &mut listener)
        })?;
        Ok(Arc::new(store.into()))
    }
}
}
