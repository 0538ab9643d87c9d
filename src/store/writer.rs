//! Writing rows inside a transaction.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;
use std::sync::Arc;

use redb::ReadableTable;

use super::census::Census;
use super::counters::{self, Blocks};
use super::database::{Raw, RowsTable};
use super::error::StoreError;
use super::reader::{OwnedBounds, Source, bounds_behind, bucket_of, count_of, order_of, raw_range};
use super::rows::{Direction, OrderedRow, Rows, RowsMut};
use super::sequence::Sequence;
use super::table::{Key, Prefixes, Table, physical_behind};
use super::tree::{self, Bucket, Dirty, Tree};
use crate::crypto::{self, SecretBytes, SeededRandom};

/// How much a transaction that is alone keeps in memory before it seals it.
const BUFFERED_BYTES: usize = 4 * 1024 * 1024;

/// A step of a transaction. Nothing of it is there before it is whole.
///
/// What it reads and changes stays in memory until it ends well. So a row is opened once and sealed once however often it is
/// used, and a step that fails takes nothing from the others that share its transaction.
pub struct Writer<'a> {
    tree: &'a Tree,
    dirty: &'a Dirty,
    table: RowsTable<'a>,
    rng: SeededRandom,
    rows: RefCell<BTreeMap<Vec<u8>, Row>>,
    prefixes: Prefixes,
    /// Whether the whole transaction is lost when this step fails, so that what is changed need not stay in memory.
    alone: bool,
    buffered: usize,
    /// Nodes made in this step; the cache gets them when it is over.
    new_nodes: BTreeMap<u8, Arc<tree::Keys>>,
    /// Buckets that this step was the first to make dirty.
    new_dirty: BTreeSet<Bucket>,
    /// Numbers that were taken before and not given out, less what this step gave out.
    blocks: Blocks,
    /// The sequences of which it took a number.
    took: u8,
    census: Census,
}

/// A row in memory.
struct Row {
    value: Option<SecretBytes>,
    changed: bool,
}

/// What the caches learn from a step.
pub(super) struct Learned {
    pub(super) nodes: BTreeMap<u8, Arc<tree::Keys>>,
    pub(super) dirty: BTreeSet<Bucket>,
    pub(super) blocks: Blocks,
    pub(super) census: Census,
}

impl<'a> Writer<'a> {
    pub(super) fn new(
        (tree, dirty, blocks): (&'a Tree, &'a Dirty, Blocks),
        table: RowsTable<'a>,
        rng: SeededRandom,
        alone: bool,
    ) -> Self {
        Self {
            tree,
            dirty,
            table,
            rng,
            rows: RefCell::default(),
            prefixes: Prefixes::default(),
            alone,
            buffered: 0,
            new_nodes: BTreeMap::new(),
            new_dirty: BTreeSet::new(),
            blocks,
            took: 0,
            census: Census::default(),
        }
    }

    /// Seals what was changed.
    pub(super) fn finish(mut self) -> Result<Learned, StoreError> {
        self.seal_changes()?;
        Ok(Learned {
            nodes: self.new_nodes,
            dirty: self.new_dirty,
            blocks: self.blocks,
            census: self.census,
        })
    }

    /// Writes a row. If there was one, its former value is dead from now on, and the next shred makes it unreadable.
    pub fn put(&mut self, table: Table, key: Key<'_>, value: &[u8]) -> Result<(), StoreError> {
        let row = self.physical(table, key);
        self.change(row, Some(SecretBytes::new(value.to_vec())))
    }

    /// [`Self::put`] of a row whose key is known as it is in the file.
    #[cfg(not(target_arch = "wasm32"))]
    pub(super) fn put_physical(
        &mut self,
        row: Vec<u8>,
        value: SecretBytes,
    ) -> Result<(), StoreError> {
        self.change(row, Some(value))
    }

    /// Removes a row; true if there was one.
    pub fn delete(&mut self, table: Table, key: Key<'_>) -> Result<bool, StoreError> {
        let row = self.physical(table, key);
        let known = self.rows.get_mut().get(&row).map(|row| row.value.is_some());
        let existed = match known {
            Some(existed) => existed,
            None => self.table.get(row.as_slice())?.is_some(),
        };
        if existed {
            self.change(row, None)?;
        }
        Ok(existed)
    }

