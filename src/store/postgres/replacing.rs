//! Replacing keys: of the buckets that hold something dead, or of all of them. Nobody writes meanwhile.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::Arc;

use super::connection::{Ask, Connection, Value};
use super::source::{of_rows, pairs};
use super::state::{Epoch, lookup_key};
use super::trouble::Trouble;
use crate::crypto::{self, Secret, SeededRandom};
use crate::store::engine::ShredReport;
use crate::store::header::Header;
use crate::store::reader::{RawRow, bucket_of};
use crate::store::slots::Keys;
use crate::store::table::prefix_end;
use crate::store::tree::{self, Bucket, DIRTY_PREFIX, HEADER_ROW, ROOT_ROW, Tree};
use crate::store::{StoreError, Table};

/// Buckets whose rows are asked for at once.
const BUCKETS_AT_ONCE: usize = 8;
/// Rows that are sealed anew at once; what is in memory meanwhile.
const ROWS_AT_ONCE: i64 = 256;

/// A place of its own in the order of transactions, and no writer beside it. Writers that began before and wrote later fail, since they
/// read the header that is replaced here.
pub(super) const BEGIN: &str =
    "BEGIN ISOLATION LEVEL SERIALIZABLE READ WRITE; LOCK TABLE rows IN SHARE ROW EXCLUSIVE MODE";
const REPLACE: &str = "UPDATE rows SET v = put.v \
    FROM unnest($1::bytea[], $2::bytea[]) AS put (k, v) WHERE rows.k = put.k";

/// A transaction that replaces keys.
pub(super) struct Replacing<'a> {
    pub(super) connection: &'a mut Connection,
    pub(super) tree: &'a Tree,
    pub(super) rng: SeededRandom,
}

/// The marks of buckets in which something died.
pub(super) fn marks(connection: &mut Connection) -> Result<Vec<Bucket>, Trouble> {
    let end = [DIRTY_PREFIX[0], DIRTY_PREFIX[1] + 1];
    let values = [DIRTY_PREFIX.as_slice(), &end].map(Value::Bytes);
    let sql = "SELECT k FROM rows WHERE k >= $1 AND k < $2 ORDER BY k";
    let rows = connection.ask(&[Ask::new(sql, values.into())])?;
    let marks = rows.iter().flatten().flatten();
    let marks = marks.filter_map(|mark| match mark.as_slice() {
        [_, _, node, place] => Some(Bucket(*node, *place)),
        _ => None,
    });
    Ok(marks.collect())
}

