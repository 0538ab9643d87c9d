//! Messages that are sent at a time: once, whatever happens, or not at all and that is said.

use std::collections::BTreeSet;
use std::time::{Duration, UNIX_EPOCH};

use super::by_id::{exchange, talk};
use super::changes::listening;
use super::{Party, acquainted};
use crate::api::{Conversation, Event, RichText, TrustPolicy, WindlassError};
use crate::limits::MAX_SCHEDULED;

const HOUR: u64 = 3_600_000;
const DAY: u64 = 24 * HOUR;
const YEARS: u64 = 10 * 365 * DAY;

fn at(party: &Party, ahead: u64) -> std::time::SystemTime {
    UNIX_EPOCH + Duration::from_millis(party.clock.now() + ahead)
}

fn schedule(of: &Party, to: &Conversation, ahead: u64, text: &str) -> String {
    to.send_at(at(of, ahead), text.into(), None).unwrap().id
}

fn texts(conversation: &Conversation) -> Vec<String> {
    let page = conversation.messages(100, None).unwrap();
    page.into_iter().filter_map(|one| one.text).collect()
}

fn codes(conversation: &Conversation) -> Vec<Option<String>> {
    let all = conversation.scheduled().unwrap();
    all.into_iter().map(|one| one.failed).collect()
}

#[test]
fn a_message_goes_when_its_time_has_come_under_the_id_that_was_told() {
    let (alice, bob) = acquainted();
    let (ours, theirs) = (talk(&alice, &bob), talk(&bob, &alice));
    let last = schedule(&alice, &ours, 2 * DAY, "last");
    let first = schedule(&alice, &ours, DAY, "first");
    let listed = ours.scheduled().unwrap();
    assert_eq!([&listed[0].id, &listed[1].id], [&first, &last]);
    assert_eq!(
        (listed[0].text.text.as_str(), &listed[0].failed),
        ("first", &None)
    );
    assert_eq!(alice.client.next_due().unwrap(), Some(at(&alice, DAY)));
    assert!(texts(&ours).is_empty() && alice.client.outbox(0).unwrap().is_empty());
    alice.clock.advance(DAY - 1);
    assert!(alice.client.outbox(0).unwrap().is_empty());
    alice.clock.advance(1);
    // By whichever call comes first.
    exchange(&alice, &bob);
    let came = theirs.message(&alice.client.address(), &first).unwrap();
    assert_eq!(came.unwrap().text.as_deref(), Some("first"));
    assert_eq!(alice.client.next_due().unwrap(), Some(at(&alice, DAY)));
    alice.clock.advance(DAY);
    assert_eq!(alice.client.next_due().unwrap(), None);
    assert_eq!(texts(&ours), ["first", "last"]);
    assert!(ours.scheduled().unwrap().is_empty());
}

#[test]
fn what_is_taken_back_is_not_sent_and_a_time_that_is_over_is_now() {
    let (alice, bob) = acquainted();
    let ours = talk(&alice, &bob);
    let id = schedule(&alice, &ours, HOUR, "never");
    assert!(ours.cancel_scheduled(&id).unwrap());
    assert!(!ours.cancel_scheduled(&id).unwrap());
    assert!(!ours.cancel_scheduled("nothing").unwrap());
    assert_eq!(alice.client.next_due().unwrap(), None);
    let now = ours.send_at(UNIX_EPOCH, "now".into(), None).unwrap().id;
    assert!(ours.scheduled().unwrap().is_empty());
    assert!(!ours.cancel_scheduled(&now).unwrap(), "it went");
    alice.clock.advance(DAY);
    alice.client.maintain().unwrap();
    assert_eq!(texts(&ours), ["now"]);
}