    /// Removes the rows of a group whose order bytes are within `bounds`, lowest first, at most `limit`; how many there were.
    pub fn delete_range(
        &mut self,
        table: Table,
        group: &[u8],
        bounds: (Bound<&[u8]>, Bound<&[u8]>),
        limit: usize,
    ) -> Result<usize, StoreError> {
        let bounds = self.bounds(table, group, bounds);
        let found = self.rows_within(&bounds, Direction::Forward, limit)?;
        let count = found.len();
        for (row, _) in found {
            self.change(row, None)?;
        }
        Ok(count)
    }

    fn physical(&self, table: Table, key: Key<'_>) -> Vec<u8> {
        let lookup_key = &self.tree.lookup_key;
        let prefix = self.prefixes.get(lookup_key, table, key.group);
        physical_behind(lookup_key, prefix, key)
    }

    fn bounds(
        &self,
        table: Table,
        group: &[u8],
        bounds: (Bound<&[u8]>, Bound<&[u8]>),
    ) -> OwnedBounds {
        let lookup_key = &self.tree.lookup_key;
        bounds_behind(self.prefixes.get(lookup_key, table, group), bounds)
    }

    fn change(&mut self, row: Vec<u8>, value: Option<SecretBytes>) -> Result<(), StoreError> {
        self.buffered += row.len() + value.as_ref().map_or(0, |value| value.len());
        let changed = Row {
            value,
            changed: true,
        };
        self.rows.get_mut().insert(row, changed);
        if self.alone && self.buffered > BUFFERED_BYTES {
            self.seal_changes()?;
        }
        Ok(())
    }

    fn seal_changes(&mut self) -> Result<(), StoreError> {
        self.buffered = 0;
        for (row, Row { value, changed }) in core::mem::take(self.rows.get_mut()) {
            if !changed {
                continue;
            }
            let bucket = bucket_of(&row)?;
            let remains = value.is_some();
            let replaced = match value {
                Some(value) => self.seal(&row, bucket, &value)?,
                None => self.table.remove(row.as_slice())?.is_some(),
            };
            match (replaced, remains) {
                (false, true) => self.census.add(self.tree, &row),
                (true, false) => self.census.remove(self.tree, &row),
                _ => {}
            }
            if replaced {
                self.mark_dirty(bucket)?;
            }
        }
        Ok(())
    }

    /// True if there was a row.
    fn seal(&mut self, row: &[u8], bucket: Bucket, value: &[u8]) -> Result<bool, StoreError> {
        let node = self.node_to_write(bucket)?;
        let sealed = crypto::seal(
            &node.get(bucket.1),
            value,
            &tree::associated_data(&self.tree.store_id, row),
            &mut self.rng,
        )?;
        Ok(self.table.insert(row, sealed.as_slice())?.is_some())
    }

    fn mark_dirty(&mut self, bucket: Bucket) -> Result<(), StoreError> {
        if self.dirty.contains(bucket) || !self.new_dirty.insert(bucket) {
            return Ok(());
        }
        let row = tree::dirty_row(bucket);
        self.table.insert(row.as_slice(), [].as_slice())?;
        self.census.add(self.tree, &row);
        Ok(())
    }

    /// The keys of a bucket's node, made now if no row was ever in it.
    fn node_to_write(&mut self, bucket: Bucket) -> Result<Arc<tree::Keys>, StoreError> {
        if let Some(node) = self.node(bucket.0)? {
            return Ok(node);
        }
        let node = Arc::new(tree::Keys::generate(&mut self.rng));
        let row = tree::node_row(bucket.0);
        let sealed = node.seal(
            &self.tree.root.get(bucket.0),
            &self.tree.store_id,
            &row,
            &mut self.rng,
        )?;
        self.table.insert(row.as_slice(), sealed.as_slice())?;
        self.census.add(self.tree, &row);
        self.new_nodes.insert(bucket.0, Arc::clone(&node));
        Ok(node)
    }

    /// The rows within `bounds` as they are now; `None` for the value of one that is as the file has it.
    fn rows_within(
        &self,
        (low, high): &OwnedBounds,
        direction: Direction,
        limit: usize,
    ) -> Result<Vec<(Vec<u8>, Found)>, StoreError> {
        let rows = self.rows.borrow();
        let changed: Vec<_> = rows
            .range::<Vec<u8>, _>((low.as_ref(), high.as_ref()))
            .filter(|(_, row)| row.changed)
            .collect();
        // As many as were deleted in memory may have to be passed over.
        let reach = limit.saturating_add(changed.len());
        let mut found: BTreeMap<Vec<u8>, Found> =
            raw_range(&self.table, low, high, direction, reach)?
                .into_iter()
                .map(|(row, sealed)| (row, Found::Sealed(sealed)))
                .collect();
        for (row, Row { value, .. }) in changed {
            match value {
                Some(value) => found.insert(row.clone(), Found::Plain(value.clone())),
                None => found.remove(row),
            };
        }
        let found = found.into_iter();
        Ok(match direction {
            Direction::Forward => found.take(limit).collect(),
            Direction::Backward => found.rev().take(limit).collect(),
        })
    }
}

