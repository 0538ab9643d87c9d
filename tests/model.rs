//! Two parties, a thief and a hostile network, against a small reference model: tens of thousands of random schedules.
//!
//! `WINDLASS_SCHEDULES=1000000 cargo test --release --test model` runs more of them; a failure names the seed that replays it.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

#[path = "model/expected.rs"]
mod expected;
mod support;

use std::sync::Mutex;

use expected::{Expected, Sent};
use rand_core::Rng;
use support::seeds::{Below, number, rng_of_run, run_all};
use support::sessions::{Channel, Device};
use windlass::crypto::SeededRandom;
use windlass::session::{Envelope, SessionError};

const SCHEDULES: u64 = 20_000;
const STEPS: u32 = 40;
/// Of one schedule in ten: enough for several post-quantum epochs.
const MANY_STEPS: u32 = 240;

/// One side: the real thing and its model.
struct Side {
    device: Device,
    channel: Option<Channel>,
    expected: Expected,
    sent: Vec<Sent>,
    /// For each sending chain: when its ratchet key was made, and which chain of the other side it answers.
    chains: Vec<(u32, Option<u32>)>,
    /// The chain of the other side that the next sending chain will answer, if a new one is due.
    turn: Option<Option<u32>>,
    /// The post-quantum epoch of its latest message.
    epoch: u32,
}

/// A copy of a side's state, taken at a moment, that listens to everything sent to it.
struct Thief {
    side: usize,
    taken: u32,
    channel: Channel,
}

#[derive(Default)]
struct Counts {
    delivered: u64,
    refused: u64,
    old_closed_to_thieves: u64,
    read_by_thieves: u64,
    closed_to_thieves: u64,
    in_first_epoch: u64,
    in_later_epochs: u64,
}

struct World {
    rng: SeededRandom,
    sides: [Side; 2],
    stranger: Device,
    other_channel: Channel,
    thieves: Vec<Thief>,
    now: u32,
    steps: u32,
    counts: Counts,
}

impl World {
    fn new(seed: u64) -> Self {
        let mut rng = rng_of_run(0, seed);
        let one_time = rng.next_u32().is_multiple_of(2);
        let alice = Device::random(1, false, &mut rng);
        let mut bob = Device::random(2, one_time, &mut rng);
        bob.shows_kem_key = seed.is_multiple_of(3);
        let stranger = Device::random(3, one_time, &mut rng);
        let alice_end = alice.initiate(&bob, &mut rng);
        let other_channel = alice.initiate(&stranger, &mut rng);
        let side = |device, channel, turn| Side {
            device,
            channel,
            expected: Expected::default(),
            sent: Vec::new(),
            chains: Vec::new(),
            turn,
            epoch: 0,
        };
        Self {
            sides: [
                side(alice, Some(alice_end), Some(None)),
                side(bob, None, None),
            ],
            stranger,
            other_channel,
            thieves: Vec::new(),
            now: 0,
            steps: [STEPS, MANY_STEPS][usize::from(seed.is_multiple_of(10))],
            counts: Counts::default(),
            rng,
        }
    }

    fn below(&mut self, bound: usize) -> usize {
        self.rng.below(bound as u32) as usize
    }

    fn run(mut self) -> Counts {
        self.send(0);
        for now in 1..=self.steps {
            self.now = now;
            let side = self.below(2);
            match self.below(16) {
                0..5 => self.send(side),
                5..11 => self.deliver(side),
                11 => self.corrupt(side),
                12 => self.mix(side),
                13 => self.reflect(side),
                14 => self.misdeliver(side),
                _ => self.steal(side),
            }
        }
        self.counts
    }

    fn send(&mut self, by: usize) {
        let side = &mut self.sides[by];
        // The responder has no session before the first message came.
        let Some(channel) = &mut side.channel else {
            return;
        };
        if let Some(answers) = side.turn.take() {
            side.chains.push((self.now, answers));
        }
        let chain = side.chains.len() as u32 - 1;
        let of = |wanted: u32| side.sent.iter().filter(|sent| sent.chain == wanted).count() as u32;
        let (number, previous) = (of(chain), chain.checked_sub(1).map_or(0, of));
        let mut payload = vec![0; self.rng.below(90) as usize];
        self.rng.fill_bytes(&mut payload);
        // An epoch changes where a chain begins, one at a time, and neither side is ahead by more than one.
        let epoch = channel.session.sending_epoch();
        let most = side.epoch + u32::from(channel.session.begins_chain());
        assert!((side.epoch..=most).contains(&epoch));
        // A day each step, so that the next epoch is always due.
        let envelope = channel.send_at(u64::from(self.now) * 86_400_000, &payload, &mut self.rng);
        side.epoch = epoch;
        self.counts.in_first_epoch += u64::from(epoch == 1);
        self.counts.in_later_epochs += u64::from(epoch > 1);
        side.sent.push(Sent {
            payload,
            envelope,
            chain,
            number,
            previous,
            delivered: false,
        });
        assert!(self.sides[0].epoch.abs_diff(self.sides[1].epoch) <= 1);
        self.listen(by);
    }