#[test]
fn it_says_what_it_was_given_and_reads_nothing() {
    let (alice, bob) = acquainted();
    let (ours, theirs) = (talk(&alice, &bob), talk(&bob, &alice));
    let question = theirs.send("where?".into()).unwrap().message_id;
    exchange(&alice, &bob);
    let text = RichText {
        text: "here".into(),
        suggestions: vec!["aye".into()],
        spans: Vec::new(),
        forward: None,
        preview: None,
    };
    let answer = ours
        .send_rich_at(at(&alice, HOUR), text.clone(), Some(question.clone()))
        .unwrap();
    assert_eq!(
        (&answer.text, &answer.reply_to),
        (&text, &Some(question.clone()))
    );
    alice.clock.advance(HOUR);
    exchange(&alice, &bob);
    let came = theirs
        .message(&alice.client.address(), &answer.id)
        .unwrap()
        .unwrap();
    assert_eq!(
        (came.rich_text, came.reply_to),
        (Some(text), Some(question))
    );
    assert!(came.sent_at >= at(&alice, 0) - Duration::from_secs(1));
    // Nobody was there who read what bob wrote.
    assert_eq!(ours.unread().unwrap(), 1);
    ours.send("seen".into()).unwrap();
    assert_eq!(ours.unread().unwrap(), 0);
}

#[test]
fn killed_before_or_after_it_goes_once() {
    let (alice, bob) = acquainted();
    let ours = talk(&alice, &bob);
    let id = schedule(&alice, &ours, HOUR, "once");
    alice.clock.advance(HOUR);
    // The machine stops before the step is on the disk, and after it.
    let before = alice.after_a_crash();
    alice.client.maintain().unwrap();
    let after = alice.after_a_crash();
    let theirs = talk(&bob, &alice);
    for party in [&after, &before, &alice] {
        assert!(talk(party, &bob).scheduled().unwrap().is_empty());
        party.client.maintain().unwrap();
        let mine = talk(party, &bob).messages(9, None).unwrap();
        assert_eq!(mine.iter().map(|one| &one.id).collect::<Vec<_>>(), [&id]);
        for envelope in party.client.outbox(0).unwrap() {
            bob.client.receive(envelope.bytes).unwrap();
        }
        // Even of two lives of one device there is one message.
        assert_eq!(texts(&theirs), ["once"]);
    }
    drop(ours);
}

#[test]
fn what_is_refused_when_its_time_comes_is_kept_with_the_reason_and_takes_nothing_along() {
    let (alice, bob) = acquainted();
    let (ours, them) = (talk(&alice, &bob), bob.client.address());
    let blocked = schedule(&alice, &ours, HOUR, "to who is blocked");
    let group = std::sync::Arc::clone(&alice.client)
        .create_group("notes".into(), Vec::new())
        .unwrap();
    schedule(&alice, &group, HOUR, "to a group that we left");
    let notes = std::sync::Arc::clone(&alice.client)
        .create_group("more notes".into(), Vec::new())
        .unwrap();
    schedule(&alice, &notes, 2 * HOUR, "goes");
    alice.client.block_contact(them.clone()).unwrap();
    group.leave().unwrap();
    exchange(&alice, &bob);
    listening(&alice);
    alice.clock.advance(2 * HOUR);
    alice.client.maintain().unwrap();
    assert_eq!(codes(&ours), [Some("contact_blocked".to_owned())]);
    assert_eq!(codes(&group), [Some("not_a_member".to_owned())]);
    assert_eq!(texts(&notes), ["goes"]);
    assert!(alice.client.outbox(0).unwrap().is_empty());
    let told = alice.client.take_changes(100).unwrap();
    let of = |event: &Event| match event {
        Event::ScheduledChanged { conversation } => Some(conversation.clone()),
        _ => None,
    };
    let told: BTreeSet<_> = told.iter().filter_map(of).collect();
    assert_eq!(
        told,
        BTreeSet::from([them.clone(), group.address(), notes.address()])
    );
    // Nothing is tried again by itself.
    alice.client.accept_contact(them.clone()).unwrap();
    alice.clock.advance(DAY);
    alice.client.maintain().unwrap();
    assert_eq!(codes(&ours), [Some("contact_blocked".to_owned())]);
    assert!(ours.cancel_scheduled(&blocked).unwrap());
    // Who is gone, or not verified, the same.
    schedule(&alice, &ours, HOUR, "to nobody");
    alice
        .client
        .set_trust_policy(TrustPolicy::VerifiedOnly)
        .unwrap();
    alice.clock.advance(HOUR);
    assert_eq!(codes(&ours), [Some("contact_not_verified".to_owned())]);
    alice.client.remove_contact_only(them.clone()).unwrap();
    assert_eq!(ours.scheduled().unwrap().len(), 1);
    alice.client.delete_conversation(them).unwrap();
    assert!(ours.scheduled().unwrap().is_empty());
}

