//! An open database with its keys, and what may be known of it: whole, failed, dirty.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use redb::{Database, Durability, ReadableDatabase, WriteTransaction};

use super::census;
use super::counters::Blocks;
use super::database::{Opened, ROWS};
use super::error::StoreError;
use super::group::Group;
use super::guard::{guarded, lock};
use super::header::{Header, Standing};
use super::medium::Medium;
use super::reader::Reader;
use super::slots::{Keys, Slots};
use super::tree::{self, Dirty, HEADER_ROW, Tree};
use super::writer::Learned;
use crate::crypto::{Secret, hkdf_sha256};

/// An open database and its keys.
pub(super) struct Inner {
    pub(super) medium: Arc<dyn Medium>,
    /// Nothing only while a failed one is opened again.
    pub(super) database: Option<Opened>,
    pub(super) slots: Slots,
    /// As the slots hold them. More than one epoch: a shred has not come to its end.
    pub(super) keys: Keys,
    pub(super) header_key: Secret<32>,
    pub(super) epoch: u64,
    pub(super) shredded_at: u64,
    pub(super) standing: Standing,
    pub(super) tree: Arc<Tree>,
    pub(super) dirty: Dirty,
    /// Numbers of sequences that the rows say are taken, for the next steps.
    pub(super) blocks: Mutex<Blocks>,
    pub(super) census: census::Kept,
    /// One writer at a time, over the whole of a step and what the caches learn from it. Inside, the transaction that a group of
    /// steps shares, as long as one of them has still to come.
    pub(super) writer: Mutex<Option<WriteTransaction>>,
    pub(super) group: Group,
    /// A write failed, so what memory and disk say may differ: both files are read again before anything else is done.
    pub(super) failed: AtomicBool,
}

impl Inner {
    pub(super) fn new(
        (medium, database, slots): (Arc<dyn Medium>, Opened, Slots),
        keys: Keys,
        header: Header,
        root: tree::Keys,
        dirty: Dirty,
    ) -> Self {
        let lookup_key = hkdf_sha256(
            &header.store_id,
            keys.data_key.as_bytes(),
            b"Windlass store v1 look-up",
        );
        Self {
            medium,
            header_key: header_key(&keys.data_key),
            database: Some(database),
            slots,
            keys,
            epoch: header.epoch,
            shredded_at: header.shredded_at,
            standing: header.standing,
            tree: Arc::new(Tree::new(header.store_id, lookup_key, root)),
            dirty,
            blocks: Mutex::default(),
            census: census::Kept::default(),
            writer: Mutex::new(None),
            group: Group::default(),
            failed: AtomicBool::new(false),
        }
    }

    pub(super) fn header(&self) -> Header {
        Header {
            store_id: self.tree.store_id,
            epoch: self.epoch,
            opened: self.keys.opened,
            shredded_at: self.shredded_at,
            standing: self.standing,
        }
    }

    pub(super) fn epoch_key(&self) -> Result<&Secret<32>, StoreError> {
        self.keys
            .epochs
            .iter()
            .find(|(number, _)| *number == self.epoch)
            .map(|(_, key)| key)
            .ok_or(StoreError::KeySlotsDamaged)
    }

    pub(super) fn reader(&self) -> Result<Reader, StoreError> {
        let table = self.database()?.begin_read()?.open_table(ROWS)?;
        Ok(Reader::new(Arc::clone(&self.tree), table))
    }

    pub(super) fn database(&self) -> Result<&Database, StoreError> {
        let opened = self.database.as_ref().ok_or(StoreError::Io {
            kind: std::io::ErrorKind::Other,
        })?;
        opened.database()
    }

    pub(super) fn check_whole(&self) -> Result<(), StoreError> {
        if self.failed.load(Ordering::Acquire) {
            return Err(StoreError::Io {
                kind: std::io::ErrorKind::Other,
            });
        }
        Ok(())
    }

    /// The files are read again before anything else is done.
    pub(super) fn fail(&self, why: &StoreError) {
        self.failed.store(true, Ordering::Release);
        self.group.failed(why);
    }

    /// redb answers nothing more once a file failed it, in whichever call that was. A transaction that is open finds out itself.
    pub(super) fn find_out_whether_failed(&self, open: &Option<WriteTransaction>) {
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

    pub(super) fn begin_write(&self) -> Result<WriteTransaction, StoreError> {
        self.check_whole()?;
        Ok(self.database()?.begin_write()?)
    }

    /// One sync: no two-phase commit, no quick repair (docs/store.md, "Speed").
    pub(super) fn commit(&self, mut transaction: WriteTransaction) -> Result<(), StoreError> {
        transaction
            .set_durability(Durability::Immediate)
            .map_err(|_| StoreError::Damaged { what: "savepoints" })?;
        if !self.census.is_written() {
            let mut table = transaction.open_table(ROWS)?;
            let header = self.header();
            let rng = &mut self.medium.random()?;
            let bytes = header.encode(&self.header_key);
            table.insert(HEADER_ROW.as_slice(), bytes.as_slice())?;
            self.census.write(&mut table, &self.tree, &header, rng)?;
        }
        let committed = transaction.commit().map_err(StoreError::from);
        if committed.is_err() {
            self.failed.store(true, Ordering::Release);
        }
        committed
    }

    pub(super) fn learn(&self, learned: Learned) {
        self.tree.learn(learned.nodes);
        self.dirty.extend(learned.dirty);
        *lock(&self.blocks) = learned.blocks;
        self.census.learn(learned.census);
    }
}

pub(super) fn header_key(data_key: &Secret<32>) -> Secret<32> {
    hkdf_sha256(&[0; 32], data_key.as_bytes(), b"Windlass store v1 header")
}
