//! How an envelope finds its session, and what an outsider makes of one.

use super::*;
use crate::engine::sync::outcome::UndecryptableCause as Cause;
use crate::limits::MAX_HEALING_PER_DAY;
use crate::ratchet::ChainTag;
use crate::session::HintKey;

/// The tags by which a party's only session is found.
fn tags(of: &Party, with: &Party) -> Vec<ChainTag> {
    let party = with.end();
    let session = of.at(0, |step| sessions::active(step.rows, &party));
    session.unwrap().unwrap().expected_tags()
}

#[test]
fn a_session_is_found_by_two_look_ups_and_its_rows_change_with_a_turn() {
    let [alice, bob] = [1, 2].map(Party::new);
    alice.add(0, &bob.bundle(0, false));
    let first = alice.send(0, &bob).unwrap();
    // The answer can come, and nothing else.
    assert_eq!(
        (tags(&alice, &bob).len(), alice.count(Table::ChainTags)),
        (1, 1)
    );
    assert!(opens(&bob.receive(0, &first)));
    let known = tags(&bob, &alice);
    assert_eq!((known.len(), bob.count(Table::ChainTags)), (2, 2));
    for _ in 0..3 {
        assert!(opens(&bob.receive(0, &alice.send(0, &bob).unwrap())));
        assert_eq!(tags(&bob, &alice), known);
    }
    // Each turn brings one, and of the sixth-last chain nothing is left.
    let mut turns = vec![known];
    for turn in 0..8 {
        assert!(opens(&alice.receive(0, &bob.send(0, &alice).unwrap())));
        assert!(opens(&bob.receive(0, &alice.send(0, &bob).unwrap())));
        let now = tags(&bob, &alice);
        let before = turns.last().unwrap();
        let new = now.iter().filter(|tag| !before.contains(tag)).count();
        assert_eq!((new, now.len()), (1, (3 + turn).min(6)));
        assert_eq!(bob.count(Table::ChainTags), now.len());
        for tag in &now {
            let found = bob.at(0, |step| sessions::by_tag(step.rows, tag));
            assert_eq!(found.unwrap().unwrap().expected_tags(), now);
        }
        turns.push(now);
    }
    let gone = bob.at(0, |step| sessions::by_tag(step.rows, &turns[0][0]));
    assert!(gone.unwrap().is_none());
}

#[test]
fn who_began_a_session_can_be_read_by_the_device_alone_that_it_was_begun_with() {
    let [alice, bob, eve] = [1, 2, 3].map(Party::new);
    alice.add(0, &bob.bundle(0, true));
    let first = alice.send(0, &bob).unwrap();
    let key = alice.device.public().to_bytes();
    assert!(!first.windows(32).any(|bytes| bytes == key));
    assert!(!first.windows(4).any(|bytes| {
        [u32::to_le_bytes, u32::to_be_bytes]
            .iter()
            .any(|order| bytes == order(alice.device.device_id))
    }));
    assert_eq!(
        bob.handshake(&first).initiator.identity,
        alice.device.public()
    );
    // Nobody else's prekey opens it, whatever device they say they are.
    let part = Envelope::decode(&first).unwrap().parts.remove(0);
    let other = eve.at(0, |step| prekeys::signed_prekey(step.rows, 1));
    let us = bob.end();
    assert!(
        part.handshake
            .unwrap()
            .open(&us, &other.unwrap().unwrap())
            .is_err()
    );
    assert!(opens(&bob.receive(0, &first)));
}

/// What an outsider makes of an envelope that went by: each byte of it in a chain that is known is no alarm, asks nobody and writes nothing.
#[test]
fn what_was_forged_or_spoilt_by_who_has_no_key_changes_and_asks_nothing() {
    let [alice, bob] = acquainted();
    alice.receive(0, &bob.send(0, &alice).unwrap());
    deliver(&[&alice, &bob], 0);
    let used = bob.send(0, &alice).unwrap();
    assert!(opens(&alice.receive(0, &used)));
    let next: Vec<u8> = bob.send(0, &alice).unwrap();
    for good in [&used, &next] {
        let good = Envelope::decode(good).unwrap();
        let (header, body) = (
            good.parts[0].sealed_header.len(),
            good.parts[0].ciphertext.len(),
        );
        for at in 0..header + body + 8 {
            let mut spoilt = good.clone();
            let part = &mut spoilt.parts[0];
            match at.checked_sub(header) {
                None => part.sealed_header[at] ^= 1,
                Some(at) if at < body => part.ciphertext[at] ^= 1,
                Some(at) => part.sender_hint[at - body] ^= 1,
            }
            let taken = alice.at(0, |step| receive::receive(step, &spoilt)).unwrap();
            let [Outcome::Undecryptable { cause, from }] = taken.outcomes.as_slice() else {
                panic!("byte {at}");
            };
            assert!(matches!(cause, Cause::Authentication) && from.is_none());
            assert!(!taken.changed);
        }
    }
    assert!(opens(&alice.receive(0, &next)));
}

#[test]
fn whoever_lost_a_session_asks_within_bounds_and_keeps_the_one_in_use() {
    let [alice, bob] = acquainted();
    let first = bob.send(0, &alice).unwrap();
    alice.receive(0, &first);
    let session = alice.session_of(&first);
    let mut lost = Envelope::decode(&bob.send(0, &alice).unwrap()).unwrap();
    empty_outbox(&bob);
    // Of a chain that an older copy had not heard of.
    let part = &mut lost.parts[0];
    part.chain_tag[0] ^= 1;
    part.handshake = None;
    let key = HintKey::between(&bob.device.identity, &alice.device.public()).unwrap();
    part.sender_hint = key.hint(&bob.device.public(), &part.chain_tag);
    let mut asked = 0;
    for minute in 0..23 * 60 {
        let received = alice.at_time(START + minute * 60_000, |step| {
            receive::receive(step, &lost)
        });
        let outcomes = received.unwrap().outcomes;
        asked += outcomes
            .iter()
            .filter(|outcome| matches!(outcome, Outcome::Peer(_, PeerNews::Healing { .. })))
            .count();
    }
    assert!(asked > 1 && asked < MAX_HEALING_PER_DAY as usize, "{asked}");
    let there = alice.at(0, |step| Ok(sessions::load(step.rows, &session)?.is_some()));
    assert!(there.unwrap());
}
