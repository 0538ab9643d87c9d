//! What tests of this library, and of what is built on it, stand on instead of a machine.

mod clock;
mod disk;

pub use clock::Clock;
pub use disk::{Disk, Image, Recording, Unsynced};
