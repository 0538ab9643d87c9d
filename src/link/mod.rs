//! How a new device receives its identity from an existing one (RFC windlass §8.5).
//!
//! The new device shows the hash of a key, the existing one answers with a key of its own, and the new one shows the key itself: who
//! stands between them had to choose both keys before seeing what the string will be made of, so that the digits that the two show are
//! the same only if nobody does. Then the user says so on the existing device, and the identity is sealed to the new one.

mod agreed;
mod codes;
mod device;
mod error;
mod transfer;

pub use agreed::{Agreed, LINK_DIGITS};
pub use codes::{LinkAnswer, LinkCode, LinkReply, transfer_from_uri, transfer_to_uri};
pub use device::{ExistingDevice, NewDevice};
pub use error::LinkError;
pub use transfer::{LinkToken, Transfer};

#[cfg(test)]
mod tests;
