//! Creating, opening, closing a store, and what is done to the whole of it.

use std::sync::Arc;

use super::counters::Blocks;
use super::database::{Opened, ROWS};
use super::engine::ShredReport;
use super::error::StoreError;
use super::guard::guarded;
use super::handle::Store;
use super::header::{Header, Standing};
use super::key::StoreKey;
use super::medium::{Medium, StoreFile};
use super::opening::{read_own_rows, read_root};
use super::slots::{Keys, Slots};
use super::state::{Inner, header_key};
use super::tree::{self, Dirty};
use super::writer::Writer;
use crate::crypto::{CryptoRng, Secret, SeededRandom};

/// What a store begins with.
pub(super) struct Beginning {
    pub(super) header: Header,
    pub(super) keys: Keys,
}

impl Beginning {
    /// Of a store that there never was.
    pub(super) fn new(now: u64, rng: &mut dyn CryptoRng) -> Self {
        let mut store_id = [0; 16];
        store_id.copy_from_slice(Secret::<16>::random(rng).as_bytes());
        let header = Header {
            store_id,
            epoch: 1,
            opened: 1,
            shredded_at: now,
            standing: Standing::InUse,
        };
        let keys = Keys {
            data_key: Secret::random(rng),
            epochs: vec![(1, Secret::random(rng))],
            opened: 1,
        };
        Self { header, keys }
    }
}

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
        let mut rng = medium.random()?;
        let beginning = Beginning::new(medium.now(), &mut rng);
        let inner = Inner::make((&medium, rng), key, beginning, fill)?;
        Ok(Self::of(medium, inner, false))
    }

    /// Opens the store of a medium. Never makes one.
    pub fn open_on(medium: Arc<dyn Medium>, key: &StoreKey) -> Result<Self, StoreError> {
        let (mut inner, header) = Inner::open(&medium, key, Standing::in_use)?;
        guarded(|| inner.finish_change())?;
        let rollback_noticed = inner.compare_openings(header.opened)?;
        Ok(Self::of(medium, inner, rollback_noticed))
    }

    /// Makes every earlier value of a row that was replaced or deleted unreadable. The cost follows the buckets touched since the
    /// last shred, not the size of the store. Waits for readers and writers, and they wait for it.
    pub fn shred(&self) -> Result<ShredReport, StoreError> {
        self.check_process()?;
        let mut inner = self.alone();
        let inner = inner.as_mut().ok_or(StoreError::Closed)?;
        inner.repair()?;
        guarded(|| inner.shred())
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

    /// Seals the store anew for another passphrase or other key bytes. Whoever kept the former one, and copies of both files with it, reads
    /// nothing of what is in the store from now on. Its cost follows the size of the store.
    pub fn change_key(&self, key: &StoreKey) -> Result<(), StoreError> {
        self.check_process()?;
        let mut inner = self.alone();
        let open = inner.as_mut().ok_or(StoreError::Closed)?;
        open.repair()?;
        guarded(|| open.change_key(key))
    }
}

impl Inner {
    /// Makes the files of a store that has its first rows when it gets its name: with all of them, or not at all.
    pub(super) fn make<E: From<StoreError>>(
        (medium, mut rng): (&Arc<dyn Medium>, SeededRandom),
        key: &StoreKey,
        Beginning { header, keys }: Beginning,
        fill: impl FnOnce(&mut Writer<'_>) -> Result<(), E>,
    ) -> Result<Self, E> {
        // A store is made under another name and renamed last, so that a crash in between leaves something that can be told from
        // a store and made again.
        let unfinished = medium.exists(StoreFile::Unfinished)?;
        if medium.exists(StoreFile::Rows)? || (medium.exists(StoreFile::KeySlots)? && !unfinished) {
            return Err(StoreError::AlreadyExists.into());
        }
        let inner = guarded(|| {
            let rows = medium.create(StoreFile::Unfinished)?;
            let slots = Slots::lock(medium.create_key_slots()?)?;
            // Whoever had the lock before may have made the store meanwhile; then both files are theirs.
            if medium.exists(StoreFile::Rows)? {
                return Err(StoreError::AlreadyExists.into());
            }
            let database = Opened::create(rows)?;
            let slots = Slots::create(slots, key, header.store_id, &keys, &mut rng)?;
            let root = tree::Keys::generate(&mut rng);
            let files = (Arc::clone(medium), database, slots);
            let mut inner = Self::new(files, keys, header, root, Dirty::default());
            inner.keys.opened = header.opened;
            let transaction = inner.begin_write()?;
            let mut table = transaction.open_table(ROWS).map_err(StoreError::from)?;
            inner.write_own_rows(&mut table, &inner.tree.root, inner.epoch_key()?, &mut rng)?;
            let mut writer = Writer::new(
                (&inner.tree, &inner.dirty, Blocks::default()),
                table,
                rng,
                true,
            );
            fill(&mut writer)?;
            let learned = writer.finish()?;
            inner.learn(learned);
            inner.commit(transaction)?;
            Ok::<_, E>(inner)
        })?;
        medium.publish()?;
        inner.slots.unlock();
        Ok(inner)
    }

    /// Opens the files of a store whose standing is `allowed`. Nothing is written.
    pub(super) fn open(
        medium: &Arc<dyn Medium>,
        key: &StoreKey,
        allowed: fn(Standing) -> Result<(), StoreError>,
    ) -> Result<(Self, Header), StoreError> {
        let database = Opened::open(medium.as_ref())?;
        let (header, dirty) = guarded(|| read_own_rows(&database))?;
        let claim = Header::peek(&header)?;
        allowed(claim.standing)?;
        let slots = medium.open_key_slots().map_err(|error| match error {
            StoreError::NotFound => StoreError::KeySlotsMissing,
            other => other,
        })?;
        let (slots, keys) =
            Slots::open(slots, key).map_err(|error| Header::blamed(&header, error))?;
        if slots.store_id() != claim.store_id {
            return Err(StoreError::KeySlotsOfAnotherStore);
        }
        let header = Header::decode(&header, &header_key(&keys.data_key))?;
        let root =
            guarded(|| read_root(&database, &keys, &header)).map_err(|error| match error {
                // The key was changed, and the slot of the former one not yet overwritten.
                StoreError::EpochMismatch { .. } if slots.of_two_keys() => StoreError::WrongKey,
                error => error,
            })?;
        let files = (Arc::clone(medium), database, slots);
        let mut inner = Self::new(files, keys, header, root, dirty);
        inner.census = guarded(|| inner.read_census(&header))?;
        Ok((inner, header))
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
