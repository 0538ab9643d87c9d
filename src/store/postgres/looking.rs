//! What a step reads outside of any transaction: from what is known, and from the server where it is not. All of it is checked when the step is written.

use std::cell::{RefCell, RefMut};
use std::collections::BTreeMap;
use std::sync::Arc;

use super::connection::{Ask, Columns, Connection, Value, number};
use super::glance::Glance;
use super::known::{Place, Seen};
use super::reads::{Reads, VisitSealed};
use super::schema::sequence_name;
use super::source::pairs;
use super::span::{self, Span, behind, span};
use super::state::{Epoch, Postgres};
use super::trouble::Trouble;
use crate::store::guard::lock;
use crate::store::reader::{OwnedBounds, RawRow};
use crate::store::table::TAG_AT;
use crate::store::tree::{HEADER_ROW, Tree};
use crate::store::{Direction, Sequence, StoreError, Table};

/// Rows of one group that are looked up together with one of them.
const OF_GROUP: usize = 32;
/// Rows of a table that is gone through; a larger one is gone through in a transaction.
const VISITED: usize = 512;

const ROW: &str = "SELECT k, v, ctid FROM rows WHERE k = $1";
const THESE: &str = "SELECT k, v, ctid FROM rows WHERE k = ANY ($1::bytea[])";
/// What a version of a row is told by: the nonce and the tag that it is sealed with. The header has its MAC at its end.
const NONCE_LEN: usize = 24;
const TAG_LEN: usize = 16;

/// What a step found, by which its result stands and falls.
#[derive(Default)]
pub(super) struct Found {
    /// Rows, or that there was none.
    pub(super) rows: BTreeMap<Vec<u8>, Option<(Place, Vec<u8>)>>,
    /// How many rows there were in a span.
    pub(super) spans: BTreeMap<Span, usize>,
}

#[derive(Default)]
struct State {
    connection: Option<Connection>,
    found: Found,
    /// A number of the outbox that was taken with something else.
    spare: Option<u64>,
    /// What went wrong first. From then on nothing else is answered.
    trouble: Option<Trouble>,
    trips: u64,
}

/// A step as far as it reads.
pub(super) struct Looking<'a> {
    store: &'a Postgres,
    epoch: Arc<Epoch>,
    state: RefCell<State>,
}

/// How a step ended: its connection, which may hold the locks of numbers, what it found, and what went wrong.
pub(super) struct Looked {
    pub(super) connection: Option<Connection>,
    pub(super) found: Found,
    pub(super) trouble: Option<Trouble>,
    pub(super) trips: u64,
}

/// What tells a version of a row from others.
pub(super) fn version_of(sealed: &[u8]) -> Vec<u8> {
    let nonce = sealed.get(..NONCE_LEN).unwrap_or(sealed);
    let tag = sealed.get(sealed.len().saturating_sub(TAG_LEN)..);
    [nonce, tag.unwrap_or_default()].concat()
}

/// A row of the answer to a question for its key, its value and its place.
fn seen(columns: Columns) -> Option<(Vec<u8>, Seen)> {
    let [row, sealed, place] = <[Vec<u8>; 3]>::try_from(columns).ok()?;
    let (place, sealed) = (place.try_into().ok()?, sealed.into());
    Some((row, Seen { place, sealed }))
}

fn all_seen(rows: Vec<Columns>) -> Vec<(Vec<u8>, Seen)> {
    rows.into_iter().filter_map(seen).collect()
}

/// The span of a group of which one row is looked up mostly to look up the others as well: a message and what is said of it.
fn group_of(row: &[u8]) -> Option<Span> {
    let of_message = row.first() == Table::Messages.bounds().0.first();
    let low = row.get(..TAG_AT).filter(|_| of_message)?;
    let high = crate::store::table::prefix_end(low)?;
    Some((low.to_vec(), high))
}

impl<'a> Looking<'a> {
    pub(super) fn new(store: &'a Postgres, epoch: Arc<Epoch>) -> Self {
        Self {
            store,
            epoch,
            state: RefCell::default(),
        }
    }

