//! What an application does by author and id alone.

use std::sync::Arc;

use super::{Party, acquainted};
use crate::api::{Body, Conversation, Message, MessageReceipts, Result, WindlassError};

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

#[test]
fn what_became_of_a_message_is_told_member_by_member() {
    let (alice, bob) = acquainted();
    let (ours, theirs) = (talk(&alice, &bob), talk(&bob, &alice));
    let sent = ours.send("ahoy".into()).unwrap().message_id;
    let now = ours.receipts(&sent).unwrap();
    assert!(now.queued && now.members.len() == 1);
    let bobs = |receipts: MessageReceipts| {
        let member = receipts.members.into_iter().next().unwrap();
        assert_eq!(member.address, bob.client.address());
        (member.delivered_at.is_some(), member.read_at.is_some())
    };
    assert_eq!(bobs(now), (false, false));
    // Taken by the transport, though not written yet.
    let waiting = alice.client.outbox(0).unwrap();
    let ids = waiting.iter().map(|one| one.id).collect();
    alice.client.mark_sent(ids).unwrap();
    assert!(!ours.receipts(&sent).unwrap().queued);
    for one in waiting {
        bob.client.receive(one.bytes).unwrap();
    }
    exchange(&alice, &bob);
    assert_eq!(bobs(ours.receipts(&sent).unwrap()), (true, false));
    // Whoever does not tell reads all the same.
    assert!(bob.client.sends_read_receipts().unwrap());
    bob.client.set_sends_read_receipts(false).unwrap();
    theirs.mark_read(true).unwrap();
    assert!(bob.client.outbox(0).unwrap().is_empty());
    assert_eq!(theirs.unread().unwrap(), 0);
    bob.client.set_sends_read_receipts(true).unwrap();
    ours.send("again".into()).unwrap();
    exchange(&alice, &bob);
    theirs.mark_read(true).unwrap();
    exchange(&alice, &bob);
    assert_eq!(bobs(ours.receipts(&sent).unwrap()), (true, true));
    let foreign = theirs.receipts(&sent);
    assert!(matches!(foreign, Err(WindlassError::UnknownMessage)));
}

#[test]
fn a_search_goes_through_all_conversations_and_meets_each_message_once() {
    let (alice, bob) = acquainted();
    let (ours, group) = (talk(&alice, &bob), Arc::clone(&alice.client));
    let group = group.create_group("crew".into(), Vec::new()).unwrap();
    for number in 0..7 {
        ours.send(format!("Anchor {number}")).unwrap();
        group.send(format!("ANCHOR {number}")).unwrap();
        group.send("something else".into()).unwrap();
    }
    let whole = alice.client.search("anchor".into(), 50, None).unwrap();
    assert_eq!((whole.messages.len(), whole.next), (14, None));
    // One at a time, while more comes.
    let (mut met, mut next) = (Vec::new(), None);
    loop {
        let page = alice.client.search("anchor".into(), 1, next).unwrap();
        met.extend(page.messages.into_iter().map(|one| one.id));
        if met.len() == 3 {
            ours.send("no".into()).unwrap();
        }
        next = page.next;
        if next.is_none() {
            break;
        }
    }
    let all: Vec<_> = whole.messages.iter().map(|one| one.id.clone()).collect();
    assert_eq!(met, all);
    let mut foreign = whole.messages[0].clone();
    foreign.id = "0".repeat(32);
    let refused = alice.client.search("anchor".into(), 1, Some(foreign));
    assert!(matches!(refused, Err(WindlassError::UnknownMessage)));
}
