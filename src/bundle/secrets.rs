//! The private halves of the prekeys that a device signs.

use super::{DeviceBundle, KemPrekey, Prekey};
use crate::crypto::{CryptoRng, DhSecret, KemSecret};

/// A signed prekey and the ML-KEM prekey that goes with it.
#[derive(Debug)]
pub struct PrekeySecrets {
    /// SPK.
    pub signed_prekey: DhSecret,
    /// PQSPK, of which the bundle shows the hash.
    pub kem_prekey: KemSecret,
    /// SHA-256 of the ML-KEM prekey's public half.
    pub kem_commitment: [u8; 32],
}

impl PrekeySecrets {
    /// New ones.
    #[must_use]
    pub fn generate(rng: &mut dyn CryptoRng) -> Self {
        Self::of(DhSecret::generate(rng), KemSecret::generate(rng))
    }

    /// From the two.
    #[must_use]
    pub fn of(signed_prekey: DhSecret, kem_prekey: KemSecret) -> Self {
        let kem_commitment = KemPrekey::of(kem_prekey.public()).commitment;
        Self {
            signed_prekey,
            kem_prekey,
            kem_commitment,
        }
    }

    /// What a bundle says of the device, under the number of these prekeys.
    #[must_use]
    pub fn device(&self, device_id: u32, id: u32) -> DeviceBundle {
        DeviceBundle {
            device_id,
            signed_prekey: Prekey {
                id,
                key: self.signed_prekey.public(),
            },
            kem_prekey: KemPrekey::of(self.kem_prekey.public()),
            one_time_prekey: None,
        }
    }
}
