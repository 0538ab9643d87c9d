//! A new device of an identity that has others (RFC windlass §8.5).

use crate::crypto::SeededRandom;
use crate::engine::base::device::Device;
use crate::engine::base::error::EngineError;
use crate::engine::base::step::Step;
use crate::engine::records::{own_devices, own_words};
use crate::engine::steps::create;
use crate::engine::sync::healing;
use crate::link::Transfer;
use crate::store::RowsMut;

/// Makes this store's device one of the identity's, and asks the others for what they know.
pub(crate) fn join(
    store: &mut dyn RowsMut,
    transfer: &Transfer,
    now: u64,
    rng: &mut SeededRandom,
) -> Result<Device, EngineError> {
    let device = create::create(store, transfer.identity.duplicate(), now, rng)?;
    own_words::save(store, &transfer.own_words)?;
    let mut step = Step {
        rows: store,
        device: &device,
        now,
        rng,
    };
    own_devices::merge_bundle(&mut step, &transfer.bundle, None)?;
    healing::ask_for_history(&mut step, &transfer.token)?;
    Ok(device)
}
