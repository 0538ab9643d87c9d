//! What is secret is zero before its memory is given back: an allocator looks into each block of the size that a test names.

#![allow(unsafe_code)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use windlass::crypto::{Secret, SecretBytes};

struct Looking;

#[global_allocator]
static ALLOCATOR: Looking = Looking;

thread_local! {
    // Of its own thread: the test's harness gives memory back too.
    static SIZE: Cell<usize> = const { Cell::new(0) };
    static WIPED: Cell<usize> = const { Cell::new(0) };
    static LEFT: Cell<usize> = const { Cell::new(0) };
}

// SAFETY: all of it is the system's allocator; looking asks for no memory, and the blocks that are looked into were written from end to end.
unsafe impl GlobalAlloc for Looking {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        if layout.size() == SIZE.get() {
            let wiped =
                (0..layout.size()).all(|place| unsafe { at.add(place).read_volatile() } == 0);
            let seen = if wiped { &WIPED } else { &LEFT };
            seen.set(seen.get() + 1);
        }
        unsafe { System.dealloc(at, layout) }
    }
}

/// How many blocks of a size are zero when this is dropped, and how many are not.
fn dropping<T>(size: usize, what: T) -> (usize, usize) {
    WIPED.set(0);
    LEFT.set(0);
    SIZE.set(size);
    drop(what);
    SIZE.set(0);
    (WIPED.get(), LEFT.get())
}

#[test]
fn secrets_are_zero_when_their_memory_is_given_back() {
    assert_eq!(dropping(4_099, SecretBytes::from(vec![7; 4_099])), (1, 0));
    assert_eq!(dropping(32, Secret::new([7; 32])), (1, 0));
    // What was there before it became shorter.
    let mut shorter = vec![7; 4_099];
    shorter.truncate(10);
    assert_eq!(dropping(4_099, SecretBytes::from(shorter)), (1, 0));
}

#[test]
fn what_is_no_secret_is_seen_as_it_is() {
    assert_eq!(dropping(4_099, vec![7_u8; 4_099]), (0, 1));
}
