//! Creating, opening, closing a store, and changing its key.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, RwLock};

use redb::{Database, ReadableDatabase};

use super::header::Header;
use super::slots::{Keys, Slots};
use super::tree::{self, Bucket, DIRTY_PREFIX, HEADER_ROW, ROOT_ROW};
use super::{CACHE_BYTES, Inner, ROWS, Store, StoreError, StoreKey, guarded};
use crate::crypto::{Secret, hkdf_sha256, system_random};

/// What every redb file begins with.
const REDB_MAGIC: &[u8] = b"redb\x1A\x0A\xA9\x0D\x0A";

impl Store {
    /// Makes a new store and its key-slot file. Refuses a path where either of them is.
    pub fn create(path: &Path, key: &StoreKey) -> Result<Self, StoreError> {
        let slots_path = beside(path, "keys");
        // A store is made under another name and renamed last, so that a crash in between leaves something that can be told from
        // a store and made again.
        let unfinished = beside(path, "new");
        if path.exists() || (slots_path.exists() && !unfinished.exists()) {
            return Err(StoreError::AlreadyExists);
        }
        match fs::remove_file(&unfinished) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error.into()),
            _ => {}
        }
        let mut rng = system_random()?;
        let mut store_id = [0; 16];
        store_id.copy_from_slice(Secret::<16>::random(&mut rng).as_bytes());
        let keys = Keys {
            data_key: Secret::random(&mut rng),
            epochs: vec![(1, Secret::random(&mut rng))],
            opened: 1,
        };
        let inner = guarded(|| {
            let database = builder().create(&unfinished)?;
            restrict(&unfinished)?;
            let slots = Slots::create(&slots_path, key, store_id, &keys, &mut rng)?;
            let inner = Inner::new(
                database,
                slots,
                keys,
                store_id,
                1,
                tree::Keys::generate(&mut rng),
            );
            let transaction = inner.begin_write()?;
            {
                let mut table = transaction.open_table(ROWS)?;
                let root_key = inner.epoch_key()?;
                let root = inner.root.seal(root_key, &store_id, &ROOT_ROW, &mut rng);
                table.insert(ROOT_ROW.as_slice(), root.as_slice())?;
                table.insert(HEADER_ROW.as_slice(), inner.header().as_slice())?;
            }
            transaction.commit()?;
            Ok::<_, StoreError>(inner)
        })?;
        fs::rename(&unfinished, path)?;
        sync_folder(path)?;
        Ok(Self::of(path, inner, false))
    }

    /// Opens a store. Never makes one.
    pub fn open(path: &Path, key: &StoreKey) -> Result<Self, StoreError> {
        check_magic(path)?;
        let database = guarded(|| Ok::<_, StoreError>(builder().open(path)?))?;
        let (header, dirty) = guarded(|| {
            let table = database.begin_read()?.open_table(ROWS)?;
            let header = table
                .get(HEADER_ROW.as_slice())?
                .ok_or(StoreError::NotAStore)?
                .value()
                .to_vec();
            let mut dirty = BTreeSet::new();
            let end = [DIRTY_PREFIX[0], DIRTY_PREFIX[1] + 1];
            for entry in table.range::<&[u8]>(DIRTY_PREFIX.as_slice()..end.as_slice())? {
                if let [_, _, node, place] = entry?.0.value() {
                    dirty.insert(Bucket(*node, *place));
                }
            }
            Ok::<_, StoreError>((header, dirty))
        })?;
        let store_id = Header::peek(&header)?;
        let (slots, keys) = Slots::open(&beside(path, "keys"), key)?;
        if slots.store_id() != store_id {
            return Err(StoreError::KeySlotsOfAnotherStore);
        }
        let header = Header::decode(&header, &header_key(&keys.data_key))?;
        let mut inner = guarded(|| Inner::open(database, slots, keys, header))?;
        inner.dirty = RwLock::new(dirty);
        let rollback_noticed = inner.keys.opened != header.opened;
        inner.finish_shred()?;
        inner.count_opening(header.opened.max(inner.keys.opened))?;
        Ok(Self::of(path, inner, rollback_noticed))
    }

    /// Shreds what is dead, and closes. Every later call answers [`StoreError::Closed`]; a second `close` does nothing.
    pub fn close(&self) -> Result<(), StoreError> {
        self.check_process()?;
        let mut inner = self.alone();
        let Some(open) = inner.as_mut() else {
            return Ok(());
        };
        let shredded = guarded(|| {
            open.shred()?;
            open.count_opening(open.keys.opened)
        });
        *inner = None;
        shredded
    }

    /// Wraps the keys for another passphrase or other key bytes. Its cost does not depend on the size of the store, and the
    /// former wrapping is overwritten: an old passphrase that leaks later opens nothing.
    pub fn change_key(&self, key: &StoreKey) -> Result<(), StoreError> {
        self.check_process()?;
        let mut inner = self.alone();
        let open = inner.as_mut().ok_or(StoreError::Closed)?;
        open.slots
            .change_key(key, &open.keys, &mut system_random()?)
    }

    fn of(path: &Path, inner: Inner, rollback_noticed: bool) -> Self {
        Self {
            path: path.to_owned(),
            process_id: std::process::id(),
            rollback_noticed,
            inner: RwLock::new(Some(inner)),
        }
    }
}

