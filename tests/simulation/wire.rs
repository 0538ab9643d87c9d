//! What those do who have the network in their hands, and what the users are told of it.

use std::sync::Arc;

use windlass::crypto::SeededRandom;
use windlass::{Bundle, Delivery, Event};

use super::Run;
use super::support::seeds::Below;

impl Run {
    /// Keeps what is about to go over the network, if anybody listens.
    pub fn overhear(&mut self) {
        let Some(mut heard) = self.overheard.take() else {
            return;
        };
        let addresses: Vec<_> = (0..self.people()).map(|p| self.address(p)).collect();
        for (p, d) in self.alive() {
            for envelope in self.world.client(p, d).unwrap().outbox(0).unwrap() {
                let to = addresses.iter().position(|to| *to == envelope.to);
                let to = to.map_or(self.people(), |to| to as u32);
                heard.push((to, envelope.bytes.into_vec()));
            }
        }
        self.overheard = Some(heard);
    }

    /// Brings a device what an attacker has for it; what it tells of it.
    pub fn bring(&mut self, (person, device): (u32, u32), bytes: Vec<u8>) -> Vec<Event> {
        let client = self.world.client(person, device).unwrap();
        let events = match client.receive(bytes.into()) {
            Ok(events) => events,
            Err(error) => {
                let code = error.code();
                let about_it = [
                    "envelope_malformed",
                    "unsupported_version",
                    "not_for_this_device",
                    "too_many_devices",
                ];
                assert!(about_it.contains(&code.as_str()), "{error}");
                Vec::new()
            }
        };
        self.brought += 1;
        self.delivered(Delivery {
            person,
            device,
            events: events.clone(),
            refused: None,
        });
        events
    }

    /// Brings it all devices of an address, but to the one that it says to come from.
    pub fn bring_to(&mut self, address: &str, bytes: &[u8], from: Option<(u32, u32)>) {
        for device in self.alive() {
            if Some(device) != from && self.address(device.0) == address {
                self.bring(device, bytes.to_vec());
            }
        }
    }

    /// As everybody may have it.
    pub fn bundle(&self, person: u32) -> Arc<Bundle> {
        let (p, d) = self.of(person)[0];
        self.world.client(p, d).unwrap().bundle().unwrap()
    }

    pub fn other_than(&self, person: u32, rng: &mut SeededRandom) -> u32 {
        (person + 1 + rng.below(self.people() - 1)) % self.people()
    }

    /// What is told is kept on every device from now on: what a machine forgot that lost power is told again.
    pub fn keep_news(&mut self) {
        for device in self.alive() {
            if self.keeping.insert(device) {
                let client = self.world.client(device.0, device.1).unwrap();
                client.keep_events(true).unwrap();
            }
        }
    }

    /// Keeps in mind which of the thieves' devices the user was told of.
    pub fn hear_of_thieves(&mut self, device: (u32, u32), event: &Event) {
        if let Event::DevicesChanged { address, added, .. } = event {
            let person = (0..self.people()).find(|person| self.address(*person) == *address);
            let added = added.iter().filter_map(|id| Some((person?, *id)));
            self.told.extend(added.map(|thief| (device, thief)));
        }
    }

    /// Nothing goes to a thief's device before the user was told of it, unless another of theirs linked this device and knew of it.
    pub fn check_told(&mut self, device: (u32, u32)) {
        let thieves: Vec<_> = self.thieves.iter().copied().collect();
        let known = if thieves.is_empty() {
            return;
        } else {
            self.known(device).devices
        };
        let client = self.world.client(device.0, device.1).unwrap();
        for kept in client.events_after(None, 10_000).unwrap() {
            self.hear_of_thieves(device, &kept.event);
        }
        for thief in thieves {
            let linked = self.linked_by.contains_key(&device);
            if known.contains(&thief) && !linked && !self.told.contains(&(device, thief)) {
                let what = format!("{device:?} writes to the thief {thief:?}, and was not told");
                self.untold.push(what);
            }
        }
    }
}
