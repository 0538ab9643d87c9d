//! What has to be so in every world that has come to rest.

use std::collections::{BTreeMap, BTreeSet};

use windlass::{Message, SessionState};

use super::{REQUESTS_PER_LOST_STATE, Run};

impl Run {
    /// What is wrong once the world has come to rest, if anything is.
    pub fn check(&self) -> Result<(), String> {
        for a in 0..self.people() {
            for b in 0..a {
                // Whoever has the seed, or runs a copy of the device at the same time, speaks for the robbed: a bundle that a thief signs leaves devices
                // out and forgets what was under way to them, a copy uses the same numbers for other words. What the others say is not touched.
                let robbed = |person: u32| self.robbed.contains(&person);
                if !robbed(a) && !robbed(b) {
                    self.check_pair(a, b)?;
                }
            }
        }
        let causes = self.lost_states.max(1) * REQUESTS_PER_LOST_STATE + self.brought;
        let bound = causes * self.alive().len() as u64;
        if self.requests > bound {
            return Err(format!(
                "{} requests for {} lost states",
                self.requests, self.lost_states
            ));
        }
        Ok(())
    }

    fn check_pair(&self, a: u32, b: u32) -> Result<(), String> {
        let ends: Vec<_> = self
            .of(a)
            .into_iter()
            .map(|device| (device, b))
            .chain(self.of(b).into_iter().map(|device| (device, a)))
            .collect();
        let mut everything = BTreeMap::new();
        for (device, with) in &ends {
            for message in self.history(*device, *with) {
                everything.insert(message.id.clone(), message);
            }
        }
        // What a thief wrote in their name is the thief's, on whichever devices it is.
        everything.retain(|id, _| !self.forged.contains(id) && !self.deleted.contains(id));
        // What was written to devices that are all lost goes to no others.
        let lost: BTreeMap<u32, BTreeSet<String>> = [a, b]
            .into_iter()
            .map(|side| {
                let ids = everything
                    .keys()
                    .filter(|id| self.is_out_of_reach(id, side));
                (side, ids.cloned().collect())
            })
            .collect();
        everything.retain(|id, _| !lost.values().any(|lost| lost.contains(id)));
        for (id, (from, to)) in &self.sent {
            let lost = lost.values().any(|lost| lost.contains(id));
            let between = (*from, *to) == (a, b) || (*from, *to) == (b, a);
            let lost = lost || self.deleted.contains(id);
            if between && !lost && !everything.contains_key(id) {
                return Err(format!("{id} from {from} to {to} is nowhere"));
            }
        }
        let first: Vec<_> = self.history(ends[0].0, ends[0].1);
        let order = |messages: &[Message]| -> Vec<String> {
            let there = messages.iter().filter(|m| everything.contains_key(&m.id));
            there.map(|message| message.id.clone()).collect()
        };
        for (device, with) in &ends {
            let (p, d) = *device;
            let history = self.history(*device, *with);
            if order(&history).len() != everything.len() {
                let here: BTreeSet<_> = history.iter().map(|m| m.id.clone()).collect();
                let missing: Vec<_> = everything.keys().filter(|id| !here.contains(*id)).collect();
                return Err(format!(
                    "{p}.{d} has {} of {} with {with}, not {missing:?}",
                    here.len(),
                    everything.len()
                ));
            }
            if order(&history) != order(&first) {
                return Err(format!("{p}.{d} has another order"));
            }
            let client = self.world.client(p, d).unwrap();
            let session = client.clone().session(self.address(*with));
            let session = session.map_err(|error| format!("{p}.{d} with {with}: {error}"))?;
            let status = session.status();
            let status = status.map_err(|error| format!("{p}.{d} with {with}: {error}"))?;
            if status.state != SessionState::Established {
                let known = client.contact(self.address(*with));
                let known = known.map(|contact| contact.devices);
                let there: Vec<_> = self
                    .of(*with)
                    .into_iter()
                    .map(|(p, d)| self.world.client(p, d).unwrap())
                    .map(|there| {
                        let back = there
                            .contact(client.address())
                            .map(|c| (c.accepted, c.devices));
                        (there.device_id(), back)
                    })
                    .collect();
                return Err(format!(
                    "{p}.{d} with {with}: {status:?}, knows {known:?}, there are {there:?}"
                ));
            }
        }
        Ok(())
    }
}
