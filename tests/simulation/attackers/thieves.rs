//! Thieves: of an identity's seed, who makes a device of it that nobody linked; and of a device's disk and its key, who runs it at the same time.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use windlass::WindlassError;
use windlass::crypto::{Secret, SeededRandom, seeded};
use windlass::testing::{Clock, Disk};

use super::Attacker;

use crate::Run;
use crate::support::clients::take_outbox;
use crate::support::party::Party;
use crate::support::program::Program;
use crate::support::seeds::Below;
use crate::support::worlds::DAY;

pub const STEALS_SEED: &str = "a seed is stolen";
pub const STEALS_STATE: &str = "a disk is stolen";
pub const DELETED: &str = "a conversation is deleted before the theft";
pub const WRITES: &str = "a thief writes as whom they robbed";
pub const ASKS: &str = "a thief asks for what was written";
pub const LISTENS: &str = "a thief reads what comes";

/// What the thief has.
#[derive(Clone, Copy, PartialEq)]
pub enum Loot {
    Seed,
    State,
}

/// From when on there is a thief.
struct Theft {
    /// Whom the thief poses as. Of a seed, no device that there is.
    victim: (u32, u32),
    /// A device that runs this library, and its clock.
    party: Party,
    clock: Clock,
    /// One that asks as it likes, of a seed alone.
    program: Option<Program>,
    /// How much of what went over the network the thief has looked at.
    heard: usize,
    /// What no thief of this kind may read: of a seed, what had been written; of a disk, what had been deleted on it.
    past: BTreeSet<String>,
}

pub struct Thief {
    loot: Loot,
    rng: SeededRandom,
    theft: Option<Theft>,
    leaps: u32,
}

impl Thief {
    pub fn new(loot: Loot, rng: SeededRandom) -> Self {
        Self {
            loot,
            rng,
            theft: None,
            leaps: 0,
        }
    }

    fn steal(&mut self, run: &mut Run) {
        let (p, d) = {
            let alive = run.alive();
            alive[self.rng.below(alive.len() as u32) as usize]
        };
        // What was written in the same millisecond was not written before.
        run.world.advance(Duration::from_secs(1)).unwrap();
        let past = match self.loot {
            Loot::Seed => run.written.keys().cloned().collect(),
            Loot::State => self.delete_some(run, (p, d)),
        };
        let clock = Clock::at(run.world.now());
        let mut theft = Theft {
            victim: (p, d),
            party: match self.loot {
                Loot::Seed => {
                    let stolen = Arc::clone(&run.identities[p as usize]);
                    let disk = Disk::default().with(&clock, seeded(&Secret::random(&mut self.rng)));
                    Party::create(disk, Some(stolen))
                }
                Loot::State => {
                    let image = run.world.image(p, d).unwrap();
                    Party::on(Disk::of(image).with(&clock, seeded(&Secret::random(&mut self.rng))))
                }
            },
            clock,
            program: None,
            heard: run.overheard.as_ref().map_or(0, Vec::len),
            past,
        };
        match self.loot {
            Loot::Seed => {
                run.attacked(STEALS_SEED);
                let program =
                    Program::new(&run.identities[p as usize], run.world.now(), &mut self.rng);
                let others = (0..run.people()).filter(|other| *other != p);
                for other in others {
                    let bundle = run.bundle(other);
                    theft.party.add_contact(&bundle).unwrap();
                }
                run.thieves.insert((p, theft.party.device_id()));
                run.thieves.insert((p, program.device_id));
                theft.program = Some(program);
            }
            Loot::State => {
                run.attacked(STEALS_STATE);
                run.lost_states += 1;
            }
        }
        run.robbed.insert(p);
        run.say(|| format!("a thief robs {p}.{d} and is {}", theft.party.device_id()));
        self.theft = Some(theft);
    }
}

impl Thief {
    /// The user deletes a conversation, half of the time; what was in it then.
    fn delete_some(&mut self, run: &mut Run, (p, d): (u32, u32)) -> BTreeSet<String> {
        if self.rng.below(2) == 0 {
            return BTreeSet::new();
        }
        let with = run.other_than(p, &mut self.rng);
        let history = run.history((p, d), with);
        if history.is_empty() {
            return BTreeSet::new();
        }
        run.attacked(DELETED);
        let client = run.world.client(p, d).unwrap();
        client.delete_conversation(run.address(with)).unwrap();
        // It is gone for this person, with what is on its way and was written before.
        let written = run.written.iter();
        let between = written.filter(|(_, (author, to, _))| {
            (author.0 == p && *to == with) || (author.0 == with && *to == p)
        });
        let gone: Vec<_> = between.map(|(id, _)| id.clone()).collect();
        run.deleted.extend(gone);
        history.into_iter().map(|message| message.id).collect()
    }
}

