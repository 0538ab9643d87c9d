//! Running steps and snapshots: again where another transaction was in the way, again where the connection was lost, and only so often.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::thread;
use std::time::{Duration, Instant};

use super::checked::{Again, Run};
use super::connection::{Ask, Connection, Value, Written, number};
use super::snapshot::Snapshot;
use super::source::Source;
use super::state::{Epoch, Postgres};
use super::step::{Changes, Step};
use super::trouble::Trouble;
use super::writing::within;
use crate::crypto::{Secret, system_random};
use crate::store::guard::lock;
use crate::store::tree::HEADER_ROW;
use crate::store::{Refused, Rows, RowsMut, StoreError};

/// A step that others are in the way of so often is given up.
const MAX_RUNS: u32 = 100;
/// How long a server that is gone is waited for: a restart, a fail-over.
const PATIENCE: Duration = Duration::from_secs(30);
/// A step that was wrong so often about what it found reads it in a transaction.
const CHECKED_RUNS: u32 = 20;
const SHORTEST_PAUSE: Duration = Duration::from_millis(1);
/// For other steps, and for a server.
const LONGEST_PAUSES: [Duration; 2] = [Duration::from_millis(40), Duration::from_millis(500)];

const BEGIN: &str = "BEGIN ISOLATION LEVEL SERIALIZABLE READ WRITE";
const BEGIN_SNAPSHOT: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
const HEADER: &str = "SELECT v FROM rows WHERE k = $1";

/// Waits for the former connection's transaction if it is still there, and is in its way if it comes later: both write one row.
const IN_ITS_PLACE: [&str; 4] = [
    "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE",
    "INSERT INTO commits VALUES ($1, 0, now()) ON CONFLICT (id) DO NOTHING",
    "SELECT abs(n) FROM commits WHERE id = $1 FOR UPDATE",
    "UPDATE commits SET n = -abs(n) WHERE id = $1",
];

/// A transaction, and the keys of the epoch that it sees.
type Begun = (Connection, Arc<Epoch>);

/// Waits longer each time, and not for ever.
pub(super) struct Waiting {
    runs: u32,
    lost_since: Option<Instant>,
    patience: Duration,
}

impl Waiting {
    /// Waits so long for a server that is gone.
    pub(super) fn new(patience: Duration) -> Self {
        Self {
            runs: 0,
            lost_since: None,
            patience,
        }
    }

    /// Pauses before the next run, or says why there is none.
    pub(super) fn after(&mut self, trouble: &Trouble) -> Result<(), StoreError> {
        self.runs += 1;
        match trouble {
            Trouble::Again if self.runs < MAX_RUNS => self.lost_since = None,
            Trouble::Lost(_) | Trouble::Waits(_)
                if self.lost_since.get_or_insert_with(Instant::now).elapsed() < self.patience => {}
            trouble => return Err(trouble.told()),
        }
        let [of_steps, of_server] = LONGEST_PAUSES;
        let limit = if self.lost_since.is_some() {
            of_server
        } else {
            of_steps
        };
        let longest = SHORTEST_PAUSE.saturating_mul(1 << self.runs.min(9));
        let longest = longest.min(limit);
        // Those who met do not come back together.
        let part = Secret::<2>::random(&mut system_random()?);
        let part = u16::from_be_bytes(*part.as_bytes());
        thread::sleep(longest.mul_f64(f64::from(part) / f64::from(u16::MAX)));
        Ok(())
    }
}

impl Postgres {
    /// Runs `f` until a run of it is durable, or refused on grounds that held.
    pub(super) fn run_step(
        &self,
        f: &mut dyn FnMut(&mut dyn RowsMut) -> Result<(), Refused>,
    ) -> Result<(), StoreError> {
        let mut waiting = Waiting::new(PATIENCE);
        self.counted.steps.fetch_add(1, Relaxed);
        let mut again = Again::default();
        loop {
            let run = match again.whole {
                true => self.run_once(f)?,
                false => self.run_checked(f, &mut again)?,
            };
            let trouble = match run {
                Run::Done => return Ok(()),
                Run::AtOnce => None,
                Run::Trouble(trouble) => Some(trouble),
                Run::InDoubt(written, why) => match self.was_committed(written, why)? {
                    true => return Ok(()),
                    false => Some(Trouble::Again),
                },
            };
            self.counted.again.fetch_add(1, Relaxed);
            again.runs += 1;
            match trouble {
                Some(trouble) => self.after(&trouble, &mut waiting)?,
                None => again.whole |= again.runs >= CHECKED_RUNS,
            }
        }
    }

