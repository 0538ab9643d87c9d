//! What opens a store: a passphrase, or 32 bytes from a keychain.

use core::fmt;

use zeroize::Zeroizing;

use super::error::StoreError;
use crate::crypto::{Argon2Params, CryptoRng, Secret, derive_from_passphrase, hkdf_sha256};

/// The user's key to a store.
pub enum StoreKey {
    /// A passphrase, and what a guess of it costs.
    Passphrase(Zeroizing<String>, Argon2Params),
    /// 32 bytes that are as good as random: from a keychain, a secret manager, an environment variable.
    Raw(Secret<32>),
}

impl StoreKey {
    /// A passphrase with the recommended cost.
    pub fn passphrase(passphrase: &str) -> Result<Self, StoreError> {
        if passphrase.is_empty() {
            return Err(StoreError::EmptyPassphrase);
        }
        Ok(Self::Passphrase(
            Zeroizing::new(passphrase.to_owned()),
            Argon2Params::RECOMMENDED,
        ))
    }
}

impl fmt::Debug for StoreKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Passphrase(..) => "Passphrase([REDACTED])",
            Self::Raw(_) => "Raw([REDACTED])",
        })
    }
}

/// Number of a derivation in the key slots and in a backup.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
enum Kind {
    Raw = 0,
    Argon2id = 1,
}

/// How the wrapping key follows from the user's key; stands in the key slots.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Derivation {
    Raw,
    Argon2id(Argon2Params),
}

impl Derivation {
    /// kind, memory, iterations, lanes.
    pub(super) const LEN: usize = 1 + 3 * 4;

    pub(super) fn to_bytes(self) -> [u8; Self::LEN] {
        let (kind, parameters) = match self {
            Self::Raw => (Kind::Raw, [0; 3]),
            Self::Argon2id(params) => (
                Kind::Argon2id,
                [params.memory_kib, params.iterations, params.parallelism],
            ),
        };
        let mut bytes = [kind as u8; Self::LEN];
        let numbers = parameters.iter().flat_map(|number| number.to_be_bytes());
        for (to, from) in bytes.iter_mut().skip(1).zip(numbers) {
            *to = from;
        }
        bytes
    }

    pub(super) fn from_bytes(bytes: &[u8; Self::LEN]) -> Option<Self> {
        let (kind, rest) = bytes.split_first()?;
        let (numbers, _) = rest.as_chunks::<4>();
        let mut numbers = numbers.iter().map(|number| u32::from_be_bytes(*number));
        match *kind {
            kind if kind == Kind::Raw as u8 => Some(Self::Raw),
            kind if kind == Kind::Argon2id as u8 => Some(Self::Argon2id(Argon2Params {
                memory_kib: numbers.next()?,
                iterations: numbers.next()?,
                parallelism: numbers.next()?,
            })),
            _ => None,
        }
    }
}

/// A wrapping key with what is needed to derive it again.
pub(super) struct WrappingKey {
    pub(super) key: Secret<32>,
    pub(super) derivation: Derivation,
    pub(super) salt: [u8; 16],
}

impl WrappingKey {
    /// For a new store or a change of key: a fresh salt.
    pub(super) fn create(key: &StoreKey, rng: &mut dyn CryptoRng) -> Result<Self, StoreError> {
        let mut salt = [0; 16];
        rng.fill_bytes(&mut salt);
        let derivation = match key {
            StoreKey::Passphrase(_, params) => Derivation::Argon2id(*params),
            StoreKey::Raw(_) => Derivation::Raw,
        };
        Self::derive(key, derivation, salt)
    }

    /// For an existing store. A key of the other kind is a wrong key.
    pub(super) fn derive(
        key: &StoreKey,
        derivation: Derivation,
        salt: [u8; 16],
    ) -> Result<Self, StoreError> {
        let key = match (key, derivation) {
            (StoreKey::Passphrase(passphrase, _), Derivation::Argon2id(params)) => {
                derive_from_passphrase(passphrase, &salt, params)
                    .map_err(|_| StoreError::KeyDerivation)?
            }
            (StoreKey::Raw(bytes), Derivation::Raw) => {
                hkdf_sha256(&salt, bytes.as_bytes(), b"Windlass store v1 raw key")
            }
            _ => return Err(StoreError::WrongKey),
        };
        Ok(Self {
            key,
            derivation,
            salt,
        })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_never_printed() {
        let raw = StoreKey::Raw(Secret::new([0xAB; 32]));
        assert_eq!(format!("{raw:?}"), "Raw([REDACTED])");
        let passphrase = StoreKey::passphrase("correct horse").unwrap();
        assert_eq!(format!("{passphrase:?}"), "Passphrase([REDACTED])");
    }

    #[test]
    fn a_derivation_comes_back_and_one_that_nobody_knows_is_none() {
        let cheap = Argon2Params {
            memory_kib: 0x0102_0304,
            iterations: 0x0506_0708,
            parallelism: 0x090A_0B0C,
        };
        for derivation in [Derivation::Raw, Derivation::Argon2id(cheap)] {
            let mut bytes = derivation.to_bytes();
            assert_eq!(Derivation::from_bytes(&bytes), Some(derivation));
            for unknown in [2, 0x81, u8::MAX] {
                bytes[0] = unknown;
                assert_eq!(Derivation::from_bytes(&bytes), None);
            }
        }
    }
}