#[test]
fn with_a_conversation_goes_what_was_to_be_sent_to_it() {
    let (alice, bob) = acquainted();
    let (ours, them) = (talk(&alice, &bob), bob.client.address());
    schedule(&alice, &ours, HOUR, "never");
    alice.client.delete_conversation(them.clone()).unwrap();
    assert!(ours.scheduled().unwrap().is_empty());
    schedule(&alice, &ours, HOUR, "never");
    let group = std::sync::Arc::clone(&alice.client)
        .create_group("crew".into(), vec![them.clone()])
        .unwrap();
    schedule(&alice, &group, HOUR, "never");
    group.delete_group().unwrap();
    alice.client.remove_contact(them).unwrap();
    exchange(&alice, &bob);
    alice.clock.advance(DAY);
    alice.client.maintain().unwrap();
    assert!(alice.client.outbox(0).unwrap().is_empty());
    assert!(texts(&talk(&bob, &alice)).is_empty());
}

#[test]
fn what_cannot_be_sent_is_refused_at_once_and_there_is_a_bound() {
    let (alice, bob) = acquainted();
    let stranger = Party::new(3, &alice.clock);
    let ours = talk(&alice, &bob);
    let refused = |to: &Conversation, ahead| to.send_at(at(&alice, ahead), "no".into(), None);
    let unknown = refused(&talk(&alice, &stranger), HOUR).unwrap_err();
    assert!(
        matches!(unknown, WindlassError::UnknownContact),
        "{unknown:?}"
    );
    let own = refused(&talk(&alice, &alice), HOUR).unwrap_err();
    assert_eq!(own.code(), "own_address");
    assert_eq!(
        refused(&ours, 367 * DAY).unwrap_err().code(),
        "invalid_content"
    );
    let text = "x".repeat(crate::limits::MAX_TEXT_LEN + 1);
    let large = ours.send_at(at(&alice, HOUR), text, None).unwrap_err();
    assert_eq!(large.code(), "content_too_large");
    let answer = ours.send_at(at(&alice, HOUR), "no".into(), Some("nothing".into()));
    assert_eq!(answer.unwrap_err().code(), "unknown_message");
    for number in 0..MAX_SCHEDULED {
        schedule(&alice, &ours, DAY, &number.to_string());
    }
    assert_eq!(
        refused(&ours, HOUR).unwrap_err().code(),
        "content_too_large"
    );
    alice.clock.advance(DAY);
    alice.client.maintain().unwrap();
    assert!(ours.scheduled().unwrap().is_empty());
    assert_eq!(
        ours.messages(5_000, None).unwrap().len() as u64,
        MAX_SCHEDULED
    );
}

#[test]
fn a_clock_that_is_wrong_sends_nothing_early_and_holds_nothing_for_years() {
    let (alice, bob) = acquainted();
    let ours = talk(&alice, &bob);
    schedule(&alice, &ours, DAY, "tomorrow");
    // Ahead for an hour, and behind for another.
    for wrong in [
        i64::try_from(YEARS).unwrap(),
        -i64::try_from(YEARS).unwrap(),
    ] {
        alice.clock.set_ahead(wrong);
        alice.client.maintain().unwrap();
        assert!(alice.client.next_due().unwrap().is_some());
        alice.clock.advance(HOUR);
        alice.client.maintain().unwrap();
        assert_eq!(ours.scheduled().unwrap().len(), 1);
        alice.clock.set_ahead(0);
        alice.client.maintain().unwrap();
        assert_eq!(ours.scheduled().unwrap().len(), 1);
    }
    alice.clock.advance(DAY);
    alice.client.maintain().unwrap();
    assert_eq!(texts(&ours), ["tomorrow"]);
    // Scheduled while the clock is ahead: it goes a day later all the same.
    alice.clock.set_ahead(i64::try_from(YEARS).unwrap());
    alice.client.maintain().unwrap();
    schedule(&alice, &ours, DAY, "the day after");
    alice.clock.set_ahead(0);
    alice.clock.advance(HOUR);
    alice.client.maintain().unwrap();
    assert_eq!(ours.scheduled().unwrap().len(), 1);
    alice.clock.advance(DAY);
    alice.client.maintain().unwrap();
    assert_eq!(texts(&ours), ["tomorrow", "the day after"]);
}
