//! What late messages cost: a thousand in reverse order against a thousand in order, in one run. `cargo xtask bench`

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

#[path = "../tests/support/sessions.rs"]
mod sessions;

use std::sync::Arc;
use std::time::{Duration, Instant};

use sessions::Device;
use windlass::crypto::{Secret, seeded};
use windlass::{Client, EncryptedStore, Event, StoreKey};

const MESSAGES: usize = 1_000;
const ROUNDS: usize = 7;

fn main() {
    println!("{MESSAGES} messages received, median of {ROUNDS} rounds");
    report("session, in memory", || [false, true].map(in_memory));
    report("client, over its store", || [false, true].map(over_a_store));
}

fn report(name: &str, mut round: impl FnMut() -> [Duration; 2]) {
    let rounds: Vec<_> = (0..ROUNDS).map(|_| round()).collect();
    let [in_order, reverse] = [0, 1].map(|which| {
        let mut times: Vec<_> = rounds.iter().map(|times| times[which]).collect();
        times.sort();
        times[ROUNDS / 2]
    });
    let ratio = reverse.as_secs_f64() / in_order.as_secs_f64();
    println!("{name}: in order {in_order:.1?}, in reverse {reverse:.1?}, {ratio:.2} times");
}

fn in_memory(reverse: bool) -> Duration {
    let mut rng = seeded(&Secret::new([1; 32]));
    let (alice, bob) = (
        Device::random(1, false, &mut rng),
        Device::random(2, false, &mut rng),
    );
    let mut alice_end = alice.initiate(&bob, &mut rng);
    let mut envelopes: Vec<_> = (0..MESSAGES)
        .map(|_| alice_end.send(b"late", &mut rng))
        .collect();
    let mut bob_end = bob.respond(&envelopes[0]).unwrap();
    if reverse {
        envelopes.reverse();
    }
    let begin = Instant::now();
    for envelope in &envelopes {
        bob_end.receive(envelope).unwrap();
    }
    begin.elapsed()
}

fn over_a_store(reverse: bool) -> Duration {
    let folder = tempfile::tempdir().unwrap();
    let client = |name: &str| -> Arc<Client> {
        let path = folder.path().join(name).to_str().unwrap().to_owned();
        let key = StoreKey::from_bytes(vec![1; 32].into()).unwrap();
        Client::create(EncryptedStore::create(path, &key).unwrap(), None).unwrap()
    };
    let (alice, bob) = (client("alice.wl"), client("bob.wl"));
    alice.add_contact(&bob.bundle().unwrap()).unwrap();
    // Of a stranger nothing would be taken in that is so late.
    bob.add_contact(&alice.bundle().unwrap()).unwrap();
    let mut envelopes: Vec<_> = (0..MESSAGES)
        .map(|_| {
            let mut sent = alice.send(bob.address(), "late".into()).unwrap();
            sent.envelopes.remove(0).bytes
        })
        .collect();
    if reverse {
        envelopes.reverse();
    }
    let begin = Instant::now();
    // In batches, as a bot catches up.
    let mut received = 0;
    while !envelopes.is_empty() {
        let rest = envelopes.split_off(envelopes.len().min(100));
        let answers = bob.receive_many(std::mem::replace(&mut envelopes, rest));
        let events = answers.unwrap().into_iter().flat_map(|came| came.events);
        received += events
            .filter(|event| matches!(event, Event::Message { .. }))
            .count();
    }
    assert_eq!(received, MESSAGES);
    begin.elapsed()
}
