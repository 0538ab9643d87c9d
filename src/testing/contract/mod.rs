//! What every storage engine promises, and every keeper of key slots, as checks that run against any of them.
//!
//! An implementation gives a [`Home`] for one store, and calls [`check()`].

// A tool of tests: a broken promise is to be loud.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod check;
mod keys;
mod rows;
mod steps;
mod trial;

pub use check::check;
pub use trial::Home;
