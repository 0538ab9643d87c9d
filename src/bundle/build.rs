//! Making a bundle of one's own.

use prost::Message;

use super::{BundleError, Prekey, VerifiedBundle};
use crate::identity::IdentityKeyPair;
use crate::limits::{BUNDLE_LIFETIME_SECONDS, PROTOCOL_VERSION};
use crate::wire::v1;

/// One of one's own devices, as a bundle shows it.
#[derive(Debug, Clone, Copy)]
pub struct OwnDevice {
    /// Not 0.
    pub device_id: u32,
    /// The current signed prekey.
    pub signed_prekey: Prekey,
    /// A one-time prekey, for a single-use bundle.
    pub one_time_prekey: Option<Prekey>,
}

/// Signs a bundle of `devices`, valid from `issued_at` (seconds since 1970-01-01T00:00:00Z) for
/// [`BUNDLE_LIFETIME_SECONDS`].
///
/// The result went through the same checks as a stranger's bundle, so nothing that others refuse is ever handed out.
pub fn build(
    identity: &IdentityKeyPair,
    devices: &[OwnDevice],
    issued_at: u64,
) -> Result<VerifiedBundle, BundleError> {
    let mut devices: Vec<_> = devices.iter().map(device_to_wire).collect();
    devices.sort_by_key(|device| device.device_id);
    let body = v1::BundleBody {
        identity_key: identity.public().to_bytes().to_vec(),
        issued_at,
        expires_at: issued_at.saturating_add(BUNDLE_LIFETIME_SECONDS),
        devices,
    }
    .encode_to_vec();
    let signed = v1::SignedBundle {
        version: PROTOCOL_VERSION,
        signature: identity.sign_bundle(&body).to_vec(),
        body,
    };
    VerifiedBundle::decode(&signed.encode_to_vec())
}

fn device_to_wire(device: &OwnDevice) -> v1::DeviceBundle {
    v1::DeviceBundle {
        device_id: device.device_id,
        signed_prekey: Some(prekey_to_wire(device.signed_prekey)),
        one_time_prekey: device.one_time_prekey.map(prekey_to_wire),
    }
}

fn prekey_to_wire(prekey: Prekey) -> v1::Prekey {
    v1::Prekey {
        id: prekey.id,
        key: prekey.key.as_bytes().to_vec(),
    }
}
