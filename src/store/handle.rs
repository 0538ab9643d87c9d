//! A store that is open: reading it, and changing it in steps.

use std::path::Path;
use std::sync::{Arc, RwLock, RwLockReadGuard, RwLockWriteGuard};

use super::engine::Inspection;
use super::error::StoreError;
use super::guard::{guarded, lock, read, write};
use super::header::SCHEMA_VERSION;
use super::key::Derivation;
use super::medium::{Medium, StoreFile};
use super::reader::Reader;
use super::rows::Rows;
use super::state::Inner;
use super::table::Table;
use super::writer::Writer;
use crate::crypto::SeededRandom;

/// An open store. Any thread may call anything; writers wait for each other.
pub struct Store {
    pub(super) medium: Arc<dyn Medium>,
    /// Whose store it is: after `fork` two processes would each go on with the same ratchets.
    process_id: u32,
    rollback_noticed: bool,
    /// Nothing once it is closed. Readers and writers share the lock; what replaces keys takes it alone.
    pub(super) inner: RwLock<Option<Inner>>,
}

impl Store {
    pub(super) fn of(medium: Arc<dyn Medium>, inner: Inner, rollback_noticed: bool) -> Self {
        Self {
            medium,
            process_id: process_id(),
            rollback_noticed,
            inner: RwLock::new(Some(inner)),
        }
    }

    /// Runs `f` on one snapshot. What it saw is durable.
    pub fn read<T, E: From<StoreError>>(
        &self,
        f: impl FnOnce(&Reader) -> Result<T, E>,
    ) -> Result<T, E> {
        let inner = self.usable()?;
        let inner = inner.as_ref().ok_or(StoreError::Closed)?;
        let read = guarded(|| f(&inner.reader()?));
        if read.is_err() {
            inner.find_out_whether_failed(&lock(&inner.writer));
        }
        read
    }

    /// [`Self::read`] for what takes long, or calls what this library does not know: no lock is held meanwhile, so nobody waits for
    /// `f`, and it may call the store itself. It sees the store as it was, also what is shredded meanwhile; closing ends it with
    /// [`StoreError::Closed`].
    pub fn read_apart<T, E: From<StoreError>>(
        &self,
        f: impl FnOnce(&Reader) -> Result<T, E>,
    ) -> Result<T, E> {
        let reader = {
            let inner = self.usable()?;
            let inner = inner.as_ref().ok_or(StoreError::Closed)?;
            guarded(|| inner.reader())?
        };
        let read = guarded(|| f(&reader));
        if let (Err(_), Some(inner)) = (&read, self.shared().as_ref()) {
            inner.find_out_whether_failed(&lock(&inner.writer));
        }
        read
    }

    /// Runs `f` as one step, which is durable when this returns `Ok` and has left no trace when it returns `Err`. Callers that come
    /// at once share a transaction and its sync.
    pub fn write<T, E: From<StoreError>>(
        &self,
        f: impl FnOnce(&mut Writer<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        let inner = self.usable()?;
        let inner = inner.as_ref().ok_or(StoreError::Closed)?;
        let rng = self.medium.random()?;
        let (stepped, seen) = {
            let mut turn = inner.group.announce();
            let mut open = lock(&inner.writer);
            turn.begin();
            inner.check_whole()?;
            let stepped = inner.step(&mut open, rng, f);
            let seen = inner.group.latest();
            inner.end_turn(&mut open, &turn);
            (stepped, seen)
        };
        // A refusal waits too: it may follow from what another step of the same group did.
        inner.group.wait_for(seen)?;
        stepped
    }

    /// Whether one of the two files was put back from an older copy since the store was last open.
    #[must_use]
    pub fn rollback_noticed(&self) -> bool {
        self.rollback_noticed
    }

    /// When it was last shredded, or made, in milliseconds since 1970-01-01T00:00:00Z; 0 when it is closed. It is known again after
    /// a restart.
    #[must_use]
    pub fn shredded_at(&self) -> u64 {
        self.shared().as_ref().map_or(0, |inner| inner.shredded_at)
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.medium.path()
    }

    /// The time, in milliseconds since 1970-01-01T00:00:00Z.
    #[must_use]
    pub fn now(&self) -> u64 {
        self.medium.now()
    }

    /// A generator for one call.
    pub fn random(&self) -> Result<SeededRandom, StoreError> {
        self.medium.random()
    }

    /// Numbers without secrets, safe to show to anyone.
    pub fn inspect(&self) -> Result<Inspection, StoreError> {
        let inner = self.usable()?;
        let inner = inner.as_ref().ok_or(StoreError::Closed)?;
        guarded(|| {
            let reader = inner.reader()?;
            let mut rows = Vec::new();
            for of in Table::ALL {
                rows.push((of.name(), reader.count(of)?));
            }
            Ok(Inspection {
                schema_version: SCHEMA_VERSION,
                epoch: inner.epoch,
                passphrase: matches!(inner.slots.derivation(), Derivation::Argon2id(_)),
                rows,
                dirty_buckets: inner.dirty.len() as u64,
                file_bytes: self.medium.open(StoreFile::Rows)?.len()?,
                slots_in_database: false,
                slots_in_vault: false,
            })
        })
    }

    pub(super) fn check_process(&self) -> Result<(), StoreError> {
        if self.process_id != process_id() {
            return Err(StoreError::Forked);
        }
        Ok(())
    }

    /// The open store, once whatever failed before is repaired.
    fn usable(&self) -> Result<RwLockReadGuard<'_, Option<Inner>>, StoreError> {
        self.check_process()?;
        let shared = self.shared();
        if shared
            .as_ref()
            .is_none_or(|inner| inner.check_whole().is_ok())
        {
            return Ok(shared);
        }
        drop(shared);
        if let Some(inner) = self.alone().as_mut() {
            inner.repair()?;
        }
        Ok(self.shared())
    }

    pub(super) fn shared(&self) -> RwLockReadGuard<'_, Option<Inner>> {
        read(&self.inner)
    }

    pub(super) fn alone(&self) -> RwLockWriteGuard<'_, Option<Inner>> {
        write(&self.inner)
    }
}

impl core::fmt::Debug for Store {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Store")
            .field("path", &self.path())
            .finish_non_exhaustive()
    }
}

/// 0 where there are no processes, and so no `fork`.
fn process_id() -> u32 {
    if cfg!(target_arch = "wasm32") {
        return 0;
    }
    std::process::id()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