    /// Who stole the other side's state hears the newest message of `by`. It stops understanding once a chain answers a key
    /// that was made after the theft.
    fn listen(&mut self, by: usize) {
        let sent = self.sides[by].sent.last().unwrap();
        let (_, answers) = self.sides[by].chains[sent.chain as usize];
        let key_made = answers.map_or(0, |chain| self.sides[1 - by].chains[chain as usize].0);
        for thief in self.thieves.iter_mut().filter(|thief| thief.side != by) {
            let heard = thief.channel.receive(&sent.envelope);
            if key_made > thief.taken {
                assert!(
                    heard.is_err(),
                    "a stolen state reads on after a full round trip"
                );
                self.counts.closed_to_thieves += 1;
            } else if heard.is_ok() {
                self.counts.read_by_thieves += 1;
            }
        }
    }

    /// Any message ever sent by `by`, in any order: late, repeated, or never (which is a loss).
    fn deliver(&mut self, by: usize) {
        let Some(at) = self.pick(by) else { return };
        let sent = self.sides[by].sent[at].clone();
        let opens = self.sides[1 - by].expected.opens(&sent);
        match self.give(1 - by, &sent.envelope) {
            Ok(payload) => {
                assert!(opens, "a message opened that the model knows no key for");
                assert!(!sent.delivered, "a message opened twice");
                assert_eq!(payload, sent.payload);
                self.accept(by, at);
            }
            Err(_) => {
                assert!(
                    !opens,
                    "a message did not open that the model knows a key for"
                );
                self.counts.refused += 1;
            }
        }
    }

    fn accept(&mut self, by: usize, at: usize) {
        let (chain, new) = {
            let sent = &mut self.sides[by].sent[at];
            sent.delivered = true;
            (sent.chain, sent.clone())
        };
        let receiver = &mut self.sides[1 - by];
        if receiver
            .expected
            .chains
            .back()
            .is_none_or(|last| chain > *last)
        {
            receiver.turn = Some(Some(chain));
        }
        receiver.expected.open(&new);
        assert_eq!(
            receiver.channel.as_ref().unwrap().skipped.len(),
            receiver.expected.skipped.len()
        );
        self.counts.delivered += 1;
    }

    /// Some message of `by`, rather a new one than an old one.
    fn pick(&mut self, by: usize) -> Option<usize> {
        let count = self.sides[by].sent.len();
        let recent = self.below(count.clamp(1, 6));
        let any = self.below(count.max(1));
        let chosen = if self.below(4) > 0 {
            count.checked_sub(1 + recent)?
        } else {
            any
        };
        (chosen < count).then_some(chosen)
    }

    /// Gives bytes to a side as its transport would. What fails must leave it as it was.
    fn give(&mut self, to: usize, envelope: &[u8]) -> Result<Vec<u8>, SessionError> {
        let side = &mut self.sides[to];
        let Some(channel) = &mut side.channel else {
            let mut channel = side.device.respond(envelope)?;
            let payload = channel.receive(envelope)?;
            side.channel = Some(channel);
            return Ok(payload);
        };
        let (before, kept) = (channel.session.to_row(), channel.skipped.len());
        let result = channel.receive(envelope);
        if result.is_err() {
            assert!(
                *before == *channel.session.to_row(),
                "a refused message changed the session"
            );
            assert_eq!(
                kept,
                channel.skipped.len(),
                "a refused message changed the skipped keys"
            );
        }
        result
    }

