//! What an application does by author and id alone.

use std::sync::Arc;

use super::{Party, acquainted};
use crate::api::{Body, Conversation, Message, Result, WindlassError};

/// What waits at each goes to the other, until nothing waits.
pub(super) fn exchange(a: &Party, b: &Party) {
    for _ in 0..4 {
        for (from, to) in [(a, b), (b, a)] {
            for envelope in from.client.outbox(0).unwrap() {
                from.client.mark_sent(vec![envelope.id]).unwrap();
                if envelope.to == to.client.address() {
                    to.client.receive(envelope.bytes).unwrap();
                }
            }
        }
    }
}

pub(super) fn talk(of: &Party, with: &Party) -> Arc<Conversation> {
    let address = with.client.address();
    Arc::clone(&of.client).conversation(address).unwrap()
}

fn texts(page: Result<Vec<Message>>) -> Vec<String> {
    let texts = page.unwrap().into_iter().filter_map(|one| one.text);
    texts.collect()
}

#[test]
fn a_message_is_changed_by_author_and_id() {
    let (alice, bob) = acquainted();
    let (ours, theirs) = (talk(&alice, &bob), talk(&bob, &alice));
    let sent = ours.send("ahoy".into()).unwrap().message_id;
    exchange(&alice, &bob);
    let author = alice.client.address();
    theirs.react_to(&author, &sent, "👍").unwrap();
    theirs.react_to(&author, &sent, "⚓").unwrap();
    theirs.unreact_to(&author, &sent, "👍").unwrap();
    ours.edit_message(&sent, "ahoy!".into()).unwrap();
    exchange(&alice, &bob);
    let there = theirs.message(&author, &sent).unwrap().unwrap();
    assert_eq!(there.text.as_deref(), Some("ahoy!"));
    let emoji: Vec<_> = there.reactions.iter().map(|one| &one.emoji).collect();
    assert_eq!(emoji, ["⚓"]);
    ours.delete_message(&sent).unwrap();
    exchange(&alice, &bob);
    assert!(theirs.message(&author, &sent).unwrap().unwrap().deleted);
    let other = theirs.send("mine".into()).unwrap().message_id;
    exchange(&alice, &bob);
    let who = bob.client.address();
    ours.delete_message_for_me(&who, &other).unwrap();
    assert_eq!(ours.message(&who, &other).unwrap(), None);
    assert!(theirs.message(&who, &other).unwrap().is_some());
}

#[test]
fn a_name_of_nothing_is_an_unknown_message_for_every_call() {
    let (alice, bob) = acquainted();
    let (ours, theirs) = (talk(&alice, &bob), talk(&bob, &alice));
    let elsewhere = theirs.send("ahoy".into()).unwrap().message_id;
    let author = alice.client.address();
    for id in [elsewhere.as_str(), "", "no id", &"0".repeat(32)] {
        let refused = [
            ours.react_to(&author, id, "👍").map(|_| ()),
            ours.unreact_to(&author, id, "👍").map(|_| ()),
            ours.edit_message(id, "x".into()).map(|_| ()),
            ours.delete_message(id).map(|_| ()),
            ours.delete_message_for_me(&author, id),
            ours.answered(&author, id).map(|_| ()),
            ours.messages_before(&author, id, 5).map(|_| ()),
            ours.messages_after(&author, id, 5).map(|_| ()),
            ours.messages_around(&author, id, 5, 5).map(|_| ()),
            ours.mark_read_up_to(&author, id, true),
        ];
        for refused in refused {
            assert!(
                matches!(refused, Err(WindlassError::UnknownMessage)),
                "{id}"
            );
        }
    }
    let wrong = ours.react_to("nobody", &elsewhere, "👍");
    assert!(wrong.is_err());
}

