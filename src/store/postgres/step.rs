//! A step: what it reads and changes stays in memory, and leaves in one statement.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

use super::connection::{Ask, Value, Written};
use super::source::Source;
use crate::crypto::{self, SecretBytes, SeededRandom};
use crate::store::reader::{OwnedBounds, bucket_of, order_of, physical, physical_bounds};
use crate::store::tree;
use crate::store::{Direction, Key, OrderedRow, Rows, RowsMut, Sequence, StoreError, Table};

/// All that a step writes. What was there before is dead from now on, so its bucket is marked; those of the store's own
/// that a step writes begin with 0 and are in none. The connection's number says later whether it came about.
const WRITE: &str = "WITH had AS (SELECT k FROM rows \
        WHERE k = ANY ($1::bytea[] || $3::bytea[]) AND k >= '\\x01'), \
    gone AS (DELETE FROM rows WHERE k = ANY ($3::bytea[])), \
    counted AS (INSERT INTO commits VALUES ($4, $5, now()) \
        ON CONFLICT (id) DO UPDATE SET n = excluded.n, at = excluded.at), \
    marked AS (INSERT INTO rows SELECT DISTINCT '\\x0002'::bytea || substr(k, 2, 2), ''::bytea \
        FROM had ORDER BY 1 ON CONFLICT (k) DO NOTHING) \
    INSERT INTO rows SELECT k, v FROM unnest($1::bytea[], $2::bytea[]) AS put (k, v) ORDER BY k \
        ON CONFLICT (k) DO UPDATE SET v = excluded.v";

/// A transaction that writes.
pub(super) struct Step {
    source: Source,
    rng: SeededRandom,
    rows: RefCell<BTreeMap<Vec<u8>, Row>>,
    last_ids: RefCell<BTreeMap<Sequence, u64>>,
    /// Nodes made in this step; the cache gets them when it is durable.
    new_nodes: BTreeMap<u8, Arc<tree::Keys>>,
}

/// A row in memory.
struct Row {
    value: Option<SecretBytes>,
    changed: bool,
}

/// What a step writes.
#[derive(Default)]
pub(super) struct Changes {
    put: BTreeMap<Vec<u8>, Vec<u8>>,
    gone: Vec<Vec<u8>>,
    pub(super) nodes: BTreeMap<u8, Arc<tree::Keys>>,
}

impl Changes {
    /// Nothing if there is nothing to write.
    pub(super) fn ask<'a>(&'a self, as_number: &'a Written) -> Option<Ask<'a>> {
        if self.put.is_empty() && self.gone.is_empty() {
            return None;
        }
        let keys = self.put.keys().map(Vec::as_slice).collect();
        let values = self.put.values().map(Vec::as_slice).collect();
        let gone = self.gone.iter().map(Vec::as_slice).collect();
        let mut values: Vec<_> = [keys, values, gone].map(Value::Many).into();
        values.push(Value::Bytes(&as_number.connection));
        values.push(Value::Number(as_number.number));
        Some(Ask::new(WRITE, values))
    }
}

impl Step {
    pub(super) fn new(source: Source, rng: SeededRandom) -> Self {
        Self {
            source,
            rng,
            rows: RefCell::default(),
            last_ids: RefCell::default(),
            new_nodes: BTreeMap::new(),
        }
    }

    /// The transaction as it was begun, and what was changed, sealed.
    pub(super) fn end(mut self) -> (Source, Result<Changes, StoreError>) {
        let sealed = self.seal();
        (self.source, sealed)
    }

    /// [`Self::end`] of a step that changes nothing.
    pub(super) fn refused(self) -> Source {
        self.source
    }

    fn seal(&mut self) -> Result<Changes, StoreError> {
        let mut changes = Changes::default();
        for (row, Row { value, changed }) in core::mem::take(self.rows.get_mut()) {
            match value {
                _ if !changed => {}
                Some(value) => {
                    let sealed = self.sealed(&row, &value, &mut changes)?;
                    changes.put.insert(row, sealed);
                }
                None => changes.gone.push(row),
            }
        }
        changes.nodes = core::mem::take(&mut self.new_nodes);
        Ok(changes)
    }

    fn sealed(
        &mut self,
        row: &[u8],
        value: &[u8],
        changes: &mut Changes,
    ) -> Result<Vec<u8>, StoreError> {
        let bucket = bucket_of(row)?;
        let node = self.node_to_write(bucket.0, changes)?;
        let data = tree::associated_data(&self.source.tree.store_id, row);
        Ok(crypto::seal(
            &node.get(bucket.1),
            value,
            &data,
            &mut self.rng,
        )?)
    }