    pub(super) fn end(self) -> Looked {
        let state = self.state.into_inner();
        Looked {
            connection: state.connection,
            found: state.found,
            trouble: state.trouble,
            trips: state.trips,
        }
    }

    /// Looks at what a former run had wrong, and at the header, which says of which epoch the rows are; whether it is the one that is known.
    pub(super) fn begin(&self, wrong: &[Vec<u8>]) -> Result<bool, StoreError> {
        if !wrong.is_empty() {
            self.look_at(wrong)?;
        }
        Ok(self.get(&HEADER_ROW)?.as_ref() == Some(&self.epoch.row))
    }

    fn ask_of(&self, state: &mut State, asks: Vec<Ask<'_>>) -> Result<Vec<Vec<Columns>>, Trouble> {
        let glances = lock(&self.store.known).glances.due();
        let outbox = format!("SELECT nextval('{}')", sequence_name(Sequence::Outbox));
        let own = asks.len();
        let mut asks = asks;
        asks.extend(glances.iter().map(Glance::ask));
        if state.spare.is_none() {
            asks.push(Ask::plain(&outbox));
        }
        let mut connection = match state.connection.take() {
            Some(connection) => connection,
            None => self.store.pool.take()?,
        };
        let before = connection.trips();
        let answered = connection.ask(&asks);
        state.trips += connection.trips() - before;
        state.connection = Some(connection);
        let mut answers = answered?;
        let mut passing = answers.split_off(own.min(answers.len())).into_iter();
        let shown: Vec<_> = glances
            .into_iter()
            .zip(passing.by_ref().map(pairs))
            .collect();
        lock(&self.store.known).glances.learn(shown);
        if let Some(rows) = passing.next() {
            let number = number(rows.first().and_then(|row| row.first()))?;
            state.spare = Some(u64::try_from(number).map_err(|_| Trouble::nonsense())?);
        }
        Ok(answers)
    }

    fn note(&self, row: &[u8], seen: Option<&Seen>) {
        let version = seen.map(|seen| (seen.place, version_of(&seen.sealed)));
        let found = &mut self.state.borrow_mut().found;
        found.rows.entry(row.to_vec()).or_insert(version);
    }

    /// Looks at rows of which the step depends from now on.
    pub(super) fn find_all(&self, rows: &[Vec<u8>]) -> Result<(), StoreError> {
        self.look_at(rows)?;
        rows.iter().try_for_each(|row| self.get(row).map(|_| ()))
    }

    /// Looks at rows, so that they are known, in one trip.
    fn look_at(&self, rows: &[Vec<u8>]) -> Result<(), StoreError> {
        let unknown = |row: &&Vec<u8>| lock(&self.store.known).get(row).is_none();
        let wanted: Vec<_> = rows.iter().filter(unknown).map(Vec::as_slice).collect();
        if !wanted.is_empty() {
            let ask = Ask::new(THESE, vec![Value::Many(wanted.clone())]);
            let there: BTreeMap<_, _> = all_seen(self.one(ask)?).into_iter().collect();
            let mut known = lock(&self.store.known);
            for row in wanted {
                let found = there.get(row).map(|seen| (row.to_vec(), seen.clone()));
                known.learn((row.to_vec(), behind(row)), found.as_slice());
            }
        }
        Ok(())
    }

    /// A number of the outbox that nobody else has.
    fn spare(&self) -> Result<u64, StoreError> {
        if self.state.borrow().spare.is_none() {
            self.ask(Vec::new())?;
        }
        let spare = self.state.borrow().spare;
        spare.ok_or_else(|| Trouble::nonsense().told())
    }

    /// What is not here is asked for in a transaction of its own from the beginning.
    fn not_here<T>(&self) -> Result<T, StoreError> {
        let mut state = self.state.borrow_mut();
        Err(state.trouble.get_or_insert(Trouble::Whole).told())
    }

