//! Steps that read outside of any transaction, and are checked when they are written.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use super::connection::{Connection, Written};
use super::looking::{Looked, Looking};
use super::state::{Epoch, Postgres};
use super::step::{Changes, Step};
use super::trouble::Trouble;
use super::writing::{Ended, Writing};
use crate::crypto::system_random;
use crate::store::guard::lock;
use crate::store::tree::HEADER_ROW;
use crate::store::{Refused, RowsMut, StoreError};

/// As often a step runs again without a pause.
const RUNS_AT_ONCE: u32 = 2;
const NOTHING_HELD: &str = "ROLLBACK; SELECT pg_advisory_unlock_all()";

/// How a run ended.
pub(super) enum Run {
    Done,
    /// What was known was wrong, and is put right.
    AtOnce,
    Trouble(Trouble),
    /// The server was lost between the commit and its answer.
    InDoubt(Written, String),
}

impl From<Trouble> for Run {
    fn from(trouble: Trouble) -> Self {
        Self::Trouble(trouble)
    }
}

/// What a run leaves to the next one of its step.
#[derive(Default)]
pub(super) struct Again {
    pub(super) runs: u32,
    /// What the last one had wrong.
    wrong: Vec<Vec<u8>>,
    /// A row was there that it thought was new: it looks at all that it writes.
    careful: bool,
    /// It runs in a transaction from its beginning.
    pub(super) whole: bool,
}

impl Postgres {
    /// Runs `f` outside of any transaction, and checks what it found when it is written.
    pub(super) fn run_checked(
        &self,
        f: &mut dyn FnMut(&mut dyn RowsMut) -> Result<(), Refused>,
        again: &mut Again,
    ) -> Result<Run, StoreError> {
        let epoch = self.epoch()?;
        let looking = Looking::new(self, Arc::clone(&epoch));
        let of_epoch = looking.begin(&core::mem::take(&mut again.wrong));
        let mut step = Step::new(looking, system_random()?, self.lane);
        let refused = match of_epoch {
            Ok(true) => f(&mut step).is_err(),
            _ => true,
        };
        if again.careful && !refused {
            let (looking, rows) = step.written();
            // What goes wrong is noted.
            let _ = looking.find_all(&rows);
        }
        let (looking, changes) = match refused {
            true => (step.refused(), Ok(Changes::default())),
            false => step.end(),
        };
        let looked = looking.end();
        self.counted.trips.fetch_add(looked.trips, Relaxed);
        if let Some(trouble) = looked.trouble {
            self.give_up(looked.connection);
            return Ok(match trouble {
                Trouble::Whole => {
                    again.whole = true;
                    Run::AtOnce
                }
                trouble => trouble.into(),
            });
        }
        if let Ok(false) = of_epoch {
            return self.refreshed(looked.connection);
        }
        match changes {
            Ok(changes) => self.written(looked, &changes, &epoch, again),
            Err(error) => {
                self.give_up(looked.connection);
                Ok(Run::Trouble(Trouble::Failed(error)))
            }
        }
    }

    /// Writes what a step found and changed, if it is still so.
    fn written(
        &self,
        looked: Looked,
        changes: &Changes,
        epoch: &Epoch,
        again: &mut Again,
    ) -> Result<Run, StoreError> {
        let connection = match looked.connection {
            Some(connection) => Ok(connection),
            None => self.pool.take(),
        };
        let mut connection = match connection {
            Ok(connection) => connection,
            Err(trouble) => return Ok(trouble.into()),
        };
        self.counted.trips.fetch_add(1, Relaxed);
        let ended = Writing::new(&looked.found, changes).write(&mut connection, &self.known);
        Ok(match ended {
            Ended::Done => {
                epoch.tree.learn(changes.nodes.clone());
                self.pool.give(connection);
                Run::Done
            }
            Ended::Wrong(rows) if rows.iter().any(|row| *row == HEADER_ROW) => {
                return self.refreshed(Some(connection));
            }
            Ended::Wrong(rows) => {
                self.pool.give(connection);
                again.wrong = rows;
                Run::AtOnce
            }
            Ended::There => {
                self.give_up(Some(connection));
                again.careful = true;
                Run::AtOnce
            }
            Ended::InDoubt(written, why) => Run::InDoubt(written, why),
            // Whoever was in the way is past, mostly.
            Ended::Trouble(Trouble::Again) if again.runs < RUNS_AT_ONCE => {
                self.give_up(Some(connection));
                Run::AtOnce
            }
            Ended::Trouble(trouble) => {
                self.give_up(Some(connection));
                trouble.into()
            }
        })
    }

    /// Another process opened the store, or closed or shredded it: no row is as it was known.
    fn refreshed(&self, connection: Option<Connection>) -> Result<Run, StoreError> {
        lock(&self.known).forget_all();
        let Some(mut connection) = connection else {
            return Ok(Run::AtOnce);
        };
        match self.refresh(&mut connection) {
            Ok(_) => {
                self.give_up(Some(connection));
                Ok(Run::AtOnce)
            }
            Err(trouble) => Ok(trouble.into()),
        }
    }

    /// A connection whose step came to nothing goes back without its locks.
    fn give_up(&self, connection: Option<Connection>) {
        if let Some(mut connection) = connection
            && connection.command(NOTHING_HELD).is_ok()
        {
            self.pool.give(connection);
        }
    }
}
