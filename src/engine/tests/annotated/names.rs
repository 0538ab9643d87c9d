//! An author chooses clock and id of a message: no other is hidden by them, and the store's file does not show whose it is.

use super::*;
use crate::engine::base::clock::Clock;
use crate::engine::history::inventory::Comparison;

#[test]
fn messages_of_one_clock_and_id_are_all_shown_and_in_one_order() {
    let ([alice, bob, carol], group) = three();
    let authors = [&alice, &bob, &carol];
    // Nobody has them in the order in which others have them.
    for (turn, reader) in authors.iter().enumerate() {
        for number in 0..8u32 {
            for place in 0..3 {
                let author = authors[(turn + place) % 3];
                let content = content(&group, 50, id(number), text(&number.to_string()));
                comes(reader, 0, author, &group, content);
            }
        }
    }
    let mut by_key: Vec<_> = authors.iter().map(|party| party.device.public()).collect();
    by_key.sort_by_key(PublicIdentity::to_bytes);
    let wanted: Vec<_> = (0..8u32)
        .flat_map(|number| {
            by_key
                .iter()
                .map(move |by| (*by, number.to_string(), false))
        })
        .collect();
    for reader in authors {
        assert_eq!(texts(reader, 0, &group).unwrap(), wanted);
        // And in pages that end anywhere.
        for limit in [1, 2, 5] {
            let (mut read, mut before) = (Vec::new(), None);
            loop {
                let page = reader.at(0, |step| {
                    view::page(step.rows, &group, limit, before.as_ref(), step.now)
                });
                let mut page = page.unwrap();
                if page.is_empty() {
                    break;
                }
                let texts = page.iter().rev().filter_map(|shown| {
                    let text = shown.words()?.to_owned();
                    Some((shown.stored.author, text, false))
                });
                read.extend(texts);
                before = Some(page.swap_remove(0).stored);
            }
            read.reverse();
            assert_eq!(read, wanted);
        }
    }
}

#[test]
fn nobody_hides_a_message_behind_its_clock_and_id() {
    let (alice, bob, conversation) = two();
    let said = write(&alice, 0, &conversation, text("alice was here"));
    let lamport = found(&alice, &alice, &said).unwrap().stored.content.lamport;
    let before = texts(&alice, 0, &conversation).unwrap();
    let forged = content(&conversation, lamport, said, reaction(&carol_key(), id(1)));
    comes(&alice, 0, &bob, &conversation, forged);
    assert_eq!(texts(&alice, 0, &conversation).unwrap(), before);
}

/// Of somebody who wrote nothing.
fn carol_key() -> PublicIdentity {
    IdentityKeyPair::from_seed(&Secret::new([9; 32])).public()
}

#[test]
fn messages_of_one_id_wait_for_a_device_each_by_itself() {
    let (alice, bob, _) = two();
    let to = bob.end();
    let messages = [&alice, &bob].map(|author| by(author, &id(1)));
    let waiting = |party: &Party| {
        let rows = party.at(0, |step| unacknowledged::of_device(step.rows, &to, 10));
        rows.unwrap()
    };
    alice
        .at(0, |step| {
            for message in &messages {
                unacknowledged::schedule_sent(step.rows, &to, message, 0, step.now)?;
            }
            // It does not say which of the two came.
            unacknowledged::acknowledge(step.rows, &to, &id(1), step.now).map(|_| ())
        })
        .unwrap();
    assert_eq!(waiting(&alice).len(), 2);
    let one = waiting(&alice).swap_remove(0);
    alice
        .at(0, |step| unacknowledged::give_up(step.rows, &one))
        .unwrap();
    assert_eq!(waiting(&alice).len(), 1);
    alice
        .at(0, |step| {
            unacknowledged::acknowledge(step.rows, &to, &id(1), step.now).map(|_| ())
        })
        .unwrap();
    assert!(waiting(&alice).is_empty());
}

#[test]
fn a_request_does_not_take_a_message_of_one_author_for_anothers() {
    let ([alice, bob, carol], group) = three();
    let said = |author: &Party, reader: &Party| {
        let content = content(&group, 50, id(1), text("ahoy"));
        comes(reader, 0, author, &group, content);
    };
    // Carol gave a message of hers the id of Alice's, and Alice's never reached Bob.
    said(&alice, &alice);
    said(&carol, &alice);
    said(&carol, &bob);
    let state = |salt| bob.at(0, |step| inventory::state(step.rows, &group, &salt, 2_048));
    let there = state([1; 16]).unwrap();
    let compared = alice.at(0, |step| {
        let written_here = |stored: &Stored| matches!(stored.content.body, Body::Text(_));
        let comparison = Comparison {
            theirs: &there,
            salt: &[1; 16],
            known_since: 0,
            first_words: None,
            since: 0,
            clock: &Clock::read(step.rows, step.now)?,
            limit: 10,
            asker: &bob.device.public(),
        };
        inventory::compare(step.rows, &group, &comparison, written_here)
    });
    let missing = vec![by(&alice, &id(1))];
    assert_eq!(compared.unwrap(), (missing, 0));
    // And no two requests name a message alike, so that nobody can look for an id beforehand.
    assert_ne!(there.have, state([2; 16]).unwrap().have);
}

#[test]
fn of_two_timers_of_one_clock_and_id_everybody_takes_the_same() {
    let timer_of = |first: usize| {
        let ([alice, bob, carol], group) = three();
        let authors = [&bob, &carol];
        for place in [first, 1 - first] {
            let body = Body::DisappearingTimer((place as u64 + 1) * DAY);
            comes(
                &alice,
                0,
                authors[place],
                &group,
                content(&group, 50, id(1), body),
            );
        }
        alice
            .at(0, |step| conversations::disappearing(step.rows, &group))
            .unwrap()
    };
    assert_eq!(timer_of(0), timer_of(1));
}

#[test]
fn the_file_shows_no_key_of_anybody() {
    let (alice, bob, conversation) = two();
    let said = write(&alice, 0, &conversation, text("kept"));
    let to_alice = ConversationId::Direct(alice.device.public());
    deliver(&[&alice, &bob], 0);
    write(&bob, 0, &to_alice, reaction(&alice.device.public(), said));
    write(&alice, 0, &conversation, Body::DisappearingTimer(DAY));
    deliver(&[&alice, &bob], 0);
    write(&bob, 0, &to_alice, text("gone tomorrow"));
    deliver(&[&alice, &bob], 0);
    for party in [&alice, &bob] {
        assert!(party.count(Table::Annotations) > 0 && party.count(Table::Expiries) > 0);
        let file = std::fs::read(party.path()).unwrap();
        for key in [&alice, &bob].map(|party| party.device.public().to_bytes()) {
            assert!(!file.windows(key.len()).any(|window| *window == key));
        }
    }
}