impl Theft {
    /// The messages that the thief has.
    fn reads(&self, run: &Run) -> BTreeSet<String> {
        let others = (0..run.people()).filter(|other| *other != self.victim.0);
        let histories = others.map(|other| {
            let with = self.party.client.clone().conversation(run.address(other));
            with.unwrap().messages(10_000, None).unwrap()
        });
        let messages = histories.flatten().filter(|message| !message.deleted);
        let messages = messages.map(|message| message.id);
        let program = self.program.iter().flat_map(|program| program.read.clone());
        messages.chain(program).collect()
    }

    fn listen(&mut self, run: &mut Run) {
        let now = run.world.now();
        self.clock.advance(now.saturating_sub(self.clock.now()));
        let heard = run.overheard.as_deref().unwrap_or_default();
        let new = heard.get(self.heard..).unwrap_or_default();
        for (_, bytes) in new.iter().filter(|(to, _)| *to == self.victim.0) {
            // Whatever it is.
            let _ = self.party.receive(bytes.clone().into());
            if let Some(program) = &mut self.program {
                program.hear(bytes);
            }
        }
        self.heard = heard.len();
        if !new.is_empty() {
            run.attacked(LISTENS);
        }
        self.party.maintain().unwrap();
    }

    /// Brings what the thief's device has to say to everybody whom it is for.
    fn speak(&self, run: &mut Run) {
        for envelope in take_outbox(&self.party) {
            run.bring_to(&envelope.to, &envelope.bytes, self.posed_as());
        }
    }

    /// The device that the thief's says to be.
    fn posed_as(&self) -> Option<(u32, u32)> {
        self.program.is_none().then_some(self.victim)
    }
}

impl Attacker for Thief {
    fn act(&mut self, run: &mut Run) {
        run.keep_news();
        // So that there is a past that a state of today does not prove.
        let linking = (0..run.people()).any(|person| run.is_linking(person));
        let busy = linking || run.is_recovering();
        if self.leaps < 3 && !busy && self.rng.below(8) == 0 {
            self.leaps += 1;
            run.world.advance(DAY * (1 + self.rng.below(3))).unwrap();
        }
        let Some(theft) = &mut self.theft else {
            if self.rng.below(12) == 0 {
                self.steal(run);
            }
            return;
        };
        theft.listen(run);
        match self.rng.below(8) {
            0 => {
                let to = run.other_than(theft.victim.0, &mut self.rng);
                match theft.party.send(run.address(to), "it is me".to_owned()) {
                    Ok(sent) => {
                        run.attacked(WRITES);
                        run.forged.insert(sent.message_id);
                    }
                    Err(WindlassError::UnknownContact) => {}
                    Err(error) => panic!("{error}"),
                }
            }
            1..4 => {
                let person = self.rng.below(run.people());
                if let Some(program) = &mut theft.program {
                    run.attacked(ASKS);
                    let bundle = run.bundle(person);
                    let envelope = program.ask(&bundle, run.world.now(), &mut self.rng);
                    run.bring_to(&run.address(person), &envelope, None);
                }
            }
            _ => {}
        }
        theft.speak(run);
    }

    fn stop(&mut self, run: &mut Run) {
        let Some(theft) = &mut self.theft else {
            return;
        };
        theft.listen(run);
        theft.speak(run);
        // The user was told of devices that nobody linked, and removes them.
        run.removed.extend(run.thieves.iter().copied());
    }

    fn check(&self, run: &Run) -> Result<(), String> {
        if let Some(untold) = run.untold.first() {
            return Err(untold.clone());
        }
        let Some(theft) = &self.theft else {
            return Ok(());
        };
        let mut read = theft.reads(run).into_iter();
        match read.find(|id| theft.past.contains(id)) {
            Some(id) => Err(format!("the thief reads {id}, which is of the past")),
            None => Ok(()),
        }
    }
}
