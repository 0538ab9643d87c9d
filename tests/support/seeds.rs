//! Randomness from seeds, and runs that each follow from one, on all processors.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use rand_core::Rng;
use windlass::Identity;
use windlass::crypto::{Secret, SeededRandom, seeded};

/// Randomness from a byte: the tests of one file take different ones.
pub fn rng(byte: u8) -> SeededRandom {
    seeded(&Secret::new([byte; 32]))
}

/// Randomness from the number of a run.
pub fn rng_of_run(byte: u8, run: u64) -> SeededRandom {
    let mut bytes = [byte; 32];
    bytes[..8].copy_from_slice(&run.to_be_bytes());
    seeded(&Secret::new(bytes))
}

/// An identity at random, whose seed is known.
pub fn identity(rng: &mut SeededRandom) -> Arc<Identity> {
    let mut seed = [0; 32];
    rng.fill_bytes(&mut seed);
    Identity::from_seed(seed.to_vec().into()).unwrap()
}

/// Small numbers at random. That the lowest come a little more often does not matter here.
pub trait Below {
    fn below(&mut self, bound: u32) -> u32;
}

impl Below for SeededRandom {
    fn below(&mut self, bound: u32) -> u32 {
        self.next_u32() % bound
    }
}

/// A number from the environment. One that is none ends the test: it would run another one than was asked for.
pub fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().unwrap())
}

/// Runs each seed once.
pub fn run_all(seeds: Range<u64>, run: impl Fn(u64) + Sync) {
    let next = AtomicU64::new(seeds.start);
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= seeds.end {
                        break;
                    }
                    run(seed);
                }
            });
        }
    });
}
