//! A new device in an empty store.

use crate::crypto::{CryptoRng, SeededRandom};
use crate::engine::base::device::{self, Device};
use crate::engine::base::error::EngineError;
use crate::engine::base::step::{Receipts, Step};
use crate::engine::records::{healing_root, own_words, prekeys};
use crate::identity::IdentityKeyPair;
use crate::store::RowsMut;
use crate::wire::store::DeviceRow;

/// Puts a new device of `identity` into an empty store.
pub(crate) fn create(
    store: &mut dyn RowsMut,
    identity: IdentityKeyPair,
    now: u64,
    rng: &mut SeededRandom,
) -> Result<Device, EngineError> {
    if device::row(store)?.is_some() {
        return Err(EngineError::IdentityExists);
    }
    let device = Device::new(identity, non_zero(rng));
    let row = DeviceRow {
        identity_seed: device.identity.seed().as_bytes().to_vec(),
        device_id: device.device_id,
    };
    device::save(store, &row)?;
    own_words::begin(store, now, rng)?;
    let step = &mut Step {
        receipts: Receipts::default(),
        changes: Vec::new(),
        unattended: false,
        origin: crate::chat::MessageOrigin::Person,
        rows: store,
        device: &device,
        now,
        rng,
    };
    prekeys::rotate(step)?;
    healing_root::keep_days(step)?;
    Ok(device)
}

fn non_zero(rng: &mut dyn CryptoRng) -> u32 {
    loop {
        let number = rng.next_u32();
        if number != 0 {
            return number;
        }
    }
}
