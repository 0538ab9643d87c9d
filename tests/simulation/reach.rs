//! Who can reach whom, and what nobody can be given any more.

use std::collections::{BTreeMap, BTreeSet};

use super::Run;

/// What a device knows: the people who are its contacts, and the devices of people, its own siblings too.
#[derive(Clone, Default)]
pub struct Known {
    pub people: BTreeSet<u32>,
    pub devices: BTreeSet<(u32, u32)>,
    /// Which of its siblings it knows to be linked.
    pub linked: BTreeSet<u32>,
}

/// The device that wrote a message, to whom, and the ids of their devices that it knew.
pub type Written = ((u32, u32), u32, BTreeSet<u32>);

impl Run {
    pub fn known(&self, (p, d): (u32, u32)) -> Known {
        let client = self.world.client(p, d).unwrap();
        let own = client.devices().unwrap();
        let linked = own.iter().filter(|device| device.linked);
        let mut known = Known {
            people: BTreeSet::new(),
            linked: linked.map(|device| device.device_id).collect(),
            devices: own.iter().map(|device| (p, device.device_id)).collect(),
        };
        for person in (0..self.people()).filter(|person| *person != p) {
            if let Ok(contact) = client.contact(self.address(person)) {
                known.people.insert(person);
                let devices = contact.devices.into_iter();
                known.devices.extend(devices.map(|id| (person, id)));
            }
        }
        known
    }

    /// Whether people can find each other once a device knows only this, or nothing any more: from each device to each other one
    /// lead steps of which one side knows the device at the other, and of any two people there are two devices with such a step
    /// between them. Otherwise they would have to meet again, as after both lost all they had.
    pub fn are_found(&self, changed: (u32, u32), becomes: Option<&Known>) -> bool {
        let mut there = BTreeMap::new();
        for device in self.alive() {
            let id = self.world.client(device.0, device.1).unwrap().device_id();
            match becomes {
                _ if device != changed => there.insert((device.0, id), self.known(device)),
                Some(known) => there.insert((device.0, id), known.clone()),
                None => None,
            };
        }
        let step = |a: (u32, u32), b: (u32, u32)| {
            let knows =
                a.0 == b.0 || (there[&a].people.contains(&b.0) && there[&b].people.contains(&a.0));
            knows && (there[&a].devices.contains(&b) || there[&b].devices.contains(&a))
        };
        let Some(first) = there.keys().next() else {
            return false;
        };
        let (mut reached, mut from) = (BTreeSet::from([*first]), vec![*first]);
        while let Some(a) = from.pop() {
            from.extend(there.keys().filter(|b| step(a, **b) && reached.insert(**b)));
        }
        let acquainted: BTreeSet<_> = there
            .keys()
            .flat_map(|a| {
                let others = there.keys().filter(|b| step(*a, **b));
                others.map(|b| (a.0, b.0))
            })
            .collect();
        let mut pairs = (0..self.people()).flat_map(|p| (0..p).map(move |q| (p, q)));
        reached.len() == there.len() && pairs.all(|pair| acquainted.contains(&pair))
    }

    /// A device is about to lose what is on its disk: what nobody else has is gone with it.
    pub fn forgets(&mut self, device: (u32, u32)) {
        self.lost_states += 1;
        let others: Vec<_> = self
            .alive()
            .into_iter()
            .filter(|other| *other != device)
            .collect();
        let ids: Vec<_> = self.sent.keys().cloned().collect();
        for id in ids {
            if !others.iter().any(|other| self.has(*other, &id)) {
                self.sent.remove(&id);
                self.lost_with_disks += 1;
            }
        }
    }

    /// Whether a message can reach nobody of one side any more: it was written to no device that is left there, or the device that wrote it
    /// is gone. Whoever appeared later does not get it, or a thief of the seed would.
    pub fn is_out_of_reach(&self, id: &str, side: u32) -> bool {
        let of_side = self.of(side);
        let (author, to, addressees) = &self.written[id];
        let with = if author.0 == side { *to } else { author.0 };
        let has = |device: &(u32, u32)| {
            let history = self.history(*device, with);
            history.iter().any(|message| message.id == id)
        };
        if of_side.iter().any(has) {
            return false;
        }
        if author.0 == side {
            return self.gone.contains(author);
        }
        let mut ids = of_side
            .iter()
            .map(|(p, d)| self.world.client(*p, *d).unwrap().device_id());
        !ids.any(|id| addressees.contains(&id))
    }

    /// Whether the clock of one of their devices is wrong: none is linked meanwhile, for the reason that follows.
    pub fn is_dated_wrong(&self, person: u32) -> bool {
        self.wrong_clocks.iter().any(|(p, _)| *p == person)
    }

    /// Whether a device of a person was linked and has not got everything yet that the device has that linked it, or is not known to that one. What
    /// answers its request is for a day, by the clocks of both (RFC windlass §8.5.9): if one of them leaps meanwhile, or both are off for longer, it has
    /// to be linked again.
    pub fn is_linking(&self, person: u32) -> bool {
        let mut linked = self.linked_by.iter();
        linked.any(|(new, by)| {
            let there = |device: &(u32, u32)| !self.gone.contains(device);
            new.0 == person && there(new) && there(by) && {
                let mut sent = self
                    .sent
                    .iter()
                    .filter(|(_, (from, to))| [*from, *to].contains(&person));
                let before = &self.written_before[new];
                let id = self.world.client(new.0, new.1).unwrap().device_id();
                !self.known(*by).linked.contains(&id)
                    || sent.any(|(id, _)| {
                        let is_for_it = before.contains(id) || self.has(*by, id);
                        is_for_it && !self.has(*new, id)
                    })
            }
        })
    }

    /// Whether a device forgets, with this copy or because it is lost, that another of the user's was linked, and no further one knows it that
    /// could tell: that one has to be linked again (RFC windlass §8.5.11). Until then it is one that turned up, and gets nothing of before.
    pub fn forgets_a_link(&self, device: (u32, u32), copy: Option<&Known>) -> bool {
        let known = self.known(device).linked;
        let siblings = self.of(device.0).into_iter();
        let others: Vec<_> = siblings.filter(|one| *one != device).collect();
        others.iter().any(|new| {
            let id = self.world.client(new.0, new.1).unwrap().device_id();
            let links = self.linked_by.get(new) == Some(&device) || known.contains(&id);
            let remembers = |known: &Known| known.linked.contains(&id);
            let mut further = others.iter().filter(|one| *one != new).peekable();
            // There is nobody left who would have to know it, if it has got everything.
            let is_last = copy.is_none() && further.peek().is_none();
            let mut sent = self
                .sent
                .iter()
                .filter(|(_, (from, to))| [*from, *to].contains(&new.0));
            links
                && !copy.is_some_and(remembers)
                && !further.any(|one| remembers(&self.known(*one)))
                && (!is_last || sent.any(|(id, _)| self.has(device, id) && !self.has(*new, id)))
        })
    }

    /// Whether a device that went back lacks what another one has. It proves the day of its copy on the day on which it runs again and on the next
    /// (RFC windlass §8.4.10); what it did not ask for by then, it is not given.
    pub fn is_recovering(&self) -> bool {
        self.went_back.iter().any(|device| {
            let alive = self.alive();
            let mut sent = self.sent.iter();
            alive.contains(device)
                && sent.any(|(id, (from, to))| {
                    [*from, *to].contains(&device.0)
                        && !self.has(*device, id)
                        && alive.iter().any(|other| self.has(*other, id))
                })
        })
    }
}