    /// The keys of a node, made now if no row was ever in it.
    fn node_to_write(
        &mut self,
        node: u8,
        changes: &mut Changes,
    ) -> Result<Arc<tree::Keys>, StoreError> {
        if let Some(keys) = self.new_nodes.get(&node) {
            return Ok(Arc::clone(keys));
        }
        if let Some(keys) = self.source.node(node)? {
            return Ok(keys);
        }
        let keys = Arc::new(tree::Keys::generate(&mut self.rng));
        let (row, tree) = (tree::node_row(node), &self.source.tree);
        let sealed = keys.seal(&tree.root.get(node), &tree.store_id, &row, &mut self.rng)?;
        changes.put.insert(row.to_vec(), sealed);
        self.new_nodes.insert(node, Arc::clone(&keys));
        Ok(keys)
    }

    fn change(&mut self, row: Vec<u8>, value: Option<SecretBytes>) {
        let changed = true;
        self.rows.get_mut().insert(row, Row { value, changed });
    }

    /// The rows within `bounds` as they are now.
    fn rows_within(
        &self,
        bounds: &OwnedBounds,
        direction: Direction,
        limit: usize,
    ) -> Result<Vec<(Vec<u8>, Found)>, StoreError> {
        let rows = self.rows.borrow();
        let changed: Vec<_> = rows
            .range::<Vec<u8>, _>((bounds.0.as_ref(), bounds.1.as_ref()))
            .filter(|(_, row)| row.changed)
            .collect();
        // As many as were deleted in memory may have to be passed over.
        let reach = limit.saturating_add(changed.len());
        let there = self.source.range(bounds, direction, reach)?.into_iter();
        let mut found: BTreeMap<Vec<u8>, Found> = there
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

/// A row's value: as the database has it, or as it was changed since.
enum Found {
    Sealed(Vec<u8>),
    Plain(SecretBytes),
}

impl Rows for Step {
    fn get(&self, table: Table, key: Key<'_>) -> Result<Option<SecretBytes>, StoreError> {
        let row = physical(&self.source.tree, table, key);
        if let Some(known) = self.rows.borrow().get(&row) {
            return Ok(known.value.clone());
        }
        let value = match self.source.get(&row)? {
            Some(sealed) => Some(self.source.unseal(table, &row, &sealed)?),
            None => None,
        };
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
        let bounds = physical_bounds(&self.source.tree, table, group, bounds);
        let rows = self.rows_within(&bounds, direction, limit)?.into_iter();
        rows.map(|(row, found)| {
            let value = match found {
                Found::Plain(value) => value,
                Found::Sealed(sealed) => self.source.unseal(table, &row, &sealed)?,
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
        self.source.visit(table, &mut |row, sealed| {
            if rows.get(row).is_some_and(|row| row.changed) {
                return Ok(());
            }
            each(self.source.unseal(table, row, sealed)?)
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
        let mut count = self.source.count(table)?;
        let rows = self.rows.borrow();
        let (low, high) = table.bounds();
        let of_place = rows.range(low.to_vec()..high.to_vec());
        for (row, Row { value, changed }) in of_place.filter(|(row, _)| table.has(row)) {
            let was_there = *changed && self.source.get(row)?.is_some();
            match (changed, value, was_there) {
                (true, Some(_), false) => count += 1,
                (true, None, true) => count = count.saturating_sub(1),
                _ => {}
            }
        }
        Ok(count)
    }

    /// Asked for once: what other steps take meanwhile is in no row that this one sees.
    fn last_id(&self, sequence: Sequence) -> Result<u64, StoreError> {
        if let Some(last) = self.last_ids.borrow().get(&sequence) {
            return Ok(*last);
        }
        let last = self.source.last_id(sequence)?;
        self.last_ids.borrow_mut().insert(sequence, last);
        Ok(last)
    }
}

impl RowsMut for Step {
    fn put(&mut self, table: Table, key: Key<'_>, value: &[u8]) -> Result<(), StoreError> {
        let row = physical(&self.source.tree, table, key);
        self.change(row, Some(SecretBytes::new(value.to_vec())));
        Ok(())
    }

    fn delete(&mut self, table: Table, key: Key<'_>) -> Result<bool, StoreError> {
        let row = physical(&self.source.tree, table, key);
        let known = self.rows.get_mut().get(&row).map(|row| row.value.is_some());
        let existed = match known {
            Some(existed) => existed,
            None => self.source.get(&row)?.is_some(),
        };
        if existed {
            self.change(row, None);
        }
        Ok(existed)
    }

    fn delete_range(
        &mut self,
        table: Table,
        group: &[u8],
        bounds: (Bound<&[u8]>, Bound<&[u8]>),
        limit: usize,
    ) -> Result<usize, StoreError> {
        let bounds = physical_bounds(&self.source.tree, table, group, bounds);
        let found = self.rows_within(&bounds, Direction::Forward, limit)?;
        let count = found.len();
        for (row, _) in found {
            self.change(row, None);
        }
        Ok(count)
    }

    fn next_id(&mut self, sequence: Sequence) -> Result<u64, StoreError> {
        let next = self.source.next_id(sequence)?;
        self.last_ids.get_mut().insert(sequence, next);
        Ok(next)
    }
}
