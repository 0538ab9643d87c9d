//! Prekeys, and what a bundle says of one device.

use super::BundleError;
use crate::crypto::{DhPublic, KemPublic, sha256};
use crate::wire::{self, malformed, v2};

/// A prekey and its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Prekey {
    /// Not 0, and never used again by the same device.
    pub id: u32,
    /// The public half.
    pub key: DhPublic,
}

/// A device's ML-KEM-768 prekey. It goes with the signed prekey: made, retired and erased with it, and named by its number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KemPrekey {
    /// SHA-256 of the key; the bundle's signature covers it.
    pub commitment: [u8; 32],
    /// The key, if it came along: 1,184 bytes are too many for a code.
    pub key: Option<KemPublic>,
}

impl KemPrekey {
    /// With the key.
    #[must_use]
    pub fn of(key: KemPublic) -> Self {
        Self {
            commitment: sha256(&[key.as_bytes()]),
            key: Some(key),
        }
    }
}

/// What a bundle says of one device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceBundle {
    /// The device's number within its identity; not 0.
    pub device_id: u32,
    /// The signed prekey; the bundle's signature covers it.
    pub signed_prekey: Prekey,
    /// The ML-KEM prekey; the bundle's signature covers its commitment.
    pub kem_prekey: KemPrekey,
    /// The one-time prekey of a single-use bundle.
    pub one_time_prekey: Option<Prekey>,
}

impl DeviceBundle {
    pub(super) fn from_wire(device: &v2::DeviceBundle) -> Result<Self, BundleError> {
        let signed_prekey = device
            .signed_prekey
            .as_ref()
            .ok_or(malformed("signed prekey"))?;
        Ok(Self {
            device_id: wire::non_zero("device id", device.device_id)?,
            signed_prekey: Prekey::from_wire(signed_prekey)?,
            kem_prekey: KemPrekey {
                commitment: wire::array("ML-KEM commitment", &device.kem_commitment)?,
                key: None,
            },
            one_time_prekey: device
                .one_time_prekey
                .as_ref()
                .map(Prekey::from_wire)
                .transpose()?,
        })
    }

    /// Whether the ML-KEM key, if it came along, is one.
    pub(super) fn keeps_its_word(&self) -> bool {
        let key = self.kem_prekey.key.as_ref();
        key.is_none_or(|key| KemPublic::from_bytes(key.as_bytes()).is_ok())
    }
}

impl Prekey {
    fn from_wire(prekey: &v2::Prekey) -> Result<Self, BundleError> {
        Ok(Self {
            id: wire::non_zero("prekey id", prekey.id)?,
            key: DhPublic::from_bytes(&prekey.key).map_err(|_| BundleError::InvalidKey)?,
        })
    }
}
