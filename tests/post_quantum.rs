//! What withstands a quantum computer, as an application sees it.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

mod support;

use std::sync::Arc;

use support::clients::{exchange, has_message, receive, session, take_outbox, texts, write};
use support::party::Party;
use windlass::{Bundle, PostQuantum, TrustPolicy};

fn by_code(bundle: &Bundle) -> Arc<Bundle> {
    Bundle::from_uri(bundle.to_uri()).unwrap()
}

#[test]
fn each_way_to_meet_says_how_it_withstands_a_quantum_computer() {
    let page = "https://example.org/bob#old";
    type Way = fn(&Party, &str) -> Arc<Bundle>;
    let ways: [(Way, PostQuantum); 5] = [
        (|bob, _| bob.bundle().unwrap(), PostQuantum::Kem),
        (|bob, _| by_code(&bob.bundle().unwrap()), PostQuantum::None),
        (
            |bob, _| by_code(&bob.single_use_bundle().unwrap()),
            PostQuantum::Secret,
        ),
        (|bob, _| bob.single_use_bundle().unwrap(), PostQuantum::Kem),
        (
            |bob, page| {
                let link = bob.single_use_bundle().unwrap().to_link(page.into());
                assert!(link.starts_with("https://example.org/bob#WINDLASS:B"));
                Bundle::from_uri(link).unwrap()
            },
            PostQuantum::Kem,
        ),
    ];
    for (way, at_first) in ways {
        let [alice, bob] = [(); 2].map(|()| Party::new());
        let bundle = way(&bob, page);
        alice.add_contact(&bundle).unwrap();
        let ours = session(&alice, &bob);
        assert_eq!(ours.post_quantum().unwrap(), at_first);
        receive(&bob, &write(&alice, &bob, "ahoy").unwrap());
        assert_eq!(ours.post_quantum().unwrap(), at_first);
        bob.accept_contact(alice.address()).unwrap();
        exchange(&alice, &bob);
        // The answer brought what was missing.
        let then = ours.post_quantum().unwrap();
        assert!(then > PostQuantum::None, "{then:?}");
        if at_first == PostQuantum::None {
            assert_eq!(then, PostQuantum::Ratchet);
        }
        receive(&bob, &write(&alice, &bob, "and again").unwrap());
        assert_eq!(texts(&bob, &alice), ["ahoy", "and again"]);
    }
}

#[test]
fn what_the_user_says_waits_for_a_session_that_withstands_one() {
    let [alice, bot] = [(); 2].map(|()| Party::new());
    bot.set_trust_policy(TrustPolicy::AcceptAll).unwrap();
    alice.set_requires_post_quantum(true).unwrap();
    assert!(alice.requires_post_quantum().unwrap());
    alice.add_contact(&by_code(&bot.bundle().unwrap())).unwrap();
    let sent = alice.send(bot.address(), "for nobody else".into()).unwrap();
    assert!(sent.envelopes.is_empty());
    assert_eq!(texts(&alice, &bot), ["for nobody else"]);
    // What goes is a question without a word of it.
    let asked = take_outbox(&alice);
    assert_eq!(asked.len(), 1);
    assert!(!has_message(&receive(&bot, &asked[0].bytes)));
    exchange(&alice, &bot);
    assert_eq!(texts(&bot, &alice), ["for nobody else"]);
    assert_eq!(
        session(&alice, &bot).post_quantum().unwrap(),
        PostQuantum::Ratchet
    );
    // From here on it goes at once, in both directions.
    assert_eq!(
        alice
            .send(bot.address(), "two".into())
            .unwrap()
            .envelopes
            .len(),
        1
    );
    exchange(&alice, &bot);
    bot.set_requires_post_quantum(true).unwrap();
    assert_eq!(
        bot.send(alice.address(), "three".into())
            .unwrap()
            .envelopes
            .len(),
        1
    );
    exchange(&alice, &bot);
    assert_eq!(texts(&alice, &bot), ["for nobody else", "two", "three"]);
}

#[test]
fn nothing_waits_where_the_first_message_is_protected() {
    for by_secret in [false, true] {
        let [alice, bob] = [(); 2].map(|()| Party::new());
        alice.set_requires_post_quantum(true).unwrap();
        let bundle = match by_secret {
            true => by_code(&bob.single_use_bundle().unwrap()),
            false => bob.bundle().unwrap(),
        };
        alice.add_contact(&bundle).unwrap();
        assert!(has_message(&receive(
            &bob,
            &write(&alice, &bob, "ahoy").unwrap()
        )));
    }
}

#[test]
fn who_accepts_people_first_hears_of_one_who_waits_and_gets_the_words_with_the_acceptance() {
    let [alice, bob] = [(); 2].map(|()| Party::new());
    alice.set_requires_post_quantum(true).unwrap();
    alice.add_contact(&by_code(&bob.bundle().unwrap())).unwrap();
    alice.send(bob.address(), "for Bob alone".into()).unwrap();
    exchange(&alice, &bob);
    // Bob sees who asks, and nothing that they said; nor is an answer on the way before he says so.
    let request = bob.contact(alice.address()).unwrap();
    assert!(!request.accepted);
    assert!(texts(&bob, &alice).is_empty());
    bob.accept_contact(alice.address()).unwrap();
    exchange(&alice, &bob);
    assert_eq!(texts(&bob, &alice), ["for Bob alone"]);
    assert_eq!(
        session(&alice, &bob).post_quantum().unwrap(),
        PostQuantum::Ratchet
    );
}
