//! What a device asked for goes on as it acknowledges what came: the time that it takes is the network's, and not the clock's.

use super::hostile::content;
use super::linked::linked_on;
use super::*;
use crate::engine::history::message::Incoming;
use crate::engine::history::record;
use crate::limits::{HEALING_BACK_OFF_SECONDS, MAX_RESENT_AT_ONCE, MAX_RESENT_BYTES_TO_ONE};

/// A device with so many messages of a friend, each of so many bytes.
fn with_history(count: usize, len: usize) -> (Party, ConversationId) {
    let [first, friend] = acquainted();
    let conversation = ConversationId::Direct(friend.device.public());
    let body = || Body::Text("a".repeat(len).into());
    let contents: Vec<_> = (0..count)
        .map(|number| content(10 + u64::try_from(number).unwrap(), None, body()))
        .collect();
    let had = first.at(0, |step| {
        for content in contents.clone() {
            let encoded = content.to_bytes();
            let incoming = Incoming {
                author: friend.device.public(),
                conversation,
                content,
                encoded: &encoded,
                copied_from: None,
            };
            let row = conversations::row(step.rows, &conversation)?;
            record::record(step, &incoming, row)?;
        }
        Ok(())
    });
    had.unwrap();
    (first, conversation)
}

/// Links another device to one; it asks for the history.
pub(super) fn link(first: Party) -> (Party, Party) {
    let (first, new) = linked_on(0, first);
    run_due_at(&new, START + HEALING_BACK_OFF_SECONDS * 1000).unwrap();
    (first, new)
}

/// Carries what waits from one to the other, in one batch with one receipt; how many envelopes, and of how many bytes.
pub(super) fn carry_batch(from: &Party, to: &Party) -> (usize, usize) {
    let waiting = empty_outbox(from);
    let waiting: Vec<_> = (waiting.iter())
        .filter(|one| one.recipient == to.device.public())
        .collect();
    let envelopes = waiting.iter().map(|one| Envelope::decode(&one.envelope));
    let envelopes: Vec<_> = envelopes.map(Result::unwrap).collect();
    let taken = to.at(0, |step| {
        let mut came = Vec::new();
        for envelope in &envelopes {
            came.extend(receive::receive(step, envelope)?.acknowledge);
        }
        receipts::acknowledge(step, &came)
    });
    taken.unwrap();
    let bytes = waiting.iter().map(|one| one.envelope.len()).sum();
    (waiting.len(), bytes)
}

pub(super) fn messages_of(party: &Party, conversation: &ConversationId) -> usize {
    let page = party.at(0, |step| {
        view::page(step.rows, conversation, 10_000, None, step.now)
    });
    page.unwrap().len()
}

/// Carries between two until neither has anything to say: how often, and what the first one's largest batch was.
fn exchange(first: &Party, new: &Party) -> (usize, usize, usize) {
    let (mut times, mut most, mut bytes) = (0, 0, 0);
    loop {
        let back = carry_batch(new, first);
        let there = carry_batch(first, new);
        if back.0 + there.0 == 0 {
            return (times, most, bytes);
        }
        times += 1;
        most = most.max(there.0);
        bytes = bytes.max(there.1);
    }
}

/// Receipts that come fill the place of what they acknowledge, and no round of what is due is needed.
#[test]
fn a_history_is_linked_as_receipts_come_and_not_as_time_passes() {
    let count = MAX_RESENT_AT_ONCE + 100;
    let (first, conversation) = with_history(count, 10);
    let had = messages_of(&first, &conversation);
    assert!(had >= count);
    let (first, new) = link(first);
    let (times, most, _) = exchange(&first, &new);
    assert_eq!(messages_of(&new, &conversation), had);
    // The request, its answer and two batches.
    assert!(times <= 5, "{times}");
    // With the answer and what else is told of.
    assert!(most <= MAX_RESENT_AT_ONCE + 10, "{most}");
    assert_eq!(
        (
            first.count(Table::Asked),
            first.count(Table::Unacknowledged)
        ),
        (1, 0)
    );
}

#[test]
fn of_long_messages_no_more_is_under_way_than_may_be() {
    let (first, conversation) = with_history(12, 250_000);
    let had = messages_of(&first, &conversation);
    let (first, new) = link(first);
    let (_, _, bytes) = exchange(&first, &new);
    assert_eq!(messages_of(&new, &conversation), had);
    assert!(bytes < MAX_RESENT_BYTES_TO_ONE + 300_000, "{bytes}");
}

/// What was lost takes no room for ever: whoever asks again is answered.
#[test]
fn a_batch_that_was_lost_does_not_end_it() {
    let (first, conversation) = with_history(12, 250_000);
    let had = messages_of(&first, &conversation);
    let (first, new) = link(first);
    carry_batch(&new, &first);
    let lost = empty_outbox(&first);
    let bytes: usize = lost.iter().map(|one| one.envelope.len()).sum();
    assert!(bytes >= MAX_RESENT_BYTES_TO_ONE);
    // The new one asks again, for nobody answered.
    let later = START + 4 * HEALING_BACK_OFF_SECONDS * 1000;
    run_due_at(&new, later).unwrap();
    let asked = empty_outbox(&new);
    assert!(!asked.is_empty());
    for waiting in asked {
        let envelope = Envelope::decode(&waiting.envelope).unwrap();
        let took = first.at_time(later, |step| receive::receive(step, &envelope).map(|_| ()));
        took.unwrap();
    }
    exchange(&first, &new);
    assert_eq!(messages_of(&new, &conversation), had);
}
