//! A step: what it reads and changes stays in memory, and leaves in one statement.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

use super::reads::Reads;
use crate::crypto::{self, SecretBytes, SeededRandom};
use crate::store::reader::{OwnedBounds, RawRow, bucket_of, order_of, physical, physical_bounds};
use crate::store::tree;
use crate::store::{Direction, Key, OrderedRow, Rows, RowsMut, Sequence, StoreError, Table};

/// A transaction that writes.
pub(super) struct Step<S> {
    source: S,
    rng: SeededRandom,
    lane: u8,
    rows: RefCell<BTreeMap<Vec<u8>, Row>>,
    last_ids: RefCell<BTreeMap<Sequence, u64>>,
    /// The sequences of which it took a number.
    took: u8,
    /// Nodes made in this step; the cache gets them when it is durable.
    new_nodes: BTreeMap<u8, Arc<tree::Keys>>,
}

/// How rows of the database are looked at.
type Look<S> = fn(&S, &OwnedBounds, Direction, usize) -> Result<Vec<RawRow>, StoreError>;

/// A row in memory.
struct Row {
    value: Option<SecretBytes>,
    changed: bool,
}

/// What a step writes.
#[derive(Default)]
pub(super) struct Changes {
    pub(super) put: BTreeMap<Vec<u8>, Vec<u8>>,
    pub(super) gone: Vec<Vec<u8>>,
    pub(super) nodes: BTreeMap<u8, Arc<tree::Keys>>,
}

impl<S: Reads> Step<S> {
    pub(super) fn new(source: S, rng: SeededRandom, lane: u8) -> Self {
        Self {
            source,
            rng,
            lane,
            rows: RefCell::default(),
            last_ids: RefCell::default(),
            took: 0,
            new_nodes: BTreeMap::new(),
        }
    }

    /// The transaction as it was begun, and what was changed, sealed.
    pub(super) fn end(mut self) -> (S, Result<Changes, StoreError>) {
        let sealed = self.seal();
        (self.source, sealed)
    }

    /// What it reads from, and the rows that it writes.
    pub(super) fn written(&self) -> (&S, Vec<Vec<u8>>) {
        let rows = self.rows.borrow();
        let changed = rows.iter().filter(|(_, row)| row.changed);
        (&self.source, changed.map(|(row, _)| row.clone()).collect())
    }

    /// [`Self::end`] of a step that changes nothing.
    pub(super) fn refused(self) -> S {
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
        let data = tree::associated_data(&self.source.tree().store_id, row);
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
        let (row, tree) = (tree::node_row(node), Arc::clone(self.source.tree()));
        let sealed = keys.seal(&tree.root.get(node), &tree.store_id, &row, &mut self.rng)?;
        changes.put.insert(row.to_vec(), sealed);
        self.new_nodes.insert(node, Arc::clone(&keys));
        Ok(keys)
    }

    fn change(&mut self, row: Vec<u8>, value: Option<SecretBytes>) {
        let changed = true;
        self.rows.get_mut().insert(row, Row { value, changed });
    }

    /// The rows within `bounds` as they are now; `look` has those that are in the database.
    fn rows_within(
        &self,
        look: Look<S>,
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
        let there = look(&self.source, bounds, direction, reach)?.into_iter();
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

    fn opened(
        &self,
        look: Look<S>,
        table: Table,
        group: &[u8],
        bounds: (Bound<&[u8]>, Bound<&[u8]>),
        direction: Direction,
        limit: usize,
    ) -> Result<Vec<OrderedRow>, StoreError> {
        let bounds = physical_bounds(self.source.tree(), table, group, bounds);
        let rows = self
            .rows_within(look, &bounds, direction, limit)?
            .into_iter();
        rows.map(|(row, found)| {
            let value = match found {
                Found::Plain(value) => value,
                Found::Sealed(sealed) => self.source.unseal(table, &row, &sealed)?,
            };
            Ok((order_of(&row), value))
        })
        .collect()
    }
}

/// A row's value: as the database has it, or as it was changed since.
enum Found {
    Sealed(Vec<u8>),
    Plain(SecretBytes),
}

impl<S: Reads> Rows for Step<S> {
    fn get(&self, table: Table, key: Key<'_>) -> Result<Option<SecretBytes>, StoreError> {
        let row = physical(self.source.tree(), table, key);
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
        self.opened(S::range, table, group, bounds, direction, limit)
    }

    fn glance(
        &self,
        table: Table,
        group: &[u8],
        bounds: (Bound<&[u8]>, Bound<&[u8]>),
        direction: Direction,
        limit: usize,
    ) -> Result<Vec<OrderedRow>, StoreError> {
        self.opened(S::glance, table, group, bounds, direction, limit)
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

    fn lane(&self) -> u8 {
        self.lane
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

impl<S: Reads> RowsMut for Step<S> {
    fn put(&mut self, table: Table, key: Key<'_>, value: &[u8]) -> Result<(), StoreError> {
        let row = physical(self.source.tree(), table, key);
        self.change(row, Some(SecretBytes::new(value.to_vec())));
        Ok(())
    }

    fn delete(&mut self, table: Table, key: Key<'_>) -> Result<bool, StoreError> {
        let row = physical(self.source.tree(), table, key);
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
        let bounds = physical_bounds(self.source.tree(), table, group, bounds);
        let found = self.rows_within(S::range, &bounds, Direction::Forward, limit)?;
        let count = found.len();
        for (row, _) in found {
            self.change(row, None);
        }
        Ok(count)
    }

    fn next_id(&mut self, sequence: Sequence) -> Result<u64, StoreError> {
        let next = self.source.next_id(sequence)?;
        self.last_ids.get_mut().insert(sequence, next);
        self.took |= sequence.bit();
        Ok(next)
    }

    fn took(&self, sequence: Sequence) -> bool {
        self.took & sequence.bit() != 0
    }
}
