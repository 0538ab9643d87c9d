//! The slots, as rows that only Vault opens. Log, replicas and backups of the database keep former rows; the version of the key that they
//! are sealed by is gone.

use std::sync::Mutex;

use super::super::address::Address;
use super::super::slots::SlotRows;
use super::address::VaultAddress;
use super::transit::{Opened, Transit, version_of};
use crate::store::guard::lock;
use crate::store::{KeySlots, SlotNumber, StoreError};

/// Somebody who shreds again and again, while a reading looks for rows and key of one moment.
const MAX_READINGS: u32 = 50;

/// Two rows of the database, sealed by a key in Vault.
#[derive(Debug)]
pub(in crate::store::postgres) struct VaultSlots {
    rows: SlotRows,
    transit: Transit,
    making: Mutex<Making>,
}

/// What is known while a store is made with a key that was new.
#[derive(Debug, Default)]
struct Making {
    with_new_key: bool,
    /// The version that its slots have, if nobody else makes a store with the same key at this moment.
    version: Option<u64>,
}

impl VaultSlots {
    pub(in crate::store::postgres) fn new(address: Address, vault: VaultAddress) -> Self {
        Self {
            rows: SlotRows::new(address),
            transit: Transit::new(vault),
            making: Mutex::default(),
        }
    }

    /// The oldest version that the rows need, where both are there.
    fn needed(&self) -> Result<Option<u64>, StoreError> {
        let [first, second] = self.rows.read()?;
        let versions = version_of(&first).zip(version_of(&second));
        Ok(versions.map(|(first, second)| first.min(second)))
    }

    /// Ends what was stopped between the writing of both slots and the end of the versions before: whoever comes next does it.
    fn settle(&self) -> Result<(), StoreError> {
        let there = self.transit.versions()?;
        match self.needed()? {
            Some(needed) if there.oldest < needed && needed <= there.latest => {
                self.transit.forget_below(needed)
            }
            _ => Ok(()),
        }
    }
}

impl KeySlots for VaultSlots {
    /// Rows and key are asked one after the other. Rows whose version went in between were replaced before.
    fn read(&self) -> Result<[Vec<u8>; 2], StoreError> {
        let mut rows = self.rows.read()?;
        for _ in 0..MAX_READINGS {
            let sealed: Vec<&[u8]> = rows.iter().map(Vec::as_slice).collect();
            let sealed = sealed.into_iter().filter(|row| version_of(row).is_some());
            let sealed: Vec<_> = sealed.collect();
            if sealed.is_empty() {
                return Ok([Vec::new(), Vec::new()]);
            }
            let opened = self.transit.open(&sealed)?;
            let gone = opened.iter().filter(|one| **one == Opened::Gone).count();
            let all_gone = gone == opened.len();
            let again = self.rows.read()?;
            if gone != 0 && again != rows {
                rows = again;
                continue;
            }
            if all_gone {
                return Err(StoreError::KeySlotsTrimmed);
            }
            let mut opened = opened.into_iter();
            return Ok(
                rows.map(|row| match version_of(&row).and_then(|_| opened.next()) {
                    Some(Opened::Whole(bytes)) => bytes,
                    _ => Vec::new(),
                }),
            );
        }
        Err(StoreError::StepsCollide)
    }

    fn write(&self, slot: SlotNumber, bytes: &[u8]) -> Result<(), StoreError> {
        let sealed = self.transit.seal(bytes)?;
        let expected = lock(&self.making).version;
        if expected.is_some() && expected != version_of(&sealed) {
            return Err(taken());
        }
        self.rows.write(slot, &sealed)
    }

    fn renew(&self) -> Result<(), StoreError> {
        self.transit.rotate()?;
        let mut making = lock(&self.making);
        making.version = making.with_new_key.then_some(2);
        Ok(())
    }

    /// The rows are durable by now, so no version before theirs is needed.
    fn forget_former(&self) -> Result<(), StoreError> {
        if let Some(needed) = self.needed()? {
            self.transit.forget_below(needed)?;
        }
        *lock(&self.making) = Making::default();
        Ok(())
    }

    /// A key belongs to one store: what the one shreds would end the other. So it has to be new, or this store was begun with it.
    fn clear(&self) -> Result<(), StoreError> {
        let versions = self.transit.versions()?;
        let begun = self.rows.name()? == Some(self.transit.name());
        let is_new = versions.latest == 1 && versions.oldest == 0;
        if !begun && !is_new {
            return Err(taken());
        }
        self.rows.begin(&self.transit.name())?;
        lock(&self.making).with_new_key = is_new;
        Ok(())
    }

    fn lock(&self) -> Result<(), StoreError> {
        self.rows.lock()?;
        self.settle().inspect_err(|_| self.rows.unlock())
    }

    fn unlock(&self) {
        self.rows.unlock();
    }
}

fn taken() -> StoreError {
    StoreError::VaultKey {
        why: "another store has it already, and a key is for one; make one for this store"
            .to_owned(),
    }
}
