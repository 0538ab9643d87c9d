//! Shredding: what was replaced or deleted becomes unreadable, also for whoever takes the file and the passphrase later.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use redb::ReadableTable;

use super::census::Census;
use super::database::{ROWS, RowsTable};
use super::engine::ShredReport;
use super::error::StoreError;
use super::reader::raw_range;
use super::rows::Direction;
use super::slots::Keys;
use super::state::Inner;
use super::table::{Table, prefix_end};
use super::tree::{self, Bucket, Dirty};
use crate::crypto::{self, Secret, SeededRandom};

/// The nodes of a tree, by their place.
pub(super) type Nodes = BTreeMap<u8, Arc<tree::Keys>>;

impl Inner {
    /// 1. The next epoch's root key is written beside the current one, and synced. 2. One transaction seals the dirty buckets, their
    ///    nodes and the root anew. 3. The slots are overwritten with the next key alone. After a crash, the store's header says
    ///    which of the two keys is in force, and opening ends what was begun.
    pub(super) fn shred(&mut self) -> Result<ShredReport, StoreError> {
        // Of one that failed before its end.
        self.finish_shred()?;
        let dirty = self.dirty.buckets();
        if dirty.is_empty() {
            return Ok(ShredReport::default());
        }
        let mut rng = self.medium.random()?;
        let current = self.epoch_key()?.duplicate();
        let next_epoch = self.epoch + 1;
        let next = Secret::random(&mut rng);
        self.keys.epochs = vec![(self.epoch, current), (next_epoch, next.duplicate())];
        self.slots.write(&self.keys, &mut rng)?;

        let moved =
            self.move_to_next_epoch(|store| store.move_to_new_keys(&dirty, &next, &mut rng));
        if self.epoch != next_epoch {
            let former = self.epoch;
            self.keys.epochs.retain(|(number, _)| *number == former);
        }
        moved
    }

    /// Goes on in the next epoch with the tree that `write` has written. If it has not, everything is as it was here, and the store has failed:
    /// whether the transaction reached the disk is for the files to say.
    pub(super) fn move_to_next_epoch<T>(
        &mut self,
        write: impl FnOnce(&Self) -> Result<(T, tree::Keys, Nodes), StoreError>,
    ) -> Result<T, StoreError> {
        let (former_epoch, former_time) = (self.epoch, self.shredded_at);
        self.epoch += 1;
        self.shredded_at = self.medium.now();
        match write(self) {
            Ok((done, root, nodes)) => {
                self.tree = Arc::new(self.tree.moved(root, nodes));
                self.dirty = Dirty::default();
                self.finish_shred()?;
                Ok(done)
            }
            Err(error) => {
                (self.epoch, self.shredded_at) = (former_epoch, former_time);
                self.failed.store(true, Ordering::Release);
                Err(error)
            }
        }
    }

    /// Leaves only the current epoch's key in the slots. Also ends what a crash or a failure interrupted: the other keys are
    /// forgotten only when both slots are written, so until then it is known that there is something to be done.
    pub(super) fn finish_shred(&mut self) -> Result<(), StoreError> {
        if self.keys.epochs.len() == 1 {
            return Ok(());
        }
        let only = Keys {
            data_key: self.keys.data_key.duplicate(),
            epochs: vec![(self.epoch, self.epoch_key()?.duplicate())],
            opened: self.keys.opened,
        };
        self.slots.write_both(&only, &mut self.medium.random()?)?;
        self.keys = only;
        Ok(())
    }

    fn move_to_new_keys(
        &self,
        dirty: &BTreeSet<Bucket>,
        root_key: &Secret<32>,
        rng: &mut SeededRandom,
    ) -> Result<(ShredReport, tree::Keys, Nodes), StoreError> {
        let mut report = ShredReport::default();
        let mut root = self.tree.root.duplicate();
        let mut nodes: BTreeMap<u8, tree::Keys> = BTreeMap::new();
        let transaction = self.begin_write()?;
        {
            let mut table = transaction.open_table(ROWS)?;
            for bucket in dirty {
                let node = match nodes.entry(bucket.0) {
                    Entry::Occupied(known) => known.into_mut(),
                    Entry::Vacant(new) => new.insert(self.load_node(&table, bucket.0)?),
                };
                let (from, to) = (node.get(bucket.1), Secret::random(rng));
                node.replace(bucket.1, &to);
                report.rows += self.reseal(&mut table, *bucket, &from, &to, rng)?;
                report.buckets += 1;
                self.unmark(&mut table, *bucket)?;
            }
            for (place, node) in &nodes {
                let key = Secret::random(rng);
                root.replace(*place, &key);
                let row = tree::node_row(*place);
                let sealed = node.seal(&key, &self.tree.store_id, &row, rng)?;
                table.insert(row.as_slice(), sealed.as_slice())?;
            }
            self.write_own_rows(&mut table, &root, root_key, rng)?;
        }
        self.commit(transaction)?;
        let nodes = nodes
            .into_iter()
            .map(|(place, keys)| (place, Arc::new(keys)))
            .collect();
        Ok((report, root, nodes))
    }

    /// Removes the mark of a bucket that is sealed anew.
    pub(super) fn unmark(
        &self,
        table: &mut RowsTable<'_>,
        bucket: Bucket,
    ) -> Result<(), StoreError> {
        let row = tree::dirty_row(bucket);
        let mut change = Census::default();
        if table.remove(row.as_slice())?.is_some() {
            change.remove(&self.tree, &row);
        }
        self.census.learn(change);
        Ok(())
    }

    pub(super) fn load_node(
        &self,
        table: &RowsTable<'_>,
        node: u8,
    ) -> Result<tree::Keys, StoreError> {
        if let Some(keys) = self.tree.cached_node(node) {
            return Ok(keys.duplicate());
        }
        let row = tree::node_row(node);
        let sealed = table
            .get(row.as_slice())?
            .ok_or(StoreError::Damaged { what: "key tree" })?;
        tree::Keys::open(
            &self.tree.root.get(node),
            &self.tree.store_id,
            &row,
            sealed.value(),
        )
    }

    /// Seals the living rows of a bucket under its new key; how many there are.
    fn reseal(
        &self,
        table: &mut RowsTable<'_>,
        bucket: Bucket,
        from: &Secret<32>,
        to: &Secret<32>,
        rng: &mut SeededRandom,
    ) -> Result<u64, StoreError> {
        let mut count = 0;
        for place in Table::places() {
            let low = vec![place, bucket.0, bucket.1];
            let high = prefix_end(&low).map_or(Bound::Unbounded, Bound::Excluded);
            let rows = raw_range(
                table,
                &Bound::Included(low),
                &high,
                Direction::Forward,
                usize::MAX,
            )?;
            for (row, sealed) in rows {
                self.seal_anew(table, (&row, &sealed), (from, to), rng)?;
                count += 1;
            }
        }
        Ok(count)
    }

    /// Seals a row under another key.
    pub(super) fn seal_anew(
        &self,
        table: &mut RowsTable<'_>,
        (row, sealed): (&[u8], &[u8]),
        (from, to): (&Secret<32>, &Secret<32>),
        rng: &mut SeededRandom,
    ) -> Result<(), StoreError> {
        let data = tree::associated_data(&self.tree.store_id, row);
        let value = crypto::open(from, sealed, &data);
        let what = Table::of_row(row).map_or("row keys", Table::name);
        let value = value.map_err(|_| StoreError::Damaged { what })?;
        let sealed = crypto::seal(to, &value, &data, rng)?;
        table.insert(row, sealed.as_slice())?;
        Ok(())
    }
}
