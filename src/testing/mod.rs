//! What tests of this library, and of what is built on it, stand on instead of a machine.

mod clock;
pub mod contract;
mod disk;
mod rerun;

pub use clock::Clock;
pub use disk::{Disk, Image, Recording, Unsynced};
pub use rerun::RunsTwice;
