//! The receive path with a live session: the input says which of twelve messages come in which order, and what is done to them.
#![no_main]

#[path = "../../tests/support/sessions.rs"]
mod sessions;

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use sessions::{Channel, Device};
use windlass::crypto::{Secret, seeded};

/// The receiver, as it was before the messages, and the messages in the order of sending.
struct World {
    bob: Device,
    bob_end: Channel,
    envelopes: Vec<Vec<u8>>,
}

static WORLD: LazyLock<World> = LazyLock::new(|| {
    let mut rng = seeded(&Secret::new([7; 32]));
    let alice = Device::random(1, false, &mut rng);
    let bob = Device::random(2, true, &mut rng);
    let mut alice_end = alice.initiate(&bob, &mut rng);
    let first = alice_end.send(b"first", &mut rng);
    let mut bob_end = bob.respond(&first).unwrap();
    bob_end.receive(&first).unwrap();
    let mut envelopes: Vec<_> = (0..6)
        .map(|_| alice_end.send(b"pending", &mut rng))
        .collect();
    let reply = bob_end.send(b"reply", &mut rng);
    alice_end.receive(&reply).unwrap();
    envelopes.extend((0..6).map(|_| alice_end.send(b"established", &mut rng)));
    World {
        bob,
        bob_end,
        envelopes,
    }
});

fuzz_target!(|input: &[u8]| {
    let world = &*WORLD;
    let mut end = world.bob_end.duplicate();
    let mut opened = Vec::new();
    for step in input.chunks(4).take(64) {
        let &[which, how, place, value] = step else {
            // What is left is taken as an envelope of its own.
            let _ = world.bob.respond(step);
            let _ = end.receive(step);
            return;
        };
        let which = usize::from(which) % world.envelopes.len();
        let mut envelope = world.envelopes[which].clone();
        let place = (usize::from(place) << 2 | usize::from(how >> 6)) % envelope.len();
        match how & 3 {
            0 => {}
            1 => envelope[place] = value,
            2 => envelope.truncate(place),
            _ => envelope.insert(place, value),
        }
        let before = end.session.to_row();
        match end.receive(&envelope) {
            Ok(payload) => {
                assert!(payload == b"pending" || payload == b"established");
                assert!(!opened.contains(&which), "a message opened twice");
                opened.push(which);
            }
            Err(_) => assert!(
                *before == *end.session.to_row(),
                "a refused message changed the session"
            ),
        }
    }
});
