//! Argon2id (RFC 9106): from a passphrase to a key.

use argon2::{Algorithm, Argon2, Params, Version};

use super::Secret;

/// Why no key was derived.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PasswordError {
    /// The cost is below what the algorithm takes or above what this code spends.
    #[error("the Argon2id parameters are outside of what is accepted")]
    Parameters,
    /// Not enough memory, or a passphrase over 4 GiB.
    #[error("the key could not be derived from the passphrase")]
    Derivation,
}

/// The cost of a guess.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Argon2Params {
    /// Memory, in KiB.
    pub memory_kib: u32,
    /// Passes over it.
    pub iterations: u32,
    /// Lanes.
    pub parallelism: u32,
}

impl Argon2Params {
    /// The second recommendation of RFC 9106 §4: 64 MiB, 3 passes, 4 lanes.
    pub const RECOMMENDED: Self = Self {
        memory_kib: 64 * 1024,
        iterations: 3,
        parallelism: 4,
    };

    /// What a file may ask for at most: a hostile one must not take all memory, nor the afternoon.
    const MAX: Self = Self {
        memory_kib: 1024 * 1024,
        iterations: 16,
        parallelism: 16,
    };
}

/// A 32-byte key from `passphrase` and a 16-byte random salt.
pub fn derive_from_passphrase(
    passphrase: &str,
    salt: &[u8; 16],
    params: Argon2Params,
) -> Result<Secret<32>, PasswordError> {
    let max = Argon2Params::MAX;
    if params.memory_kib > max.memory_kib
        || params.iterations > max.iterations
        || params.parallelism > max.parallelism
    {
        return Err(PasswordError::Parameters);
    }
    let params = Params::new(
        params.memory_kib,
        params.iterations,
        params.parallelism,
        Some(32),
    )
    .map_err(|_| PasswordError::Parameters)?;
    let mut key = Secret::zero();
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_into(passphrase.as_bytes(), salt, key.as_mut_bytes())
        .map_err(|_| PasswordError::Derivation)?;
    Ok(key)
}