/// A row's value: as the file has it, or as it was changed since.
enum Found {
    Sealed(Vec<u8>),
    Plain(SecretBytes),
}

impl<'a> Source for Writer<'a> {
    type Table = RowsTable<'a>;
    fn tree(&self) -> &Tree {
        self.tree
    }
    fn table(&self) -> &Self::Table {
        &self.table
    }
    fn new_node(&self, node: u8) -> Option<Arc<tree::Keys>> {
        self.new_nodes.get(&node).cloned()
    }
}

impl Rows for Writer<'_> {
    fn get(&self, table: Table, key: Key<'_>) -> Result<Option<SecretBytes>, StoreError> {
        let row = self.physical(table, key);
        if let Some(known) = self.rows.borrow().get(&row) {
            return Ok(known.value.clone());
        }
        let value = self.get_physical(table, &row)?;
        let known = Row {
            value: value.clone(),
            changed: false,
        };
        self.rows.borrow_mut().insert(row, known);
        Ok(value)
    }

    fn range(
        &self,
        table: Table,
        group: &[u8],
        bounds: (Bound<&[u8]>, Bound<&[u8]>),
        direction: Direction,
        limit: usize,
    ) -> Result<Vec<OrderedRow>, StoreError> {
        let bounds = self.bounds(table, group, bounds);
        self.rows_within(&bounds, direction, limit)?
            .into_iter()
            .map(|(row, found)| {
                let value = match found {
                    Found::Plain(value) => value,
                    Found::Sealed(sealed) => self.unseal(table, &row, &sealed)?,
                };
                Ok((order_of(&row), value))
            })
            .collect()
    }

    fn visit(
        &self,
        table: Table,
        each: &mut dyn FnMut(SecretBytes) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let rows = self.rows.borrow();
        let is_changed = |row: &[u8]| rows.get(row).is_some_and(|row| row.changed);
        self.visit_physical(table, &mut |row, value| {
            if is_changed(row) {
                return Ok(());
            }
            each(value)
        })?;
        let (low, high) = table.bounds();
        let of_place = rows.range(low.to_vec()..high.to_vec());
        for (_, row) in of_place.filter(|(row, _)| table.has(row)) {
            if let (true, Some(value)) = (row.changed, &row.value) {
                each(value.clone())?;
            }
        }
        Ok(())
    }

    fn count(&self, table: Table) -> Result<u64, StoreError> {
        let (low, high) = table.bounds();
        let in_file = self
            .table
            .range::<Raw<'_>>(low.as_slice()..high.as_slice())?;
        let mut count = count_of(table, in_file)?;
        let rows = self.rows.borrow();
        let of_place = rows.range(low.to_vec()..high.to_vec());
        for (row, Row { value, changed }) in of_place.filter(|(row, _)| table.has(row)) {
            let was_there = *changed && self.table.get(row.as_slice())?.is_some();
            match (changed, value, was_there) {
                (true, Some(_), false) => count += 1,
                (true, None, true) => count = count.saturating_sub(1),
                _ => {}
            }
        }
        Ok(count)
    }

    fn last_id(&self, sequence: Sequence) -> Result<u64, StoreError> {
        counters::last_given(self, self.blocks, sequence)
    }
}

impl RowsMut for Writer<'_> {
    fn put(&mut self, table: Table, key: Key<'_>, value: &[u8]) -> Result<(), StoreError> {
        Writer::put(self, table, key, value)
    }

    fn delete(&mut self, table: Table, key: Key<'_>) -> Result<bool, StoreError> {
        Writer::delete(self, table, key)
    }

    fn delete_range(
        &mut self,
        table: Table,
        group: &[u8],
        bounds: (Bound<&[u8]>, Bound<&[u8]>),
        limit: usize,
    ) -> Result<usize, StoreError> {
        Writer::delete_range(self, table, group, bounds, limit)
    }

    fn next_id(&mut self, sequence: Sequence) -> Result<u64, StoreError> {
        let mut blocks = self.blocks;
        let number = counters::next(self, &mut blocks, sequence)?;
        self.blocks = blocks;
        self.took |= sequence.bit();
        Ok(number)
    }

    fn took(&self, sequence: Sequence) -> bool {
        self.took & sequence.bit() != 0
    }
}
