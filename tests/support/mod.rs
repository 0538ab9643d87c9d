//! What several test files need, by subject.

#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic
)]

pub mod clients;
pub mod files;
pub mod homes;
pub mod imports;
pub mod party;
#[cfg(unix)]
pub mod postgres;
pub mod program;
#[cfg(unix)]
pub mod proxy;
pub mod rows;
pub mod seeds;
pub mod sessions;
pub mod strangers;
pub mod surface;
pub mod tree;
#[cfg(unix)]
pub mod vault;
pub mod worlds;
