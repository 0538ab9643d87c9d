//! Both sides of the post-quantum ratchet alone. The double ratchet, which steps beside it, is taken for broken: a thief knows all of its keys.

use super::*;
use crate::crypto::{SeededRandom, seeded};

/// One side's state, or a copy of it, as far as it follows the other side's messages.
struct Follower {
    epochs: Epochs,
    /// The other side's chain that was heard last, and how many of its messages are past.
    chain: u32,
    received: u32,
}

/// A side, with the chains that it sends in: a new one begins with the first message after one of the other side's that did.
struct Side {
    follower: Follower,
    begins: bool,
    chain: u32,
    sent: u32,
    previous: u32,
}

struct Sent {
    by: usize,
    chain: u32,
    number: u32,
    previous: u32,
    epoch: u32,
    key: HalfKey,
    message: Message,
}

impl Follower {
    fn copy(&self) -> Self {
        Self {
            epochs: Epochs::from_row(&self.epochs.to_row()).unwrap(),
            ..*self
        }
    }

    /// Takes in a message of the other side; false if its key is not known. None comes late here.
    fn hear(&mut self, sent: &Sent) -> bool {
        if self.chain < sent.chain {
            self.skip_to(sent.previous);
            if !self.epochs.may_receive_in(sent.epoch) {
                return false;
            }
            self.epochs.begin_receiving(sent.epoch).unwrap();
            (self.chain, self.received) = (sent.chain, 0);
        }
        self.skip_to(sent.number);
        self.received += 1;
        let reads = self.epochs.step_receiving().as_bytes() == sent.key.as_bytes();
        if reads {
            self.epochs.hear(&sent.message);
        }
        reads
    }

    fn skip_to(&mut self, number: u32) {
        while self.received < number {
            self.epochs.step_receiving();
            self.received += 1;
        }
    }

    /// What a thief makes of a message of the side itself whose state this is: it has no randomness of it.
    fn overhear(&mut self, sent: &Sent) -> bool {
        if sent.epoch > self.epochs.sending.epoch {
            self.epochs.sending.advance().unwrap();
        }
        self.epochs.sending.step().as_bytes() == sent.key.as_bytes()
    }
}

struct World {
    sides: [Side; 2],
    rng: SeededRandom,
    bytes: usize,
}

impl World {
    fn new(seed: u8) -> Self {
        let mut rng = seeded(&Secret::new([seed; 32]));
        let secret = Secret::random(&mut rng);
        let side = |epochs| Side {
            follower: Follower {
                epochs,
                chain: 0,
                received: 0,
            },
            begins: true,
            chain: 0,
            sent: 0,
            previous: 0,
        };
        Self {
            sides: [
                side(Epochs::initiate(&secret, true)),
                side(Epochs::respond(&secret)),
            ],
            rng,
            bytes: 0,
        }
    }

    fn send(&mut self, by: usize) -> Sent {
        let side = &mut self.sides[by];
        side.follower = side.follower.copy();
        let epochs = &mut side.follower.epochs;
        let expected = epochs.sending_epoch(side.begins);
        if side.begins {
            epochs.begin_sending().unwrap();
            side.begins = false;
            side.chain += 1;
            (side.previous, side.sent) = (side.sent, 0);
        }
        let (key, epoch, message) = epochs.send(0, &mut self.rng);
        assert_eq!(epoch, expected);
        side.sent += 1;
        self.bytes += message.encode().len();
        Sent {
            by,
            chain: side.chain,
            number: side.sent - 1,
            previous: side.previous,
            epoch,
            key,
            message,
        }
    }

    fn receive(&mut self, sent: &Sent) {
        let side = &mut self.sides[1 - sent.by];
        side.begins |= side.follower.chain < sent.chain;
        assert!(side.follower.hear(sent), "both sides have the same keys");
    }
}

/// Who took the states of both sides, breaks X25519 and hears everything, lost messages too. How many messages are sent until it reads none
/// any more.
struct Thief {
    at: usize,
    copies: [Option<Follower>; 2],
    read_last: usize,
}

impl Thief {
    fn listen(&mut self, now: usize, sent: &Sent) {
        let [from, to] = [sent.by, 1 - sent.by];
        for (side, own) in [(from, true), (to, false)] {
            if let Some(copy) = &mut self.copies[side] {
                let reads = if own {
                    copy.overhear(sent)
                } else {
                    copy.hear(sent)
                };
                if reads {
                    self.read_last = now;
                } else {
                    // The keys of a later epoch follow from those of the one before.
                    self.copies[side] = None;
                }
            }
        }
    }
}

fn below(rng: &mut SeededRandom, bound: u32) -> u32 {
    u32::from_be_bytes(*Secret::random(rng).as_bytes()) % bound
}

