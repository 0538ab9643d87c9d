//! Making a bundle of one's own.

use prost::Message;

use super::{BundleError, CODE_SECRET_LEN, DeviceBundle, Prekey, VerifiedBundle};
use crate::crypto::Secret;
use crate::identity::IdentityKeyPair;
use crate::limits::{BUNDLE_LIFETIME_SECONDS, PROTOCOL_VERSION};
use crate::wire::{self, v2};

/// Signs a bundle of `devices`, valid from `issued_at` (seconds since 1970-01-01T00:00:00Z) for
/// [`BUNDLE_LIFETIME_SECONDS`].
///
/// `code_secret` goes beside the signature of a single-use bundle.
///
/// The result went through the same checks as a stranger's bundle, so nothing that others refuse is ever handed out.
pub fn build(
    identity: &IdentityKeyPair,
    devices: &[DeviceBundle],
    code_secret: Option<&Secret<CODE_SECRET_LEN>>,
    issued_at: u64,
) -> Result<VerifiedBundle, BundleError> {
    let mut devices: Vec<_> = devices.iter().collect();
    devices.sort_by_key(|device| device.device_id);
    let kem_keys = devices
        .iter()
        .filter_map(|device| device.kem_prekey.key.as_ref());
    let kem_keys = kem_keys.map(|key| key.as_bytes().to_vec()).collect();
    let devices = devices.into_iter().map(device_to_wire).collect();
    let body = v2::BundleBody {
        identity_key: identity.public().to_bytes().to_vec(),
        issued_at,
        expires_at: issued_at.saturating_add(BUNDLE_LIFETIME_SECONDS),
        devices,
    }
    .encode_to_vec();
    let signed = v2::SignedBundle {
        version: PROTOCOL_VERSION,
        signature: identity.sign_bundle(&body).to_vec(),
        body,
        kem_keys,
        code_secret: code_secret
            .map(|secret| secret.as_bytes().to_vec())
            .unwrap_or_default(),
    };
    VerifiedBundle::decode(&wire::encode_secret(&signed))
}

fn device_to_wire(device: &DeviceBundle) -> v2::DeviceBundle {
    v2::DeviceBundle {
        device_id: device.device_id,
        signed_prekey: Some(prekey_to_wire(device.signed_prekey)),
        one_time_prekey: device.one_time_prekey.map(prekey_to_wire),
        kem_commitment: device.kem_prekey.commitment.to_vec(),
    }
}

fn prekey_to_wire(prekey: Prekey) -> v2::Prekey {
    v2::Prekey {
        id: prekey.id,
        key: prekey.key.as_bytes().to_vec(),
    }
}
