//! What nobody can be given any more.

use super::{Known, Run};

impl Run {
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
        // Its author's device is lost, and whoever of theirs has it was linked later: it cannot tell who was written to then.
        let writers = self.of(author.0);
        let mut earlier = writers
            .iter()
            .filter(|device| !self.was_linked_after(**device, id));
        let kept = |device: &(u32, u32)| {
            let history = self.history(*device, *to);
            history.iter().any(|message| message.id == id)
        };
        if self.gone.contains(author) && !earlier.any(kept) {
            return true;
        }
        let mut ids = of_side
            .iter()
            .map(|(p, d)| self.world.client(*p, *d).unwrap().device_id());
        !ids.any(|id| addressees.contains(&id))
    }

    fn was_linked_after(&self, device: (u32, u32), id: &str) -> bool {
        self.written_before
            .get(&device)
            .is_some_and(|written| written.contains(id))
    }

    /// Whether a device forgets, with this copy, that it linked another which it has not told everything: that one has to be linked again,
    /// since nobody else knows that the user did.
    pub fn forgets_a_link(&self, device: (u32, u32), copy: &Known) -> bool {
        let mut linked = self.linked_by.iter();
        linked.any(|(new, by)| {
            let (p, d) = *new;
            if *by != device || self.gone.contains(new) {
                return false;
            }
            let id = self.world.client(p, d).unwrap().device_id();
            let mut sent = self
                .sent
                .iter()
                .filter(|(_, (from, to))| [*from, *to].contains(&p));
            !copy.devices.contains(&(p, id))
                && sent.any(|(id, _)| self.has(device, id) && !self.has(*new, id))
        })
    }
}
