//! Looking rows up in a transaction, and opening them.

use std::cell::{RefCell, RefMut};
use std::sync::Arc;

use super::connection::{Ask, Columns, Connection, Value};
use super::reads::{Reads, VisitSealed};
use super::span::{self, behind, span};
use super::trouble::Trouble;
use crate::store::reader::{OwnedBounds, RawRow};
use crate::store::tree::Tree;
use crate::store::{Direction, Sequence, StoreError, Table};

/// Rows of a table that are in memory at once when all are gone through.
const VISITED_AT_ONCE: usize = 256;

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

    fn ask(&self, asks: Vec<Ask<'_>>) -> Result<Vec<Vec<Columns>>, StoreError> {
        let mut trouble: RefMut<'_, _> = self.trouble.borrow_mut();
        if let Some(trouble) = trouble.as_ref() {
            return Err(trouble.told());
        }
        let answered = self.connection.borrow_mut().ask(&asks);
        answered.map_err(|new| {
            let told = new.told();
            *trouble = Some(new);
            told
        })
    }

    fn get(&self, row: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        let ask = Ask::new("SELECT v FROM rows WHERE k = $1", vec![Value::Bytes(row)]);
        let found = self.one(ask)?.into_iter().next();
        Ok(found.and_then(|columns| columns.into_iter().next()))
    }

    fn range(
        &self,
        bounds: &OwnedBounds,
        direction: Direction,
        limit: usize,
    ) -> Result<Vec<RawRow>, StoreError> {
        let span = span(bounds);
        Ok(pairs(self.one(span::ask(&span, direction, limit))?))
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
        let mut rest = (low.to_vec(), high.to_vec());
        loop {
            let ask = span::ask(&rest, Direction::Forward, VISITED_AT_ONCE);
            let page = pairs(self.one(ask)?);
            let Some((last, _)) = page.last() else {
                return Ok(());
            };
            rest.0 = behind(last);
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

    /// Numbers by which a program reads on become visible in their order: who has one keeps the others waiting until its step is durable.
    fn next_id(&self, sequence: Sequence) -> Result<u64, StoreError> {
        self.numbered(sequence, "pg_advisory_xact_lock")
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
