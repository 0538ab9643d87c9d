//! Another user's key, which is good for nothing that the former one opened: every key of the tree is made anew.

use std::ops::Bound;
use std::sync::Arc;

use redb::ReadableTable;

use super::database::{ROWS, RowsTable};
use super::error::StoreError;
use super::key::StoreKey;
use super::reader::{bucket_of, raw_range};
use super::rows::Direction;
use super::shred::Nodes;
use super::slots::Keys;
use super::state::Inner;
use super::table::{Table, prefix_end};
use super::tree;
use crate::crypto::{Secret, SeededRandom};

/// Rows that are sealed anew at once; what is in memory meanwhile.
const ROWS_AT_ONCE: usize = 256;

impl Inner {
    /// 1. A slot is written under the new key, with the root keys of this epoch and of the next; the other one is as it was, so that
    ///    either key opens. 2. One transaction seals every row under a new bucket's key, all nodes and the root anew, and names the next
    ///    epoch: from here on the former key opens nothing. 3. Both slots are overwritten with the next root key, under the new key.
    ///
    /// The next root key is never sealed under the former key, so a slot that a disk kept somewhere tells nothing of it.
    pub(super) fn change_key(&mut self, key: &StoreKey) -> Result<(), StoreError> {
        self.finish_shred()?;
        let mut rng = self.medium.random()?;
        let next = Secret::random(&mut rng);
        let keys = Keys {
            data_key: self.keys.data_key.duplicate(),
            epochs: vec![
                (self.epoch, self.epoch_key()?.duplicate()),
                (self.epoch + 1, next.duplicate()),
            ],
            opened: self.keys.opened,
        };
        self.slots.rewrap(key, &keys, &mut rng)?;
        self.keys = keys;
        self.renew(&next, &mut rng)
    }

    /// Ends what a crash stopped: a shred, or behind step 1 a change to the key that opened the store.
    pub(super) fn finish_change(&mut self) -> Result<(), StoreError> {
        let mut epochs = self.keys.epochs.iter();
        let next = epochs.find(|(number, _)| *number > self.epoch);
        match next.filter(|_| self.slots.of_two_keys()) {
            Some((_, next)) => {
                let next = next.duplicate();
                self.renew(&next, &mut self.medium.random()?)
            }
            None => self.finish_shred(),
        }
    }

    fn renew(&mut self, next: &Secret<32>, rng: &mut SeededRandom) -> Result<(), StoreError> {
        self.move_to_next_epoch(|store| {
            let (root, nodes) = store.seal_everything(next, rng)?;
            Ok(((), root, nodes))
        })
    }

    fn seal_everything(
        &self,
        root_key: &Secret<32>,
        rng: &mut SeededRandom,
    ) -> Result<(tree::Keys, Nodes), StoreError> {
        let root = tree::Keys::generate(rng);
        let transaction = self.begin_write()?;
        let mut nodes = Nodes::new();
        {
            let mut table = transaction.open_table(ROWS)?;
            let mut former = Nodes::new();
            for node in 0..=u8::MAX {
                let row = tree::node_row(node);
                if table.get(row.as_slice())?.is_none() {
                    continue;
                }
                former.insert(node, Arc::new(self.load_node(&table, node)?));
                let keys = tree::Keys::generate(rng);
                let sealed = keys.seal(&root.get(node), &self.tree.store_id, &row, rng)?;
                table.insert(row.as_slice(), sealed.as_slice())?;
                nodes.insert(node, Arc::new(keys));
            }
            for place in Table::places() {
                self.seal_place(&mut table, place, (&former, &nodes), rng)?;
            }
            for bucket in self.dirty.buckets() {
                self.unmark(&mut table, bucket)?;
            }
            self.write_own_rows(&mut table, &root, root_key, rng)?;
        }
        self.commit(transaction)?;
        Ok((root, nodes))
    }

    /// Seals the rows of a place under other nodes.
    fn seal_place(
        &self,
        table: &mut RowsTable<'_>,
        place: u8,
        (former, nodes): (&Nodes, &Nodes),
        rng: &mut SeededRandom,
    ) -> Result<(), StoreError> {
        let mut low = Bound::Included(vec![place]);
        let high = prefix_end(&[place]).map_or(Bound::Unbounded, Bound::Excluded);
        loop {
            let rows = raw_range(table, &low, &high, Direction::Forward, ROWS_AT_ONCE)?;
            let Some((last, _)) = rows.last() else {
                return Ok(());
            };
            low = Bound::Excluded(last.clone());
            for (row, sealed) in rows {
                let bucket = bucket_of(&row)?;
                let keys = [former, nodes].map(|nodes| nodes.get(&bucket.0));
                let [Some(from), Some(to)] = keys else {
                    let what = Table::of_row(&row).map_or("row keys", Table::name);
                    return Err(StoreError::Damaged { what });
                };
                let keys = (&from.get(bucket.1), &to.get(bucket.1));
                self.seal_anew(table, (&row, &sealed), keys, rng)?;
            }
        }
    }
}
