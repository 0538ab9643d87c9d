//! Reading sealed rows from redb.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

use redb::ReadableTable;

use super::counters;
use super::database::Raw;
use super::error::StoreError;
use super::rows::{Direction, OrderedRow, Rows};
use super::sequence::Sequence;
use super::table::{self, Key, PREFIX_LEN, Table, prefix, prefix_end};
use super::tree::{self, Bucket, Tree};
use crate::crypto::{self, SecretBytes};

pub(super) type RawRow = (Vec<u8>, Vec<u8>);
type VisitPhysical<'a> = &'a mut dyn FnMut(&[u8], SecretBytes) -> Result<(), StoreError>;

/// A snapshot.
pub struct Reader {
    tree: Arc<Tree>,
    table: redb::ReadOnlyTable<Raw<'static>, Raw<'static>>,
}

impl Reader {
    pub(super) fn new(
        tree: Arc<Tree>,
        table: redb::ReadOnlyTable<Raw<'static>, Raw<'static>>,
    ) -> Self {
        Self { tree, table }
    }

    pub(super) fn store_id(&self) -> [u8; 16] {
        self.tree.store_id
    }
}

/// What [`Rows`] needs of a transaction of either kind.
pub(super) trait Source {
    type Table: ReadableTable<Raw<'static>, Raw<'static>>;
    fn tree(&self) -> &Tree;
    fn table(&self) -> &Self::Table;
    /// A node that only this transaction knows.
    fn new_node(&self, _: u8) -> Option<Arc<tree::Keys>> {
        None
    }

    fn node(&self, node: u8) -> Result<Option<Arc<tree::Keys>>, StoreError> {
        if let Some(keys) = self
            .new_node(node)
            .or_else(|| self.tree().cached_node(node))
        {
            return Ok(Some(keys));
        }
        let row = tree::node_row(node);
        let Some(sealed) = self.table().get(row.as_slice())? else {
            return Ok(None);
        };
        let tree = self.tree();
        let keys = Arc::new(tree::Keys::open(
            &tree.root.get(node),
            &tree.store_id,
            &row,
            sealed.value(),
        )?);
        tree.learn(BTreeMap::from([(node, Arc::clone(&keys))]));
        Ok(Some(keys))
    }

    fn unseal(&self, table: Table, row: &[u8], sealed: &[u8]) -> Result<SecretBytes, StoreError> {
        let damaged = StoreError::Damaged { what: table.name() };
        let bucket = bucket_of(row)?;
        let node = self.node(bucket.0)?.ok_or(damaged.clone())?;
        let associated_data = tree::associated_data(&self.tree().store_id, row);
        crypto::open(&node.get(bucket.1), sealed, &associated_data).map_err(|_| damaged)
    }

    fn get_physical(&self, table: Table, row: &[u8]) -> Result<Option<SecretBytes>, StoreError> {
        let Some(sealed) = self.table().get(row)? else {
            return Ok(None);
        };
        self.unseal(table, row, sealed.value()).map(Some)
    }

    fn visit_physical(&self, table: Table, each: VisitPhysical<'_>) -> Result<(), StoreError> {
        let (low, high) = table.bounds();
        for entry in self
            .table()
            .range::<Raw<'_>>(low.as_slice()..high.as_slice())?
        {
            let (row, sealed) = entry?;
            let row = row.value();
            if table.has(row) {
                each(row, self.unseal(table, row, sealed.value())?)?;
            }
        }
        Ok(())
    }
}

impl Source for Reader {
    type Table = redb::ReadOnlyTable<Raw<'static>, Raw<'static>>;
    fn tree(&self) -> &Tree {
        &self.tree
    }
    fn table(&self) -> &Self::Table {
        &self.table
    }
}

impl Rows for Reader {
    fn get(&self, table: Table, key: Key<'_>) -> Result<Option<SecretBytes>, StoreError> {
        self.get_physical(table, &physical(&self.tree, table, key))
    }

    fn range(
        &self,
        table: Table,
        group: &[u8],
        bounds: (Bound<&[u8]>, Bound<&[u8]>),
        direction: Direction,
        limit: usize,
    ) -> Result<Vec<OrderedRow>, StoreError> {
        let (low, high) = physical_bounds(&self.tree, table, group, bounds);
        raw_range(&self.table, &low, &high, direction, limit)?
            .into_iter()
            .map(|(row, sealed)| Ok((order_of(&row), self.unseal(table, &row, &sealed)?)))
            .collect()
    }

    fn visit(
        &self,
        table: Table,
        each: &mut dyn FnMut(SecretBytes) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        self.visit_physical(table, &mut |_, value| each(value))
    }

    fn count(&self, table: Table) -> Result<u64, StoreError> {
        let (low, high) = table.bounds();
        let range = self
            .table
            .range::<Raw<'_>>(low.as_slice()..high.as_slice())?;
        count_of(table, range)
    }

    fn last_id(&self, sequence: Sequence) -> Result<u64, StoreError> {
        counters::last(self, sequence)
    }
}

/// How many rows of a place are a table's.
pub(super) fn count_of(
    table: Table,
    range: redb::Range<'_, Raw<'static>, Raw<'static>>,
) -> Result<u64, StoreError> {
    let mut count = 0;
    for entry in range {
        count += u64::from(table.has(entry?.0.value()));
    }
    Ok(count)
}

/// What orders a row in its group.
pub(super) fn order_of(row: &[u8]) -> Vec<u8> {
    row.get(PREFIX_LEN..).unwrap_or_default().to_vec()
}

pub(super) fn bucket_of(row: &[u8]) -> Result<Bucket, StoreError> {
    Bucket::of(row).ok_or(StoreError::Damaged { what: "row keys" })
}

pub(super) fn physical(tree: &Tree, table: Table, key: Key<'_>) -> Vec<u8> {
    table::physical(&tree.lookup_key, table, key)
}

pub(super) type OwnedBounds = (Bound<Vec<u8>>, Bound<Vec<u8>>);

pub(super) fn physical_bounds(
    tree: &Tree,
    table: Table,
    group: &[u8],
    (low, high): (Bound<&[u8]>, Bound<&[u8]>),
) -> OwnedBounds {
    bounds_behind(prefix(&tree.lookup_key, table, group), (low, high))
}

/// The same, where it is known what the keys of the group begin with.
pub(super) fn bounds_behind(
    prefix: [u8; PREFIX_LEN],
    (low, high): (Bound<&[u8]>, Bound<&[u8]>),
) -> OwnedBounds {
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
