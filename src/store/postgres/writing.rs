//! Writing a step that read outside of a transaction: one statement finds whether all that it found is still so, and then writes.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;

use super::connection::{Ask, Columns, Connection, Value, Written};
use super::glance::Glance;
use super::known::{Known, Place, Seen};
use super::looking::Found;
use super::reads::mark_of;
use super::source::pairs;
use super::step::Changes;
use super::trouble::Trouble;
use crate::store::StoreError;
use crate::store::guard::lock;

/// The statement, in parts.
///
/// Rows are found by their places, as far as they have any: a look into the index would, to the server, have read all rows of a page of it. A
/// row that nobody saw is put in as a new one, which fails if it is there.
const WRITE: &str = "WITH seen AS MATERIALIZED (SELECT k, substr(v, 1, 24) || substr(v, length(v) - 15) AS n \
        FROM rows WHERE ctid = ANY ($1::tid[])), \
    wrong AS MATERIALIZED (\
        SELECT k FROM (SELECT k, n FROM unnest($2::bytea[], $3::bytea[]) AS found (k, n) \
            EXCEPT SELECT k, n FROM seen) AS changed \
        UNION ALL SELECT k FROM rows WHERE k = ANY ($4::bytea[]) \
        UNION ALL SELECT low FROM unnest($5::bytea[], $6::bytea[], $7::bigint[]) AS span (low, high, n) \
            WHERE n <> (SELECT count(*) FROM rows WHERE k >= low AND k < high)), \
    counted AS (INSERT INTO commits SELECT $8, $9, now() WHERE NOT EXISTS (SELECT FROM wrong) \
        ON CONFLICT (id) DO UPDATE SET n = excluded.n, at = excluded.at), \
    gone AS (DELETE FROM rows WHERE ctid = ANY ($10::tid[]) AND NOT EXISTS (SELECT FROM wrong)), \
    gone_unseen AS (DELETE FROM rows WHERE k = ANY ($11::bytea[]) AND NOT EXISTS (SELECT FROM wrong)), \
    replaced AS (INSERT INTO rows SELECT k, v FROM unnest($12::bytea[], $13::bytea[]) AS put (k, v) \
        WHERE NOT EXISTS (SELECT FROM wrong) ORDER BY k \
        ON CONFLICT (k) DO UPDATE SET v = excluded.v RETURNING k, ctid), \
    added AS (INSERT INTO rows SELECT k, v FROM unnest($14::bytea[], $15::bytea[]) AS put (k, v) \
        WHERE NOT EXISTS (SELECT FROM wrong) ORDER BY k RETURNING k, ctid), \
    marked AS (INSERT INTO rows SELECT k, ''::bytea FROM unnest($16::bytea[]) AS mark (k) \
        WHERE NOT EXISTS (SELECT FROM wrong) ORDER BY k ON CONFLICT (k) DO NOTHING) \
    SELECT k, ctid FROM replaced UNION ALL SELECT k, ctid FROM added \
    UNION ALL SELECT k, NULL FROM wrong";

/// The statement of a step that read in its transaction. What was there before is dead from now on, so its bucket is marked; those of the store's
/// own that a step writes begin with 0 and are in none.
const WRITE_WITHIN: &str = "WITH had AS (SELECT k FROM rows \
        WHERE k = ANY ($1::bytea[] || $3::bytea[]) AND k >= '\\x01'), \
    gone AS (DELETE FROM rows WHERE k = ANY ($3::bytea[])), \
    counted AS (INSERT INTO commits VALUES ($4, $5, now()) \
        ON CONFLICT (id) DO UPDATE SET n = excluded.n, at = excluded.at), \
    marked AS (INSERT INTO rows SELECT DISTINCT '\\x0002'::bytea || substr(k, 2, 2), ''::bytea \
        FROM had ORDER BY 1 ON CONFLICT (k) DO NOTHING) \
    INSERT INTO rows SELECT k, v FROM unnest($1::bytea[], $2::bytea[]) AS put (k, v) ORDER BY k \
        ON CONFLICT (k) DO UPDATE SET v = excluded.v";

const BEGIN: &str = "BEGIN ISOLATION LEVEL SERIALIZABLE READ WRITE";
const UNLOCK: &str = "SELECT 1 FROM pg_advisory_unlock_all()";
/// A row that was not looked for is there.
const UNIQUE_VIOLATION: &str = "23505";

