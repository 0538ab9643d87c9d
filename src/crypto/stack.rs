//! What a call leaves on the stack when it returns.
//!
//! A value that is moved leaves its bytes where it was, and what the primitives compute with lies in frames that nobody wipes. So a call that
//! has a secret in its hands runs apart, and what is below its caller's frame is overwritten when it is over.

use core::hint::black_box;

/// Of an AEAD: key schedule, hash key, counters.
pub(super) const AEAD_STACK: usize = 4 * 1024;
/// Of arithmetic on the curve, and of what generates randomness.
pub(super) const CURVE_STACK: usize = 16 * 1024;

/// Runs `f`, and overwrites `N` bytes of the stack that it may have used.
pub(super) fn apart<const N: usize, T>(f: impl FnOnce() -> T) -> T {
    let result = run(f);
    overwrite::<N>();
    result
}

/// In a frame of its own, or what it leaves would be in the caller's.
#[inline(never)]
fn run<T>(f: impl FnOnce() -> T) -> T {
    f()
}

#[inline(never)]
fn overwrite<const N: usize>() {
    let mut stack = [0u8; N];
    // It may be looked at, so it is written.
    black_box(&mut stack);
}
