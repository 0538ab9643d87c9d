//! What several test files need, by subject.

#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic
)]

pub mod clients;
pub mod files;
pub mod imports;
pub mod party;
pub mod program;
pub mod rows;
pub mod seeds;
pub mod sessions;
pub mod strangers;
pub mod surface;
pub mod tree;
pub mod worlds;
