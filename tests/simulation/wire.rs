//! What those do who have the network in their hands.

use windlass::{Delivery, Event};

use super::Run;

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
}
