//! What the network does with envelopes.

use rand_core::Rng;

use super::people::Device;
use super::world::{Delivery, Flying, World, number};
use crate::api::{Result, WindlassError};
use crate::testing::Clock;

/// How long an envelope is kept back at most; milliseconds.
const LONGEST_DELAY: u64 = 3_600_000;
/// A receive makes fewer writes than this.
const MOST_WRITES: u64 = 40;

impl World {
    pub(super) fn collect(&mut self, clock: &Clock) -> Result<u64> {
        let mut count = 0;
        for from in 0..self.people.len() {
            let devices = self.people.get(from).map_or(0, Vec::len);
            for device in 0..devices {
                let from = number(from);
                let client = self.device(from, number(device)).and_then(Device::client);
                let Some(client) = client else { continue };
                let waiting = client.outbox(0)?;
                for envelope in &waiting {
                    self.take(from, number(device), &envelope.to, &envelope.bytes, clock);
                    count += 1;
                }
                if !waiting.is_empty() {
                    client.mark_sent(waiting.iter().map(|envelope| envelope.id).collect())?;
                }
            }
        }
        Ok(count)
    }

    /// Sends an envelope on its way to every device of an address, except back to where it comes from.
    fn take(&mut self, from: u32, sender: u32, address: &str, bytes: &[u8], clock: &Clock) {
        let mut targets = Vec::new();
        for (person, devices) in self.people.iter().enumerate() {
            for (device, to) in devices.iter().enumerate() {
                let (person, device) = (number(person), number(device));
                let is_sender = person == from && device == sender;
                if !is_sender && to.client().is_some_and(|to| to.address() == address) {
                    targets.push((person, device));
                }
            }
        }
        for (person, device) in targets {
            if self.chance(self.faults.drop) {
                self.count("dropped");
                continue;
            }
            let delayed = self.chance(self.faults.delay);
            let due_at = if delayed {
                self.count("delayed");
                clock.now() + self.rng.next_u64() % LONGEST_DELAY
            } else {
                clock.now()
            };
            let flying = Flying {
                from,
                person,
                device,
                bytes: bytes.to_vec(),
                due_at,
            };
            if self.chance(self.faults.duplicate) {
                self.count("duplicated");
                self.network.under_way.push(flying.clone());
            }
            self.network.under_way.push(flying);
        }
    }

    pub(super) fn deliver(&mut self, clock: &Clock) -> Result<Option<Delivery>> {
        let due: Vec<usize> = self
            .network
            .under_way
            .iter()
            .enumerate()
            .filter(|(_, flying)| flying.due_at <= clock.now() && self.network.carries(flying))
            .map(|(at, _)| at)
            .collect();
        if due.is_empty() {
            return Ok(None);
        }
        let chosen = self.rng.next_u32() as usize % due.len();
        let Some(at) = due.get(chosen) else {
            return Ok(None);
        };
        let flying = self.network.under_way.swap_remove(*at);
        let (person, device) = (flying.person, flying.device);
        let delivery = |events, refused| Delivery {
            person,
            device,
            events,
            refused,
        };
        let client = self.device(person, device).and_then(Device::client);
        let Some(client) = client else {
            return Ok(Some(delivery(Vec::new(), None)));
        };
        if self.chance(self.faults.crash) {
            drop(client);
            self.count("crash while receiving");
            let changes = self.rng.next_u64() % MOST_WRITES;
            self.device_mut(person, device)?
                .receive_and_crash(&flying.bytes, changes)?;
            // Nobody told the network that it has come.
            self.network.under_way.push(flying);
            return Ok(Some(delivery(Vec::new(), None)));
        }
        match client.receive(flying.bytes.into()) {
            Ok(events) => Ok(Some(delivery(events, None))),
            Err(error) if error.is_about_envelope() => {
                if !matches!(error, WindlassError::NotForThisDevice) {
                    self.count("refused");
                }
                Ok(Some(delivery(Vec::new(), Some(error.code()))))
            }
            Err(error) => Err(error),
        }
    }
}