/// The median and the 95th of 100 of the messages until a thief is out, and the bytes of each message for it.
fn healing(seed: u8, bursts: bool, lost_of_ten: u32) -> (usize, usize, usize) {
    const MESSAGES: usize = 4_000;
    let mut world = World::new(seed);
    let (mut thieves, mut healed) = (Vec::<Thief>::new(), Vec::new());
    let (mut by, mut left) = (0, 1);
    for now in 0..MESSAGES {
        if left == 0 {
            by = 1 - by;
            left = if bursts {
                1 + below(&mut world.rng, 19)
            } else {
                1
            };
        }
        left -= 1;
        let sent = world.send(by);
        for thief in &mut thieves {
            thief.listen(now, &sent);
        }
        thieves.retain(|thief| {
            let out = thief.copies.iter().all(Option::is_none);
            if out {
                healed.push(thief.read_last + 1 - thief.at);
            }
            !out
        });
        // The first message has to arrive, or there is no other side.
        if now == 0 || below(&mut world.rng, 10) >= lost_of_ten {
            world.receive(&sent);
        }
        if now % 7 == 0 && now > 100 {
            thieves.push(Thief {
                at: now + 1,
                copies: [0, 1].map(|side| Some(world.sides[side].follower.copy())),
                read_last: now,
            });
        }
    }
    assert!(healed.len() > 200, "{}", healed.len());
    healed.sort_unstable();
    let (median, late) = (healed[healed.len() / 2], healed[healed.len() * 95 / 100]);
    println!(
        "bursts: {bursts}, lost: {lost_of_ten} of 10: healed after {median} messages, 95 of 100 after {late}; {} bytes a message",
        world.bytes / MESSAGES
    );
    (median, late, world.bytes / MESSAGES)
}

/// Over 20,000 messages: 28 messages and 44 bytes in turns, 65 and 53 in bursts with a fifth lost. A simulation from before the code gave 29 and 43, 66 and 35:
/// there a key was not repeated any more once it had come, here it is until its answer has.
#[test]
fn a_thief_of_both_states_who_breaks_x25519_is_out_after_some_dozens_of_messages() {
    let (median, late, bytes) = healing(1, false, 0);
    assert!(median <= 32 && late <= 60 && bytes <= 48);
    let (median, late, bytes) = healing(2, true, 2);
    assert!(median <= 75 && late <= 140 && bytes <= 58);
}

#[test]
fn an_epoch_is_sent_in_when_the_other_side_surely_has_its_key_and_old_keys_go() {
    let mut world = World::new(3);
    let key = world.send(0);
    assert!(matches!(key.message, Message::Key(1, _)));
    world.receive(&key);
    let answer = world.send(1);
    assert!(matches!(answer.message, Message::Ciphertext(1, _)) && answer.epoch == 0);
    // Who answered does not go on in the new epoch before the other side has.
    assert!(world.sides[1].follower.epochs.sending.next.is_some());
    assert_eq!(world.send(1).epoch, 0);
    let before = world.sides[0].follower.epochs.to_row();
    world.receive(&answer);
    let after = world.sides[0].follower.epochs.to_row();
    assert_ne!(before.root_key, after.root_key);
    assert!(after.scka.as_ref().unwrap().seed.is_empty());
    let first = world.send(0);
    assert_eq!(first.epoch, 1);
    world.receive(&first);
    for side in &world.sides {
        assert!(side.follower.epochs.receiving.next.is_none() || side.chain == 2);
    }
    let second = world.send(1);
    assert_eq!(second.epoch, 1);
    world.receive(&second);
    for side in &world.sides {
        let epochs = &side.follower.epochs;
        assert!(epochs.sending.next.is_none() && epochs.receiving.next.is_none());
        assert_eq!((epochs.sending.epoch, epochs.receiving.epoch), (1, 1));
    }
}

/// A faulty side sends the key of the epoch after next before it has sent in the next.
#[test]
fn a_key_that_comes_too_early_is_passed_over() {
    let mut world = World::new(4);
    let key = world.send(0);
    world.receive(&key);
    let answer = world.send(1);
    world.receive(&answer);
    let Message::Key(_, bytes) = key.message else {
        unreachable!()
    };
    let early = Message::Key(2, bytes);
    // Neither while nobody is in the epoch, nor while this side is.
    for _ in 0..2 {
        let epochs = &mut world.sides[0].follower.epochs;
        let before = epochs.to_row();
        epochs.hear(&early);
        assert!(before == epochs.to_row());
        let sent = world.send(0);
        world.receive(&sent);
    }
    // When both are, it is one like any other.
    let sent = world.send(1);
    world.receive(&sent);
    let epochs = &mut world.sides[0].follower.epochs;
    let before = epochs.to_row();
    epochs.hear(&early);
    assert!(before != epochs.to_row());
}

#[test]
fn epochs_begin_one_after_the_other_and_only_with_their_key() {
    let mut world = World::new(5);
    let key = world.send(0);
    world.receive(&key);
    let may = |world: &World, side: usize| {
        let epochs = &world.sides[side].follower.epochs;
        [0, 1, 2, u32::MAX].map(|epoch| epochs.may_receive_in(epoch))
    };
    assert_eq!(may(&world, 0), [true, false, false, false]);
    assert_eq!(may(&world, 1), [true, false, false, false]);
    let answer = world.send(1);
    assert_eq!(may(&world, 1), [true, true, false, false]);
    world.receive(&answer);
    let first = world.send(0);
    world.receive(&first);
    assert_eq!(may(&world, 1), [false, true, false, false]);
}
