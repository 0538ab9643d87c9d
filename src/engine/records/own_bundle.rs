//! The bundles that we give out: the reusable one, and single-use ones (RFC windlass §5.3, §5.4).

use crate::bundle;
use crate::bundle::{CODE_SECRET_LEN, DeviceBundle, Prekey, VerifiedBundle};
use crate::crypto::Secret;
use crate::engine::base::device::Device;
use crate::engine::base::error::EngineError;
use crate::engine::base::rows::damaged;
use crate::engine::base::step::Step;
use crate::engine::records::{own_devices, prekeys};
use crate::limits::BUNDLE_LIFETIME_SECONDS;
use crate::store::{Rows, Table};
use crate::wire::store::OwnBundleRow;

/// Our reusable bundle: the same bytes until a prekey or a device changes, or half its time is over. So publishing it again
/// changes nothing for anyone.
pub(crate) fn reusable(step: &mut Step<'_>) -> Result<VerifiedBundle, EngineError> {
    let row = encoded(step)?;
    Ok(VerifiedBundle::from_stored(&row.bundle)?)
}

/// The same, for whoever only gives it out.
pub(crate) fn encoded(step: &mut Step<'_>) -> Result<OwnBundleRow, EngineError> {
    prekeys::rotate(step)?;
    let row = prekeys::own_bundle(step.rows)?;
    let now = step.seconds();
    // A clock that was wrong made it.
    let future = bundle::is_from_the_future(row.issued_at, now);
    if !row.bundle.is_empty() && !future && now < row.issued_at + BUNDLE_LIFETIME_SECONDS / 2 {
        return Ok(row);
    }
    // Two of the same second could not be told apart by who gets both, also not if another device of ours made one of them.
    let siblings = own_devices::bundle_issued_at(step.rows, now)?;
    let former = if future { 0 } else { row.issued_at };
    let issued_at = now.max(former + 1).max(siblings + 1);
    let bundle = build(step.rows, step.device, None, issued_at)?;
    let row = OwnBundleRow {
        bundle: bundle.encoded().to_vec(),
        issued_at: bundle.issued_at(),
    };
    prekeys::save_own_bundle(step.rows, &row)?;
    Ok(row)
}

/// A bundle with a one-time prekey that is in no other, and a secret beside the signature for whoever is given it.
pub(crate) fn single_use(step: &mut Step<'_>) -> Result<VerifiedBundle, EngineError> {
    let reusable = reusable(step)?;
    let (prekey, secret) = prekeys::new_one_time_prekey(step)?;
    let issued_at = step.seconds().max(reusable.issued_at());
    build(step.rows, step.device, Some((prekey, secret)), issued_at)
}

fn build(
    store: &dyn Rows,
    device: &Device,
    invitation: Option<(Prekey, Secret<CODE_SECRET_LEN>)>,
    issued_at: u64,
) -> Result<VerifiedBundle, EngineError> {
    let current = prekeys::signed_prekeys(store)?
        .into_iter()
        .filter(|row| row.retired_at == 0)
        .max_by_key(|row| row.id)
        .ok_or_else(|| damaged(Table::SignedPrekeys))?;
    let secrets = prekeys::secrets_of(&current)?;
    let (one_time_prekey, secret) = invitation.unzip();
    let mut all = own_devices::for_bundle(store)?;
    all.push(DeviceBundle {
        one_time_prekey,
        ..secrets.device(device.device_id, current.id)
    });
    Ok(bundle::build(
        &device.identity,
        &all,
        secret.as_ref(),
        issued_at,
    )?)
}
