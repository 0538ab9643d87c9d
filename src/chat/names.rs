//! How messages name each other and people.

use core::fmt;
use core::str::FromStr;

use data_encoding::HEXLOWER;

use crate::crypto::CryptoRng;
use crate::wire::{self, WireError, malformed};

/// An identity's public key as it travels. This layer does not look into it.
pub type IdentityKey = [u8; 32];

/// Names a message, together with its author: 16 random bytes, shown as 32 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MessageId([u8; 16]);

impl MessageId {
    /// A new name.
    #[must_use]
    pub fn random(rng: &mut dyn CryptoRng) -> Self {
        let mut id = [0; 16];
        rng.fill_bytes(&mut id);
        Self(id)
    }

    /// From 16 bytes.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, WireError> {
        wire::array("message id", bytes).map(Self)
    }

    /// From two halves: of what names itself.
    pub(super) fn joined(first: [u8; 8], second: [u8; 8]) -> Self {
        let mut id = [0; 16];
        for (to, from) in id.iter_mut().zip(first.into_iter().chain(second)) {
            *to = from;
        }
        Self(id)
    }

    /// Its halves.
    pub(super) fn halves(&self) -> ([u8; 8], [u8; 8]) {
        let (mut first, mut second) = ([0; 8], [0; 8]);
        for (to, from) in first.iter_mut().chain(&mut second).zip(self.0) {
            *to = from;
        }
        (first, second)
    }

    /// The 16 bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

impl fmt::Display for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&HEXLOWER.encode(&self.0))
    }
}

impl fmt::Debug for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for MessageId {
    type Err = WireError;

    fn from_str(text: &str) -> Result<Self, WireError> {
        let bytes = HEXLOWER
            .decode(text.as_bytes())
            .map_err(|_| malformed("message id"))?;
        Self::from_bytes(&bytes)
    }
}
