//! Looking rows up in a transaction, and opening them.

use std::cell::{RefCell, RefMut};
use std::ops::Bound;
use std::sync::Arc;

use super::connection::{Ask, Columns, Connection, Value, first, number};
use super::reads::{Reads, VisitSealed};
use super::schema::sequence_name;
use super::trouble::Trouble;
use crate::store::reader::{OwnedBounds, RawRow};
use crate::store::tree::Tree;
use crate::store::{Direction, Sequence, StoreError, Table};

/// Rows of a table that are in memory at once when all are gone through.
const VISITED_AT_ONCE: i64 = 256;

/// Whether a program reads on by the numbers of a sequence.
pub(super) const fn is_ordered(sequence: Sequence) -> bool {
    matches!(sequence, Sequence::Feed | Sequence::Unhandled)
}

/// A statement whose parameters are the keys and the values of rows.
pub(super) fn of_rows<'a>(sql: &'a str, rows: &'a [RawRow]) -> Ask<'a> {
    let keys = rows.iter().map(|(row, _)| row.as_slice()).collect();
    let values = rows.iter().map(|(_, sealed)| sealed.as_slice()).collect();
    Ask::new(sql, [keys, values].map(Value::Many).into())
}

/// A transaction as far as it reads.
pub(super) struct Source {
    connection: RefCell<Connection>,
    pub(super) tree: Arc<Tree>,
    /// What went wrong first. From then on the transaction answers nothing else.
    trouble: RefCell<Option<Trouble>>,
}

impl Source {
    pub(super) fn new(connection: Connection, tree: Arc<Tree>) -> Self {
        Self {
            connection: RefCell::new(connection),
            tree,
            trouble: RefCell::default(),
        }
    }

    /// The connection, and what went wrong on it.
    pub(super) fn end(self) -> (Connection, Option<Trouble>) {
        (self.connection.into_inner(), self.trouble.into_inner())
    }

    pub(super) fn ask(&self, asks: &[Ask<'_>]) -> Result<Vec<Vec<Columns>>, StoreError> {
        let mut trouble: RefMut<'_, _> = self.trouble.borrow_mut();
        if let Some(trouble) = trouble.as_ref() {
            return Err(trouble.told());
        }
        let answered = self.connection.borrow_mut().ask(asks);
        answered.map_err(|new| {
            let told = new.told();
            *trouble = Some(new);
            told
        })
    }

    fn one(&self, ask: Ask<'_>) -> Result<Vec<Columns>, StoreError> {
        Ok(self.ask(&[ask])?.into_iter().next().unwrap_or_default())
    }

    fn count_of(&self, ask: Ask<'_>) -> Result<u64, StoreError> {
        let answers = self.ask(&[ask])?;
        let count = number(first(&answers)).map_err(|trouble| trouble.told())?;
        u64::try_from(count).map_err(|_| Trouble::nonsense().told())
    }

    /// How many rows all tables have.
    pub(super) fn count_all(&self) -> Result<u64, StoreError> {
        let sql = "SELECT count(*) FROM rows WHERE substr(k, 1, 1) NOT IN ('\\x00', '\\x03')";
        self.count_of(Ask::plain(sql))
    }
}

impl Reads for Source {
    fn tree(&self) -> &Arc<Tree> {
        &self.tree
    }

    fn get(&self, row: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        let ask = Ask::new("SELECT v FROM rows WHERE k = $1", vec![Value::Bytes(row)]);
        let found = self.one(ask)?.into_iter().next();
        Ok(found.and_then(|columns| columns.into_iter().next()))
    }

    fn range(
        &self,
        (low, high): &OwnedBounds,
        direction: Direction,
        limit: usize,
    ) -> Result<Vec<RawRow>, StoreError> {
        let (mut sql, mut values) = ("SELECT k, v FROM rows WHERE true".to_owned(), Vec::new());
        for (bound, including, excluding) in [(low, ">=", ">"), (high, "<=", "<")] {
            let (sign, bytes) = match bound {
                Bound::Included(bytes) => (including, bytes),
                Bound::Excluded(bytes) => (excluding, bytes),
                Bound::Unbounded => continue,
            };
            values.push(Value::Bytes(bytes));
            sql += &format!(" AND k {sign} ${}", values.len());
        }
        values.push(Value::Number(i64::try_from(limit).unwrap_or(i64::MAX)));
        let order = match direction {
            Direction::Forward => "ASC",
            Direction::Backward => "DESC",
        };
        sql += &format!(" ORDER BY k {order} LIMIT ${}", values.len());
        Ok(pairs(self.one(Ask::new(&sql, values))?))
    }

    /// A transaction depends of whatever it sees.
    fn glance(
        &self,
        bounds: &OwnedBounds,
        direction: Direction,
        limit: usize,
    ) -> Result<Vec<RawRow>, StoreError> {
        self.range(bounds, direction, limit)
    }

    /// All rows of a table, a page at a time.
    fn visit(&self, table: Table, each: VisitSealed<'_>) -> Result<(), StoreError> {
        let (low, high) = table.bounds();
        let mut from = low.to_vec();
        let sql = "SELECT k, v FROM rows WHERE k > $1 AND k < $2 ORDER BY k LIMIT $3";
        loop {
            let values = vec![
                Value::Bytes(&from),
                Value::Bytes(&high),
                Value::Number(VISITED_AT_ONCE),
            ];
            let page = pairs(self.one(Ask::new(sql, values))?);
            let Some((last, _)) = page.last() else {
                return Ok(());
            };
            from = last.clone();
            for (row, sealed) in page.iter().filter(|(row, _)| table.has(row)) {
                each(row, sealed)?;
            }
        }
    }

    fn count(&self, table: Table) -> Result<u64, StoreError> {
        let ((low, high), tag) = (table.bounds(), [table.tag()]);
        let sql = "SELECT count(*) FROM rows WHERE k >= $1 AND k < $2 AND substr(k, 18, 1) = $3";
        let values = [low.as_slice(), &high, &tag].map(Value::Bytes);
        self.count_of(Ask::new(sql, values.into()))
    }

    /// Of all transactions, those too that have not ended well.
    fn last_id(&self, sequence: Sequence) -> Result<u64, StoreError> {
        let name = sequence_name(sequence);
        let sql = format!("SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM {name}");
        self.count_of(Ask::plain(&sql))
    }

    /// Numbers by which a program reads on become visible in their order: who has one keeps the others waiting until its step is durable.
    fn next_id(&self, sequence: Sequence) -> Result<u64, StoreError> {
        let name = sequence_name(sequence);
        let next = format!("SELECT nextval('{name}')");
        if !is_ordered(sequence) {
            return self.count_of(Ask::plain(&next));
        }
        let alone = format!("SELECT 1 FROM pg_advisory_xact_lock('{name}'::regclass::oid::bigint)");
        let answers = self.ask(&[Ask::plain(&alone), Ask::plain(&next)])?;
        let next = answers.get(1).and_then(|rows| rows.first()?.first());
        let next = number(next).map_err(|trouble| trouble.told())?;
        u64::try_from(next).map_err(|_| Trouble::nonsense().told())
    }
}

/// Rows of two columns.
pub(super) fn pairs(rows: Vec<Columns>) -> Vec<RawRow> {
    let pairs = rows.into_iter().map(|columns| {
        let mut columns = columns.into_iter();
        (
            columns.next().unwrap_or_default(),
            columns.next().unwrap_or_default(),
        )
    });
    pairs.collect()
}
