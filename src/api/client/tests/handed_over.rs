//! What the transport took is written with the next write that is due anyway (docs/store.md, promise 2).

use super::{Party, acquainted};
use crate::api::Event;

/// What waits at a client.
fn waiting(party: &Party) -> Vec<Vec<u8>> {
    let waiting = party.client.outbox(0).unwrap();
    waiting
        .into_iter()
        .map(|one| one.bytes.into_vec())
        .collect()
}

/// Alice has sent one message, and her transport has taken it.
fn handed_over() -> (Party, Party, Vec<u8>) {
    let (alice, bob) = acquainted();
    let mut sent = alice
        .client
        .send(bob.client.address(), "ahoy".into())
        .unwrap();
    let envelope = sent.envelopes.remove(0);
    let before = alice.disk.traffic();
    alice.client.mark_sent(vec![envelope.id, 999]).unwrap();
    assert_eq!(alice.disk.traffic(), before, "not a commit of its own");
    assert!(waiting(&alice).is_empty());
    (alice, bob, envelope.bytes.into_vec())
}

fn came(events: &[Event]) -> usize {
    let messages = events
        .iter()
        .filter(|event| matches!(event, Event::Message { .. }));
    messages.count()
}

#[test]
fn what_was_taken_waits_again_after_a_crash_and_is_taken_in_once() {
    let (alice, bob, envelope) = handed_over();
    let opened = alice.after_a_crash();
    let again = waiting(&opened);
    assert_eq!(again, std::slice::from_ref(&envelope), "byte for byte");
    let first = bob.client.receive(envelope.into()).unwrap();
    let second = bob.client.receive(again[0].clone().into()).unwrap();
    assert_eq!((came(&first), came(&second)), (1, 0));
}

#[test]
fn what_waited_when_the_store_was_opened_is_gone_once_it_is_taken() {
    let (alice, bob, envelope) = handed_over();
    // Killed each time before it writes anything else: only the first time it comes again.
    let second = alice.after_a_crash();
    let id = second.client.outbox(0).unwrap()[0].id;
    let next = second.client.send(bob.client.address(), "next".into());
    second.client.mark_sent(vec![id]).unwrap();
    let third = second.after_a_crash();
    let left = waiting(&third);
    assert_eq!(left, [next.unwrap().envelopes.remove(0).bytes.into_vec()]);
    assert_ne!(left, [envelope]);
}

#[test]
fn what_was_taken_is_gone_with_the_next_write_a_shred_and_at_the_end() {
    let next = |party: &Party, bob: &Party| {
        let sent = party.client.send(bob.client.address(), "next".into());
        assert_eq!(waiting(party).len(), sent.unwrap().envelopes.len());
    };
    let (alice, bob, _) = handed_over();
    next(&alice, &bob);
    assert_eq!(waiting(&alice.after_a_crash()).len(), 1);
    let outbox_rows = |party: &Party| {
        let tables = party.client.inspect().unwrap().tables;
        let outbox = tables.iter().find(|one| one.table == "outbox");
        outbox.unwrap().rows
    };
    type End = fn(&Party);
    let ends: [End; 3] = [
        |alice| _ = alice.client.shred().unwrap(),
        |alice| alice.client.maintain().unwrap(),
        |alice| alice.client.close().unwrap(),
    ];
    for end in ends {
        let (alice, ..) = handed_over();
        assert_eq!(outbox_rows(&alice), 0, "it does not wait any more");
        assert_eq!(outbox_rows(&alice.after_a_crash()), 1);
        end(&alice);
        assert_eq!(outbox_rows(&alice.after_a_crash()), 0);
    }
    // Who forgets to close.
    let (alice, ..) = handed_over();
    let (disk, clock) = (alice.disk.clone(), alice.clock.clone());
    drop(alice);
    assert!(waiting(&Party::on(disk, &clock)).is_empty());
}

#[test]
fn a_step_that_is_refused_leaves_what_was_taken_for_the_next() {
    let (alice, bob, _) = handed_over();
    let nobody = bob.client.address().replace('q', "p");
    assert!(alice.client.send(nobody, "ahoy".into()).is_err());
    assert!(waiting(&alice).is_empty());
    assert_eq!(waiting(&alice.after_a_crash()).len(), 1);
    alice.client.close().unwrap();
    assert!(waiting(&alice.after_a_crash()).is_empty());
    // And a second one does nothing.
    alice.client.close().unwrap();
    assert!(alice.client.mark_sent(vec![1]).is_err());
}
