//! Strangers who write well-formed first messages, by themselves and in floods, and who bring again, elsewhere or damaged what they overheard.

use rand_core::Rng;
use windlass::bundle::VerifiedBundle;
use windlass::chat::{Body, DeviceUpdate, HealingRequest, MessageId};
use windlass::crypto::SeededRandom;
use windlass::limits::MAX_STRANGERS;
use windlass::{Event, UndecryptableCause};

use super::Attacker;
use crate::Run;
use crate::support::seeds::Below;
use crate::support::strangers::Stranger;

pub const WRITES: &str = "a stranger writes first";
pub const FLOODS: &str = "many strangers write first";
pub const ASKS: &str = "a stranger asks for what is missing";
pub const CONTROLS: &str = "a stranger sends what only devices and contacts may";
pub const GARBAGE: &str = "garbage comes";
pub const REPLAYS: &str = "what was overheard comes again";
pub const MISDIRECTS: &str = "what was overheard comes to somebody else";
pub const DAMAGES: &str = "what was overheard comes damaged";

const FLOOD: u32 = 12;

pub struct Strangers {
    rng: SeededRandom,
    /// What must not have happened.
    wrong: Vec<String>,
}

/// Where something comes from that an attacker brings.
#[derive(Clone, Copy, PartialEq)]
enum Origin {
    Stranger,
    Replay,
    /// What was overheard, changed.
    Damage,
}

impl Strangers {
    pub fn new(rng: SeededRandom) -> Self {
        Self {
            rng,
            wrong: Vec::new(),
        }
    }

    fn begun(&mut self, run: &Run, (p, d): (u32, u32)) -> Stranger {
        let bundle = run.world.client(p, d).unwrap().bundle().unwrap();
        let bundle = VerifiedBundle::decode(&bundle.encode()).unwrap();
        let at = self.rng.below(bundle.devices().len() as u32) as usize;
        let mut stranger = Stranger::new(run.world.now(), &mut self.rng);
        stranger.begin_with(&bundle, at, &mut self.rng);
        stranger
    }

    /// A body that says something of the person whom it goes to.
    fn control(&mut self, run: &Run, (p, d): (u32, u32)) -> Body {
        let client = run.world.client(p, d).unwrap();
        let target = MessageId::random(&mut self.rng);
        match self.rng.below(6) {
            0 => Body::DeviceUpdate(DeviceUpdate {
                removed: vec![client.device_id()],
                complete: true,
                ..DeviceUpdate::default()
            }),
            1 => Body::IdentityChange(client.bundle().unwrap().encode().to_vec()),
            2 => Body::HealingAnswer {
                messages: 9,
                bundle: Vec::new(),
            },
            3 => Body::DeliveryReceipt(vec![target]),
            4 => Body::Deletion { target },
            _ => Body::ReadReceipt { lamport: 1 << 40 },
        }
    }

    fn overheard(&mut self, run: &Run) -> Option<(u32, Vec<u8>)> {
        let heard = run.overheard.as_ref()?;
        let at = self.rng.below(heard.len().max(1) as u32) as usize;
        heard.get(at).cloned()
    }

    fn bring(&mut self, run: &mut Run, to: (u32, u32), bytes: Vec<u8>, origin: Origin) {
        let events = run.bring(to, bytes);
        let honest: Vec<_> = (0..run.people()).map(|p| run.address(p)).collect();
        // Who went back in time did use numbers again, and what is brought again may be the first that comes of it. Other bytes under a number that
        // was used are told as such (RFC windlass §7.7.3): as long as headers are in the clear, a copy with a bit flipped is.
        let may_alarm = match origin {
            Origin::Stranger => false,
            Origin::Replay => run.lost_states > 0,
            Origin::Damage => true,
        };
        for event in events {
            let wrong = match &event {
                Event::Undecryptable {
                    cause: UndecryptableCause::NumberReused,
                    ..
                }
                | Event::RollbackNoticed => !may_alarm,
                Event::Message { message } => {
                    origin == Origin::Stranger && honest.contains(&message.author)
                }
                Event::DevicesChanged { address, .. } => {
                    origin == Origin::Stranger && honest.contains(address)
                }
                Event::IdentityChanged { .. } | Event::Deleted { .. } => origin == Origin::Stranger,
                _ => false,
            };
            if wrong {
                self.wrong
                    .push(format!("an attacker made {to:?} tell {event:?}"));
            }
        }
    }

