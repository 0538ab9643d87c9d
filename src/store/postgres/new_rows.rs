//! The rows that a store in a database begins with.

use std::collections::BTreeMap;

use super::connection::{Ask, Connection};
use super::schema::sequence_name;
use super::source::of_rows;
use super::trouble::Trouble;
use crate::crypto::{self, SecretBytes, SeededRandom};
use crate::store::copying::{AT_ONCE, Filling};
use crate::store::reader::{RawRow, bucket_of};
use crate::store::tree::{self, Tree};
use crate::store::{Sequence, StoreError};

pub(super) const INSERT: &str =
    "INSERT INTO rows SELECT k, v FROM unnest($1::bytea[], $2::bytea[]) AS put (k, v)";

/// How many bytes of rows go to the server at once.
const BYTES_AT_ONCE: usize = 4 * 1024 * 1024;

/// The rows of a store that is being made, sealed under a tree of its own.
pub(super) struct NewRows<'a> {
    connection: &'a mut Connection,
    tree: &'a Tree,
    rng: SeededRandom,
    nodes: BTreeMap<u8, tree::Keys>,
    waiting: Vec<RawRow>,
    bytes: usize,
}

impl<'a> NewRows<'a> {
    pub(super) fn new(connection: &'a mut Connection, tree: &'a Tree, rng: SeededRandom) -> Self {
        Self {
            connection,
            tree,
            rng,
            nodes: BTreeMap::new(),
            waiting: Vec::new(),
            bytes: 0,
        }
    }

    /// Writes what waits, and the nodes of the tree.
    pub(super) fn finish(mut self) -> Result<(), Trouble> {
        for (place, keys) in &self.nodes {
            let (row, key) = (tree::node_row(*place), self.tree.root.get(*place));
            let sealed = keys.seal(&key, &self.tree.store_id, &row, &mut self.rng);
            let sealed = sealed.map_err(StoreError::from)?;
            self.waiting.push((row.to_vec(), sealed));
        }
        self.write()
    }

    fn write(&mut self) -> Result<(), Trouble> {
        self.bytes = 0;
        let rows = core::mem::take(&mut self.waiting);
        if rows.is_empty() {
            return Ok(());
        }
        self.connection.ask(&[of_rows(INSERT, &rows)])?;
        Ok(())
    }
}

impl Filling for NewRows<'_> {
    fn put(&mut self, row: Vec<u8>, value: SecretBytes) -> Result<(), StoreError> {
        let bucket = bucket_of(&row)?;
        let node = self.nodes.entry(bucket.0);
        let node = node.or_insert_with(|| tree::Keys::generate(&mut self.rng));
        let data = tree::associated_data(&self.tree.store_id, &row);
        let sealed = crypto::seal(&node.get(bucket.1), &value, &data, &mut self.rng)?;
        self.bytes += row.len() + sealed.len();
        self.waiting.push((row, sealed));
        if self.waiting.len() >= AT_ONCE || self.bytes > BYTES_AT_ONCE {
            self.write().map_err(|trouble| trouble.told())?;
        }
        Ok(())
    }

    fn set_last(&mut self, sequence: Sequence, last: u64) -> Result<(), StoreError> {
        let name = sequence_name(sequence);
        // Before the first number there is none, which a sequence says by another way.
        let sql = match last {
            0 => format!("SELECT setval('{name}', 1, false)"),
            last => format!("SELECT setval('{name}', {last})"),
        };
        let set = self.connection.ask(&[Ask::plain(&sql)]);
        set.map(|_| ()).map_err(|trouble| trouble.told())
    }
}
