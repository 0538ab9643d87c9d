//! This device: its identity, its number, and what it looked at lately.

use std::sync::{Mutex, PoisonError};

use crate::crypto::Secret;
use crate::engine::base::due;
use crate::engine::base::error::EngineError;
use crate::engine::base::rows::{damaged, get_row, put_row};
use crate::engine::base::singletons::DEVICE;
use crate::identity::{IdentityKeyPair, PublicIdentity};
use crate::limits::MAX_HINTS_PER_MINUTE;
use crate::store::{Rows, RowsMut, Table};
use crate::wire::store::DeviceRow;

/// Who we are.
pub(crate) struct Device {
    pub(crate) identity: IdentityKeyPair,
    pub(crate) device_id: u32,
    pub(crate) hints: HintLookups,
}

impl Device {
    pub(crate) fn new(identity: IdentityKeyPair, device_id: u32) -> Self {
        Self {
            identity,
            device_id,
            hints: HintLookups::default(),
        }
    }

    /// The device that a store holds.
    pub(crate) fn load(store: &dyn Rows) -> Result<Self, EngineError> {
        let row = row(store)?.ok_or(EngineError::IdentityMissing)?;
        let seed = Secret::try_from_slice(&row.identity_seed);
        let seed = seed.ok_or_else(|| damaged(Table::Device))?;
        Ok(Self::new(IdentityKeyPair::from_seed(&seed), row.device_id))
    }

    pub(crate) fn public(&self) -> PublicIdentity {
        self.identity.public()
    }
}

/// How many contacts were looked at within a minute because of hints (RFC windlass §7.3). In memory alone: it bounds the work of this
/// process, and decides nothing that is stored.
#[derive(Debug, Default)]
pub(crate) struct HintLookups(Mutex<(u64, u64)>);

impl HintLookups {
    /// Whether this minute has room for another look at all contacts.
    pub(crate) fn has_room(&self, now: u64) -> bool {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if due::is_over(state.0, 60_000, now) {
            *state = (now, 0);
        }
        state.1 < MAX_HINTS_PER_MINUTE
    }

    /// Counts the contacts that were looked at.
    pub(crate) fn count(&self, contacts: u64) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.1 = state.1.saturating_add(contacts);
    }
}

pub(crate) fn row(store: &dyn Rows) -> Result<Option<DeviceRow>, EngineError> {
    get_row(store, Table::Device, DEVICE)
}

pub(crate) fn save(store: &mut dyn RowsMut, row: &DeviceRow) -> Result<(), EngineError> {
    put_row(store, Table::Device, DEVICE, row)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hints_are_followed_so_often_a_minute() {
        const NOW: u64 = 1_700_000_000_000;
        let hints = HintLookups::default();
        assert!(hints.has_room(NOW));
        hints.count(MAX_HINTS_PER_MINUTE - 1);
        assert!(hints.has_room(NOW));
        hints.count(1);
        assert!(!hints.has_room(NOW) && !hints.has_room(NOW + 59_999));
        assert!(hints.has_room(NOW + 60_000));
    }
}
