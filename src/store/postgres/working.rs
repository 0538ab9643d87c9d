//! Which work of a fleet is this process's.

use super::state::Postgres;
use super::trouble::Trouble;
use crate::crypto::hmac_sha256;
use crate::store::StoreError;
use crate::store::guard::lock;

/// A connection that was lost since the last question is noticed by this one; so it is asked twice.
const TRIES: u32 = 2;
/// Keeps names of work apart from those of rows.
const OF_WORK: &[u8] = b"Windlass work";

impl Postgres {
    /// The numbers that names have, which say nothing to whoever sees them in the server.
    fn locks(&self, names: &[&[u8]]) -> Result<Vec<i64>, StoreError> {
        let epoch = self.epoch()?;
        let key = epoch.tree.lookup_key.as_bytes();
        let locks = names.iter().map(|name| {
            let hash = hmac_sha256(key, &[OF_WORK, name]);
            hash.as_bytes()
                .first_chunk()
                .map_or(0, |bytes| i64::from_be_bytes(*bytes))
        });
        Ok(locks.collect())
    }

    pub(super) fn claim_all(&self, names: &[&[u8]]) -> Result<Vec<bool>, StoreError> {
        let wanted = self.locks(names)?;
        let mut claims = lock(&self.claims);
        let mut tries = 0;
        loop {
            tries += 1;
            match claims.take(|| self.pool.take(), &wanted) {
                Ok(()) => break,
                Err(Trouble::Lost(_)) if tries < TRIES => self.pool.clear(),
                Err(trouble) => return Err(trouble.told()),
            }
        }
        Ok(wanted.iter().map(|one| claims.has(*one)).collect())
    }

    pub(super) fn release_all(&self, names: &[&[u8]]) -> Result<(), StoreError> {
        let given = self.locks(names)?;
        lock(&self.claims).give_back(&given);
        Ok(())
    }
}
