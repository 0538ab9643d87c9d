//! A new device of an identity that has others (RFC windlass §8.5).

use super::{Device, Moment, devices, healing};
use crate::api::error::WindlassError;
use crate::link::Transfer;
use crate::store::Writer;

/// Makes this store's device one of the identity's, and asks the others for what they know.
pub(in crate::api) fn join(
    store: &mut Writer<'_>,
    transfer: Transfer,
    moment: &mut Moment,
) -> Result<Device, WindlassError> {
    let Transfer {
        identity,
        bundle,
        token,
    } = transfer;
    let device = Device::create(store, identity, moment)?;
    devices::take_in(store, &device, &bundle, None, moment)?;
    healing::ask_for_history(store, &device, &token, moment)?;
    Ok(device)
}