    fn find(&self, row: &[u8]) -> Result<Option<Seen>, StoreError> {
        if let Some(known) = lock(&self.store.known).get(row) {
            return Ok(known);
        }
        if let Some(group) = group_of(row) {
            let rows = self.fetch(&group, Direction::Forward, OF_GROUP)?;
            if rows.len() < OF_GROUP || rows.iter().any(|(key, _)| key == row) {
                let found = rows.into_iter().find(|(key, _)| key == row);
                return Ok(found.map(|(_, seen)| seen));
            }
        }
        let ask = Ask::new(ROW, vec![Value::Bytes(row)]);
        let rows = all_seen(self.one(ask)?);
        lock(&self.store.known).learn((row.to_vec(), behind(row)), &rows);
        Ok(rows.into_iter().next().map(|(_, seen)| seen))
    }

    /// The first rows of a span from the server, which are known from then on.
    fn fetch(
        &self,
        span: &Span,
        direction: Direction,
        limit: usize,
    ) -> Result<Vec<(Vec<u8>, Seen)>, StoreError> {
        let rows = all_seen(self.one(span::ask(span, direction, limit))?);
        let covered = covered(span, direction, limit, &rows);
        lock(&self.store.known).learn(covered, &rows);
        Ok(rows)
    }

    /// The same, with all that is looked up together with it.
    fn fetch_of_group(
        &self,
        span: &Span,
        direction: Direction,
        limit: usize,
    ) -> Result<Vec<(Vec<u8>, Seen)>, StoreError> {
        if let Some(group) = group_of(&span.0) {
            self.fetch(&group, Direction::Forward, OF_GROUP)?;
            let known = lock(&self.store.known).range(span, direction, limit);
            if let Some(rows) = known {
                return Ok(rows);
            }
        }
        self.fetch(span, direction, limit)
    }

    fn span(
        &self,
        span: &Span,
        direction: Direction,
        limit: usize,
    ) -> Result<Vec<(Vec<u8>, Seen)>, StoreError> {
        let known = lock(&self.store.known).range(span, direction, limit);
        let rows = match known {
            Some(rows) => rows,
            None => self.fetch_of_group(span, direction, limit)?,
        };
        for (row, seen) in &rows {
            self.note(row, Some(seen));
        }
        let covered = covered(span, direction, limit, &rows);
        let found = &mut self.state.borrow_mut().found;
        found.spans.insert(covered, rows.len());
        Ok(rows)
    }
}

/// Of a span that part whose rows these are, if only so many were asked for.
fn covered(
    (low, high): &Span,
    direction: Direction,
    limit: usize,
    rows: &[(Vec<u8>, Seen)],
) -> Span {
    let last = rows.last().filter(|_| rows.len() >= limit);
    match (last, direction) {
        (None, _) => (low.clone(), high.clone()),
        (Some((last, _)), Direction::Forward) => (low.clone(), behind(last)),
        (Some((last, _)), Direction::Backward) => (last.clone(), high.clone()),
    }
}

fn raw((row, seen): (Vec<u8>, Seen)) -> RawRow {
    (row, seen.sealed.to_vec())
}

