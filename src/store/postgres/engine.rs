//! The database as a storage engine.

use std::sync::atomic::Ordering::Relaxed;

use super::address::SlotPlace;
use super::connection::{Ask, first, number};
use super::known::Known;
use super::replacing::marks;
use super::state::Postgres;
use super::trouble::Trouble;
use crate::crypto::{SeededRandom, system_random};
use crate::store::engine::{Inspection, Refused, ShredReport, StorageEngine};
use crate::store::guard::{lock, read, write};
use crate::store::header::SCHEMA_VERSION;
use crate::store::key::Derivation;
use crate::store::{Rows, RowsMut, StoreError, StoreKey, Table, machine_now};

/// What a store in a database has done since it was opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Effort {
    /// Steps that were asked for.
    pub steps: u64,
    /// Runs of steps that another step, or a lost connection, undid.
    pub again: u64,
    /// How often the server was waited for, by runs of steps.
    pub trips: u64,
}

impl Postgres {
    /// How much work its steps were.
    #[must_use]
    pub fn effort(&self) -> Effort {
        Effort {
            steps: self.counted.steps.load(Relaxed),
            again: self.counted.again.load(Relaxed),
            trips: self.counted.trips.load(Relaxed),
        }
    }

    fn inspected(&self) -> Result<Inspection, Trouble> {
        let mut connection = self.pool.take()?;
        let epoch = self.refresh(&mut connection)?;
        let sql = "SELECT substr(k, 1, 1) || substr(k, 18, 1), count(*) FROM rows \
            WHERE k >= '\\x01' GROUP BY 1";
        let size = "SELECT pg_total_relation_size('rows')";
        let answers = connection.ask(&[Ask::plain(sql), Ask::plain(size)])?;
        let (counted, size) = answers.split_first().ok_or_else(Trouble::nonsense)?;
        let mut rows = Vec::new();
        for table in Table::ALL {
            let mut count = 0;
            for row in counted {
                if let [of, number_of] = row.as_slice() {
                    let of_place = of.first() == table.bounds().0.first();
                    if of_place && of.last() == Some(&table.tag()) {
                        count = number(Some(number_of))?;
                    }
                }
            }
            rows.push((table.name(), u64::try_from(count).unwrap_or(0)));
        }
        let dirty_buckets = marks(&mut connection)?.len() as u64;
        let file_bytes = u64::try_from(number(first(size))?).unwrap_or(0);
        self.pool.give(connection);
        let derivation = self.ring().slots.derivation();
        Ok(Inspection {
            schema_version: SCHEMA_VERSION,
            epoch: epoch.header.epoch,
            passphrase: matches!(derivation, Derivation::Argon2id(_)),
            rows,
            dirty_buckets,
            file_bytes,
            slots_in_database: self.pool.address.slots == SlotPlace::Database,
            slots_in_vault: matches!(self.pool.address.slots, SlotPlace::Vault(_)),
        })
    }
}

impl StorageEngine for Postgres {
    fn snapshot(
        &self,
        f: &mut dyn FnMut(&dyn Rows) -> Result<(), Refused>,
    ) -> Result<(), StoreError> {
        self.run_snapshot(f)
    }

    /// Every snapshot has a connection of its own, so nobody waits for one.
    fn snapshot_apart(
        &self,
        f: &mut dyn FnMut(&dyn Rows) -> Result<(), Refused>,
    ) -> Result<(), StoreError> {
        self.run_snapshot_apart(f)
    }

    fn step(
        &self,
        f: &mut dyn FnMut(&mut dyn RowsMut) -> Result<(), Refused>,
    ) -> Result<(), StoreError> {
        self.run_step(f)
    }

    fn now(&self) -> u64 {
        machine_now()
    }

    fn id(&self) -> Result<[u8; 16], StoreError> {
        Ok(self.epoch()?.tree.store_id)
    }

    fn random(&self) -> Result<SeededRandom, StoreError> {
        Ok(system_random()?)
    }

    fn is_shared(&self) -> bool {
        true
    }

    fn claim(&self, names: &[&[u8]]) -> Result<Vec<bool>, StoreError> {
        self.claim_all(names)
    }

    fn release(&self, names: &[&[u8]]) -> Result<(), StoreError> {
        self.release_all(names)
    }

    fn shred(&self) -> Result<ShredReport, StoreError> {
        self.shred_all()
    }

    fn shredded_at(&self) -> u64 {
        let epoch = read(&self.epoch);
        epoch.as_ref().map_or(0, |epoch| epoch.header.shredded_at)
    }

    fn rollback_noticed(&self) -> bool {
        self.rollback_noticed
    }

    fn inspect(&self) -> Result<Inspection, StoreError> {
        self.epoch()?;
        self.inspected().map_err(|trouble| trouble.told())
    }

    fn change_key(&self, key: &StoreKey) -> Result<(), StoreError> {
        self.change_user_key(key)
    }

    fn close(&self) -> Result<(), StoreError> {
        self.check_process()?;
        if read(&self.epoch).is_none() {
            return Ok(());
        }
        let closed = self.shred_all().and_then(|_| self.count_closing());
        *write(&self.epoch) = None;
        self.pool.clear();
        lock(&self.claims).clear();
        *lock(&self.known) = Known::default();
        closed
    }
}

/// Who forgets to close does not pay with an unshredded store.
impl Drop for Postgres {
    fn drop(&mut self) {
        let _ = self.close();
    }
}
