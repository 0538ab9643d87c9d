//! Pieces of work that one process has at a time: advisory locks of a session, which end with its connection.

use std::collections::BTreeSet;

use super::connection::{Ask, Connection, Value, number};
use super::trouble::Trouble;

/// As many as one process has at once. A server has room for 64 locks a connection by default, for all that are connected together.
const MAX_CLAIMS: usize = 256;

/// A machine that is gone without a word is noticed in half a minute, and not in the two hours of most systems.
const NOTICE_ITS_END: &str = "SET tcp_keepalives_idle = 10; SET tcp_keepalives_interval = 5; \
    SET tcp_keepalives_count = 4";
const ARE_YOU_THERE: &str = "SELECT 1";
const LOCK: &str = "SELECT pg_try_advisory_lock($1)::int::bigint";
const UNLOCK: &str = "SELECT pg_advisory_unlock($1)::int::bigint";

/// What this process has, and the connection that it has it by.
#[derive(Debug, Default)]
pub(super) struct Claims {
    connection: Option<Connection>,
    held: BTreeSet<i64>,
}

impl Claims {
    /// Gives everything back.
    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    /// Takes what nobody has; the connection is not used again if that goes wrong.
    pub(super) fn take(
        &mut self,
        connect: impl FnOnce() -> Result<Connection, Trouble>,
        wanted: &[i64],
    ) -> Result<(), Trouble> {
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => self.connected(connect()?)?,
        };
        let new = wanted.iter().filter(|one| !self.held.contains(one));
        let room = MAX_CLAIMS.saturating_sub(self.held.len());
        let new: Vec<_> = new.copied().take(room).collect();
        if new.is_empty() {
            // What we have is ours as long as its connection is there, and only the server knows that.
            connection.command(ARE_YOU_THERE)?;
        }
        self.held.extend(granted(&mut connection, &new)?);
        self.connection = Some(connection);
        Ok(())
    }

    pub(super) fn has(&self, one: i64) -> bool {
        self.held.contains(&one)
    }

    /// What cannot be given back is so with the connection.
    pub(super) fn give_back(&mut self, given: &[i64]) {
        let given: Vec<_> = given
            .iter()
            .copied()
            .filter(|one| self.held.remove(one))
            .collect();
        let asked = self.connection.as_mut();
        let asked = asked.map(|connection| each(connection, UNLOCK, &given));
        if matches!(asked, Some(Err(_))) {
            self.connection = None;
        }
    }

    /// On a new connection what was had on the former one is asked for again. Somebody else may have it by now.
    fn connected(&mut self, mut connection: Connection) -> Result<Connection, Trouble> {
        connection.command(NOTICE_ITS_END)?;
        let had: Vec<_> = self.held.iter().copied().collect();
        self.held = granted(&mut connection, &had)?.into_iter().collect();
        Ok(connection)
    }
}

fn granted(connection: &mut Connection, wanted: &[i64]) -> Result<Vec<i64>, Trouble> {
    let answers = each(connection, LOCK, wanted)?;
    let both = wanted.iter().zip(answers);
    Ok(both
        .filter(|(_, had)| *had == 1)
        .map(|(one, _)| *one)
        .collect())
}

/// One question for each, in one trip.
fn each(connection: &mut Connection, sql: &str, locks: &[i64]) -> Result<Vec<i64>, Trouble> {
    if locks.is_empty() {
        return Ok(Vec::new());
    }
    let asks = locks
        .iter()
        .map(|one| Ask::new(sql, vec![Value::Number(*one)]));
    let answers = connection.ask(&asks.collect::<Vec<_>>())?;
    let rows = answers.iter();
    rows.map(|rows| number(rows.first().and_then(|row| row.first())))
        .collect()
}
