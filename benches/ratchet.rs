//! What a message costs in a session, without the store: in one turn, and in turns; and how much of it is for the post-quantum half of the ratchet.
//! `cargo xtask bench`

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

#[path = "../tests/support/sessions.rs"]
mod sessions;

use std::hint::black_box;
use std::time::{Duration, Instant};

use sessions::{Channel, Device};
use windlass::crypto::{Secret, SeededRandom, seeded};
use windlass::ratchet::ChainKey;
use windlass::wire::{self, store::EpochsRow, store::SessionRow};

const MESSAGES: u32 = 20_000;
const TEXT: &[u8] = b"as long as most of what people write to each other, and no longer";

fn main() {
    let mut rng = seeded(&Secret::new([1; 32]));
    let alice = Device::random(1, false, &mut rng);
    let bob = Device::random(2, false, &mut rng);
    let mut alice = alice_and_bob(&alice, &bob, &mut rng);
    let turns = each(&mut alice, &mut rng, 1);
    let one_turn = each(&mut alice, &mut rng, 20);
    let step = post_quantum_step(&alice.0);
    println!("a message sent and received, each in a turn of its own: {turns:?}");
    println!("twenty in a turn: {one_turn:?}");
    let share = step.as_secs_f64() / one_turn.as_secs_f64();
    println!(
        "of it for post-quantum chains and their rows: {step:?}, {:.2} times a classical message",
        1.0 / (1.0 - share)
    );
}

/// Both ends, some turns after the first message.
fn alice_and_bob(alice: &Device, bob: &Device, rng: &mut SeededRandom) -> (Channel, Channel) {
    let mut begun = alice.initiate(bob, rng);
    let first = begun.send(TEXT, rng);
    let mut answering = bob.respond(&first).unwrap();
    answering.receive(&first).unwrap();
    let mut ends = (begun, answering);
    each(&mut ends, rng, 1);
    ends
}

/// The time of one message, keys and answers of the post-quantum ratchet included.
fn each(ends: &mut (Channel, Channel), rng: &mut SeededRandom, in_turn: u32) -> Duration {
    let begin = Instant::now();
    for _ in 0..MESSAGES / in_turn / 2 {
        for _ in 0..in_turn {
            let sent = ends.0.send(TEXT, rng);
            ends.1.receive(&sent).unwrap();
        }
        for _ in 0..in_turn {
            let sent = ends.1.send(TEXT, rng);
            ends.0.receive(&sent).unwrap();
        }
    }
    begin.elapsed() / MESSAGES
}

/// A step of the chain on both sides, and what it adds to a row that is read and written on each.
fn post_quantum_step(end: &Channel) -> Duration {
    let row: SessionRow = wire::decode("session row", &end.session.to_row()).unwrap();
    let epochs = row.ratchet.as_ref().unwrap().epochs.clone().unwrap();
    let mut chain = ChainKey::new(Secret::new([2; 32]));
    let begin = Instant::now();
    for _ in 0..MESSAGES {
        for _ in 0..2 {
            black_box(chain.step());
            let bytes = wire::encode_secret(&epochs);
            black_box(wire::decode::<EpochsRow>("epochs", &bytes).unwrap());
        }
    }
    begin.elapsed() / MESSAGES
}
