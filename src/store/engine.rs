//! What a client needs of whatever keeps its rows.

use core::fmt::Debug;

use super::error::StoreError;
use super::key::StoreKey;
use super::rows::{Rows, RowsMut};
use crate::crypto::SeededRandom;

/// An open store of some engine. Any thread may call anything.
///
/// What it promises is written down as tests, `windlass::testing::contract`, which every engine passes.
pub trait StorageEngine: Debug + Send + Sync {
    /// Runs `f` on one snapshot. What it saw is durable. Where the engine was lost meanwhile it runs again from its beginning, on another
    /// snapshot; what the last run answered counts.
    fn snapshot(
        &self,
        f: &mut dyn FnMut(&dyn Rows) -> Result<(), Refused>,
    ) -> Result<(), StoreError>;

    /// [`Self::snapshot`] for what takes long, or calls what this library does not know: `f` runs once, nobody waits for it, and it may
    /// call the store itself. It sees the store as it was, also what is shredded meanwhile; closing ends it with [`StoreError::Closed`].
    fn snapshot_apart(
        &self,
        f: &mut dyn FnMut(&dyn Rows) -> Result<(), Refused>,
    ) -> Result<(), StoreError>;

    /// Runs `f` as one step: as if no other step ran meanwhile. Where another one was in the way it runs again from its beginning, with
    /// nothing left of the run before; what the last run answered counts. On `Ok` the step is durable, or has left no trace if `f`
    /// refused; on `Err` it has left none.
    fn step(
        &self,
        f: &mut dyn FnMut(&mut dyn RowsMut) -> Result<(), Refused>,
    ) -> Result<(), StoreError>;

    /// The time, in milliseconds since 1970-01-01T00:00:00Z.
    fn now(&self) -> u64;

    /// Random bytes that name the store, the same as long as it is there. Nobody outside the machine has them.
    fn id(&self) -> Result<[u8; 16], StoreError>;

    /// A generator for one call. A step asks for it inside, so that each of its runs has one of its own.
    fn random(&self) -> Result<SeededRandom, StoreError>;

    /// Whether other processes may have it open, too: then what one of them remembers of it may be over. By default nobody else has.
    fn is_shared(&self) -> bool {
        false
    }

    /// Takes pieces of work, by name, as far as no other process has them; whether this one has each now. They are given back by
    /// [`Self::release`], and at the latest when the process ends, or its connection. Only whoever asks first is told apart by it: what
    /// is durable is so by steps. By default nobody else is there, and all are taken.
    fn claim(&self, names: &[&[u8]]) -> Result<Vec<bool>, StoreError> {
        Ok(vec![true; names.len()])
    }

    /// Gives pieces of work back. What this process does not have it leaves as it is.
    fn release(&self, _names: &[&[u8]]) -> Result<(), StoreError> {
        Ok(())
    }

    /// Makes every earlier value of a row that was replaced or deleted unreadable.
    fn shred(&self) -> Result<ShredReport, StoreError>;

    /// When it was last shredded, or made, in milliseconds since 1970-01-01T00:00:00Z; 0 when it is closed. It is known again after
    /// a restart.
    fn shredded_at(&self) -> u64;

    /// Whether the rows or the key slots were put back from an older copy since the store was last open.
    fn rollback_noticed(&self) -> bool;

    /// Numbers without secrets, safe to show to anyone.
    fn inspect(&self) -> Result<Inspection, StoreError>;

    /// Seals everything anew for another passphrase or other key bytes. Whoever kept the former one, and what it opened, reads nothing of
    /// what is there from now on.
    fn change_key(&self, key: &StoreKey) -> Result<(), StoreError>;

    /// Shreds what is dead, and closes. Every later call answers [`StoreError::Closed`]; a second `close` does nothing.
    fn close(&self) -> Result<(), StoreError>;
}

/// What was run on a store ended with an error, which its caller has kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refused;

/// What may be shown of a store to anyone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inspection {
    /// Version of the schema.
    pub schema_version: u32,
    /// How many shreds there have been, plus one.
    pub epoch: u64,
    /// True when a passphrase opens it, false when key bytes do.
    pub passphrase: bool,
    /// Rows in each table, by the table's name.
    pub rows: Vec<(&'static str, u64)>,
    /// Buckets in which something was replaced or deleted since the last shred.
    pub dirty_buckets: u64,
    /// Bytes of the store file, or of the table in a database.
    pub file_bytes: u64,
    /// Whether the key slots are where a log or a backup keeps what was overwritten: in the database itself, sealed by nothing else.
    pub slots_in_database: bool,
    /// Whether they are there, sealed by a key in Vault whose former versions are gone.
    pub slots_in_vault: bool,
}

/// What a shred did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ShredReport {
    /// Buckets that held something dead.
    pub buckets: u64,
    /// Living rows that shared their keys and were sealed anew.
    pub rows: u64,
}

impl dyn StorageEngine + '_ {
    /// [`StorageEngine::snapshot`] for what answers something. It may run more than once, so it has no effect but its answer.
    pub fn read<T, E: From<StoreError>>(
        &self,
        mut f: impl FnMut(&dyn Rows) -> Result<T, E>,
    ) -> Result<T, E> {
        let mut answer = Answer::default();
        let ran = self.snapshot(&mut |rows| answer.keep(Some(f(rows))));
        answer.of(ran)
    }

    /// [`StorageEngine::snapshot_apart`] for what answers something.
    pub fn read_apart<T, E: From<StoreError>>(
        &self,
        f: impl FnOnce(&dyn Rows) -> Result<T, E>,
    ) -> Result<T, E> {
        let mut answer = Answer::default();
        let mut f = Some(f);
        let ran = self.snapshot_apart(&mut |rows| answer.keep(f.take().map(|f| f(rows))));
        answer.of(ran)
    }

    /// [`StorageEngine::step`] for what answers something. It may run more than once, so it has no effect but its rows and its answer.
    pub fn write<T, E: From<StoreError>>(
        &self,
        mut f: impl FnMut(&mut dyn RowsMut) -> Result<T, E>,
    ) -> Result<T, E> {
        let mut answer = Answer::default();
        let ran = self.step(&mut |rows| answer.keep(Some(f(rows))));
        answer.of(ran)
    }
}

/// What the last run of a closure answered.
struct Answer<T, E>(Option<Result<T, E>>);

impl<T, E> Default for Answer<T, E> {
    fn default() -> Self {
        Self(None)
    }
}

impl<T, E: From<StoreError>> Answer<T, E> {
    fn keep(&mut self, answer: Option<Result<T, E>>) -> Result<(), Refused> {
        let kept = match answer {
            Some(Ok(_)) => Ok(()),
            Some(Err(_)) | None => Err(Refused),
        };
        self.0 = answer;
        kept
    }

    fn of(self, ran: Result<(), StoreError>) -> Result<T, E> {
        ran?;
        // An engine that says that all went well has run it.
        self.0.unwrap_or_else(|| Err(StoreError::Closed.into()))
    }
}
