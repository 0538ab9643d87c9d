//! What the calls of a client promise, over real files: bare sessions, batches, threads, creating and opening.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

mod support;

use support::clients::{conversation, receive, session, take_outbox, text_to, texts};
use support::files::{Folder, introduced, key};
use windlass::{Client, EncryptedStore, Event, SessionState};

#[test]
fn a_bare_session_carries_the_applications_own_format() {
    let (alice, bob) = introduced();
    let ours = session(&alice, &bob);
    let theirs = session(&bob, &alice);
    assert_eq!(ours.state().unwrap(), SessionState::Fresh);
    let sent = ours.encrypt(vec![0, 255, 7].into()).unwrap();
    assert_eq!(ours.state().unwrap(), SessionState::Pending);

    let envelope = sent.envelopes[0].bytes.clone();
    assert_eq!(
        theirs.decrypt(envelope.clone()).unwrap().to_vec(),
        [0, 255, 7]
    );
    // Again the same: the caller may have died before it used them.
    assert_eq!(theirs.decrypt(envelope).unwrap().to_vec(), [0, 255, 7]);
    // Who wrote first learns nothing before they are accepted; the user is told of them where events are.
    assert!(bob.outbox(0).unwrap().is_empty());
    let events = bob.receive(sent.envelopes[0].bytes.clone()).unwrap();
    assert!(matches!(
        events[..],
        [Event::ContactRequest { .. }, Event::Duplicate { .. }]
    ));
    bob.accept_contact(alice.address()).unwrap();
    for envelope in take_outbox(&bob) {
        assert_eq!(
            ours.decrypt(envelope.bytes.clone()).unwrap_err().code(),
            "not_for_this_session"
        );
        receive(&alice, &envelope.bytes);
    }
    assert_eq!(ours.state().unwrap(), SessionState::Established);
    // What only an event would tell is refused, and the event comes where it is taken in.
    let talk = conversation(&alice, &bob);
    let said = talk.messages(1, None).unwrap().remove(0);
    let reaction = talk.react(said, "👍".into()).unwrap().envelopes.remove(0);
    let refused = theirs.decrypt(reaction.bytes.clone()).unwrap_err();
    assert_eq!(refused.code(), "not_for_this_session");
    let events = bob.receive(reaction.bytes).unwrap();
    assert!(matches!(events[..], [Event::Reacted { .. }]));

    assert_eq!(ours.safety_number(), theirs.safety_number());
    assert_eq!(
        ours.verify("0".repeat(60)).unwrap_err().code(),
        "safety_number_mismatch"
    );
    ours.verify(theirs.safety_number()).unwrap();
    assert!(alice.contact(bob.address()).unwrap().verified);
}

#[test]
fn batches_are_one_transaction_and_answer_in_order() {
    let (alice, bob) = introduced();
    let to = bob.address();
    let sent = alice
        .send_many(vec![
            text_to(&to, "1"),
            text_to(&to, "2"),
            text_to(&to, "3"),
        ])
        .unwrap();
    let failed = alice.send_many(vec![text_to(&to, "4"), text_to("nobody", "5")]);
    assert_eq!(failed.unwrap_err().code(), "invalid_address");
    assert_eq!(texts(&alice, &bob), ["1", "2", "3"]);

    let mut envelopes: Vec<_> = sent.iter().map(|s| s.envelopes[0].bytes.clone()).collect();
    envelopes.insert(1, vec![1, 2, 3].into());
    envelopes.push(envelopes[0].clone());
    let answers = bob.receive_many(envelopes).unwrap();
    assert_eq!(answers[1].refused.as_deref(), Some("envelope_malformed"));
    assert!(matches!(answers[4].events[..], [Event::Duplicate { .. }]));
    assert_eq!(texts(&bob, &alice), ["1", "2", "3"]);
    // One receipt for the three, once their author is accepted.
    assert!(bob.outbox(0).unwrap().is_empty());
    bob.accept_contact(alice.address()).unwrap();
    assert_eq!(bob.outbox(0).unwrap().len(), 1);
}

#[test]
fn any_thread_may_call_anything() {
    let (alice, bob) = introduced();
    // Of a stranger no message is taken in that is far ahead of the first one, and threads come in any order.
    bob.add_contact(&alice.bundle().unwrap()).unwrap();
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let (alice, to) = (&alice.client, bob.address());
            scope.spawn(move || {
                for i in 0..10 {
                    alice.send(to.clone(), format!("{thread} {i}")).unwrap();
                }
            });
        }
    });
    let envelopes = take_outbox(&alice);
    assert_eq!(envelopes.len(), 40);
    std::thread::scope(|scope| {
        for part in envelopes.chunks(10) {
            let bob = &bob;
            scope.spawn(move || {
                for envelope in part {
                    // The same envelope from two threads at once: one of them is a duplicate.
                    receive(bob, &envelope.bytes);
                    receive(bob, &envelope.bytes);
                }
            });
        }
    });
    assert_eq!(texts(&bob, &alice).len(), 40);
    assert_eq!(texts(&bob, &alice), texts(&alice, &bob));
}

#[test]
fn create_and_open_never_do_each_others_work() {
    let folder = Folder::new();
    let path = folder.text("store.wl");
    let open = |byte| EncryptedStore::open(path.clone(), &key(byte));
    let create = || EncryptedStore::create(path.clone(), &key(1));
    assert_eq!(open(1).unwrap_err().code(), "store_not_found");
    let store = create().unwrap();
    assert_eq!(
        Client::open(store.clone()).err().unwrap().code(),
        "identity_missing"
    );
    let client = Client::create(store.clone(), None).unwrap();
    assert_eq!(
        Client::create(store.clone(), None).err().unwrap().code(),
        "identity_exists"
    );
    assert_eq!(open(1).unwrap_err().code(), "store_locked");
    let address = client.address();
    client.close().unwrap();
    assert_eq!(client.contacts().unwrap_err().code(), "store_closed");
    assert_eq!(create().unwrap_err().code(), "store_exists");
    assert_eq!(open(2).unwrap_err().code(), "wrong_key");
    let store = open(1).unwrap();
    assert_eq!(Client::open(store).unwrap().address(), address);
}