impl Reads for Looking<'_> {
    fn tree(&self) -> &Arc<Tree> {
        &self.epoch.tree
    }

    /// Asks, and for all that is looked at in passing with it.
    fn ask(&self, asks: Vec<Ask<'_>>) -> Result<Vec<Vec<Columns>>, StoreError> {
        let mut state: RefMut<'_, State> = self.state.borrow_mut();
        if let Some(trouble) = &state.trouble {
            return Err(trouble.told());
        }
        let asked = self.ask_of(&mut state, asks);
        asked.map_err(|new| {
            let told = new.told();
            state.trouble = Some(new);
            told
        })
    }

    fn get(&self, row: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        let seen = self.find(row)?;
        self.note(row, seen.as_ref());
        Ok(seen.map(|seen| seen.sealed.to_vec()))
    }

    fn range(
        &self,
        bounds: &OwnedBounds,
        direction: Direction,
        limit: usize,
    ) -> Result<Vec<RawRow>, StoreError> {
        let rows = self.span(&span(bounds), direction, limit)?;
        Ok(rows.into_iter().map(raw).collect())
    }

    fn glance(
        &self,
        bounds: &OwnedBounds,
        direction: Direction,
        limit: usize,
    ) -> Result<Vec<RawRow>, StoreError> {
        if let Some(glance) = Glance::of(bounds, direction, limit) {
            let within = || {
                let known = lock(&self.store.known);
                let shown = known.glances.shown(&glance)?;
                Some(glance.within(shown, bounds, limit))
            };
            if within().is_none() {
                lock(&self.store.known).glances.want(&glance);
                self.ask(Vec::new())?;
            }
            if let Some(Some(rows)) = within() {
                return Ok(rows);
            }
        }
        let rows = self.fetch(&span(bounds), direction, limit)?;
        Ok(rows.into_iter().map(raw).collect())
    }

    fn visit(&self, table: Table, each: VisitSealed<'_>) -> Result<(), StoreError> {
        let (low, high) = table.bounds();
        let span = (low.to_vec(), high.to_vec());
        let rows = self.span(&span, Direction::Forward, VISITED)?;
        if rows.len() == VISITED {
            return self.not_here();
        }
        for (row, seen) in rows.iter().filter(|(row, _)| table.has(row)) {
            each(row, &seen.sealed)?;
        }
        Ok(())
    }

    fn count(&self, table: Table) -> Result<u64, StoreError> {
        let mut count = 0;
        self.visit(table, &mut |_, _| {
            count += 1;
            Ok(())
        })?;
        Ok(count)
    }

    /// Who has a number by which a program reads on keeps the others waiting until its step is durable.
    fn next_id(&self, sequence: Sequence) -> Result<u64, StoreError> {
        if sequence == Sequence::Outbox {
            let spare = self.spare()?;
            self.state.borrow_mut().spare = None;
            return Ok(spare);
        }
        self.numbered(sequence, "pg_advisory_lock")
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn rows(keys: &[u8]) -> Vec<(Vec<u8>, Seen)> {
        let seen = Seen {
            place: [0; 6],
            sealed: [].into(),
        };
        keys.iter().map(|key| (vec![*key], seen.clone())).collect()
    }

    #[test]
    fn of_a_span_that_part_is_covered_that_was_looked_at() {
        let span = (vec![2], vec![9]);
        let (forward, backward) = (Direction::Forward, Direction::Backward);
        // Fewer than were asked for: these are all.
        for direction in [forward, backward] {
            assert_eq!(covered(&span, direction, 3, &rows(&[4, 5])), span);
            assert_eq!(covered(&span, direction, 1, &[]), span);
        }
        let part = covered(&span, forward, 2, &rows(&[4, 5]));
        assert_eq!(part, (vec![2], vec![5, 0]));
        let part = covered(&span, backward, 2, &rows(&[5, 4]));
        assert_eq!(part, (vec![4], vec![9]));
    }

    #[test]
    fn a_version_is_told_by_its_nonce_and_its_tag() {
        let sealed: Vec<u8> = (0..60).collect();
        let wanted: Vec<u8> = (0..24).chain(44..60).collect();
        assert_eq!(version_of(&sealed), wanted);
        // What is shorter is told by all of it.
        assert_eq!(version_of(&[1, 2]), [1, 2, 1, 2]);
    }

    #[test]
    fn of_a_message_all_is_looked_up_together_and_of_nothing_else() {
        let ([messages], _) = Table::Messages.bounds();
        let of =
            |place: u8, len: usize| group_of(&[[place].as_slice(), &vec![7; len - 1]].concat());
        let low = [[messages].as_slice(), &[7; TAG_AT - 1]].concat();
        let high = [[messages].as_slice(), &[7; TAG_AT - 2], &[8]].concat();
        assert_eq!(of(messages, TAG_AT + 3), Some((low, high)));
        assert_eq!(of(messages, TAG_AT - 1), None);
        let ([other], _) = Table::Timeline.bounds();
        assert_eq!(of(other, TAG_AT + 3), None);
    }

    #[test]
    fn a_row_is_seen_with_its_value_and_its_place() {
        let columns = |place: &[u8]| vec![vec![1], vec![2, 3], place.to_vec()];
        let (row, Seen { place, sealed }) = seen(columns(&[4; 6])).unwrap();
        assert_eq!((row, place, &*sealed), (vec![1], [4; 6], [2, 3].as_slice()));
        assert!(seen(columns(&[4; 5])).is_none());
        assert!(seen(vec![vec![1], vec![2]]).is_none());
    }
}
