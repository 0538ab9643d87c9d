//! What somebody sees who records every envelope: what can be linked is what RFC windlass §12.1 and §12.2 admit, and nothing else.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

mod support;

use std::collections::{BTreeMap, BTreeSet};

use support::clients::{acquaint, take_outbox};
use support::party::Party;
use support::seeds::{Below, rng};
use windlass::session::{Envelope, Part};

const PEOPLE: usize = 3;
const MESSAGES: u32 = 120;

/// Bytes that two parts have in common by chance once in 2^64 pairs of places.
const WINDOW: usize = 8;

/// A turn of one person towards another: the observer does not know it.
type Turn = (usize, usize, u32);

/// One direction between two people, as the ratchet has it.
#[derive(Default, Clone)]
struct Direction {
    turn: u32,
    /// A turn of the other side came since.
    answered: bool,
    /// Turns of it that came.
    came: BTreeSet<u32>,
}

/// Everything that went over the wire, with whose turn it was.
struct Recording {
    people: Vec<Party>,
    directions: BTreeMap<(usize, usize), Direction>,
    seen: Vec<(Turn, Part)>,
}

impl Recording {
    fn new() -> Self {
        let people: Vec<_> = (0..PEOPLE).map(|_| Party::new()).collect();
        for (at, one) in people.iter().enumerate() {
            people[..at].iter().for_each(|other| acquaint(one, other));
        }
        Self {
            people,
            directions: BTreeMap::new(),
            seen: Vec::new(),
        }
    }

    /// Carries what somebody has to send, of which all was sealed since everything else came; whether there was anything.
    fn carry(&mut self, from: usize) -> bool {
        let waiting = take_outbox(&self.people[from]);
        let any = !waiting.is_empty();
        for envelope in waiting {
            let mut people = self.people.iter();
            let to = people.position(|other| other.address() == envelope.to);
            let to = to.unwrap();
            let direction = self.directions.entry((from, to)).or_default();
            if std::mem::take(&mut direction.answered) {
                direction.turn += 1;
            }
            let turn = direction.turn;
            let new = direction.came.insert(turn);
            if new {
                self.directions.entry((to, from)).or_default().answered = true;
            }
            let bytes = envelope.bytes.to_vec();
            let mut parts = Envelope::decode(&bytes).unwrap().parts;
            assert_eq!(parts.len(), 1);
            self.seen.push(((from, to, turn), parts.remove(0)));
            self.people[to].receive(envelope.bytes).unwrap();
        }
        any
    }

    fn talk(&mut self) {
        let mut rng = rng(5);
        for number in 0..MESSAGES {
            let from = rng.below(PEOPLE as u32) as usize;
            let to = (from + 1 + rng.below(PEOPLE as u32 - 1) as usize) % PEOPLE;
            let address = self.people[to].address();
            for _ in 0..=rng.below(3) {
                let text = format!("the same words {}", number % 2);
                self.people[from].send(address.clone(), text).unwrap();
            }
            // Receipts come before anybody speaks again.
            while (0..PEOPLE).any(|person| self.carry(person)) {}
        }
    }
}

/// What a part shows beside the device that it is for, by field.
fn fields(part: &Part) -> Vec<(&'static str, Vec<u8>)> {
    let mut fields = vec![
        ("chain tag", part.chain_tag.to_vec()),
        ("sender hint", part.sender_hint.to_vec()),
        ("sealed header", part.sealed_header.to_vec()),
        ("ciphertext", part.ciphertext.clone()),
    ];
    if let Some(handshake) = &part.handshake {
        fields.push(("ephemeral key", handshake.ephemeral_key.as_bytes().to_vec()));
        fields.push(("sealed initiator", handshake.sealed_initiator.to_vec()));
        let ciphertext = handshake.kem_ciphertext.iter();
        fields.extend(ciphertext.map(|bytes| ("ML-KEM ciphertext", bytes.to_vec())));
    }
    fields
}

#[test]
fn an_observer_links_the_messages_of_a_turn_and_no_two_turns() {
    let mut recording = Recording::new();
    recording.talk();
    let mut turns: BTreeMap<(&str, Vec<u8>), BTreeSet<Turn>> = BTreeMap::new();
    let mut repeated: BTreeMap<&str, usize> = BTreeMap::new();
    for (turn, part) in &recording.seen {
        for (name, field) in fields(part) {
            for bytes in field.windows(WINDOW) {
                turns.entry(("", bytes.to_vec())).or_default().insert(*turn);
            }
            let of = turns.entry((name, field)).or_default();
            if !of.insert(*turn) {
                *repeated.entry(name).or_default() += 1;
            }
        }
    }
    for ((name, bytes), of) in &turns {
        assert!(of.len() == 1, "{name} {bytes:02x?} links {of:?}");
    }
    // Each turn shows one tag and one hint, so what the text admits is really there to be seen.
    let all: BTreeSet<Turn> = recording.seen.iter().map(|(turn, _)| *turn).collect();
    let tags = turns
        .keys()
        .filter(|(name, _)| *name == "chain tag")
        .count();
    println!(
        "{} parts, {} turns, {tags} tags; seen again in the same turn: {repeated:?}",
        recording.seen.len(),
        all.len()
    );
    assert_eq!(tags, all.len());
    assert!(all.len() > 40 && recording.seen.len() > 2 * all.len());
    let admitted = [
        "chain tag",
        "ML-KEM ciphertext",
        "ephemeral key",
        "sealed initiator",
        "sender hint",
    ];
    assert!(
        repeated.keys().all(|name| admitted.contains(name)),
        "{repeated:?}"
    );
}

/// Nor do the first messages show who they are from, to anybody but the device that they are for.
#[test]
fn no_public_key_or_address_of_anybody_is_in_an_envelope() {
    let mut recording = Recording::new();
    recording.talk();
    for (_, part) in &recording.seen {
        let part = Envelope {
            parts: vec![part.clone()],
        };
        let bytes = part.encode();
        for person in &recording.people {
            let key = person.identity().public_key().to_vec();
            assert!(!bytes.windows(32).any(|window| window == key));
            assert!(!bytes.windows(8).any(|window| window == &key[..8]));
        }
    }
}