#[test]
fn pages_begin_at_any_message_in_either_direction() {
    let (alice, bob) = acquainted();
    let (ours, theirs) = (talk(&alice, &bob), talk(&bob, &alice));
    let mut ids = Vec::new();
    for number in 0..9 {
        let sent = ours.send(number.to_string()).unwrap();
        exchange(&alice, &bob);
        // What is not shown by itself stands between them.
        theirs
            .react_to(&alice.client.address(), &sent.message_id, "👍")
            .unwrap();
        exchange(&alice, &bob);
        ids.push(sent.message_id);
    }
    let (author, middle) = (alice.client.address(), ids[4].as_str());
    assert_eq!(
        texts(theirs.messages_before(&author, middle, 2)),
        ["2", "3"]
    );
    assert_eq!(texts(theirs.messages_after(&author, middle, 2)), ["5", "6"]);
    assert_eq!(
        texts(theirs.messages_around(&author, middle, 1, 2)),
        ["3", "4", "5", "6"]
    );
    assert_eq!(texts(theirs.messages_around(&author, middle, 0, 0)), ["4"]);
    assert_eq!(texts(theirs.messages_before(&author, &ids[0], 5)), [""; 0]);
    assert_eq!(texts(theirs.messages_after(&author, &ids[8], 5)), [""; 0]);
    assert_eq!(
        texts(theirs.messages_after(&author, middle, u32::MAX)).len(),
        4
    );
    // Walking one at a time meets each once.
    let mut at = ids[0].clone();
    let mut met = vec!["0".to_owned()];
    while let Some(next) = theirs.messages_after(&author, &at, 1).unwrap().pop() {
        met.extend(next.text);
        at = next.id;
    }
    assert_eq!(met.len(), 9);
}

#[test]
fn an_answer_leads_to_what_it_answers() {
    let (alice, bob) = acquainted();
    let (ours, theirs) = (talk(&alice, &bob), talk(&bob, &alice));
    let question = ours.send("ready?".into()).unwrap().message_id;
    exchange(&alice, &bob);
    let body = Body::Text { text: "aye".into() };
    let answer = theirs
        .send_body(body, Some(question.clone()))
        .unwrap()
        .message_id;
    exchange(&alice, &bob);
    let (author, by) = (alice.client.address(), bob.client.address());
    for side in [&ours, &theirs] {
        let found = side.answered(&by, &answer).unwrap().unwrap();
        assert_eq!((&found.author, &found.id), (&author, &question));
        assert_eq!(side.answered(&author, &question).unwrap(), None);
    }
    ours.delete_message_for_me(&author, &question).unwrap();
    assert_eq!(ours.answered(&by, &answer).unwrap(), None);
}

#[test]
fn what_was_read_up_to_a_message_is_read_and_the_rest_is_not() {
    let (alice, bob) = acquainted();
    let (ours, theirs) = (talk(&alice, &bob), talk(&bob, &alice));
    let sent: Vec<_> = (0..4)
        .map(|n| ours.send(n.to_string()).unwrap().message_id)
        .collect();
    exchange(&alice, &bob);
    assert_eq!(theirs.unread().unwrap(), 4);
    let author = alice.client.address();
    theirs.mark_read_up_to(&author, &sent[1], true).unwrap();
    assert_eq!(
        (theirs.unread().unwrap(), bob.client.unread().unwrap()),
        (2, 2)
    );
    exchange(&alice, &bob);
    let read = |id: &str| {
        !ours
            .message(&author, id)
            .unwrap()
            .unwrap()
            .read_by
            .is_empty()
    };
    assert_eq!(
        sent.iter().map(|id| read(id)).collect::<Vec<_>>(),
        [true, true, false, false]
    );
    // An earlier one takes nothing back, and tells nobody anything.
    theirs.mark_read_up_to(&author, &sent[0], true).unwrap();
    assert!(bob.client.outbox(0).unwrap().is_empty());
    assert_eq!(theirs.unread().unwrap(), 2);
    // Without a receipt the other side hears nothing.
    theirs.mark_read_up_to(&author, &sent[2], false).unwrap();
    assert!(bob.client.outbox(0).unwrap().is_empty());
    theirs.mark_read(true).unwrap();
    exchange(&alice, &bob);
    assert!(read(&sent[3]));
}
