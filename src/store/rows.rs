//! Reading and writing sealed rows inside a transaction.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;
use std::sync::Arc;

use redb::ReadableTable;

use super::table::{PREFIX_LEN, prefix, prefix_end};
use super::tree::{self, Bucket};
use super::{Inner, Key, StoreError, Table};
use crate::crypto::{self, SecretBytes, SeededRandom};

type Raw<'a> = &'a [u8];
type RawRow = (Vec<u8>, Vec<u8>);

/// Look-ups, the same in a snapshot and in a transaction that writes.
pub trait Rows {
    /// The value of one row.
    fn get(&self, table: Table, key: Key<'_>) -> Result<Option<SecretBytes>, StoreError>;

    /// Rows of one group in the order of their order bytes, or against it, at most `limit`.
    fn range(
        &self,
        table: Table,
        group: &[u8],
        bounds: (Bound<&[u8]>, Bound<&[u8]>),
        direction: Direction,
        limit: usize,
    ) -> Result<Vec<OrderedRow>, StoreError>;

    /// All rows of a table, in no order. For tables that are small by nature.
    fn scan(&self, table: Table) -> Result<Vec<SecretBytes>, StoreError> {
        let mut rows = Vec::new();
        self.visit(table, &mut |row| {
            rows.push(row);
            Ok(())
        })?;
        Ok(rows)
    }

    /// Shows all rows of a table to `each`, one after the other, in no order.
    fn visit(
        &self,
        table: Table,
        each: &mut dyn FnMut(SecretBytes) -> Result<(), StoreError>,
    ) -> Result<(), StoreError>;

    /// How many rows a table has.
    fn count(&self, table: Table) -> Result<u64, StoreError>;
}

/// Which way a range is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// From the lowest order bytes.
    Forward,
    /// From the highest order bytes.
    Backward,
}

/// A row of a group: its order bytes and its value.
pub type OrderedRow = (Vec<u8>, SecretBytes);

/// Every row of a group.
pub const WHOLE_GROUP: (Bound<&[u8]>, Bound<&[u8]>) = (Bound::Unbounded, Bound::Unbounded);

/// A snapshot.
pub struct Reader<'a> {
    inner: &'a Inner,
    table: redb::ReadOnlyTable<Raw<'static>, Raw<'static>>,
}

/// A transaction. Nothing of it is there before it is whole.
pub struct Writer<'a> {
    inner: &'a Inner,
    table: redb::Table<'a, Raw<'static>, Raw<'static>>,
    rng: SeededRandom,
    /// Nodes made in this transaction; the cache gets them when it is durable.
    new_nodes: BTreeMap<u8, Arc<tree::Keys>>,
    /// Buckets that this transaction was the first to make dirty.
    new_dirty: BTreeSet<Bucket>,
}

/// What the caches learn from a transaction once it is durable.
pub(super) struct Learned {
    pub(super) nodes: BTreeMap<u8, Arc<tree::Keys>>,
    pub(super) dirty: BTreeSet<Bucket>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(
        inner: &'a Inner,
        table: redb::ReadOnlyTable<Raw<'static>, Raw<'static>>,
    ) -> Self {
        Self { inner, table }
    }
}

impl<'a> Writer<'a> {
    pub(super) fn new(
        inner: &'a Inner,
        table: redb::Table<'a, Raw<'static>, Raw<'static>>,
        rng: SeededRandom,
    ) -> Self {
        Self {
            inner,
            table,
            rng,
            new_nodes: BTreeMap::new(),
            new_dirty: BTreeSet::new(),
        }
    }

    pub(super) fn into_learned(self) -> Learned {
        Learned {
            nodes: self.new_nodes,
            dirty: self.new_dirty,
        }
    }

