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

#[cfg(target_os = "linux")]
#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::fs::File;
    use std::os::unix::fs::FileExt;

    use super::*;

    const MARK: [u8; 16] = *b"was on the stack";

    /// A computation that has a secret in its frame.
    #[inline(never)]
    fn compute() {
        let mut frame = [[0; 16]; 128];
        frame.fill(MARK);
        black_box(&mut frame);
    }

    /// How often the mark lies below the caller's frame, where calls have their own.
    #[inline(never)]
    fn left(memory: &File, below: &mut [u8]) -> usize {
        let here = 0u8;
        let here = (&raw const here).addr() as u64;
        let start = here - below.len() as u64;
        memory.read_exact_at(below, start).unwrap();
        below.windows(MARK.len()).filter(|at| *at == MARK).count()
    }

    #[test]
    fn what_a_computation_left_on_the_stack_is_written_over() {
        let memory = File::open("/proc/self/mem").unwrap();
        let mut below = vec![0; 24 * 1024];
        compute();
        assert!(left(&memory, &mut below) > 50);
        apart::<CURVE_STACK, _>(compute);
        assert_eq!(left(&memory, &mut below), 0);
        compute();
        assert!(left(&memory, &mut below) > 50);
        apart::<AEAD_STACK, _>(compute);
        assert_eq!(left(&memory, &mut below), 0);
    }
}