    fn write(&mut self, run: &mut Run, to: (u32, u32), body: Body) {
        let mut stranger = self.begun(run, to);
        let envelope = stranger.say(body, &mut self.rng);
        self.bring(run, to, envelope, Origin::Stranger);
    }

    fn damage(&mut self, bytes: &mut Vec<u8>) {
        if self.rng.below(5) == 0 {
            bytes.truncate(self.rng.below(bytes.len() as u32) as usize);
            return;
        }
        for _ in 0..=self.rng.below(2) {
            let at = self.rng.below(bytes.len() as u32) as usize;
            bytes[at] ^= 1 << self.rng.below(8);
        }
    }

    fn any_of(&mut self, run: &Run, person: u32) -> (u32, u32) {
        let devices = run.of(person);
        devices[self.rng.below(devices.len() as u32) as usize]
    }
}

impl Attacker for Strangers {
    fn act(&mut self, run: &mut Run) {
        let person = self.rng.below(run.people());
        let to = self.any_of(run, person);
        match self.rng.below(16) {
            0 => {
                run.attacked(WRITES);
                self.write(run, to, Body::Text("may I?".into()));
            }
            1 => {
                run.attacked(FLOODS);
                for _ in 0..FLOOD {
                    self.write(run, to, Body::Text("buy this".repeat(100).into()));
                }
            }
            2 => {
                run.attacked(ASKS);
                let request = HealingRequest::default();
                self.write(run, to, Body::HealingRequest(request));
            }
            3 => {
                run.attacked(CONTROLS);
                let body = self.control(run, to);
                self.write(run, to, body);
            }
            4 => {
                run.attacked(GARBAGE);
                let mut bytes = vec![0; 1 + self.rng.below(400) as usize];
                self.rng.fill_bytes(&mut bytes);
                self.bring(run, to, bytes, Origin::Stranger);
            }
            5..8 => {
                let Some((person, bytes)) = self.overheard(run) else {
                    return;
                };
                run.attacked(REPLAYS);
                let to = self.any_of(run, person);
                self.bring(run, to, bytes, Origin::Replay);
            }
            8 => {
                let Some((_, bytes)) = self.overheard(run) else {
                    return;
                };
                run.attacked(MISDIRECTS);
                self.bring(run, to, bytes, Origin::Replay);
            }
            9..12 => {
                let Some((person, mut bytes)) = self.overheard(run) else {
                    return;
                };
                run.attacked(DAMAGES);
                self.damage(&mut bytes);
                let to = self.any_of(run, person);
                self.bring(run, to, bytes, Origin::Damage);
            }
            _ => {}
        }
    }

    fn stop(&mut self, _: &mut Run) {}

    fn check(&self, run: &Run) -> Result<(), String> {
        if let Some(wrong) = self.wrong.first() {
            return Err(wrong.clone());
        }
        let honest: Vec<_> = (0..run.people()).map(|p| run.address(p)).collect();
        let heard = run.overheard.iter().flatten();
        if heard.clone().any(|(to, _)| *to >= run.people()) {
            return Err("a stranger was answered".to_owned());
        }
        for (p, d) in run.alive() {
            let contacts = run.world.client(p, d).unwrap().contacts().unwrap();
            let strangers = contacts.iter().filter(|c| !honest.contains(&c.address));
            if strangers.clone().count() as u64 > MAX_STRANGERS {
                return Err(format!("{p}.{d} keeps too many strangers"));
            }
            if strangers.clone().any(|stranger| stranger.accepted) {
                return Err(format!("{p}.{d} accepted a stranger"));
            }
        }
        Ok(())
    }
}
