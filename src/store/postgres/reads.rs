//! What a step needs of what it reads from: a transaction, or rows that are checked at its end.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::connection::{Ask, Columns, first, number};
use super::schema::sequence_name;
use super::trouble::Trouble;
use crate::crypto::{self, SecretBytes};
use crate::store::reader::{OwnedBounds, RawRow, bucket_of};
use crate::store::tree::{self, Tree};
use crate::store::{Direction, Sequence, StoreError, Table};

pub(super) type VisitSealed<'a> = &'a mut dyn FnMut(&[u8], &[u8]) -> Result<(), StoreError>;

pub(super) trait Reads {
    fn tree(&self) -> &Arc<Tree>;

    /// A row as it is sealed.
    fn get(&self, row: &[u8]) -> Result<Option<Vec<u8>>, StoreError>;

    /// The first rows within bounds, in their order.
    fn range(
        &self,
        bounds: &OwnedBounds,
        direction: Direction,
        limit: usize,
    ) -> Result<Vec<RawRow>, StoreError>;

    /// The same, of which the step does not depend.
    fn glance(
        &self,
        bounds: &OwnedBounds,
        direction: Direction,
        limit: usize,
    ) -> Result<Vec<RawRow>, StoreError>;

    /// All rows of a table.
    fn visit(&self, table: Table, each: VisitSealed<'_>) -> Result<(), StoreError>;

    fn count(&self, table: Table) -> Result<u64, StoreError>;

    /// Sends statements together and waits for all their rows.
    fn ask(&self, asks: Vec<Ask<'_>>) -> Result<Vec<Vec<Columns>>, StoreError>;

    fn next_id(&self, sequence: Sequence) -> Result<u64, StoreError>;

    fn one(&self, ask: Ask<'_>) -> Result<Vec<Columns>, StoreError> {
        Ok(self.ask(vec![ask])?.into_iter().next().unwrap_or_default())
    }

    fn count_of(&self, ask: Ask<'_>) -> Result<u64, StoreError> {
        unsigned(first(&self.ask(vec![ask])?))
    }

    /// Of all transactions, those too that have not ended well.
    fn last_id(&self, sequence: Sequence) -> Result<u64, StoreError> {
        let name = sequence_name(sequence);
        let sql = format!("SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM {name}");
        self.count_of(Ask::plain(&sql))
    }

    /// The next number of a sequence. One by which a program reads on is taken under a lock: who has it keeps the others waiting.
    fn numbered(&self, sequence: Sequence, lock: &str) -> Result<u64, StoreError> {
        let name = sequence_name(sequence);
        let next = format!("SELECT nextval('{name}')");
        if !matches!(sequence, Sequence::Feed | Sequence::Unhandled) {
            return self.count_of(Ask::plain(&next));
        }
        let alone = format!("SELECT 1 FROM {lock}('{name}'::regclass::oid::bigint)");
        let answers = self.ask(vec![Ask::plain(&alone), Ask::plain(&next)])?;
        unsigned(answers.get(1).and_then(|rows| rows.first()?.first()))
    }

    /// The keys of a node, if it is there.
    fn node(&self, node: u8) -> Result<Option<Arc<tree::Keys>>, StoreError> {
        let tree = self.tree();
        if let Some(keys) = tree.cached_node(node) {
            return Ok(Some(keys));
        }
        let row = tree::node_row(node);
        let Some(sealed) = self.get(&row)? else {
            return Ok(None);
        };
        let keys = tree::Keys::open(&tree.root.get(node), &tree.store_id, &row, &sealed)?;
        let keys = Arc::new(keys);
        // A node is there for as long as its root, whatever becomes of this transaction: only what is durable is read.
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
}

fn unsigned(column: Option<&Vec<u8>>) -> Result<u64, StoreError> {
    let number = number(column).map_err(|trouble| trouble.told())?;
    u64::try_from(number).map_err(|_| Trouble::nonsense().told())
}

/// Bucket by bucket what is dead from now on is marked, so that the next shred finds it; what is the store's own is in none.
pub(super) fn mark_of(row: &[u8]) -> Option<Vec<u8>> {
    let bucket = bucket_of(row).ok().filter(|_| row.first() != Some(&0))?;
    Some([tree::DIRTY_PREFIX.as_slice(), &[bucket.0, bucket.1]].concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_is_marked_by_the_rows_of_tables_alone() {
        assert_eq!(mark_of(&[1, 7, 8, 9]), Some(vec![0, 2, 7, 8]));
        assert_eq!(mark_of(&[0, 7, 8, 9]), None);
        assert_eq!(mark_of(&[1, 7]), None);
    }

    #[test]
    fn a_number_of_a_sequence_is_none_below_zero() {
        let of = |number: i64| unsigned(Some(&number.to_be_bytes().to_vec()));
        assert_eq!((of(0), of(7)), (Ok(0), Ok(7)));
        assert_eq!(of(-1), Err(Trouble::nonsense().told()));
        assert_eq!(unsigned(Some(&vec![1])), Err(Trouble::nonsense().told()));
        assert_eq!(unsigned(None), Err(Trouble::nonsense().told()));
    }
}
