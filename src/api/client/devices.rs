//! The devices of our own identity.

use std::time::SystemTime;

use super::Client;
use crate::api::clock::time;
use crate::api::{Bytes, Result, WindlassError};
use crate::engine::records::{linking, own_bundle, own_devices, own_words};
use crate::engine::sync::updates;
use crate::limits::MAX_DEVICES;
use crate::link::LinkCode;

/// A device of our own identity.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
pub struct DeviceInfo {
    /// Its number within the identity.
    pub device_id: u32,
    /// True for the device that answers.
    pub this_device: bool,
    /// When this device learned of it; nothing for this device.
    pub added_at: Option<SystemTime>,
    /// When something last came from it; nothing for this device, and before anything came.
    pub last_seen: Option<SystemTime>,
}

#[cfg_attr(feature = "uniffi", uniffi::export)]
impl Client {
    /// The devices of our identity, this one first; at most 8.
    pub fn devices(&self) -> Result<Vec<DeviceInfo>> {
        let this = DeviceInfo {
            device_id: self.device.device_id,
            this_device: true,
            added_at: None,
            last_seen: None,
        };
        let siblings = self.read(|rows| Ok(own_devices::siblings(rows)?))?;
        let others = siblings.iter().map(|sibling| DeviceInfo {
            device_id: sibling.row.device_id,
            this_device: false,
            added_at: Some(time(sibling.row.added_at)),
            last_seen: (sibling.row.last_seen != 0).then(|| time(sibling.row.last_seen)),
        });
        Ok(core::iter::once(this).chain(others).collect())
    }

    /// Seals our identity to the new device whose code this is (`DeviceLink.to_uri`), and answers with the transfer to hand to it:
    /// as bytes, or as a code by `device_transfer_to_uri`. Ask the user first: the device that holds the key of the code becomes us. Within a
    /// day, and once, the new device may ask this one for the whole history.
    pub fn link_device(&self, code: String) -> Result<Bytes> {
        let code = LinkCode::from_uri(&code)?;
        self.write(|step| {
            if own_devices::siblings(step.rows)?.len() + 1 >= MAX_DEVICES {
                return Err(WindlassError::TooManyDevices);
            }
            let bundle = own_bundle::reusable(step)?;
            let token = linking::begin(step)?;
            let words = own_words::kept(step)?;
            let identity = &self.device.identity;
            let transfer = code.seal(identity, &bundle, &token, &words, step.rng)?;
            Ok(transfer.into())
        })
    }

    /// Removes another device of ours for good: nothing is sent to it any more, by any of our devices, and contacts learn of it
    /// with our next messages. It still holds the identity; if it was stolen, begin anew with a new one.
    pub fn remove_device(&self, device_id: u32) -> Result<()> {
        self.write(|step| {
            let known = own_devices::siblings(step.rows)?;
            if !known
                .iter()
                .any(|sibling| sibling.row.device_id == device_id)
            {
                return Err(WindlassError::UnknownDevice);
            }
            own_devices::remove(step, &[device_id])?;
            Ok(updates::share_removed(step)?)
        })
    }
}
