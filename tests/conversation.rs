//! Promises of the whole, through the facade, over real files.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

mod support;

use support::clients::{conversation, exchange, receive, session, take_outbox, texts, write};
use support::files::{FileParty as Party, introduced};
use windlass::{Client, Event, UndecryptableCause};

#[test]
fn a_conversation_from_an_invitation_through_restarts() {
    let (mut alice, mut bob) = introduced();
    let sent = alice.send(bob.address(), "ahoy".into()).unwrap();
    assert_eq!(sent.envelopes[0].to, bob.address());

    let events = receive(&bob, &sent.envelopes[0].bytes);
    assert!(matches!(&events[0], Event::ContactRequest { address } if *address == alice.address()));
    assert!(matches!(&events[1], Event::SessionEstablished { .. }));
    let Event::Message { message } = &events[2] else {
        panic!("{events:?}")
    };
    assert_eq!(message.text.as_deref(), Some("ahoy"));
    assert_eq!(message.id, sent.message_id);

    for round in 0..5 {
        exchange(&alice, &bob);
        bob = bob.restart();
        bob.send(alice.address(), format!("b{round}")).unwrap();
        exchange(&alice, &bob);
        alice = alice.restart();
        alice.send(bob.address(), format!("a{round}")).unwrap();
    }
    exchange(&alice, &bob);
    let expected: Vec<_> = std::iter::once("ahoy".to_owned())
        .chain((0..5).flat_map(|i| [format!("b{i}"), format!("a{i}")]))
        .collect();
    assert_eq!(texts(&alice, &bob), expected);
    assert_eq!(texts(&bob, &alice), expected);

    let conversation = conversation(&alice, &bob);
    let messages = conversation.messages(100, None).unwrap();
    assert!(
        messages
            .iter()
            .all(|m| !m.outgoing || m.delivered_at.is_some())
    );
    let page = conversation.messages(3, Some(messages[5].clone())).unwrap();
    assert_eq!(page, messages[2..5]);
}

#[test]
fn an_envelope_that_comes_again_is_a_duplicate_of_the_stored_message() {
    let (alice, bob) = introduced();
    let sent = alice.send(bob.address(), "once".into()).unwrap();
    let envelope = sent.envelopes[0].bytes.to_vec();
    receive(&bob, &envelope);
    let bob = bob.restart();
    assert_eq!(
        receive(&bob, &envelope),
        [Event::Duplicate {
            message_id: Some(sent.message_id)
        }]
    );
    assert_eq!(texts(&bob, &alice), ["once"]);
}

#[test]
fn the_outbox_is_the_same_after_a_restart() {
    let (alice, bob) = introduced();
    for i in 0..3 {
        alice.send(bob.address(), i.to_string()).unwrap();
    }
    let before = alice.outbox(0).unwrap();
    assert_eq!(before.len(), 3);
    let alice = alice.restart();
    assert_eq!(alice.outbox(0).unwrap(), before);
    assert_eq!(alice.outbox(before[1].id).unwrap(), before[2..]);
    alice.mark_sent(vec![before[0].id, 999]).unwrap();
    assert_eq!(alice.outbox(0).unwrap(), before[1..]);
    // A number is never given again, so a late `mark_sent` cannot hit another envelope.
    alice.mark_sent(vec![before[1].id, before[2].id]).unwrap();
    let sent = alice.send(bob.address(), "4".into()).unwrap();
    assert!(sent.envelopes[0].id > before[2].id);
}

#[test]
fn both_begin_at_once_and_nothing_is_lost() {
    let (alice, bob) = introduced();
    bob.add_contact(&alice.bundle().unwrap()).unwrap();
    alice.send(bob.address(), "a".into()).unwrap();
    bob.send(alice.address(), "b".into()).unwrap();
    exchange(&alice, &bob);
    for i in 0..3 {
        alice.send(bob.address(), format!("a{i}")).unwrap();
        bob.send(alice.address(), format!("b{i}")).unwrap();
        exchange(&alice, &bob);
    }
    assert_eq!(texts(&alice, &bob).len(), 8);
    assert_eq!(texts(&alice, &bob), texts(&bob, &alice));
}