    /// Writes a row. If there was one, its former value is dead from now on, and the next shred makes it unreadable.
    pub fn put(&mut self, table: Table, key: Key<'_>, value: &[u8]) -> Result<(), StoreError> {
        let row = physical(self.inner, table, key);
        let bucket = bucket_of(&row)?;
        let node = self.node_to_write(bucket)?;
        let sealed = crypto::seal(
            &node.get(bucket.1),
            value,
            &tree::associated_data(&self.inner.store_id, &row),
            &mut self.rng,
        );
        let replaced = self
            .table
            .insert(row.as_slice(), sealed.as_slice())?
            .is_some();
        if replaced {
            self.mark_dirty(bucket)?;
        }
        Ok(())
    }

    /// Removes a row; true if there was one.
    pub fn delete(&mut self, table: Table, key: Key<'_>) -> Result<bool, StoreError> {
        let row = physical(self.inner, table, key);
        self.delete_physical(&row)
    }

    /// Removes the rows of a group whose order bytes are within `bounds`, lowest first, at most `limit`; how many there were.
    pub fn delete_range(
        &mut self,
        table: Table,
        group: &[u8],
        bounds: (Bound<&[u8]>, Bound<&[u8]>),
        limit: usize,
    ) -> Result<usize, StoreError> {
        let (low, high) = physical_bounds(self.inner, table, group, bounds);
        let rows = raw_range(&self.table, &low, &high, Direction::Forward, limit)?;
        for (row, _) in &rows {
            self.delete_physical(row)?;
        }
        Ok(rows.len())
    }

    fn delete_physical(&mut self, row: &[u8]) -> Result<bool, StoreError> {
        let existed = self.table.remove(row)?.is_some();
        if existed {
            self.mark_dirty(bucket_of(row)?)?;
        }
        Ok(existed)
    }

    fn mark_dirty(&mut self, bucket: Bucket) -> Result<(), StoreError> {
        if self.inner.is_dirty(bucket) || !self.new_dirty.insert(bucket) {
            return Ok(());
        }
        self.table
            .insert(tree::dirty_row(bucket).as_slice(), [].as_slice())?;
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
            &self.inner.root.get(bucket.0),
            &self.inner.store_id,
            &row,
            &mut self.rng,
        );
        self.table.insert(row.as_slice(), sealed.as_slice())?;
        self.new_nodes.insert(bucket.0, Arc::clone(&node));
        Ok(node)
    }
}

/// What [`Rows`] needs of a transaction of either kind.
trait Source {
    type Table: ReadableTable<Raw<'static>, Raw<'static>>;
    fn inner(&self) -> &Inner;
    fn table(&self) -> &Self::Table;
    /// A node that only this transaction knows.
    fn new_node(&self, _: u8) -> Option<Arc<tree::Keys>> {
        None
    }

    fn node(&self, node: u8) -> Result<Option<Arc<tree::Keys>>, StoreError> {
        if let Some(keys) = self
            .new_node(node)
            .or_else(|| self.inner().cached_node(node))
        {
            return Ok(Some(keys));
        }
        let row = tree::node_row(node);
        let Some(sealed) = self.table().get(row.as_slice())? else {
            return Ok(None);
        };
        let inner = self.inner();
        let keys = Arc::new(tree::Keys::open(
            &inner.root.get(node),
            &inner.store_id,
            &row,
            sealed.value(),
        )?);
        inner.cache_node(node, Arc::clone(&keys));
        Ok(Some(keys))
    }

    fn unseal(&self, table: Table, row: &[u8], sealed: &[u8]) -> Result<SecretBytes, StoreError> {
        let damaged = StoreError::Damaged { what: table.name() };
        let bucket = bucket_of(row)?;
        let node = self.node(bucket.0)?.ok_or(damaged.clone())?;
        let associated_data = tree::associated_data(&self.inner().store_id, row);
        crypto::open(&node.get(bucket.1), sealed, &associated_data).map_err(|_| damaged)
    }
}

impl Source for Reader<'_> {
    type Table = redb::ReadOnlyTable<Raw<'static>, Raw<'static>>;
    fn inner(&self) -> &Inner {
        self.inner
    }
    fn table(&self) -> &Self::Table {
        &self.table
    }
}

