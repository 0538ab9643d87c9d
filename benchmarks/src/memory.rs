//! In memory: what the protocols themselves cost.

use std::time::Duration;

use ml_kem::DecapsulationKey768;
use ml_kem::Seed;
use vodozemac::olm::Account;
use windlass::crypto::{DhSecret, pad};

use crate::measure::{Contestant, Work, compare, processor};
use crate::ours::{Device, pair, randomness};
use crate::peers::{bare_message, bare_pair, olm_begin, olm_message, olm_pair};
use crate::{floor, peers};

const ROUNDS: usize = 31;

/// All of it.
pub fn all() -> Vec<Work> {
    vec![
        agreement("an X25519 agreement"),
        in_one_turn("encrypt and decrypt 64 B", 64),
        in_one_turn("encrypt and decrypt 1 KiB", 1024),
        turn_by_turn("each message in a turn of its own", 64),
        set_up("set-up, first message, answer"),
        reversed("1,000 messages in reverse, each"),
    ]
}

/// The ladder, and what Windlass does instead: with a key that it sees for the first time.
fn agreement(name: &str) -> Work {
    let mut rng = randomness(11);
    let (secret, public) = (DhSecret::generate(&mut rng), DhSecret::generate(&mut rng).public());
    let (bare, bare_public) = floor::agreement(&secret.to_bytes(), &public);
    let floor = Contestant::new("floor", move || drop(bare.diffie_hellman(&bare_public)));
    let ours = Contestant::new("Windlass", move || drop(secret.agree(&public).unwrap()));
    compare("memory", name, ROUNDS, 50, vec![floor, ours])
}

/// One side writes, the other reads.
fn in_one_turn(name: &str, len: usize) -> Work {
    let text = &vec![b'x'; len];
    let padded = pad(text);
    let mut rng = randomness(1);
    let mut own = randomness(2);
    let floor = Contestant::new("floor", || floor::message(&padded, &mut rng));
    let ours = Contestant::timing("Windlass", move |count| {
        let (mut alice, mut bob) = pair(&mut own);
        timed(count, || {
            let envelope = alice.send(text, &mut own);
            assert_eq!(bob.receive(&envelope), *text);
        })
    });
    let olm = Contestant::timing("vodozemac", |count| {
        let (mut alice, mut bob) = olm_pair();
        timed(count, || olm_message(&mut alice, &mut bob, text))
    });
    let bare = Contestant::timing("double-ratchet-2", |count| {
        let (mut alice, mut bob) = bare_pair();
        timed(count, || bare_message(&mut alice, &mut bob, text))
    });
    compare("memory", name, ROUNDS, 500, vec![floor, ours, olm, bare])
}

/// Each message answers the one before, so that each side makes a new key every time.
fn turn_by_turn(name: &str, len: usize) -> Work {
    let text = &vec![b'x'; len];
    let padded = pad(text);
    let mut rng = randomness(3);
    let mut own = randomness(4);
    let floor = Contestant::new("floor", || {
        floor::turn(&mut rng);
        floor::message(&padded, &mut rng);
    });
    let ours = Contestant::timing("Windlass", move |count| {
        let (mut from, mut to) = pair(&mut own);
        timed(count, || {
            to.receive(&from.send(text, &mut own));
            std::mem::swap(&mut from, &mut to);
        })
    });
    let olm = Contestant::timing("vodozemac", |count| {
        let (mut from, mut to) = olm_pair();
        timed(count, || {
            olm_message(&mut from, &mut to, text);
            std::mem::swap(&mut from, &mut to);
        })
    });
    let bare = Contestant::timing("double-ratchet-2", |count| {
        let (mut from, mut to) = bare_pair();
        timed(count, || {
            bare_message(&mut from, &mut to, text);
            std::mem::swap(&mut from, &mut to);
        })
    });
    compare("memory", name, ROUNDS, 100, vec![floor, ours, olm, bare])
}

fn set_up(name: &str) -> Work {
    let text = b"as long as the first word of a conversation";
    let padded = pad(text);
    let mut rng = randomness(5);
    let mut own = randomness(6);
    let kem = DecapsulationKey768::from_seed(Seed::from([7; 64]));
    let (alice, bob) = (Device::new(1, &mut own), Device::new(2, &mut own));
    let floor = Contestant::new("floor", || floor::set_up(&kem, &padded, &mut rng));
    let ours = Contestant::new("Windlass", move || {
        let mut ours = alice.begin(&bob, &mut own);
        let (mut theirs, _) = bob.answer(&ours.send(text, &mut own));
        ours.receive(&theirs.send(text, &mut own));
    });
    let olm = Contestant::timing("vodozemac", |count| {
        let (alice, mut bob) = (Account::new(), Account::new());
        let mut took = Duration::ZERO;
        for _ in 0..count {
            bob.generate_one_time_keys(1);
            let one_time = *bob.one_time_keys().values().next().unwrap();
            bob.mark_keys_as_published();
            took += timed(1, || drop(olm_begin(&alice, &mut bob, one_time, text)));
        }
        took
    });
    compare("memory", name, ROUNDS, 30, vec![floor, ours, olm])
}

/// The last of a thousand comes first. The peers keep 40 and 100 keys for messages that are late, and so refuse most of these.
fn reversed(name: &str) -> Work {
    let padded = pad(b"late");
    let mut rng = randomness(8);
    let mut own = randomness(9);
    let floor = Contestant::new("floor", || floor::message(&padded, &mut rng));
    let ours = Contestant::timing("Windlass", move |count| {
        let (mut alice, mut bob) = pair(&mut own);
        let begin = processor();
        let sent: Vec<_> = (0..count).map(|_| alice.send(b"late", &mut own)).collect();
        for envelope in sent.iter().rev() {
            bob.receive(envelope);
        }
        processor() - begin
    });
    compare("memory", name, 15, 1_000, vec![floor, ours])
}

fn timed(count: u32, mut one: impl FnMut()) -> Duration {
    let begin = processor();
    for _ in 0..count {
        one();
    }
    processor() - begin
}

/// How often memory was asked for: in one message, and in a set-up with its answer.
pub fn allocations(counted: impl Fn(&mut dyn FnMut()) -> u64) -> Vec<(String, u64, u64)> {
    let text = [b'x'; 64];
    let mut rng = randomness(10);
    let (mut alice, mut bob) = pair(&mut rng);
    let message = counted(&mut || drop(bob.receive(&alice.send(&text, &mut rng))));
    let (one, other) = (Device::new(1, &mut rng), Device::new(2, &mut rng));
    let begun = counted(&mut || {
        let mut ours = one.begin(&other, &mut rng);
        let (mut theirs, _) = other.answer(&ours.send(&text, &mut rng));
        ours.receive(&theirs.send(&text, &mut rng));
    });
    let (mut from, mut to) = olm_pair();
    let olm_one = counted(&mut || olm_message(&mut from, &mut to, &text));
    let (account, mut peer) = (Account::new(), Account::new());
    let olm_begun = counted(&mut || drop(peers::olm_set_up(&account, &mut peer, &text)));
    vec![("Windlass".to_owned(), message, begun), ("vodozemac".to_owned(), olm_one, olm_begun)]
}
