//! What the ratchet has to say, in front of the payload.

use super::*;
use crate::crypto::pad;

/// Two sides in the middle of a conversation, each after a message of the other, that begins with nothing that withstands a quantum computer.
fn talking(pair: &mut Pair) -> (Session, Session) {
    pair.shows_kem_key = false;
    let none = MemorySkippedKeys::default();
    let (alice, first) = pair
        .initiate()
        .send(&pair.alice.public(), b"1", 0, &mut pair.rng)
        .unwrap();
    let bob = pair.respond(&first).receive(&first, &none).unwrap().session;
    assert_eq!((alice.sending_epoch(), bob.sending_epoch()), (0, 0));
    let (bob, reply) = bob
        .send(&pair.bob.public(), b"2", 0, &mut pair.rng)
        .unwrap();
    let alice = alice.receive(&reply, &none).unwrap().session;
    (alice, bob)
}

#[test]
fn the_second_turn_has_a_post_quantum_epoch_and_then_little_is_sent_for_it() {
    let mut pair = Pair::new(47);
    let none = MemorySkippedKeys::default();
    let (mut alice, mut bob) = talking(&mut pair);
    // Alice has agreed on it, and Bob does not know yet that she has.
    assert_eq!((alice.sending_epoch(), bob.sending_epoch()), (1, 0));
    let mut lengths = Vec::new();
    for turn in 0..60 {
        let (from, to, us) = if turn % 2 == 0 {
            (alice, bob, pair.alice.public())
        } else {
            (bob, alice, pair.bob.public())
        };
        let (from, part) = from.send(&us, b"ahoy", 0, &mut pair.rng).unwrap();
        lengths.push(part.ciphertext.len());
        let received = to.receive(&travel(part), &none).unwrap();
        assert_eq!(received.payload.unwrap().as_slice(), b"ahoy");
        (alice, bob) = if turn % 2 == 0 {
            (from, received.session)
        } else {
            (received.session, from)
        };
    }
    assert_eq!((alice.sending_epoch(), bob.sending_epoch()), (2, 2));
    // A key and an answer, padded; the rest is as long as without them.
    let mut large: Vec<_> = lengths.into_iter().filter(|len| *len != 64 + 28).collect();
    large.sort_unstable();
    assert_eq!(large, [1_152 + 28, 1_216 + 28]);
}

/// RFC windlass §7.5: what stands in front of a payload and is wrong is a fault of its sender's; the message's key is used.
#[test]
fn what_goes_wrong_in_front_of_a_payload_costs_its_message_at_most() {
    let mut pair = Pair::new(48);
    let none = MemorySkippedKeys::default();
    let (alice, mut bob) = talking(&mut pair);
    let (us, mut alice) = (pair.alice.public(), alice);
    for (front, opens) in [
        (vec![3], false),
        (vec![1, 0, 0, 0, 2], false),
        (Vec::new(), false),
        // No key at all, of an epoch that cannot be, and an answer to nothing: passed over.
        ([vec![1, 0, 0, 0, 2], vec![0xff; 1_184]].concat(), true),
        ([vec![1, 0, 0, 0, 9], vec![0; 1_184]].concat(), true),
        ([vec![2, 0, 0, 0, 2], vec![0; 1_088]].concat(), true),
    ] {
        let (next, part) = alice
            .send_padded(&us, &pad(&front), 0, &mut pair.rng)
            .unwrap();
        let received = bob.receive(&part, &none).unwrap();
        assert_eq!(received.payload.is_some(), opens, "{front:?}");
        bob = Session::from_row(&received.session.to_row()).unwrap();
        assert!(matches!(
            Session::from_row(&bob.to_row())
                .unwrap()
                .receive(&part, &none),
            Err(SessionError::Ratchet(RatchetError::KeyGone(_)))
        ));
        alice = next;
    }
    let (_, part) = alice.send(&us, b"on", 0, &mut pair.rng).unwrap();
    let received = bob.receive(&part, &none).unwrap();
    assert_eq!(received.payload.unwrap().as_slice(), b"on");
}

#[test]
fn a_session_that_is_put_back_by_its_row_goes_on_in_each_phase() {
    let mut pair = Pair::new(49);
    let none = MemorySkippedKeys::default();
    let (mut alice, mut bob) = talking(&mut pair);
    for turn in 0..12 {
        let now = turn * 90_000_000;
        let (us, them) = (pair.alice.public(), pair.bob.public());
        let (next, part) = alice.send(&us, b"to", now, &mut pair.rng).unwrap();
        alice = Session::from_row(&next.to_row()).unwrap();
        let received = bob.receive(&part, &none).unwrap();
        bob = Session::from_row(&received.session.to_row()).unwrap();
        let (next, part) = bob.send(&them, b"fro", now, &mut pair.rng).unwrap();
        bob = Session::from_row(&next.to_row()).unwrap();
        let received = alice.receive(&part, &none).unwrap();
        alice = Session::from_row(&received.session.to_row()).unwrap();
    }
    // A message a day each: the slowest conversation has a new epoch every other day.
    assert!(alice.sending_epoch() >= 5, "{}", alice.sending_epoch());
}

/// What protects the next message, from the handshake to the ratchet.
#[test]
fn a_session_says_what_withstands_a_quantum_computer() {
    let none = MemorySkippedKeys::default();
    for kem in [false, true] {
        let mut pair = Pair::new(50);
        pair.shows_kem_key = kem;
        let first = match kem {
            true => PostQuantum::Kem,
            false => PostQuantum::None,
        };
        let alice = pair.initiate();
        assert_eq!(alice.post_quantum(), first);
        let row = Session::from_row(&alice.to_row()).unwrap();
        assert_eq!(row.post_quantum(), first);
        let (alice, part) = alice
            .send(&pair.alice.public(), b"1", 0, &mut pair.rng)
            .unwrap();
        // A key of 1,184 bytes goes with the first message where the handshake brought none.
        assert_eq!(part.ciphertext.len() > 1_184, !kem);
        let bob = pair.respond(&part).receive(&part, &none).unwrap().session;
        assert_eq!(bob.post_quantum(), first);
        let (_, reply) = bob
            .send(&pair.bob.public(), b"2", 0, &mut pair.rng)
            .unwrap();
        let alice = alice.receive(&reply, &none).unwrap().session;
        let then = match kem {
            true => PostQuantum::Kem,
            false => PostQuantum::Ratchet,
        };
        assert_eq!(alice.post_quantum(), then);
    }
}

#[test]
fn a_chain_that_came_whole_is_settled_once_the_next_has_begun() {
    let mut pair = Pair::new(53);
    let none = MemorySkippedKeys::default();
    let (alice, bob) = talking(&mut pair);
    let (us, them) = (pair.alice.public(), pair.bob.public());
    let (alice, first) = alice.send(&us, b"3", 0, &mut pair.rng).unwrap();
    let bob = bob.receive(&first, &none).unwrap().session;
    let (bob, reply) = bob.send(&them, b"4", 0, &mut pair.rng).unwrap();
    assert!(!bob.settled_tags().contains(&first.chain_tag));
    let alice = alice.receive(&reply, &none).unwrap().session;
    let (_, second) = alice.send(&us, b"5", 0, &mut pair.rng).unwrap();
    let bob = bob.receive(&second, &none).unwrap().session;
    assert_eq!(bob.settled_tags().first(), Some(&first.chain_tag));
}
