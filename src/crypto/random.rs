//! Randomness. Pure layers take it as an argument; only the facade asks the operating system.

use chacha20::ChaCha20Rng;
pub use rand_core::CryptoRng;
use rand_core::SeedableRng;

use super::Secret;
use super::stack::{CURVE_STACK, apart};

/// A generator whose whole output follows from its 32-byte seed. Test vectors and simulations use it with a seed of their own.
///
/// Boxed, so that moving it leaves no copy of its state behind, and wiped when it is dropped: what it gave follows from its state.
pub type SeededRandom = Box<ChaCha20Rng>;

/// The operating system gave no randomness.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the operating system gave no randomness")]
pub struct RandomnessUnavailable;

/// A generator seeded by the operating system.
///
/// A new one for each call into the facade: a generator kept between calls would repeat itself in a forked process or in a
/// machine restored from a snapshot. Seeding is the only step that can fail, so nothing after it needs a panic.
pub fn system_random() -> Result<SeededRandom, RandomnessUnavailable> {
    let mut seed = Secret::<32>::zero();
    getrandom::fill(seed.as_mut_bytes()).map_err(|_| RandomnessUnavailable)?;
    Ok(seeded(&seed))
}

/// The generator for `seed`.
#[must_use]
pub fn seeded(seed: &Secret<32>) -> SeededRandom {
    apart::<CURVE_STACK, _>(|| Box::new(ChaCha20Rng::from_seed(*seed.as_bytes())))
}