#[test]
fn messages_in_any_order_lost_and_repeated() {
    let (alice, bob) = introduced();
    // Of a stranger fewer may be missing.
    bob.add_contact(&alice.bundle().unwrap()).unwrap();
    let envelopes: Vec<_> = (0..30)
        .map(|i| write(&alice, &bob, &i.to_string()).unwrap())
        .collect();
    for i in (0..30).rev().filter(|i| i % 7 != 3) {
        receive(&bob, &envelopes[i]);
        assert!(matches!(
            receive(&bob, &envelopes[i])[0],
            Event::Duplicate { .. }
        ));
    }
    assert_eq!(texts(&bob, &alice).len(), 26);
    for i in (0..30).filter(|i| i % 7 == 3) {
        receive(&bob, &envelopes[i]);
    }
    let expected: Vec<_> = (0..30).map(|i| i.to_string()).collect();
    assert_eq!(texts(&bob, &alice), expected);
}

/// A first message replayed makes no second session, with or without a one-time prekey, also after the session is gone.
#[test]
fn a_replayed_first_message_opens_nothing() {
    for single_use in [true, false] {
        let (alice, bob) = (Party::new(), Party::new());
        let bundle = if single_use {
            bob.single_use_bundle().unwrap()
        } else {
            bob.bundle().unwrap()
        };
        alice.add_contact(&bundle).unwrap();
        bob.add_contact(&alice.bundle().unwrap()).unwrap();
        let first = write(&alice, &bob, "hello").unwrap();
        receive(&bob, &first);
        take_outbox(&bob);
        // Five newer sessions push the first one out of the archive.
        let session = session(&alice, &bob);
        for i in 0..5 {
            session.reset().unwrap();
            receive(&bob, &write(&alice, &bob, &i.to_string()).unwrap());
        }
        let bob = bob.restart();
        assert_eq!(
            receive(&bob, &first),
            [Event::Undecryptable {
                cause: UndecryptableCause::HandshakeReplayed,
                address: None
            }]
        );
        assert_eq!(texts(&bob, &alice).len(), 6);
    }
}

#[test]
fn a_one_time_prekey_makes_one_session() {
    let (alice, bob, carol) = (Party::new(), Party::new(), Party::new());
    let invitation = bob.single_use_bundle().unwrap();
    for party in [&alice, &carol] {
        party.add_contact(&invitation).unwrap();
    }
    let [from_alice, from_carol] = [&alice, &carol].map(|from| write(from, &bob, "first").unwrap());

    // A changed copy does not burn the prekey.
    let mut changed = from_alice.clone();
    let last = changed.len() - 1;
    changed[last] ^= 1;
    assert!(matches!(
        receive(&bob, &changed)[0],
        Event::Undecryptable {
            cause: UndecryptableCause::Authentication,
            address: None
        }
    ));
    receive(&bob, &from_alice);
    assert_eq!(texts(&bob, &alice), ["first"]);
    assert!(matches!(
        receive(&bob, &from_carol)[0],
        Event::Undecryptable {
            cause: UndecryptableCause::InvitationUsed,
            ..
        }
    ));
}

#[test]
fn every_kind_of_bad_input_has_its_error_and_leaves_the_next_message_readable() {
    let (alice, bob) = introduced();
    let good = write(&alice, &bob, "good").unwrap();
    let before = rows(&bob);

    for cut in [0, 1, 10, good.len() / 2, good.len() - 1] {
        let refused = bob.receive(good[..cut].into()).unwrap_err();
        assert_eq!(refused.code(), "envelope_malformed");
    }
    let longer = [good.as_slice(), &[0x1a, 0x00]].concat();
    assert_eq!(
        bob.receive(longer.into()).unwrap_err().code(),
        "envelope_malformed"
    );
    let mut newer = good.clone();
    newer[1] = 3;
    let refused = bob.receive(newer.into()).unwrap_err();
    assert_eq!(refused.code(), "unsupported_version");
    assert!(refused.to_string().contains('3') && refused.to_string().contains('2'));
    assert_eq!(
        alice.receive(good.clone().into()).unwrap_err().code(),
        "not_for_this_device"
    );

    let nobody = Party::new().address();
    assert_eq!(
        bob.send(nobody, "?".into()).unwrap_err().code(),
        "unknown_contact"
    );
    assert_eq!(
        bob.send("wl1".into(), "?".into()).unwrap_err().code(),
        "invalid_address"
    );
    let own = bob.bundle().unwrap();
    assert_eq!(bob.add_contact(&own).unwrap_err().code(), "own_bundle");
    assert_eq!(before, rows(&bob));

    receive(&bob, &good);
    assert_eq!(texts(&bob, &alice), ["good"]);
    let too_long = "x".repeat(300_000);
    let refused = bob.send(alice.address(), too_long).unwrap_err();
    assert_eq!(refused.code(), "content_too_large");
}

fn rows(of: &Client) -> Vec<(String, u64)> {
    let tables = of.inspect().unwrap().tables;
    tables.into_iter().map(|t| (t.table, t.rows)).collect()
}
