//! The devices of our own identity.

use std::time::SystemTime;

use super::Client;
use crate::api::clock::time;
use crate::api::{LinkCheck, Result, WindlassError};
use crate::engine::base::step::Step;
use crate::engine::records::{linking, own_devices};
use crate::engine::steps::link;
use crate::engine::sync::updates;
use crate::limits::MAX_DEVICES;
use crate::link::{LinkCode, LinkReply, transfer_to_uri};

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
    /// True for this device, and for one of which it knows that the user linked it, here or on another that is linked. Another one merely turned up
    /// with the identity's key: as somebody who stole it would, or a backup that was put back. It is told nothing of before.
    pub linked: bool,
}

/// A device that is being linked.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
pub struct PendingLink {
    /// What `link_device` answered with.
    pub answer: String,
    /// What to compare, once the new device's second code was taken.
    pub check: Option<LinkCheck>,
    /// When it ends by itself.
    pub ends_at: SystemTime,
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
            linked: true,
        };
        let siblings = self.read(|rows| Ok(own_devices::siblings(rows)?))?;
        let others = siblings.iter().map(|sibling| DeviceInfo {
            device_id: sibling.row.device_id,
            this_device: false,
            added_at: Some(time(sibling.row.added_at)),
            last_seen: (sibling.row.last_seen != 0).then(|| time(sibling.row.last_seen)),
            linked: sibling.row.linked_at != 0,
        });
        Ok(core::iter::once(this).chain(others).collect())
    }

    /// Begins to link the new device whose code this is (`DeviceLink.to_uri`), scanned from its own screen, and answers with the code
    /// to show to it (`DeviceLink.take_answer`). Nothing secret is in it. One device is linked at a time: another code takes the place.
    pub fn link_device(&self, code: String) -> Result<String> {
        let code = LinkCode::from_uri(&code)?;
        self.write(|step| {
            has_room(step)?;
            Ok(link::begin(step, code)?.to_uri())
        })
    }

    /// Takes the second code of the new device (`DeviceLink.reply`): what to compare with it.
    pub fn check_link(&self, reply: String) -> Result<LinkCheck> {
        let reply = LinkReply::from_uri(&reply)?;
        self.write(|step| Ok(LinkCheck::of(&link::check(step, reply)?)))
    }

    /// The user has seen the same address and digits on both devices, and wants the new one to become us: our identity, sealed to it, as
    /// the code to show to it (`DeviceLink.finish`). Within a day, and once, the new device may ask this one for the whole history.
    pub fn confirm_link(&self) -> Result<String> {
        self.write(|step| {
            has_room(step)?;
            Ok(transfer_to_uri(&link::confirm(step)?))
        })
    }

    /// The device that is being linked, until it is confirmed, cancelled, or a day old.
    pub fn pending_link(&self) -> Result<Option<PendingLink>> {
        let now = self.store.0.now();
        let pending = self.read(|rows| Ok(link::pending(rows, &self.device, now)?))?;
        Ok(pending.map(|pending| PendingLink {
            answer: pending.answer.to_uri(),
            check: pending.agreed.as_ref().map(LinkCheck::of),
            ends_at: time(pending.ends_at),
        }))
    }

    /// Ends it: the two do not show the same, or the user wants no new device.
    pub fn cancel_link(&self) -> Result<()> {
        self.write(|step| Ok(linking::erase(step.rows)?))
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

/// Whether there may be another device.
fn has_room(step: &Step<'_>) -> Result<()> {
    if own_devices::siblings(step.rows)?.len() + 1 >= MAX_DEVICES {
        return Err(WindlassError::TooManyDevices);
    }
    Ok(())
}
