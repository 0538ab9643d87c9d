//! What requests for healing cost: whoever asks, and whoever is asked.

use std::collections::BTreeSet;

use super::annotated::{content, id, two};
use super::bounded::{HOUR, round};
use super::counting::cost_of;
use super::*;
use crate::chat::ConversationState;
use crate::engine::base::clock::Clock;
use crate::engine::history::inventory::Comparison;
use crate::limits::{MAX_ASKED_AT_ONCE, MAX_COMPARED, MAX_HEALING_IDS};

#[test]
fn a_device_that_lacks_nothing_is_sent_nothing() {
    let (first, second) = super::linked::linked();
    let own = first.device.public();
    let mut rng = rng();
    let mut said = Vec::new();
    for number in 0..60 {
        let peer = IdentityKeyPair::generate(&mut rng).public();
        let conversation = ConversationId::Direct(peer);
        for lamport in 1..=40 {
            let id = id(number * 100 + lamport);
            let one = content(&conversation, lamport.into(), id, text("same"));
            said.push((peer, conversation, one));
        }
    }
    for device in [&first, &second] {
        let stored = device.at(1, |step| {
            for (author, conversation, content) in &said {
                let mut row = conversations::row(step.rows, conversation)?;
                row.lamport = content.lamport;
                conversations::save(step.rows, conversation, &row)?;
                let incoming = message::Incoming {
                    author: *author,
                    conversation: *conversation,
                    content: content.clone(),
                    encoded: &content.to_bytes(),
                    copied_from: None,
                };
                message::append(step.rows, &incoming, 0, step.now)?;
            }
            Ok(())
        });
        stored.unwrap();
    }
    second.at(1, |step| healing::ask(step, &own, None)).unwrap();
    let mut answered = Vec::new();
    for waiting in empty_outbox(&second) {
        for outcome in take(&first, 1, &waiting.envelope).unwrap() {
            if let Outcome::Peer(_, PeerNews::Resent { messages }) = outcome {
                answered.push(messages);
            }
        }
    }
    assert_eq!(answered, [0]);
}

#[test]
fn a_request_costs_no_more_the_longer_the_history_is() {
    let (alice, bob, conversation) = two();
    let author = bob.device.public();
    let stored = alice.at(0, |step| {
        for number in 0..12_000 {
            let said = content(&conversation, number, id(number as u32), text("long ago"));
            let incoming = message::Incoming {
                author,
                conversation,
                encoded: &said.to_bytes(),
                content: said,
                copied_from: None,
            };
            message::append(step.rows, &incoming, 0, step.now)?;
        }
        Ok(())
    });
    stored.unwrap();
    let (peer, is_group) = conversation.wire();
    let theirs = ConversationState {
        conversation: peer,
        group: is_group,
        from_lamport: 0,
        have: Vec::new(),
    };
    let cost = cost_of(&alice, 60, |step| {
        let comparison = Comparison {
            theirs: &theirs,
            salt: &[1; 16],
            known_since: 0,
            first_words: None,
            since: step.now - 14 * DAY,
            clock: &Clock::read(step.rows, step.now)?,
            limit: 100,
            asker: &alice.device.public(),
        };
        let (lacking, _) = inventory::compare(step.rows, &conversation, &comparison, |_| true)?;
        assert!(lacking.is_empty());
        // Of ours, the latest are named.
        inventory::state(step.rows, &conversation, &[1; 16], MAX_HEALING_IDS)?;
        Ok(())
    });
    let read = cost.rows_read();
    assert!(read < MAX_COMPARED + MAX_HEALING_IDS + 1_000, "{read}");
}

#[test]
fn not_everybody_is_asked_in_one_round_and_nobody_is_left_out() {
    let [alice, bob] = acquainted();
    empty_outbox(&alice);
    let known = alice.at(0, |step| contacts::find(step.rows, &bob.device.public()));
    let template = known.unwrap().unwrap().row;
    let mut rng = rng();
    let people: Vec<PublicIdentity> = (0..MAX_ASKED_AT_ONCE + 20)
        .map(|_| IdentityKeyPair::generate(&mut rng).public())
        .collect();
    let missing = alice.at(0, |step| {
        for (number, who) in people.iter().enumerate() {
            let mut row = template.clone();
            row.identity_key = who.to_bytes().to_vec();
            // Some whom nobody answers hold up nobody.
            row.blocked = number < 10;
            put_row(
                step.rows,
                Table::Contacts,
                Key::new(&row.identity_key),
                &row,
            )?;
            doubts::note_missing(step.rows, who, step.now)?;
        }
        Ok(())
    });
    missing.unwrap();
    let mut asked = BTreeSet::new();
    for hour in 2..4 {
        round(&alice, START + hour * HOUR);
        let sent = empty_outbox(&alice);
        assert_eq!(sent.len(), MAX_ASKED_AT_ONCE);
        asked.extend(sent.iter().map(|one| one.recipient.to_bytes()));
    }
    assert_eq!(asked.len(), people.len() - 10);
}

/// Two requests cross, and one of them is lost: what else comes in the session that was begun for the other is no answer.
#[test]
fn a_request_is_not_answered_by_a_session_that_was_begun_for_another() {
    let (alice, bob, conversation) = two();
    let asks = |from: &Party, to: &Party| {
        let whom = to.device.public();
        let asked = from.at(1, |step| healing::ask(step, &whom, None));
        assert!(asked.unwrap().is_some());
    };
    asks(&alice, &bob);
    assert!(!empty_outbox(&alice).is_empty(), "which is lost");
    asks(&bob, &alice);
    let to_alice = ConversationId::Direct(alice.device.public());
    write(&bob, 1, &to_alice, text("in the same session"));
    for waiting in empty_outbox(&bob) {
        take(&alice, 1, &waiting.envelope).unwrap();
    }
    assert_eq!(super::texts(&alice, 1, &conversation).unwrap().len(), 1);
    let row = || {
        let row = alice.at(1, |step| doubts::row(step.rows, &bob.device.public()));
        row.unwrap().unwrap()
    };
    assert!(!row().waiting, "they read each other again");
    assert!(row().unanswered);
    // So she asks again, and is answered.
    carry(&alice, &bob, 1);
    run_due(&alice, 2).unwrap();
    carry(&alice, &bob, 2);
    carry(&bob, &alice, 2);
    assert!(!row().waiting && !row().unanswered);
}

/// What was promised is asked for once more as long as it becomes less; answers to two requests that were both under way are one round.
#[test]
fn what_was_promised_is_asked_for_again_until_it_becomes_no_less() {
    let (alice, bob, _) = two();
    let bobs = bob.device.public();
    let asks = |now: u64| {
        let asked = alice.at_time(now, |step| healing::ask(step, &bobs, None));
        assert!(asked.unwrap().is_some());
        assert!(!empty_outbox(&alice).is_empty());
    };
    let answered = |now: u64, messages: u64| {
        let received = alice.at_time(now, |step| {
            doubts::answer_received(step.rows, &bobs, messages, now)
        });
        received.unwrap();
    };
    let (mut now, mut asked) = (START, Vec::new());
    asks(now);
    now += HOUR;
    asks(now);
    answered(now, 9);
    answered(now, 10);
    for promised in [18, 5, 5] {
        now += HOUR;
        round(&alice, now);
        asked.push(!empty_outbox(&alice).is_empty());
        answered(now, promised);
    }
    now += HOUR;
    round(&alice, now);
    assert_eq!(asked, [true; 3]);
    assert!(empty_outbox(&alice).is_empty(), "it became no less");
}
