//! The people, machines and network of a simulation, as they are now.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use rand_core::Rng;

use super::people::Device;
use crate::api::{Client, Event, Result, WindlassError};
use crate::crypto::SeededRandom;

/// What may go wrong, each as a chance in 1,000.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
pub struct Faults {
    /// An envelope on the network is lost.
    pub drop: u32,
    /// An envelope on the network comes twice.
    pub duplicate: u32,
    /// An envelope is kept back, up to an hour.
    pub delay: u32,
    /// The machine of a device loses power while it takes an envelope in.
    pub crash: u32,
}

/// Something that reached a device, and what it brought.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
pub struct Delivery {
    /// Number of the person, from 0.
    pub person: u32,
    /// Number of the person's device, from 0.
    pub device: u32,
    /// What the envelope brought.
    pub events: Vec<Event>,
    /// The code of the error if it was refused.
    pub refused: Option<String>,
}

/// How often something was done.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
pub struct Tally {
    /// What.
    pub what: String,
    /// How often.
    pub times: u64,
}

pub(super) struct World {
    pub(super) rng: SeededRandom,
    pub(super) faults: Faults,
    pub(super) people: Vec<Vec<Device>>,
    pub(super) network: Network,
    pub(super) tally: BTreeMap<&'static str, u64>,
}

impl World {
    pub(super) fn device(&self, person: u32, device: u32) -> Option<&Device> {
        self.people.get(index(person))?.get(index(device))
    }

    pub(super) fn device_mut(&mut self, person: u32, device: u32) -> Result<&mut Device> {
        let devices = self.people.get_mut(index(person));
        let device = devices.and_then(|devices| devices.get_mut(index(device)));
        device.ok_or(WindlassError::UnknownDevice)
    }

    pub(super) fn clients(&self) -> Vec<Arc<Client>> {
        let devices = self.people.iter().flatten();
        devices.filter_map(Device::client).collect()
    }

    pub(super) fn count(&mut self, what: &'static str) {
        *self.tally.entry(what).or_default() += 1;
    }

    /// True with a chance of `per_mille` in 1,000.
    pub(super) fn chance(&mut self, per_mille: u32) -> bool {
        self.rng.next_u32() % 1_000 < per_mille
    }
}

/// Envelopes under way.
#[derive(Default)]
pub(super) struct Network {
    pub(super) under_way: Vec<Flying>,
    disconnected: BTreeSet<u32>,
}

/// An envelope on its way to one device.
#[derive(Clone)]
pub(super) struct Flying {
    pub(super) from: u32,
    pub(super) person: u32,
    pub(super) device: u32,
    pub(super) bytes: Vec<u8>,
    pub(super) due_at: u64,
}

impl Network {
    pub(super) fn disconnect(&mut self, person: u32) {
        self.disconnected.insert(person);
    }

    pub(super) fn reconnect(&mut self, person: u32) {
        self.disconnected.remove(&person);
    }

    pub(super) fn carries(&self, flying: &Flying) -> bool {
        !self.disconnected.contains(&flying.person) && !self.disconnected.contains(&flying.from)
    }
}

pub(super) fn index(number: u32) -> usize {
    number as usize
}

pub(super) fn number(index: usize) -> u32 {
    u32::try_from(index).unwrap_or(u32::MAX)
}
