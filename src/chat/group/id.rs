//! The name of a group, and its address for people.

use core::fmt;

use bech32::primitives::decode::CheckedHrpstring;
use bech32::{Bech32m, Hrp};

use crate::chat::names::IdentityKey;
use crate::crypto::{labels, sha256};
use crate::wire::{self, WireError};

/// Every address of a group begins with `wlg1`.
const HRP: &str = "wlg";

/// Names a group: a hash of who made it, of a random number and of its first name; so there is one event that makes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GroupId([u8; 32]);

impl GroupId {
    /// The id of the group that `creator` makes with this nonce and name.
    #[must_use]
    pub fn of(creator: &IdentityKey, nonce: &[u8; 16], name: &str) -> Self {
        Self(sha256(&[labels::GROUP_ID, creator, nonce, name.as_bytes()]))
    }

    /// From 32 bytes.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, WireError> {
        wire::array("group id", bytes).map(Self)
    }

    /// The 32 bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Reads an address of a group.
    #[must_use]
    pub fn from_address(address: &str) -> Option<Self> {
        let checked = CheckedHrpstring::new::<Bech32m>(address.trim()).ok()?;
        if checked.hrp() != Hrp::parse_unchecked(HRP) {
            return None;
        }
        let bytes: Vec<u8> = checked.byte_iter().collect();
        let id = Self::from_bytes(&bytes).ok()?;
        // One group has one address, though the characters have room for four bits more.
        (id.to_string().eq_ignore_ascii_case(address.trim())).then_some(id)
    }
}

impl fmt::Display for GroupId {
    /// The address: Bech32m, 62 characters.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            &bech32::encode::<Bech32m>(Hrp::parse_unchecked(HRP), &self.0).unwrap_or_default(),
        )
    }
}