impl<'a> Source for Writer<'a> {
    type Table = redb::Table<'a, Raw<'static>, Raw<'static>>;
    fn inner(&self) -> &Inner {
        self.inner
    }
    fn table(&self) -> &Self::Table {
        &self.table
    }
    fn new_node(&self, node: u8) -> Option<Arc<tree::Keys>> {
        self.new_nodes.get(&node).cloned()
    }
}

impl<S: Source> Rows for S {
    fn get(&self, table: Table, key: Key<'_>) -> Result<Option<SecretBytes>, StoreError> {
        let row = physical(self.inner(), table, key);
        let Some(sealed) = self.table().get(row.as_slice())? else {
            return Ok(None);
        };
        self.unseal(table, &row, sealed.value()).map(Some)
    }

    fn range(
        &self,
        table: Table,
        group: &[u8],
        bounds: (Bound<&[u8]>, Bound<&[u8]>),
        direction: Direction,
        limit: usize,
    ) -> Result<Vec<OrderedRow>, StoreError> {
        let (low, high) = physical_bounds(self.inner(), table, group, bounds);
        raw_range(self.table(), &low, &high, direction, limit)?
            .into_iter()
            .map(|(row, sealed)| {
                let order = row.get(PREFIX_LEN..).unwrap_or_default().to_vec();
                Ok((order, self.unseal(table, &row, &sealed)?))
            })
            .collect()
    }

    fn visit(
        &self,
        table: Table,
        each: &mut dyn FnMut(SecretBytes) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let (low, high) = table.bounds();
        for entry in self
            .table()
            .range::<Raw<'_>>(low.as_slice()..high.as_slice())?
        {
            let (row, sealed) = entry?;
            each(self.unseal(table, row.value(), sealed.value())?)?;
        }
        Ok(())
    }

    fn count(&self, table: Table) -> Result<u64, StoreError> {
        let (low, high) = table.bounds();
        let range = self
            .table()
            .range::<Raw<'_>>(low.as_slice()..high.as_slice())?;
        Ok(range.count() as u64)
    }
}

fn bucket_of(row: &[u8]) -> Result<Bucket, StoreError> {
    Bucket::of(row).ok_or(StoreError::Damaged { what: "row keys" })
}

fn physical(inner: &Inner, table: Table, key: Key<'_>) -> Vec<u8> {
    let prefix = prefix(&inner.lookup_key, table, key.group);
    [prefix.as_slice(), key.order].concat()
}

type OwnedBounds = (Bound<Vec<u8>>, Bound<Vec<u8>>);

fn physical_bounds(
    inner: &Inner,
    table: Table,
    group: &[u8],
    (low, high): (Bound<&[u8]>, Bound<&[u8]>),
) -> OwnedBounds {
    let prefix = prefix(&inner.lookup_key, table, group);
    let join = |order: &[u8]| [prefix.as_slice(), order].concat();
    let low = match low {
        Bound::Unbounded => Bound::Included(prefix.to_vec()),
        bound => bound.map(join),
    };
    let high = match high {
        Bound::Unbounded => prefix_end(&prefix).map_or(Bound::Unbounded, Bound::Excluded),
        bound => bound.map(join),
    };
    (low, high)
}

pub(super) fn raw_range<T: ReadableTable<Raw<'static>, Raw<'static>>>(
    table: &T,
    low: &Bound<Vec<u8>>,
    high: &Bound<Vec<u8>>,
    direction: Direction,
    limit: usize,
) -> Result<Vec<RawRow>, StoreError> {
    let bounds = (
        low.as_ref().map(Vec::as_slice),
        high.as_ref().map(Vec::as_slice),
    );
    let mut range = table.range::<Raw<'_>>(bounds)?;
    let mut rows = Vec::new();
    while rows.len() < limit {
        let entry = match direction {
            Direction::Forward => range.next(),
            Direction::Backward => range.next_back(),
        };
        let Some(entry) = entry else { break };
        let (key, value) = entry?;
        rows.push((key.value().to_vec(), value.value().to_vec()));
    }
    Ok(rows)
}
