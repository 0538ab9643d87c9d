//! ML-KEM-768 (FIPS 203), which a quantum computer does not break as it breaks X25519.

use std::sync::OnceLock;

use ml_kem::{Decapsulate, DecapsulationKey768, Encapsulate, EncapsulationKey768, KeyExport, Seed};
use zeroize::Zeroize;

use super::{CryptoRng, Secret, SharedSecret};

/// Length in bytes of an encapsulation key.
pub const KEM_PUBLIC_LEN: usize = 1_184;

/// Length in bytes of a ciphertext.
pub const KEM_CIPHERTEXT_LEN: usize = 1_088;

/// Length in bytes of the seed that a decapsulation key is made from: d and z of FIPS 203 §7.1.
pub const KEM_SEED_LEN: usize = 64;

/// What came out of encapsulating to a key.
pub type KemCiphertext = Box<[u8; KEM_CIPHERTEXT_LEN]>;

/// Not 1,184 bytes, or a coefficient in it is not reduced (FIPS 203 §7.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a valid ML-KEM-768 encapsulation key")]
pub struct InvalidKemKey;

/// A decapsulation key, kept as its seed: 64 bytes instead of 2,400, and none that has to be checked (FIPS 203 §3.3).
pub struct KemSecret {
    seed: Secret<KEM_SEED_LEN>,
    /// Computed when it is first asked for: it goes with every eighth message until it is answered.
    public: OnceLock<KemPublic>,
}

impl KemSecret {
    /// A new key pair (FIPS 203 §7.1).
    #[must_use]
    pub fn generate(rng: &mut dyn CryptoRng) -> Self {
        Self::from_bytes(Secret::random(rng))
    }

    /// From d and z.
    #[must_use]
    pub fn from_bytes(seed: Secret<KEM_SEED_LEN>) -> Self {
        let public = OnceLock::new();
        Self { seed, public }
    }

    /// d and z, for the sealed store.
    #[must_use]
    pub fn to_bytes(&self) -> Secret<KEM_SEED_LEN> {
        self.seed.duplicate()
    }

    /// The public half.
    #[must_use]
    pub fn public(&self) -> KemPublic {
        let public = self.public.get_or_init(|| {
            let bytes = self.expanded().encapsulation_key().to_bytes();
            let mut public = Box::new([0; KEM_PUBLIC_LEN]);
            public.copy_from_slice(&bytes);
            KemPublic(public)
        });
        public.clone()
    }

    /// The shared secret of a ciphertext (FIPS 203 §7.3). One that was not made for this key gives a secret that nobody else has: it is
    /// for the AEAD to notice.
    #[must_use]
    pub fn decapsulate(&self, ciphertext: &[u8; KEM_CIPHERTEXT_LEN]) -> SharedSecret {
        let mut shared = self.expanded().decapsulate(&(*ciphertext).into());
        let secret = Secret::new(shared.into());
        shared.zeroize();
        secret
    }

    fn expanded(&self) -> DecapsulationKey768 {
        let mut seed = Seed::from(*self.seed.as_bytes());
        let key = DecapsulationKey768::from_seed(seed);
        seed.zeroize();
        key
    }
}

impl core::fmt::Debug for KemSecret {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("[REDACTED]")
    }
}

/// An encapsulation key whose encoding was checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KemPublic(Box<[u8; KEM_PUBLIC_LEN]>);

impl KemPublic {
    /// Checks length and modulus (FIPS 203 §7.2).
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, InvalidKemKey> {
        let bytes: [u8; KEM_PUBLIC_LEN] = bytes.try_into().map_err(|_| InvalidKemKey)?;
        EncapsulationKey768::new(&bytes.into()).map_err(|_| InvalidKemKey)?;
        Ok(Self(Box::new(bytes)))
    }

    /// From the bytes of a row that the store authenticated, written from a key that was checked; only the length is looked at.
    #[must_use]
    pub fn from_stored(bytes: &[u8]) -> Option<Self> {
        let bytes: [u8; KEM_PUBLIC_LEN] = bytes.try_into().ok()?;
        Some(Self(Box::new(bytes)))
    }

    /// The encoding.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; KEM_PUBLIC_LEN] {
        &self.0
    }

    /// A fresh shared secret, and what lets the holder of the decapsulation key have it too (FIPS 203 §7.2).
    pub fn encapsulate(
        &self,
        rng: &mut dyn CryptoRng,
    ) -> Result<(KemCiphertext, SharedSecret), InvalidKemKey> {
        let key = EncapsulationKey768::new(&(*self.0).into()).map_err(|_| InvalidKemKey)?;
        let (bytes, mut shared) = key.encapsulate_with_rng(rng);
        let mut ciphertext = Box::new([0; KEM_CIPHERTEXT_LEN]);
        ciphertext.copy_from_slice(&bytes);
        let secret = Secret::new(shared.into());
        shared.zeroize();
        Ok((ciphertext, secret))
    }
}
