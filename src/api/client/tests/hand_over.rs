//! What a second process sees of a push, as an application hands it over.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::by_id::{exchange, talk};
use super::{Party, acquainted};
use crate::api::{Body, HandOver, Peeked, PeekedMessage, RichText, StoreKey, TextRun, TextStyle};
use crate::api::{WindlassError, join_runs};

fn key(byte: u8) -> std::sync::Arc<StoreKey> {
    StoreKey::from_bytes(vec![byte; 32].into()).unwrap()
}

fn now(of: &Party) -> SystemTime {
    UNIX_EPOCH + Duration::from_millis(of.clock.now())
}

fn opened(party: &Party) -> HandOver {
    let bytes = party.client.hand_over(&key(7)).unwrap();
    HandOver::open_at(&bytes, &key(7), now(party)).unwrap()
}

fn message(peeked: Peeked) -> PeekedMessage {
    let message = match peeked {
        Peeked::Message { message } => Some(message),
        Peeked::Quiet | Peeked::Unreadable => None,
    };
    message.unwrap()
}

/// Two who have heard of each other.
fn talking() -> (Party, Party) {
    let (alice, bob) = acquainted();
    talk(&alice, &bob).send("ahoy".into()).unwrap();
    exchange(&alice, &bob);
    (alice, bob)
}

#[test]
fn what_is_handed_over_shows_a_push_that_the_app_receives_later() {
    let (alice, bob) = talking();
    let (ours, theirs) = (talk(&alice, &bob), talk(&bob, &alice));
    let until = now(&alice) + Duration::from_secs(60);
    ours.set_muted_until(Some(until)).unwrap();
    ours.set_nickname(Some("Bosun".into())).unwrap();
    let _ = alice.engine.steps();
    let opened = opened(&alice);
    assert!(alice.engine.steps().is_empty(), "nothing is written");
    let mention = TextRun {
        text: "land ho".into(),
        styles: vec![TextStyle::Mention {
            address: alice.client.address(),
        }],
    };
    let sent = theirs.send_rich(join_runs(vec![mention]), None).unwrap();
    let envelope = sent.envelopes[0].bytes.clone();
    let seen = message(opened.peek(envelope.clone()).unwrap());
    assert_eq!(
        opened.peek(envelope.clone()).unwrap(),
        opened.peek(envelope.clone()).unwrap()
    );
    assert_eq!(seen.id, sent.message_id);
    assert_eq!(seen.text.as_deref(), Some("land ho"));
    assert_eq!(
        seen.body,
        Body::Text {
            text: "land ho".into()
        }
    );
    assert_eq!(
        (&seen.author, &seen.conversation),
        (&bob.client.address(), &bob.client.address())
    );
    assert_eq!(seen.author_name.as_deref(), Some("Bosun"));
    assert_eq!(seen.conversation_name, seen.author_name);
    assert_eq!(seen.muted_until, Some(until));
    assert!(seen.muted && seen.mentions_me && !seen.in_group);
    let shown = format!(
        "{:?}",
        Peeked::Message {
            message: seen.clone()
        }
    );
    assert!(
        shown.contains(&seen.id) && !shown.contains("land"),
        "{shown}"
    );
    exchange(&alice, &bob);
    let there = ours.message(&seen.author, &seen.id).unwrap().unwrap();
    assert_eq!(
        (&there.text, &there.rich_text),
        (&seen.text, &seen.rich_text)
    );
    assert!(matches!(there.rich_text, Some(RichText { .. })));
}

#[test]
fn what_is_refused_says_why_and_a_mute_that_is_over_is_none() {
    let (alice, bob) = talking();
    let until = now(&alice) + Duration::from_secs(60);
    talk(&alice, &bob).set_muted_until(Some(until)).unwrap();
    let bytes = alice.client.hand_over(&key(7)).unwrap();
    let code = |bytes: &[u8], byte: u8, at: SystemTime| {
        let opened = HandOver::open_at(bytes, &key(byte), at);
        opened.err().map_or_else(String::new, |error| error.code())
    };
    let day = Duration::from_secs(86_400);
    assert_eq!(code(&bytes, 7, now(&alice) + 6 * day), "");
    assert_eq!(code(&bytes, 7, now(&alice) + 7 * day), "hand_over_too_old");
    assert_eq!(code(&bytes, 7, UNIX_EPOCH), "hand_over_too_old");
    assert_eq!(code(&bytes, 8, now(&alice)), "hand_over_unreadable");
    assert_eq!(
        code(&bytes[..bytes.len() - 1], 7, now(&alice)),
        "hand_over_unreadable"
    );
    assert_eq!(
        code(&[&[9], &bytes[1..]].concat(), 7, now(&alice)),
        "hand_over_newer"
    );
    let passphrase = StoreKey::from_passphrase("correct horse".into()).unwrap();
    let refused = alice.client.hand_over(&passphrase).unwrap_err();
    assert_eq!(refused.code(), "key_unreadable");
    let opened = HandOver::open_at(&bytes, &key(7), now(&alice) + day).unwrap();
    let sent = talk(&bob, &alice).send("land ho".into()).unwrap();
    let seen = message(opened.peek(sent.envelopes[0].bytes.clone()).unwrap());
    assert!(!seen.muted && seen.muted_until == Some(until));
    assert!(matches!(
        opened.peek(b"no envelope".as_slice().into()),
        Err(WindlassError::EnvelopeMalformed(_))
    ));
    let theirs = talk(&alice, &bob).send("mine".into()).unwrap();
    assert!(matches!(
        opened.peek(theirs.envelopes[0].bytes.clone()),
        Err(WindlassError::NotForThisDevice)
    ));
}
