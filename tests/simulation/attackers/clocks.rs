//! Clocks that are wrong by hours or by years, and are put right later.

use std::collections::BTreeSet;
use std::time::Duration;

use windlass::crypto::SeededRandom;

use super::Attacker;
use crate::Run;
use crate::support::seeds::Below;
use crate::support::worlds::{DAY, HOUR};

pub const AHEAD: &str = "a clock is set ahead";
pub const BEHIND: &str = "a clock is set behind";
pub const RIGHT: &str = "a clock is put right";

pub struct Clocks {
    rng: SeededRandom,
    /// Whose is, or was.
    chosen: BTreeSet<(u32, u32)>,
}

impl Clocks {
    pub fn new(rng: SeededRandom) -> Self {
        Self {
            rng,
            chosen: BTreeSet::new(),
        }
    }

    /// By how much it is ahead: hours. One that is ahead by days or weeks is believed at once, as that of a device that was off for so long (RFC windlass
    /// §8.7.3): what it erases meanwhile is gone, prekeys and healing roots too. By years, contacts begin no session with it before they have a bundle
    /// of the right time.
    fn ahead(&mut self) -> i64 {
        self.times(&[HOUR])
    }

    /// By how much it is behind.
    fn behind(&mut self) -> i64 {
        -self.times(&[HOUR, DAY, DAY * 7, DAY * 365])
    }

    fn times(&mut self, units: &[Duration]) -> i64 {
        let unit = units[self.rng.below(units.len() as u32) as usize];
        (unit * (1 + self.rng.below(9))).as_millis() as i64
    }
}

impl Attacker for Clocks {
    fn act(&mut self, run: &mut Run) {
        // Nor does a device whose clock is wrong go back: which day a copy is of, it proves by the days of its clock (RFC windlass §8.4.10), and words that
        // were dated by a wrong one cannot be proved (§9.1.6). Nor one to whom words would be given back that came by a wrong clock (§8.4.11).
        // Nor one that such words are on their way to: it would have to be given them back.
        let wrong = &run.wrong_clocks;
        let awaits = |device: &(u32, u32)| {
            let mut words = run.dated_by_wrong.iter();
            words.any(|id| {
                run.sent.get(id).is_some_and(|(_, to)| *to == device.0) && !run.has(*device, id)
            })
        };
        let kept = run.copied.iter().filter(|(device, _)| {
            !wrong.iter().any(|one| one == *device || one.0 != device.0) && !awaits(device)
        });
        run.copied = kept
            .map(|(device, known)| (*device, known.clone()))
            .collect();
        if self.rng.below(6) != 0 {
            return;
        }
        let alive = run.alive();
        let device = alive[self.rng.below(alive.len() as u32) as usize];
        if run.is_linking(device.0) {
            return;
        }
        let (how, ahead) = match self.rng.below(3) {
            _ if run.wrong_clocks.contains(&device) => (RIGHT, 0),
            // Of whoever went back the clock is right until they have everything, and that of whoever gives it to them.
            _ if run.is_recovering() => return,
            // Each is wrong once: of a clock that is wrong again before it was right nobody can tell which of its dates were when.
            _ if !self.chosen.insert(device) => return,
            0 => (AHEAD, self.ahead()),
            _ => (BEHIND, self.behind()),
        };
        run.world.set_clock(device.0, device.1, ahead).unwrap();
        run.attacked(how);
        run.say(|| format!("{}.{} is {} h ahead", device.0, device.1, ahead / 3_600_000));
        // Nobody goes back to a state from before.
        run.copied.clear();
        if ahead == 0 {
            run.wrong_clocks.remove(&device);
        } else {
            run.wrong_clocks.insert(device);
            run.dated_wrong.insert(device.0);
        }
    }

    fn stop(&mut self, run: &mut Run) {
        while let Some((p, d)) = run.wrong_clocks.pop_first() {
            run.world.set_clock(p, d, 0).unwrap();
        }
    }

    /// Nothing beside what holds in every world.
    fn check(&self, _: &Run) -> Result<(), String> {
        Ok(())
    }
}
