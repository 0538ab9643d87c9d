//! What tests of this library, and of what is built on it, stand on instead of a machine.

mod disk;

pub use disk::{Clock, Disk, Image, Recording, Unsynced};