    /// Changed bytes. Only the handshake of a session that exists already may be another (RFC windlass §7.6).
    fn corrupt(&mut self, by: usize) {
        let Some(at) = self.pick(by) else { return };
        let sent = self.sides[by].sent[at].clone();
        let mut bytes = sent.envelope.clone();
        let place = self.below(bytes.len());
        match self.below(4) {
            0 => bytes.truncate(place),
            1 => bytes.insert(place, self.rng.next_u32().to_le_bytes()[0]),
            2 => bytes.extend_from_slice(&sent.envelope[place..]),
            _ => bytes[place] ^= 1 << self.below(8),
        }
        if bytes != sent.envelope && self.give(1 - by, &bytes).is_ok() {
            let (old, new) = (Envelope::decode(&sent.envelope), Envelope::decode(&bytes));
            let (old, new) = (old.unwrap().parts.remove(0), new.unwrap().parts.remove(0));
            assert_eq!(
                (&old.sealed_header, &old.ciphertext),
                (&new.sealed_header, &new.ciphertext),
                "a changed message opened"
            );
            assert!(!sent.delivered);
            self.accept(by, at);
        }
    }

    /// Parts of two messages put together.
    fn mix(&mut self, by: usize) {
        let (Some(a), Some(b)) = (self.pick(by), self.pick(by)) else {
            return;
        };
        let decode = |at: usize| Envelope::decode(&self.sides[by].sent[at].envelope).unwrap();
        let (mut mixed, other) = (decode(a), decode(b).parts.remove(0));
        if a == b {
            return;
        }
        if self.below(2) == 0 {
            mixed.parts[0].ciphertext = other.ciphertext;
        } else {
            mixed.parts[0].sealed_header = other.sealed_header;
        }
        assert!(
            self.give(1 - by, &mixed.encode()).is_err(),
            "a mixed message opened"
        );
    }

    /// A message comes back to its sender.
    fn reflect(&mut self, by: usize) {
        let Some(at) = self.pick(by) else { return };
        let envelope = self.sides[by].sent[at].envelope.clone();
        assert!(self.give(by, &envelope).is_err(), "an own message opened");
    }

    /// A message comes to a third party, with its own device id on it.
    fn misdeliver(&mut self, by: usize) {
        let Some(at) = self.pick(by) else { return };
        let mut envelope = Envelope::decode(&self.sides[by].sent[at].envelope).unwrap();
        envelope.parts[0].device_id = self.stranger.device_id;
        let bytes = envelope.encode();
        let first = self.stranger.respond(&bytes);
        assert!(
            first
                .and_then(|mut channel| channel.receive(&bytes))
                .is_err()
        );
        assert!(self.other_channel.receive(&bytes).is_err());
    }

    /// A copy is taken. What was delivered before does not open with it.
    fn steal(&mut self, side: usize) {
        let Some(channel) = &self.sides[side].channel else {
            return;
        };
        let mut copy = channel.duplicate();
        for sent in self.sides[1 - side]
            .sent
            .iter()
            .filter(|sent| sent.delivered)
        {
            assert!(
                copy.receive(&sent.envelope).is_err(),
                "a stolen state reads the past"
            );
            self.counts.old_closed_to_thieves += 1;
        }
        self.thieves.push(Thief {
            side,
            taken: self.now,
            channel: copy,
        });
    }
}

#[test]
fn every_schedule_delivers_what_was_sent_once_and_closes_to_thieves() {
    if let Some(seed) = number("WINDLASS_SEED") {
        World::new(seed).run();
        return;
    }
    let schedules = number("WINDLASS_SCHEDULES").unwrap_or(SCHEDULES);
    let totals = Mutex::new(Vec::new());
    run_all(0..schedules, |seed| {
        let run = std::panic::catch_unwind(|| World::new(seed).run());
        let counts = run.unwrap_or_else(|_| panic!("failed with WINDLASS_SEED={seed}"));
        totals.lock().unwrap().push(counts);
    });
    let totals = totals.into_inner().unwrap();
    let sum = |field: fn(&Counts) -> u64| totals.iter().map(field).sum::<u64>();
    println!("{schedules} schedules");
    for (name, count) in [
        ("delivered", sum(|c| c.delivered)),
        ("refused repeats and forgotten ones", sum(|c| c.refused)),
        (
            "old messages that a stolen state did not open",
            sum(|c| c.old_closed_to_thieves),
        ),
        (
            "new messages that a stolen state opened, before healing",
            sum(|c| c.read_by_thieves),
        ),
        (
            "new messages that a stolen state did not open, after healing",
            sum(|c| c.closed_to_thieves),
        ),
        (
            "messages in the first post-quantum epoch",
            sum(|c| c.in_first_epoch),
        ),
        (
            "messages in a later post-quantum epoch",
            sum(|c| c.in_later_epochs),
        ),
    ] {
        println!("{name}: {count}");
        // A property that nothing tried was not checked.
        assert!(count >= schedules / 10, "{name}");
    }
}