    fn after(&self, trouble: &Trouble, waiting: &mut Waiting) -> Result<(), StoreError> {
        if matches!(trouble, Trouble::Lost(_)) {
            self.pool.clear();
            // What a step wrote whose answer was lost, or that the server which took its place never had.
            lock(&self.known).forget_all();
        }
        waiting.after(trouble)
    }

    fn run_once(
        &self,
        f: &mut dyn FnMut(&mut dyn RowsMut) -> Result<(), Refused>,
    ) -> Result<Run, StoreError> {
        let (connection, epoch) = match self.begin(BEGIN)? {
            Ok(begun) => begun,
            Err(trouble) => return Ok(trouble.into()),
        };
        let before = connection.trips();
        let mut step = Step::new(
            Source::new(connection, Arc::clone(&epoch.tree)),
            system_random()?,
            self.lane,
        );
        let refused = f(&mut step).is_err();
        let (source, changes) = match refused {
            true => (step.refused(), Ok(Changes::default())),
            false => step.end(),
        };
        let (mut connection, trouble) = source.end();
        // What the closure answered of a transaction that failed was said of nothing.
        let run = match (trouble, changes) {
            (Some(trouble), _) => trouble.into(),
            (None, Err(error)) => Run::Trouble(Trouble::Failed(error)),
            (None, Ok(changes)) => {
                let run = commit(&mut connection, &changes);
                if matches!(run, Run::Done) {
                    epoch.tree.learn(changes.nodes);
                }
                run
            }
        };
        self.counted
            .trips
            .fetch_add(connection.trips() - before + 1, Relaxed);
        self.end(connection, matches!(run, Run::Done));
        Ok(run)
    }

    /// A connection that was not committed is in a transaction that is to be ended.
    fn end(&self, mut connection: Connection, committed: bool) {
        if committed || connection.command("ROLLBACK").is_ok() {
            self.pool.give(connection);
        }
    }

    /// Begins a transaction that knows the keys of the epoch it sees.
    fn begin(&self, begin: &str) -> Result<Result<Begun, Trouble>, StoreError> {
        let epoch = self.epoch()?;
        let begun = self.pool.take().and_then(|mut connection| {
            let row = vec![Value::Bytes(&HEADER_ROW)];
            let asks = [Ask::plain(begin), Ask::new(HEADER, row)];
            match connection.ask(&asks) {
                Ok(answers) => Ok((connection, answers)),
                Err(trouble) => {
                    self.end(connection, false);
                    Err(trouble)
                }
            }
        });
        let (mut connection, answers) = match begun {
            Ok(begun) => begun,
            Err(trouble) => return Ok(Err(trouble)),
        };
        let row = answers.get(1).and_then(|rows| rows.first()?.first());
        if row == Some(&epoch.row) {
            return Ok(Ok((connection, epoch)));
        }
        // Another process opened the store, or closed or shredded it.
        let refreshed = connection
            .command("ROLLBACK")
            .and_then(|()| self.refresh(&mut connection));
        match refreshed {
            Ok(_) => {
                self.pool.give(connection);
                self.begin(begin)
            }
            Err(trouble) => Ok(Err(trouble)),
        }
    }

