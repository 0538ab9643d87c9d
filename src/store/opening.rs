//! What the store's own rows and the key slots say at an opening, and again after a failure.

use std::collections::BTreeSet;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};

use super::census;
use super::database::{Opened, RowsTable};
use super::error::StoreError;
use super::group::Group;
use super::guard::guarded;
use super::header::Header;
use super::slots::Keys;
use super::state::Inner;
use super::tree::{self, Bucket, DIRTY_PREFIX, Dirty, HEADER_ROW, ROOT_ROW, Tree};
use crate::crypto::{Secret, SeededRandom};

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
        self.census = guarded(|| census::Kept::read(&database, &self.tree, &header))?;
        self.epoch = header.epoch;
        self.shredded_at = header.shredded_at;
        self.dirty = dirty;
        self.blocks = Mutex::default();
        self.group = Group::default();
        self.database = Some(database);
        self.failed.store(false, Ordering::Release);
        if self
            .keys
            .epochs
            .iter()
            .any(|(number, _)| *number > self.epoch)
        {
            self.slots.go_back();
        }
        self.finish_shred()
    }

    /// Which rows there are, after a look whether they are there.
    pub(super) fn read_census(&self, header: &Header) -> Result<census::Kept, StoreError> {
        let opened = self.database.as_ref().ok_or(StoreError::Closed)?;
        census::Kept::read(opened, &self.tree, header)
    }

    /// The root of a tree, under the key of the epoch; the header follows with the commit.
    pub(super) fn write_own_rows(
        &self,
        table: &mut RowsTable<'_>,
        root: &tree::Keys,
        root_key: &Secret<32>,
        rng: &mut SeededRandom,
    ) -> Result<(), StoreError> {
        let sealed = root.seal(root_key, &self.tree.store_id, &ROOT_ROW, rng)?;
        table.insert(ROOT_ROW.as_slice(), sealed.as_slice())?;
        self.census.header_changes();
        Ok(())
    }

    /// Counts this opening, and says whether one of the files is older than the other.
    ///
    /// The header is committed before the slot is written, so a crash in between leaves it exactly one ahead. That is no older copy;
    /// the count is ended first, so that no number of crashes leaves it further ahead.
    pub(super) fn compare_openings(&mut self, header: u64) -> Result<bool, StoreError> {
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
    pub(super) fn count_opening(&mut self, from: u64) -> Result<(), StoreError> {
        self.keys.opened = from.saturating_add(1);
        self.census.header_changes();
        self.commit(self.begin_write()?)?;
        self.slots.write(&self.keys, &mut self.medium.random()?)
    }
}

/// The header as it stands there, and the buckets marked dirty.
pub(super) fn read_own_rows(database: &Opened) -> Result<(Vec<u8>, Dirty), StoreError> {
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
pub(super) fn read_root(
    database: &Opened,
    keys: &Keys,
    header: &Header,
) -> Result<tree::Keys, StoreError> {
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
