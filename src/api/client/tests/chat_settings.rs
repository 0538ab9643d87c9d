//! What the user sets for a conversation, as an application sees it.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::acquainted;
use super::by_id::{exchange, talk};
use crate::api::{ChatSettings, WindlassError};

#[test]
fn what_is_set_is_said_and_listed_and_taken_back() {
    let (alice, bob) = acquainted();
    let (ours, theirs) = (talk(&alice, &bob), talk(&bob, &alice));
    theirs.send("ahoy".into()).unwrap();
    exchange(&alice, &bob);
    assert_eq!(ours.settings().unwrap(), ChatSettings::default());
    let until = UNIX_EPOCH + Duration::from_secs(2_000_000_000);
    ours.set_muted_until(Some(until)).unwrap();
    ours.set_archived(true).unwrap();
    ours.set_pinned(true).unwrap();
    ours.set_nickname(Some("  Captain ".into())).unwrap();
    let set = ours.settings().unwrap();
    let wanted = ChatSettings {
        muted_until: Some(until),
        archived: true,
        pinned: true,
        marked_unread: false,
        nickname: Some("Captain".into()),
    };
    assert_eq!(set, wanted);
    assert_eq!(
        alice.client.conversation_page(10, None).unwrap()[0].settings,
        wanted
    );
    // Nobody is told, and the messages may go.
    assert!(alice.client.outbox(0).unwrap().is_empty());
    alice
        .client
        .delete_conversation(bob.client.address())
        .unwrap();
    assert_eq!(ours.settings().unwrap(), wanted);
    ours.set_muted_until(None).unwrap();
    ours.set_muted_until(Some(SystemTime::UNIX_EPOCH - Duration::from_secs(5)))
        .unwrap();
    ours.set_archived(false).unwrap();
    ours.set_pinned(false).unwrap();
    ours.set_nickname(Some(" ".into())).unwrap();
    assert_eq!(ours.settings().unwrap(), ChatSettings::default());
}

#[test]
fn a_conversation_that_is_marked_unread_counts_until_it_is_read() {
    let (alice, bob) = acquainted();
    let (ours, theirs) = (talk(&alice, &bob), talk(&bob, &alice));
    theirs.send("one".into()).unwrap();
    exchange(&alice, &bob);
    assert_eq!(alice.client.unread().unwrap(), 1);
    ours.mark_unread().unwrap();
    assert_eq!(alice.client.unread().unwrap(), 1, "counted once");
    ours.mark_read(false).unwrap();
    assert_eq!(alice.client.unread().unwrap(), 0);
    ours.mark_unread().unwrap();
    assert!(ours.settings().unwrap().marked_unread);
    assert_eq!(
        (alice.client.unread().unwrap(), ours.unread().unwrap()),
        (1, 0)
    );
    ours.mark_read(true).unwrap();
    assert_eq!(alice.client.unread().unwrap(), 0);
}

#[test]
fn a_name_that_is_too_long_and_a_conversation_with_nobody_are_refused() {
    let (alice, bob) = acquainted();
    let ours = talk(&alice, &bob);
    let long = ours.set_nickname(Some("x".repeat(257))).unwrap_err();
    assert_eq!(long.code(), "content_too_large");
    assert_eq!(ours.settings().unwrap().nickname, None);
    alice.client.remove_contact(bob.client.address()).unwrap();
    assert!(matches!(
        ours.set_pinned(true),
        Err(WindlassError::UnknownContact)
    ));
}
