//! Creating, opening, closing a store, and changing its key.

use std::collections::BTreeSet;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};

use super::database::{Opened, ROWS, RowsTable};
use super::error::StoreError;
use super::group::Group;
use super::guard::guarded;
use super::handle::Store;
use super::header::Header;
use super::key::StoreKey;
use super::medium::{Medium, StoreFile};
use super::slots::{Keys, Slots};
use super::state::{Inner, header_key};
use super::tree::{self, Bucket, DIRTY_PREFIX, Dirty, HEADER_ROW, ROOT_ROW, Tree};
use super::writer::Writer;
use crate::crypto::{Secret, SeededRandom};

impl Store {
    /// Makes a new store on a medium. Refuses one where the store or its key slots are.
    pub fn create_on(medium: Arc<dyn Medium>, key: &StoreKey) -> Result<Self, StoreError> {
        Self::create_on_with(medium, key, |_| Ok(()))
    }

    /// [`Self::create_on`] of a store that has its first rows when it gets its name: with all of them, or not at all.
    pub fn create_on_with<E: From<StoreError>>(
        medium: Arc<dyn Medium>,
        key: &StoreKey,
        fill: impl FnOnce(&mut Writer<'_>) -> Result<(), E>,
    ) -> Result<Self, E> {
        // A store is made under another name and renamed last, so that a crash in between leaves something that can be told from
        // a store and made again.
        let unfinished = medium.exists(StoreFile::Unfinished)?;
        if medium.exists(StoreFile::Rows)? || (medium.exists(StoreFile::KeySlots)? && !unfinished) {
            return Err(StoreError::AlreadyExists.into());
        }
        let mut rng = medium.random()?;
        let mut store_id = [0; 16];
        store_id.copy_from_slice(Secret::<16>::random(&mut rng).as_bytes());
        let keys = Keys {
            data_key: Secret::random(&mut rng),
            epochs: vec![(1, Secret::random(&mut rng))],
            opened: 1,
        };
        let inner = guarded(|| {
            let rows = medium.create(StoreFile::Unfinished)?;
            let slots = Slots::lock(medium.create_key_slots()?)?;
            // Whoever had the lock before may have made the store meanwhile; then both files are theirs.
            if medium.exists(StoreFile::Rows)? {
                return Err(StoreError::AlreadyExists.into());
            }
            let database = Opened::create(rows)?;
            let slots = Slots::create(slots, key, store_id, &keys, &mut rng)?;
            let header = Header {
                store_id,
                epoch: 1,
                opened: keys.opened,
                shredded_at: medium.now(),
            };
            let root = tree::Keys::generate(&mut rng);
            let files = (Arc::clone(&medium), database, slots);
            let inner = Inner::new(files, keys, header, root, Dirty::default());
            let transaction = inner.begin_write()?;
            let mut table = transaction.open_table(ROWS).map_err(StoreError::from)?;
            inner.write_own_rows(&mut table, &mut rng)?;
            let mut writer = Writer::new((&inner.tree, &inner.dirty), table, rng, true);
            fill(&mut writer)?;
            let learned = writer.finish()?;
            inner.commit(transaction)?;
            inner.learn(learned);
            Ok::<_, E>(inner)
        })?;
        medium.publish()?;
        inner.slots.unlock();
        Ok(Self::of(medium, inner, false))
    }

    /// Opens the store of a medium. Never makes one.
    pub fn open_on(medium: Arc<dyn Medium>, key: &StoreKey) -> Result<Self, StoreError> {
        let database = Opened::open(medium.as_ref())?;
        let (header, dirty) = guarded(|| read_own_rows(&database))?;
        let store_id = Header::peek(&header)?;
        let slots = medium.open_key_slots().map_err(|error| match error {
            StoreError::NotFound => StoreError::KeySlotsMissing,
            other => other,
        })?;
        let (slots, keys) = Slots::open(slots, key)?;
        if slots.store_id() != store_id {
            return Err(StoreError::KeySlotsOfAnotherStore);
        }
        let header = Header::decode(&header, &header_key(&keys.data_key))?;
        let root = guarded(|| read_root(&database, &keys, &header))?;
        let files = (Arc::clone(&medium), database, slots);
        let mut inner = Inner::new(files, keys, header, root, dirty);
        inner.finish_shred()?;
        let rollback_noticed = inner.compare_openings(header.opened)?;
        Ok(Self::of(medium, inner, rollback_noticed))
    }

    /// Shreds what is dead, and closes. Every later call answers [`StoreError::Closed`]; a second `close` does nothing.
    pub fn close(&self) -> Result<(), StoreError> {
        self.check_process()?;
        let mut inner = self.alone();
        let Some(open) = inner.as_mut() else {
            return Ok(());
        };
        let shredded = guarded(|| {
            open.repair()?;
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
        open.repair()?;
        open.slots
            .change_key(key, &open.keys, &mut self.medium.random()?)
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
    /// Reads both files again, after a write that may or may not have reached them; nothing is to be done otherwise. On an error the
    /// store stays failed, and the next call tries again.
    pub(super) fn repair(&mut self) -> Result<(), StoreError> {
        if self.check_whole().is_ok() {
            return Ok(());
        }
        // Its locks first.
        *self
            .writer
            .get_mut()
            .unwrap_or_else(PoisonError::into_inner) = None;
        self.database = None;
        let database = Opened::open(self.medium.as_ref())?;
        let (header, dirty) = guarded(|| read_own_rows(&database))?;
        let header = Header::decode(&header, &self.header_key)?;
        self.keys = self.slots.read_again()?;
        let root = guarded(|| read_root(&database, &self.keys, &header))?;
        let lookup_key = self.tree.lookup_key.duplicate();
        self.tree = Arc::new(Tree::new(header.store_id, lookup_key, root));
        self.epoch = header.epoch;
        self.shredded_at = header.shredded_at;
        self.dirty = dirty;
        self.group = Group::default();
        self.database = Some(database);
        self.failed.store(false, Ordering::Release);
        self.finish_shred()
    }

    /// The tree's root and the header of a new store.
    fn write_own_rows(
        &self,
        table: &mut RowsTable<'_>,
        rng: &mut SeededRandom,
    ) -> Result<(), StoreError> {
        let root = &self.tree.root;
        let root = root.seal(self.epoch_key()?, &self.tree.store_id, &ROOT_ROW, rng);
        table.insert(ROOT_ROW.as_slice(), root.as_slice())?;
        table.insert(HEADER_ROW.as_slice(), self.header().as_slice())?;
        Ok(())
    }

    /// Counts this opening, and says whether one of the files is older than the other.
    ///
    /// The header is committed before the slot is written, so a crash in between leaves it exactly one ahead. That is no older copy;
    /// the count is ended first, so that no number of crashes leaves it further ahead.
    fn compare_openings(&mut self, header: u64) -> Result<bool, StoreError> {
        let slots = self.keys.opened;
        if header == slots.saturating_add(1) {
            self.keys.opened = header;
            self.slots.write(&self.keys, &mut self.medium.random()?)?;
        }
        let older = header != self.keys.opened;
        // One more when there is something to tell: should this be where it crashes, it must not look like the above.
        let from = header.max(slots).saturating_add(u64::from(older));
        guarded(|| self.count_opening(from))?;
        Ok(older)
    }

    /// Counts up in both files. A copy of one of them that is put back later has a lower number than the other.
    fn count_opening(&mut self, from: u64) -> Result<(), StoreError> {
        self.keys.opened = from.saturating_add(1);
        let transaction = self.begin_write()?;
        transaction
            .open_table(ROWS)?
            .insert(HEADER_ROW.as_slice(), self.header().as_slice())?;
        self.commit(transaction)?;
        self.slots.write(&self.keys, &mut self.medium.random()?)
    }
}

/// The header as it stands there, and the buckets marked dirty.
fn read_own_rows(database: &Opened) -> Result<(Vec<u8>, Dirty), StoreError> {
    let table = database.begin_read()?;
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
    Ok((header, Dirty::of(dirty)))
}

/// The tree's root, by the root key of the header's epoch.
fn read_root(database: &Opened, keys: &Keys, header: &Header) -> Result<tree::Keys, StoreError> {
    let newest = keys.epochs.iter().map(|(number, _)| *number).max();
    let (_, root_key) = keys
        .epochs
        .iter()
        .find(|(number, _)| *number == header.epoch)
        .ok_or(StoreError::EpochMismatch {
            store: header.epoch,
            slots: newest.unwrap_or(0),
        })?;
    let table = database.begin_read()?;
    let sealed = table
        .get(ROOT_ROW.as_slice())?
        .ok_or(StoreError::Damaged { what: "key tree" })?;
    tree::Keys::open(root_key, &header.store_id, &ROOT_ROW, sealed.value())
}
