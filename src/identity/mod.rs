//! The long-term key pair of a person or a bot, and its public half (RFC windlass §5.1).

mod address;
mod emoji;
mod keys;
mod safety_code;
mod safety_number;

pub use address::{ADDRESS_HRP, AddressError};
pub use emoji::{EMOJI, Emoji, safety_emoji};
pub use keys::{IdentityKeyPair, PublicIdentity};
pub use safety_code::{safety_code, safety_code_matches};
pub use safety_number::{SAFETY_NUMBER_DIGITS, safety_number};