/// What a step writes that read in its transaction. The connection's number says later whether it came about.
pub(super) fn within<'a>(changes: &'a Changes, written: &'a Written) -> Option<Ask<'a>> {
    if changes.put.is_empty() && changes.gone.is_empty() {
        return None;
    }
    let keys = changes.put.keys().map(Vec::as_slice).collect();
    let values = changes.put.values().map(Vec::as_slice).collect();
    let gone = changes.gone.iter().map(Vec::as_slice).collect();
    let mut values: Vec<_> = [keys, values, gone].map(Value::Many).into();
    values.push(Value::Bytes(&written.connection));
    values.push(Value::Number(written.number));
    Some(Ask::new(WRITE_WITHIN, values))
}

/// How a written step ended.
pub(super) enum Ended {
    /// It is durable.
    Done,
    /// Something was not as it was found; what.
    Wrong(Vec<Vec<u8>>),
    /// A row was there of which the step thought that it was new.
    There,
    Trouble(Trouble),
    /// The server was lost between the commit and its answer.
    InDoubt(Written, String),
}

/// What a step found and what it writes, as the statement has it.
pub(super) struct Writing<'a> {
    found: &'a Found,
    changes: &'a Changes,
    /// Rows that were not there, and are not written.
    absent: Vec<&'a [u8]>,
    gone: Vec<Place>,
    gone_unseen: Vec<&'a [u8]>,
    replaced: BTreeMap<&'a [u8], &'a [u8]>,
    added: BTreeMap<&'a [u8], &'a [u8]>,
    marks: BTreeSet<Vec<u8>>,
}

impl<'a> Writing<'a> {
    pub(super) fn new(found: &'a Found, changes: &'a Changes) -> Self {
        let mut writing = Self {
            found,
            changes,
            absent: Vec::new(),
            gone: Vec::new(),
            gone_unseen: Vec::new(),
            replaced: BTreeMap::new(),
            added: BTreeMap::new(),
            marks: BTreeSet::new(),
        };
        for (row, seen) in &found.rows {
            if seen.is_none() && !changes.put.contains_key(row) {
                writing.absent.push(row);
            }
        }
        for (row, sealed) in &changes.put {
            match found.rows.get(row) {
                Some(Some(_)) => {
                    writing.marks.extend(mark_of(row));
                    writing.replaced.insert(row, sealed);
                }
                _ => {
                    writing.added.insert(row, sealed);
                }
            }
        }
        for row in &changes.gone {
            match found.rows.get(row) {
                Some(Some((place, _))) => writing.gone.push(*place),
                // It was there for this step alone.
                Some(None) => continue,
                None => writing.gone_unseen.push(row),
            }
            writing.marks.extend(mark_of(row));
        }
        writing
    }