impl Replacing<'_> {
    /// Gives every marked bucket a new key; `root_key` opens the tree from then on.
    pub(super) fn shred(
        &mut self,
        (header, keys): (&Header, &Keys),
        root_key: &Secret<32>,
    ) -> Result<(ShredReport, Epoch), Trouble> {
        self.connection.command(BEGIN)?;
        let dirty = marks(self.connection)?;
        let mut report = ShredReport::default();
        let mut root = self.tree.root.duplicate();
        let mut nodes: BTreeMap<u8, tree::Keys> = BTreeMap::new();
        for buckets in dirty.chunks(BUCKETS_AT_ONCE) {
            let rows = self.rows_of(buckets)?;
            let mut replaced = BTreeMap::new();
            for bucket in buckets {
                let node = match nodes.entry(bucket.0) {
                    Entry::Occupied(known) => known.into_mut(),
                    Entry::Vacant(new) => new.insert(self.node(bucket.0)?),
                };
                let (from, to) = (node.get(bucket.1), Secret::random(&mut self.rng));
                node.replace(bucket.1, &to);
                replaced.insert(*bucket, (from, to));
                report.buckets += 1;
            }
            report.rows += rows.len() as u64;
            self.seal_anew(rows, |bucket| {
                let (from, to) = replaced.get(&bucket)?;
                Some((from.duplicate(), to.duplicate()))
            })?;
        }
        for (place, node) in &nodes {
            let key = Secret::random(&mut self.rng);
            root.replace(*place, &key);
            self.seal_node(*place, node, &key)?;
        }
        let changed = nodes
            .into_iter()
            .map(|(place, keys)| (place, Arc::new(keys)));
        let tree = self.tree.moved(root, changed.collect());
        let epoch = self.finish(&dirty, (header, keys), root_key, tree)?;
        Ok((report, epoch))
    }

    /// Gives every bucket a new key.
    pub(super) fn renew(
        &mut self,
        (header, keys): (&Header, &Keys),
        root_key: &Secret<32>,
    ) -> Result<Epoch, Trouble> {
        self.connection.command(BEGIN)?;
        let dirty = marks(self.connection)?;
        let root = tree::Keys::generate(&mut self.rng);
        let (mut former, mut nodes) = (BTreeMap::new(), BTreeMap::new());
        for place in self.nodes_there()? {
            former.insert(place, self.node(place)?);
            let node = tree::Keys::generate(&mut self.rng);
            self.seal_node(place, &node, &root.get(place))?;
            nodes.insert(place, Arc::new(node));
        }
        let mut from = vec![1];
        loop {
            let values = vec![Value::Bytes(&from), Value::Number(ROWS_AT_ONCE)];
            let sql = "SELECT k, v FROM rows WHERE k > $1 ORDER BY k LIMIT $2";
            let rows = self.connection.ask(&[Ask::new(sql, values)])?;
            let rows = pairs(rows.into_iter().flatten().collect());
            let Some((last, _)) = rows.last() else { break };
            from = last.clone();
            let of_tables = rows.into_iter().filter(|(row, _)| !tree::is_own(row));
            self.seal_anew(of_tables.collect(), |bucket| {
                let (from, to) = (former.get(&bucket.0)?, nodes.get(&bucket.0)?);
                Some((from.get(bucket.1), to.get(bucket.1)))
            })?;
        }
        let lookup_key = lookup_key(header, keys);
        let tree = Tree::new(header.store_id, lookup_key, root);
        tree.learn(nodes);
        self.finish(&dirty, (header, keys), root_key, tree)
    }

    /// The next epoch's root and header, and no marks.
    fn finish(
        &mut self,
        marked: &[Bucket],
        (header, keys): (&Header, &Keys),
        root_key: &Secret<32>,
        tree: Tree,
    ) -> Result<Epoch, Trouble> {
        let marks: Vec<_> = marked
            .iter()
            .map(|bucket| tree::dirty_row(*bucket))
            .collect();
        let marks = marks.iter().map(|mark| mark.as_slice()).collect();
        let gone = Ask::new(
            "DELETE FROM rows WHERE k = ANY ($1::bytea[])",
            vec![Value::Many(marks)],
        );
        let root = tree
            .root
            .seal(root_key, &tree.store_id, &ROOT_ROW, &mut self.rng);
        let root = root.map_err(StoreError::from)?;
        let header_key = crate::store::state::header_key(&keys.data_key);
        let row = header.encode(&header_key);
        let put = vec![
            Value::Many(vec![&ROOT_ROW, &HEADER_ROW]),
            Value::Many(vec![&root, &row]),
        ];
        self.connection
            .ask(&[gone, Ask::new(REPLACE, put), Ask::plain("COMMIT")])?;
        Ok(Epoch {
            header: *header,
            row,
            tree: Arc::new(tree),
        })
    }

    fn nodes_there(&mut self) -> Result<Vec<u8>, Trouble> {
        let sql = "SELECT k FROM rows WHERE k >= '\\x0001' AND k < '\\x0002' ORDER BY k";
        let rows = self.connection.ask(&[Ask::plain(sql)])?;
        let keys = rows.iter().flatten().flatten();
        Ok(keys.filter_map(|key| key.last().copied()).collect())
    }

    fn node(&mut self, place: u8) -> Result<tree::Keys, Trouble> {
        if let Some(keys) = self.tree.cached_node(place) {
            return Ok(keys.duplicate());
        }
        let row = tree::node_row(place);
        let sql = "SELECT v FROM rows WHERE k = $1";
        let sealed = self
            .connection
            .ask(&[Ask::new(sql, vec![Value::Bytes(&row)])])?;
        let sealed = sealed.iter().flatten().flatten().next();
        let sealed = sealed.ok_or(StoreError::Damaged { what: "key tree" })?;
        let key = self.tree.root.get(place);
        Ok(tree::Keys::open(&key, &self.tree.store_id, &row, sealed)?)
    }

    fn seal_node(&mut self, place: u8, node: &tree::Keys, key: &Secret<32>) -> Result<(), Trouble> {
        let row = tree::node_row(place);
        let sealed = node.seal(key, &self.tree.store_id, &row, &mut self.rng);
        let sealed = sealed.map_err(StoreError::from)?;
        self.replace(&[(row.to_vec(), sealed)])
    }

    fn rows_of(&mut self, buckets: &[Bucket]) -> Result<Vec<RawRow>, Trouble> {
        let places: Vec<_> = Table::places().collect();
        let of = |bucket: &Bucket| {
            let Bucket(node, place) = *bucket;
            places.iter().map(move |table| vec![*table, node, place])
        };
        let lows: Vec<Vec<u8>> = buckets.iter().flat_map(of).collect();
        // A place is below 255, so there is always something above.
        let highs: Vec<_> = lows.iter().filter_map(|low| prefix_end(low)).collect();
        let values = [&lows, &highs].map(|of| Value::Many(of.iter().map(Vec::as_slice).collect()));
        let sql = "SELECT r.k, r.v FROM unnest($1::bytea[], $2::bytea[]) AS b (low, high), \
            LATERAL (SELECT k, v FROM rows WHERE k >= b.low AND k < b.high) r";
        let rows = self.connection.ask(&[Ask::new(sql, values.into())])?;
        Ok(pairs(rows.into_iter().flatten().collect()))
    }

    /// Seals rows under another key of their bucket.
    fn seal_anew(
        &mut self,
        rows: Vec<RawRow>,
        keys: impl Fn(Bucket) -> Option<(Secret<32>, Secret<32>)>,
    ) -> Result<(), Trouble> {
        let mut anew = Vec::with_capacity(rows.len());
        for (row, sealed) in rows {
            let what = Table::of_row(&row).map_or("row keys", Table::name);
            let damaged = || StoreError::Damaged { what };
            let (from, to) = keys(bucket_of(&row)?).ok_or_else(damaged)?;
            let data = tree::associated_data(&self.tree.store_id, &row);
            let value = crypto::open(&from, &sealed, &data).map_err(|_| damaged())?;
            let sealed = crypto::seal(&to, &value, &data, &mut self.rng);
            anew.push((row, sealed.map_err(StoreError::from)?));
        }
        self.replace(&anew)
    }

    fn replace(&mut self, rows: &[RawRow]) -> Result<(), Trouble> {
        if rows.is_empty() {
            return Ok(());
        }
        self.connection.ask(&[of_rows(REPLACE, rows)])?;
        Ok(())
    }
}
