//! Messages at the top of their conversation (RFC windlass §9.5.6).

use super::annotated::{by, comes, content, id, two};
use super::*;
use crate::chat::Content;
use crate::engine::history::pinned;
use crate::engine::sync::outcome::RefusalReason as Refusal;
use crate::limits::MAX_PINNED;

fn pin(author: &Party, target: u32, removed: bool) -> Body {
    Body::Pin {
        author: author.device.public().to_bytes(),
        target: id(target),
        removed,
    }
}

/// What is at the top, by the numbers of the messages.
fn top(party: &Party, conversation: &ConversationId) -> Vec<MessageId> {
    let found = party.at(0, |step| pinned::of(step.rows, conversation, step.now));
    let found = found.unwrap().into_iter();
    found.map(|shown| shown.stored.content.id).collect()
}

fn told(outcomes: &[Outcome]) -> Option<bool> {
    outcomes.iter().find_map(|outcome| match outcome {
        Outcome::InConversation(_, ConversationNews::Pinned { removed, .. }) => Some(*removed),
        _ => None,
    })
}

fn refused(outcomes: &[Outcome]) -> Option<Refusal> {
    outcomes.iter().find_map(|outcome| match outcome {
        Outcome::InConversation(_, ConversationNews::Refused { reason, .. }) => Some(*reason),
        _ => None,
    })
}

/// Every order of so many.
fn orders(count: usize) -> Vec<Vec<usize>> {
    let Some(last) = count.checked_sub(1) else {
        return vec![Vec::new()];
    };
    let with = |order: Vec<usize>| {
        (0..count).map(move |at| {
            let mut order = order.clone();
            order.insert(at, last);
            order
        })
    };
    orders(last).into_iter().flat_map(with).collect()
}

#[test]
fn whoever_pins_last_decides_in_whichever_order_it_comes() {
    for order in orders(4) {
        let (alice, bob, conversation) = two();
        let second = content(&conversation, 2, id(2), text("second"));
        comes(&alice, 0, &alice, &conversation, second);
        let said: [(&Party, u64, u32, Body); 4] = [
            (&bob, 1, 1, text("first")),
            (&bob, 3, 3, pin(&bob, 1, false)),
            (&alice, 4, 4, pin(&bob, 1, true)),
            (&alice, 5, 5, pin(&alice, 2, false)),
        ];
        for at in &order {
            let (author, clock, number, body) = &said[*at];
            let said = content(&conversation, *clock, id(*number), body.clone());
            comes(&alice, 0, author, &conversation, said);
        }
        assert_eq!(top(&alice, &conversation), [id(2)], "{order:?}");
        // Nothing is kept of what counts no more.
        assert_eq!(alice.count(Table::Pins), 1);
        let again = content(&conversation, 9, id(9), pin(&bob, 1, false));
        let outcomes = comes(&alice, 0, &bob, &conversation, again);
        assert_eq!(told(&outcomes), Some(false));
        assert_eq!(top(&alice, &conversation), [id(1), id(2)]);
        let late = content(&conversation, 8, id(8), pin(&bob, 1, true));
        assert_eq!(told(&comes(&alice, 0, &alice, &conversation, late)), None);
        assert_eq!(top(&alice, &conversation), [id(1), id(2)]);
    }
}

#[test]
fn a_message_that_is_deleted_leaves_the_top_and_no_pin_brings_it_back() {
    let (alice, bob, conversation) = two();
    let come = |clock: u64, body| {
        let number = u32::try_from(clock).unwrap();
        let said: Content = content(&conversation, clock, id(number), body);
        comes(&alice, 0, &bob, &conversation, said)
    };
    for number in 1..=3 {
        come(number, text("ahoy"));
        come(
            10 + number,
            pin(&bob, u32::try_from(number).unwrap(), false),
        );
    }
    assert_eq!(top(&alice, &conversation), [id(3), id(2), id(1)]);
    come(20, Body::Deletion { target: id(3) });
    let deleted = alice.at(0, |step| {
        deletion::delete(step.rows, &by(&bob, &id(2)), message::TOMBSTONE, step.now)
    });
    assert!(deleted.unwrap());
    assert_eq!(told(&come(21, pin(&bob, 3, false))), None);
    assert_eq!(told(&come(22, pin(&bob, 2, false))), None);
    assert_eq!(top(&alice, &conversation), [id(1)]);
    assert_eq!(alice.count(Table::Pins), 1);
    let erased = alice.at(0, |step| {
        deletion::erase_conversation(step.rows, &conversation)
    });
    erased.unwrap();
    assert_eq!(alice.count(Table::Pins), 0);
}

