//! What ties the layers together: each step of a client as changes to rows, inside one transaction of the store.
//!
//! The modules here take a [`Rows`] to look up and a [`Writer`] to change, and never open a transaction themselves. So whatever
//! belongs together is durable together, and what fails leaves nothing.

pub(super) mod ageing;
mod annotations;
pub(super) mod backup;
mod chat;
pub(super) mod contacts;
pub(super) mod conversation;
pub(super) mod devices;
pub(super) mod due;
pub(super) mod envelopes;
pub(super) mod expiries;
pub(super) mod groups;
mod heads;
pub(super) mod healing;
pub(super) mod history;
pub(super) mod link;
pub(super) mod outbox;
pub(super) mod pages;
pub(super) mod prekeys;
pub(super) mod reading;
mod receipts;
pub(super) mod receive;
pub(super) mod send;
pub(super) mod sessions;
mod settings;
mod spread;
mod take_in;
mod timeline;
pub(super) mod trust;
mod unacknowledged;
pub(super) mod unhandled;
pub(super) mod updates;

use std::sync::{Mutex, PoisonError};

use prost::Message;

use super::error::WindlassError;
use crate::crypto::{CryptoRng, Secret, SeededRandom, system_random};
use crate::identity::{IdentityKeyPair, PublicIdentity};
use crate::limits::MAX_HINTS_PER_MINUTE;
use crate::store::{Key, Rows, Store, Table, Writer, machine_now};
use crate::wire::{self, store::DeviceRow};

/// The row of the device; alone in its table, as is the outbox's counter.
const DEVICE: &[u8] = b"device";

/// Who we are.
pub(super) struct Device {
    pub(super) identity: IdentityKeyPair,
    pub(super) device_id: u32,
    pub(super) hints: Hints,
}

/// How many contacts were looked at lately because of hints.
#[derive(Debug, Default)]
pub(super) struct Hints(Mutex<(u64, u64)>);

impl Hints {
    /// A minute's looking.
    fn may_look(&self, now: u64) -> bool {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if now.abs_diff(state.0) >= 60_000 {
            *state = (now, 0);
        }
        state.1 < MAX_HINTS_PER_MINUTE
    }

    fn looked_at(&self, contacts: u64) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.1 = state.1.saturating_add(contacts);
    }
}

/// One call into the facade: the time it came, and randomness for it alone.
pub(super) struct Moment {
    /// Milliseconds since the epoch.
    pub(super) now: u64,
    pub(super) rng: SeededRandom,
}

impl Moment {
    pub(super) fn of(store: &Store) -> Result<Self, WindlassError> {
        Ok(Self {
            now: store.now(),
            rng: store.random()?,
        })
    }

    /// For a store that is not made yet.
    pub(super) fn of_machine() -> Result<Self, WindlassError> {
        Ok(Self {
            now: machine_now(),
            rng: system_random()?,
        })
    }

    pub(super) fn seconds(&self) -> u64 {
        self.now / 1000
    }
}

impl Device {
    /// Puts a new device of `identity` into an empty store.
    pub(super) fn create(
        store: &mut Writer<'_>,
        identity: IdentityKeyPair,
        moment: &mut Moment,
    ) -> Result<Self, WindlassError> {
        if store.get(Table::Device, Key::new(DEVICE))?.is_some() {
            return Err(WindlassError::IdentityExists);
        }
        let device_id = non_zero(&mut moment.rng);
        put_row(
            store,
            Table::Device,
            Key::new(DEVICE),
            &DeviceRow {
                identity_seed: identity.seed().as_bytes().to_vec(),
                device_id,
                last_signed_prekey_id: 0,
                last_one_time_prekey_id: 0,
            },
        )?;
        let device = Self {
            identity,
            device_id,
            hints: Hints::default(),
        };
        prekeys::rotate(store, moment)?;
        Ok(device)
    }

    /// The device that a store holds.
    pub(super) fn load(store: &impl Rows) -> Result<Self, WindlassError> {
        let row = device_row(store)?;
        let seed = Secret::try_from_slice(&row.identity_seed).ok_or_else(damaged_device)?;
        Ok(Self {
            identity: IdentityKeyPair::from_seed(&seed),
            device_id: row.device_id,
            hints: Hints::default(),
        })
    }

    pub(super) fn public(&self) -> PublicIdentity {
        self.identity.public()
    }
}

fn device_row(store: &impl Rows) -> Result<DeviceRow, WindlassError> {
    get_row(store, Table::Device, Key::new(DEVICE))?.ok_or(WindlassError::IdentityMissing)
}

fn damaged_device() -> WindlassError {
    damaged(Table::Device)
}

/// A row that the store opened but that says something impossible.
pub(super) fn damaged(table: Table) -> WindlassError {
    crate::store::StoreError::Damaged { what: table.name() }.into()
}

/// Reads and decodes a row.
pub(super) fn get_row<M: Message + Default>(
    store: &impl Rows,
    table: Table,
    key: Key<'_>,
) -> Result<Option<M>, WindlassError> {
    store
        .get(table, key)?
        .map(|bytes| wire::decode(table.name(), &bytes).map_err(|_| damaged(table)))
        .transpose()
}

/// Encodes and writes a row.
pub(super) fn put_row<M: Message>(
    store: &mut Writer<'_>,
    table: Table,
    key: Key<'_>,
    row: &M,
) -> Result<(), WindlassError> {
    Ok(store.put(table, key, &wire::encode_secret(row))?)
}

/// How many of some things fit into `room` bytes; one at least, if there is one.
pub(super) fn fitting<T>(things: &[T], mut room: usize, len: impl Fn(&T) -> usize) -> usize {
    let fit = things.iter().take_while(|thing| {
        let left = room.checked_sub(len(thing));
        room = left.unwrap_or_default();
        left.is_some()
    });
    fit.count().max(usize::from(!things.is_empty()))
}

fn non_zero(rng: &mut dyn CryptoRng) -> u32 {
    loop {
        let number = rng.next_u32();
        if number != 0 {
            return number;
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests;
