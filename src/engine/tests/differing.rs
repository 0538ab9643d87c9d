//! Two devices of whom each has what the other lacks, and neither may be given it: they ask each other, and then it is enough.

use super::annotated::{content, id};
use super::group_views::{all, at_hour, pass};
use super::*;
use crate::engine::records::healing_root;

/// Puts a message into a conversation of two, as if it had been written long ago and had come to nobody else.
fn has(party: &Party, with: &Party, author: &Party, number: u32) {
    let conversation = ConversationId::Direct(with.device.public());
    let mut one = content(
        &conversation,
        u64::from(number),
        id(number),
        text("long ago"),
    );
    one.sent_at = START;
    let incoming = message::Incoming {
        author: author.device.public(),
        conversation,
        content: one.clone(),
        encoded: &one.to_bytes(),
        copied_from: None,
    };
    party
        .at(0, |step| message::append(step.rows, &incoming, 0, step.now))
        .unwrap();
}

/// How many requests are answered while nobody writes.
fn requests(parties: &[&Party], hours: core::ops::Range<u64>) -> usize {
    let mut answered = 0;
    for hour in hours {
        for party in parties {
            party
                .at_time(at_hour(hour), healing_root::keep_days)
                .unwrap();
            run_due_at(party, at_hour(hour)).unwrap();
        }
        let told = pass(parties, hour, all).into_iter();
        answered += told
            .filter(|(_, outcome)| matches!(outcome, Outcome::Peer(_, PeerNews::Resent { .. })))
            .count();
    }
    answered
}

#[test]
fn what_neither_may_give_the_other_is_not_asked_for_again_and_again() {
    let [alice, bob] = acquainted();
    has(&alice, &bob, &alice, 501);
    has(&bob, &alice, &bob, 502);
    // No state of that day is left that could prove it.
    for day in 1..5 {
        for party in [&alice, &bob] {
            party.at(day, healing_root::keep_days).unwrap();
        }
    }
    let asks = |party: &Party, whom: &Party, hour: u64| {
        let whom = whom.device.public();
        party
            .at_time(at_hour(hour), |step| {
                doubts::note_missing(step.rows, &whom, step.now)
            })
            .unwrap();
    };
    asks(&alice, &bob, 100);
    let first = requests(&[&alice, &bob], 100..200);
    assert!((1..=3).contains(&first), "{first}");
    // Whatever makes one of them ask again does not begin it anew.
    asks(&alice, &bob, 200);
    assert_eq!(requests(&[&alice, &bob], 200..300), 1);
    // What is missing since makes the other ask.
    has(&bob, &alice, &bob, 503);
    asks(&bob, &alice, 300);
    assert_eq!(requests(&[&alice, &bob], 300..400), 2);
}
