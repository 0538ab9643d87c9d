//! `DeviceChange`: what differs between two bundles of one identity.

use super::DeviceBundle;

/// What a newer bundle changed in somebody's devices.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DeviceChange {
    /// Devices that only the newer one names.
    pub added: Vec<u32>,
    /// Devices that only the older one names.
    pub removed: Vec<u32>,
}

impl DeviceChange {
    /// Whether both name the same devices.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.added.is_empty() && self.removed.is_empty()
    }

    /// From one list of devices to the next.
    #[must_use]
    pub fn between(before: &[DeviceBundle], after: &[DeviceBundle]) -> Self {
        let only = |of: &[DeviceBundle], other: &[DeviceBundle]| {
            of.iter()
                .map(|device| device.device_id)
                .filter(|id| !other.iter().any(|device| device.device_id == *id))
                .collect()
        };
        Self {
            added: only(after, before),
            removed: only(before, after),
        }
    }
}