    /// What became of a transaction whose commit was not answered. The server knows, or the one that took its place.
    fn was_committed(&self, written: Written, why: String) -> Result<bool, StoreError> {
        let mut waiting = Waiting::new(PATIENCE);
        let mut trouble = Trouble::Lost(why);
        loop {
            self.after(&trouble, &mut waiting)?;
            let asked = self.pool.take().and_then(|mut connection| {
                let id = || vec![Value::Bytes(&written.connection)];
                let [begin, insert, select, update] = IN_ITS_PLACE;
                let asks = [
                    Ask::plain(begin),
                    Ask::new(insert, id()),
                    Ask::new(select, id()),
                    Ask::new(update, id()),
                    Ask::plain("COMMIT"),
                ];
                let answers = connection.ask(&asks);
                let committed = answers.is_ok();
                self.end(connection, committed);
                number(answers?.get(2).and_then(|rows| rows.first()?.first()))
            });
            match asked {
                Ok(number) => return Ok(number == written.number),
                Err(new) => trouble = new,
            }
        }
    }

    /// Runs `f` on snapshots until one of them was there to its end.
    pub(super) fn run_snapshot(
        &self,
        f: &mut dyn FnMut(&dyn Rows) -> Result<(), Refused>,
    ) -> Result<(), StoreError> {
        let mut waiting = Waiting::new(PATIENCE);
        while let Err(trouble) = self.snapshot_once(f)? {
            self.after(&trouble, &mut waiting)?;
        }
        Ok(())
    }

    /// Runs `f` once, which cannot be run again. A server that is gone before it runs is waited for.
    pub(super) fn run_snapshot_apart(
        &self,
        f: &mut dyn FnMut(&dyn Rows) -> Result<(), Refused>,
    ) -> Result<(), StoreError> {
        let (mut waiting, mut ran) = (Waiting::new(PATIENCE), false);
        loop {
            let tried = self.snapshot_once(&mut |rows| {
                ran = true;
                f(rows)
            })?;
            match tried {
                Ok(()) => return Ok(()),
                Err(trouble) if ran => return Err(trouble.told()),
                Err(trouble) => self.after(&trouble, &mut waiting)?,
            }
        }
    }

    fn snapshot_once(
        &self,
        f: &mut dyn FnMut(&dyn Rows) -> Result<(), Refused>,
    ) -> Result<Result<(), Trouble>, StoreError> {
        let (connection, epoch) = match self.begin(BEGIN_SNAPSHOT)? {
            Ok(begun) => begun,
            Err(trouble) => return Ok(Err(trouble)),
        };
        let snapshot = Snapshot(Source::new(connection, Arc::clone(&epoch.tree)));
        let _ = f(&snapshot);
        let (connection, trouble) = snapshot.0.end();
        self.end(connection, false);
        self.epoch()?;
        Ok(trouble.map_or(Ok(()), Err))
    }
}

/// Writes and commits in one trip. A refusal is committed, too: what it was founded on is so found to hold.
fn commit(connection: &mut Connection, changes: &Changes) -> Run {
    connection.last.number += 1;
    let written = connection.last;
    let write = within(changes, &written).into_iter();
    let asks: Vec<_> = write.chain([Ask::plain("COMMIT")]).collect();
    match connection.ask(&asks) {
        Ok(_) => Run::Done,
        Err(Trouble::Lost(why)) if asks.len() > 1 => Run::InDoubt(written, why),
        Err(trouble) => trouble.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_pass_is_told_when_it_was_waited_for_long_enough() {
        let lost = StoreError::DatabaseLost { why: "gone".into() };
        let told = [
            (Trouble::Lost("gone".into()), lost),
            (
                Trouble::Waits(StoreError::VaultSealed),
                StoreError::VaultSealed,
            ),
            (Trouble::Whole, StoreError::StepsCollide),
            (Trouble::Failed(StoreError::DiskFull), StoreError::DiskFull),
        ];
        for (trouble, error) in told {
            let mut waiting = Waiting::new(Duration::ZERO);
            assert_eq!(waiting.after(&trouble), Err(error));
        }
        // Steps that are in the way are counted, however patient somebody is.
        let mut waiting = Waiting::new(PATIENCE);
        waiting.runs = MAX_RUNS - 1;
        let again = waiting.after(&Trouble::Again);
        assert_eq!(again, Err(StoreError::StepsCollide));
    }
}
