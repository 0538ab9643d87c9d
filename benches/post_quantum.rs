//! What it costs to withstand a quantum computer: a session with ML-KEM in its handshake against one without, in one run; and the bytes.
//! `cargo xtask bench`

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

#[path = "../tests/support/sessions.rs"]
mod sessions;

use std::time::{Duration, Instant};

use sessions::{Channel, Device};
use windlass::crypto::{Secret, SeededRandom, seeded};
use windlass::session::{HintKey, Session};

const SESSIONS: usize = 300;
const ROUNDS: usize = 7;
const TEXT: &[u8] = b"a short text";

fn main() {
    let mut rng = seeded(&Secret::new([1; 32]));
    println!("{SESSIONS} sessions begun and answered, in memory, median of {ROUNDS} rounds");
    let rounds: Vec<_> = (0..ROUNDS)
        .map(|_| [false, true].map(|kem| set_up(kem, &mut rng)))
        .collect();
    let [classical, hybrid] = [0, 1].map(|which| {
        let mut times: Vec<_> = rounds.iter().map(|times| times[which]).collect();
        times.sort();
        times[ROUNDS / 2] / SESSIONS as u32
    });
    let ratio = hybrid.as_secs_f64() / classical.as_secs_f64();
    println!("a set-up: X3DH {classical:.1?}, PQXDH {hybrid:.1?}, {ratio:.2} times");
    bytes(&mut rng);
}

/// A handshake, the first message, and what the other side does to open it. The ratchet brings its first key where the handshake has none, which is of
/// the next turns and not of the set-up: both begin with a handshake alone.
fn set_up(kem: bool, rng: &mut SeededRandom) -> Duration {
    let alice = Device::random(1, false, rng);
    let mut bob = Device::random(2, true, rng);
    bob.shows_kem_key = kem;
    // With a secret the ratchet rests in both cases.
    bob.code_secret = Some(Secret::random(rng));
    let (remote, to) = (bob.bundle(), bob.public());
    let begin = Instant::now();
    for _ in 0..SESSIONS {
        let hint = HintKey::between(&alice.identity, &to).unwrap();
        let secret = bob.code_secret.as_ref();
        let begun = Session::initiate(&alice.identity, 1, &to, &remote, secret, hint, 0, rng);
        let first = Channel::new(alice.public(), begun.unwrap()).send(TEXT, rng);
        let mut end = bob.respond(&first).unwrap();
        end.receive(&first).unwrap();
    }
    begin.elapsed()
}

/// The envelopes of two who answer each other, from the first on.
fn bytes(rng: &mut SeededRandom) {
    for kem in [false, true] {
        let alice = Device::random(1, false, rng);
        let mut bob = Device::random(2, false, rng);
        bob.shows_kem_key = kem;
        let mut ours = alice.initiate(&bob, rng);
        let first = ours.send(TEXT, rng);
        let mut theirs = bob.respond(&first).unwrap();
        theirs.receive(&first).unwrap();
        let mut lengths = vec![first.len()];
        let begin = Instant::now();
        for turn in 0..999 {
            let (from, to) = match turn % 2 {
                0 => (&mut theirs, &mut ours),
                _ => (&mut ours, &mut theirs),
            };
            let envelope = from.send(TEXT, rng);
            to.receive(&envelope).unwrap();
            lengths.push(envelope.len());
        }
        let each = begin.elapsed() / 999;
        let least = lengths.iter().min().unwrap();
        let more: usize = lengths[1..].iter().map(|len| len - least).sum();
        println!(
            "handshake {}: first envelope {first} bytes, most later ones {least}, {more:.1} more on average for keys and answers; {each:.1?} a message and turn",
            if kem { "with ML-KEM" } else { "without" },
            first = first.len(),
            more = more as f64 / 999.0,
        );
    }
}