/// Who forgets to close does not pay with an unshredded store. A failure has nobody to be told to here; the next opening ends what
/// was begun.
impl Drop for Store {
    fn drop(&mut self) {
        if self.close() == Err(StoreError::Forked) {
            // The parent's file: not even redb's own closing may write to it.
            core::mem::forget(self.alone().take());
        }
    }
}

impl Inner {
    fn new(
        database: Database,
        slots: Slots,
        keys: Keys,
        store_id: [u8; 16],
        epoch: u64,
        root: tree::Keys,
    ) -> Self {
        Self {
            lookup_key: hkdf_sha256(
                &store_id,
                keys.data_key.as_bytes(),
                b"Windlass store v1 look-up",
            ),
            header_key: header_key(&keys.data_key),
            database,
            slots,
            keys,
            store_id,
            epoch,
            root,
            nodes: RwLock::new(BTreeMap::new()),
            dirty: RwLock::new(BTreeSet::new()),
            writer: Mutex::new(()),
        }
    }

    fn open(
        database: Database,
        slots: Slots,
        keys: Keys,
        header: Header,
    ) -> Result<Self, StoreError> {
        let newest = keys.epochs.iter().map(|(number, _)| *number).max();
        let (_, root_key) = keys
            .epochs
            .iter()
            .find(|(number, _)| *number == header.epoch)
            .ok_or(StoreError::EpochMismatch {
                store: header.epoch,
                slots: newest.unwrap_or(0),
            })?;
        let root = {
            let table = database.begin_read()?.open_table(ROWS)?;
            let sealed = table
                .get(ROOT_ROW.as_slice())?
                .ok_or(StoreError::Damaged { what: "key tree" })?;
            tree::Keys::open(root_key, &header.store_id, &ROOT_ROW, sealed.value())?
        };
        Ok(Self::new(
            database,
            slots,
            keys,
            header.store_id,
            header.epoch,
            root,
        ))
    }

    pub(super) fn header(&self) -> Vec<u8> {
        Header {
            store_id: self.store_id,
            epoch: self.epoch,
            opened: self.keys.opened,
        }
        .encode(&self.header_key)
    }

    pub(super) fn epoch_key(&self) -> Result<&Secret<32>, StoreError> {
        self.keys
            .epochs
            .iter()
            .find(|(number, _)| *number == self.epoch)
            .map(|(_, key)| key)
            .ok_or(StoreError::KeySlotsDamaged)
    }

    /// Counts up in both files. A copy of one of them that is put back later has a lower number than the other.
    fn count_opening(&mut self, from: u64) -> Result<(), StoreError> {
        self.keys.opened = from.saturating_add(1);
        let transaction = self.begin_write()?;
        transaction
            .open_table(ROWS)?
            .insert(HEADER_ROW.as_slice(), self.header().as_slice())?;
        transaction.commit()?;
        self.slots.write(&self.keys, &mut system_random()?)
    }
}

fn header_key(data_key: &Secret<32>) -> Secret<32> {
    hkdf_sha256(&[0; 32], data_key.as_bytes(), b"Windlass store v1 header")
}

fn builder() -> redb::Builder {
    let mut builder = Database::builder();
    builder.set_cache_size(CACHE_BYTES);
    builder
}

/// `path` with a dot and `suffix` behind its whole name.
fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(suffix);
    name.into()
}

fn check_magic(path: &Path) -> Result<(), StoreError> {
    let mut start = Vec::new();
    File::open(path)?
        .take(REDB_MAGIC.len() as u64)
        .read_to_end(&mut start)?;
    if start != REDB_MAGIC {
        return Err(StoreError::NotAStore);
    }
    Ok(())
}

fn restrict(path: &Path) -> Result<(), StoreError> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(path, fs::Permissions::from_mode(0o600))?;
    }
    Ok(())
}

/// A rename is durable once its folder is.
fn sync_folder(path: &Path) -> Result<(), StoreError> {
    #[cfg(unix)]
    {
        let folder = path
            .parent()
            .filter(|folder| !folder.as_os_str().is_empty());
        File::open(folder.unwrap_or(Path::new(".")))?.sync_all()?;
    }
    Ok(())
}