    fn values(&self, written: &'a Written) -> Vec<Value<'_>> {
        let there = self.found.rows.iter();
        let there: Vec<_> = there
            .filter_map(|(row, seen)| Some((row.as_slice(), seen.as_ref()?)))
            .collect();
        let spans = || self.found.spans.iter();
        let lens = spans().map(|(_, n)| i64::try_from(*n).unwrap_or(i64::MAX));
        let many = |rows: &BTreeMap<&'a [u8], &'a [u8]>| {
            let keys = rows.keys().copied().collect();
            let values = rows.values().copied().collect();
            [Value::Many(keys), Value::Many(values)]
        };
        let [replaced, replacing] = many(&self.replaced);
        let [added, adding] = many(&self.added);
        vec![
            Value::Places(there.iter().map(|(_, (place, _))| *place).collect()),
            Value::Many(there.iter().map(|(row, _)| *row).collect()),
            Value::Many(there.iter().map(|(_, (_, n))| n.as_slice()).collect()),
            Value::Many(self.absent.clone()),
            Value::Many(spans().map(|((low, _), _)| low.as_slice()).collect()),
            Value::Many(spans().map(|((_, high), _)| high.as_slice()).collect()),
            Value::Numbers(lens.collect()),
            Value::Bytes(&written.connection),
            Value::Number(written.number),
            Value::Places(self.gone.clone()),
            Value::Many(self.gone_unseen.clone()),
            replaced,
            replacing,
            added,
            adding,
            Value::Many(self.marks.iter().map(Vec::as_slice).collect()),
        ]
    }

    /// Writes and commits in one trip, and gives back the locks of numbers. A step that writes nothing is checked all the same: what it answers
    /// was founded on what it found.
    pub(super) fn write(&self, connection: &mut Connection, known: &Mutex<Known>) -> Ended {
        let writes = !self.changes.put.is_empty() || !self.changes.gone.is_empty();
        connection.last.number += i64::from(writes);
        let written = connection.last;
        let glances = lock(known).glances.all();
        let mut asks = vec![
            Ask::plain(BEGIN),
            Ask::new(WRITE, self.values(&written)),
            Ask::plain("COMMIT"),
            Ask::plain(UNLOCK),
        ];
        let own = asks.len();
        // As they are behind it, for whoever comes next.
        asks.extend(glances.iter().map(Glance::ask));
        match connection.ask(&asks) {
            Ok(mut answers) => {
                let shown = answers.split_off(own.min(answers.len())).into_iter();
                let shown = glances.into_iter().zip(shown.map(pairs)).collect();
                lock(known).glances.learn(shown);
                let answer = answers.into_iter().nth(1).unwrap_or_default();
                self.ended(answer, known)
            }
            Err(Trouble::Lost(why)) if writes => Ended::InDoubt(written, why),
            Err(Trouble::Failed(StoreError::DatabaseFailed { code, .. }))
                if code == UNIQUE_VIOLATION =>
            {
                let mut known = lock(known);
                for row in self.added.keys() {
                    known.forget(row);
                }
                Ended::There
            }
            Err(trouble) => Ended::Trouble(trouble),
        }
    }

    fn ended(&self, answer: Vec<Columns>, known: &Mutex<Known>) -> Ended {
        let (mut wrong, mut known) = (Vec::new(), lock(known));
        for columns in answer {
            let Ok([row, place]) = <[Vec<u8>; 2]>::try_from(columns) else {
                return Ended::Trouble(Trouble::nonsense());
            };
            let sealed = self.changes.put.get(&row);
            match (Place::try_from(place), sealed) {
                (Ok(place), Some(sealed)) => {
                    let sealed = sealed.as_slice().into();
                    known.put(row, Seen { place, sealed });
                }
                _ => wrong.push(row),
            }
        }
        for row in &wrong {
            known.forget(row);
        }
        if !wrong.is_empty() {
            return Ended::Wrong(wrong);
        }
        for row in &self.changes.gone {
            known.remove(row);
        }
        Ended::Done
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(number: u8) -> Vec<u8> {
        vec![1, 5, number, 9]
    }

    #[test]
    fn a_step_writes_by_what_it_found() {
        let (mut found, mut changes) = (Found::default(), Changes::default());
        // Rows by whether they were there, were not, or were not looked at: read, put, and deleted.
        for (number, seen) in [(1, Some(([1; 6], vec![1]))), (2, None)] {
            found.rows.insert(row(number), seen.clone());
            found.rows.insert(row(10 + number), seen.clone());
            found.rows.insert(row(20 + number), seen);
        }
        for number in [11, 12, 13] {
            changes.put.insert(row(number), vec![number]);
        }
        changes.gone = [21, 22, 23].map(row).to_vec();
        let writing = Writing::new(&found, &changes);
        // Of what was not there and is put, the database itself says whether it is.
        assert_eq!(writing.absent, [row(2), row(22)]);
        let keys =
            |rows: &BTreeMap<&[u8], &[u8]>| rows.keys().map(|row| row.to_vec()).collect::<Vec<_>>();
        assert_eq!(keys(&writing.replaced), [row(11)]);
        assert_eq!(keys(&writing.added), [row(12), row(13)]);
        assert_eq!(writing.gone, [[1; 6]]);
        assert_eq!(writing.gone_unseen, [row(23)]);
        // What dies is in buckets that are marked.
        let marks: Vec<_> = writing.marks.into_iter().collect();
        assert_eq!(marks, [11u8, 21, 23].map(|number| vec![0, 2, 5, number]));
    }

    #[test]
    fn a_step_that_changes_nothing_writes_nothing_in_its_transaction() {
        let written = Written {
            connection: [1; 16],
            number: 1,
        };
        let none = Changes::default();
        assert!(within(&none, &written).is_none());
        let mut put = Changes::default();
        put.put.insert(row(1), vec![1]);
        let mut gone = Changes::default();
        gone.gone.push(row(1));
        for changes in [put, gone] {
            assert_eq!(
                within(&changes, &written).map(|ask| ask.values.len()),
                Some(5)
            );
        }
    }
}
