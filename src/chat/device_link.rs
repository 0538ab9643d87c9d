//! That the user agreed to link a device, as the devices of one identity tell each other (RFC windlass §8.5.11).

use crate::crypto::Secret;
use crate::wire::{WireError, malformed, v2};

/// A device that the user is linking, or has linked.
#[derive(Debug, PartialEq, Eq)]
pub struct DeviceLink {
    /// By which it proves that it is the one.
    pub token: Secret<16>,
    /// Until when it may ask for the whole history by it; milliseconds since the epoch.
    pub expires_at: u64,
    /// The device that showed it; 0 as long as none has.
    pub device_id: u32,
}

impl Clone for DeviceLink {
    fn clone(&self) -> Self {
        Self {
            token: self.token.duplicate(),
            ..*self
        }
    }
}

impl DeviceLink {
    pub(super) fn from_wire(link: &v2::DeviceLink) -> Result<Self, WireError> {
        Ok(Self {
            token: Secret::try_from_slice(&link.token).ok_or(malformed("link token"))?,
            expires_at: link.expires_at,
            device_id: link.device_id,
        })
    }

    pub(super) fn to_wire(&self) -> v2::DeviceLink {
        v2::DeviceLink {
            token: self.token.as_bytes().to_vec(),
            expires_at: self.expires_at,
            device_id: self.device_id,
        }
    }
}
