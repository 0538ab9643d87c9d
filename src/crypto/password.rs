//! Argon2id (RFC 9106): from a passphrase to a key.

use argon2::{Algorithm, Argon2, Block, Params, Version};
use zeroize::Zeroizing;

use super::Secret;
use crate::limits::{MAX_ARGON2_ITERATIONS, MAX_ARGON2_LANES, MAX_ARGON2_MEMORY_KIB};

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

    /// Whether a file may name them: before anything of it is authenticated.
    fn is_bounded(self) -> bool {
        self.memory_kib <= MAX_ARGON2_MEMORY_KIB
            && self.iterations <= MAX_ARGON2_ITERATIONS
            && self.parallelism <= MAX_ARGON2_LANES
    }
}

/// A 32-byte key from `passphrase` and a 16-byte random salt.
pub fn derive_from_passphrase(
    passphrase: &str,
    salt: &[u8; 16],
    params: Argon2Params,
) -> Result<Secret<32>, PasswordError> {
    if !params.is_bounded() {
        return Err(PasswordError::Parameters);
    }
    let params = Params::new(
        params.memory_kib,
        params.iterations,
        params.parallelism,
        Some(32),
    )
    .map_err(|_| PasswordError::Parameters)?;
    // Ours, because the key follows from what is in it at the end.
    let mut memory: Zeroizing<Vec<Block>> = Zeroizing::default();
    memory
        .try_reserve_exact(params.block_count())
        .map_err(|_| PasswordError::Derivation)?;
    memory.resize(params.block_count(), Block::default());
    let mut key = Secret::zero();
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_into_with_memory(
            passphrase.as_bytes(),
            salt,
            key.as_mut_bytes(),
            memory.as_mut_slice(),
        )
        .map_err(|_| PasswordError::Derivation)?;
    Ok(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_cannot_ask_for_more_than_a_telephone_has() {
        let derive = |memory_kib, iterations, parallelism| {
            let params = Argon2Params {
                memory_kib,
                iterations,
                parallelism,
            };
            derive_from_passphrase("p", &[0; 16], params).map(|_| ())
        };
        let too_much = Err(PasswordError::Parameters);
        assert_eq!(derive(64, 1, 1), Ok(()));
        assert_eq!(derive(262_145, 1, 1), too_much);
        assert_eq!(derive(64, 7, 1), too_much);
        assert_eq!(derive(128, 1, 9), too_much);
        assert_eq!(derive(u32::MAX, u32::MAX, u32::MAX), too_much);
        assert!(Argon2Params::RECOMMENDED.is_bounded());
        // Each bound can be reached; trying them would take seconds.
        let most = Argon2Params {
            memory_kib: MAX_ARGON2_MEMORY_KIB,
            iterations: MAX_ARGON2_ITERATIONS,
            parallelism: MAX_ARGON2_LANES,
        };
        assert!(most.is_bounded());
    }
}