#[test]
fn nobody_pins_across_conversations_nor_what_is_no_message() {
    let (alice, bob, conversation) = two();
    let carol = Party::new(3);
    introduce(&[&alice, &carol], 0);
    let elsewhere = ConversationId::Direct(carol.device.public());
    let come = |author: &Party, in_which: &ConversationId, clock: u64, body| {
        let number = u32::try_from(clock).unwrap();
        let said = content(in_which, clock, id(number), body);
        comes(&alice, 0, author, in_which, said)
    };
    // Before the message comes, and with a later clock than the one that counts.
    assert_eq!(
        refused(&come(&carol, &elsewhere, 9, pin(&bob, 1, true))),
        None
    );
    come(&bob, &conversation, 2, pin(&bob, 1, false));
    come(&carol, &elsewhere, 10, pin(&bob, 1, true));
    come(&bob, &conversation, 1, text("ahoy"));
    assert_eq!(top(&alice, &conversation), [id(1)]);
    assert!(top(&alice, &elsewhere).is_empty());
    let outcomes = come(&carol, &elsewhere, 11, pin(&bob, 1, true));
    assert_eq!(refused(&outcomes), Some(Refusal::InvalidTarget));
    let outcomes = come(&bob, &conversation, 12, pin(&bob, 2, false));
    assert_eq!(refused(&outcomes), Some(Refusal::InvalidTarget));
    assert_eq!(top(&alice, &conversation), [id(1)]);
}

#[test]
fn of_more_pins_than_a_conversation_shows_the_next_comes_back_when_one_goes() {
    let (alice, bob, conversation) = two();
    let come = |clock: u64, body| {
        let number = u32::try_from(clock).unwrap();
        let said = content(&conversation, clock, id(number), body);
        comes(&alice, 0, &bob, &conversation, said);
    };
    let most = u32::try_from(MAX_PINNED).unwrap();
    for number in 1..=most + 2 {
        come(number.into(), text("ahoy"));
        come(u64::from(number) + 1_000, pin(&bob, number, false));
    }
    let shown = |from: u32, to: u32| -> Vec<_> { (from..=to).rev().map(id).collect() };
    assert_eq!(top(&alice, &conversation), shown(3, most + 2));
    come(5_000, pin(&bob, most + 2, true));
    assert_eq!(top(&alice, &conversation), shown(2, most + 1));
}

#[test]
fn a_pin_is_seen_by_both_sides_and_by_the_users_other_devices() {
    let [first, second, friend] = super::unread::devices_and_friend();
    let all = [&first, &second, &friend];
    let (own, peer) = (first.device.public(), friend.device.public());
    let (to_peer, to_own) = (ConversationId::Direct(peer), ConversationId::Direct(own));
    let write = |party: &Party, to: &ConversationId, body: Body| {
        let written = party.at(1, |step| write::write(step, to, body.clone(), None));
        written.unwrap().0
    };
    let said = write(&friend, &to_own, text("ahoy"));
    deliver(&all, 1);
    let pin = |removed| Body::Pin {
        author: peer.to_bytes(),
        target: said,
        removed,
    };
    write(&first, &to_peer, pin(false));
    deliver(&all, 1);
    let tops = || {
        [
            top(&first, &to_peer),
            top(&second, &to_peer),
            top(&friend, &to_own),
        ]
    };
    assert_eq!(tops(), [[said], [said], [said]]);
    write(&friend, &to_own, pin(true));
    deliver(&all, 1);
    assert!(tops().into_iter().all(|top| top.is_empty()));
}
