//! What tests of this library, and of what is built on it, stand on instead of a machine.

mod clock;
pub mod contract;
mod counting;
mod disk;
mod rerun;

pub use clock::Clock;
pub use counting::{Cost, Counted, CountingRows};
pub use disk::{Disk, Image, Recording, Traffic, Unsynced};
pub use rerun::RunsTwice;
