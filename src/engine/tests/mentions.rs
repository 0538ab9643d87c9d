//! Of what is unread, that which mentions the user is counted by what it says now.

use super::annotated::{comes, content, id};
use super::unread::devices_and_friend;
use super::*;
use crate::chat::{Span, SpanKind, Text};
use crate::engine::history::unread::{self, Count};
use crate::engine::history::{place, summary};
use crate::engine::sync::{deletions, reading};

/// A text that mentions somebody.
fn to(who: &PublicIdentity) -> Text {
    Text {
        spans: vec![Span {
            start: 0,
            length: 1,
            kind: SpanKind::Mention(who.to_bytes()),
        }],
        ..Text::from("@you")
    }
}

/// What the row counts, after it was compared with what the messages say.
fn unread(party: &Party, id: &ConversationId) -> (u64, u64) {
    let count = party.at(1, |step| {
        let own = step.device.public();
        let row = conversations::row(step.rows, id)?;
        let mut mentions = 0;
        for place in place::latest(step.rows, id, 0, usize::MAX)? {
            let shown = view::shown(step.rows, &place.message)?.unwrap();
            mentions += u64::from(place.is_unread() && shown.mentions(&own));
        }
        assert_eq!(mentions, row.unread_mentions, "counted anew");
        unread::of_row(step.rows, id, &row, step.now)
    });
    let Count { messages, mentions } = count.unwrap();
    (messages, mentions)
}

fn talk(own: &Party, with: &Party) -> [ConversationId; 2] {
    [with, own].map(|party| ConversationId::Direct(party.device.public()))
}

fn edit(target: MessageId, text: Text) -> Body {
    Body::Edit { target, text }
}

#[test]
fn edits_make_a_mention_and_take_it_back_as_long_as_the_message_is_unread() {
    let [alice, bob] = acquainted();
    let [with_bob, with_alice] = talk(&alice, &bob);
    let (me, somebody) = (alice.device.public(), bob.device.public());
    let says = |body: Body| {
        let said = write(&bob, 0, &with_alice, body);
        deliver(&[&alice, &bob], 0);
        said
    };
    alice
        .at(0, |step| reading::read_all(step, &with_bob, false))
        .unwrap();
    let first = says(Body::Text(to(&me)));
    let second = says(Body::Text(to(&somebody)));
    assert_eq!(unread(&alice, &with_bob), (2, 1));
    says(edit(second, to(&me)));
    assert_eq!(unread(&alice, &with_bob), (2, 2));
    says(edit(first, "never mind".into()));
    assert_eq!(unread(&alice, &with_bob), (2, 1));
    // What says the same anew counts once.
    says(edit(second, to(&me)));
    assert_eq!(unread(&alice, &with_bob), (2, 1));
    // The list says it too, in the same call.
    let page = alice.at(1, |step| summary::page(step.rows, None, 1, step.now));
    let count = page.unwrap()[0].unread;
    assert_eq!((count.messages, count.mentions), (2, 1));
    alice
        .at(0, |step| reading::read_all(step, &with_bob, false))
        .unwrap();
    assert_eq!(unread(&alice, &with_bob), (0, 0));
    // What was read is not unread for an edit.
    says(edit(first, to(&me)));
    assert_eq!(unread(&alice, &with_bob), (0, 0));
}

#[test]
fn what_is_deleted_or_gone_mentions_nobody() {
    let [alice, bob] = acquainted();
    let [with_bob, with_alice] = talk(&alice, &bob);
    let me = alice.device.public();
    alice
        .at(0, |step| reading::read_all(step, &with_bob, false))
        .unwrap();
    write(&bob, 0, &with_alice, Body::DisappearingTimer(3 * DAY));
    let [by_author, by_user, up_to, _] =
        [(); 4].map(|()| write(&bob, 0, &with_alice, Body::Text(to(&me))));
    deliver(&[&alice, &bob], 0);
    assert_eq!(unread(&alice, &with_bob), (4, 4));
    write(&bob, 0, &with_alice, Body::Deletion { target: by_author });
    deliver(&[&alice, &bob], 0);
    assert_eq!(unread(&alice, &with_bob), (3, 3));
    let author = bob.device.public();
    let name = |id| MessageRef { author, id };
    alice
        .at(0, |step| deletions::delete_message(step, &name(by_user)))
        .unwrap();
    assert_eq!(unread(&alice, &with_bob), (2, 2));
    alice
        .at(0, |step| {
            let last = message::find(step.rows, &name(up_to))?.unwrap().place();
            reading::read_up_to(step, &with_bob, &last, false)
        })
        .unwrap();
    assert_eq!(unread(&alice, &with_bob), (1, 1));
    // Whether somebody has deleted it yet, or not.
    let later = alice.at(5, |step| unread::at(step.rows, &with_bob, step.now));
    assert_eq!(later.unwrap(), Count::default());
    alice
        .at(5, |step| deletion::expire(step.rows, step.now))
        .unwrap();
    assert_eq!(unread(&alice, &with_bob), (0, 0));
}

#[test]
fn whichever_comes_first_of_a_message_and_its_edits_the_count_is_the_same() {
    let friend = Party::new(2);
    let (theirs, me) = (friend.device.public(), Party::new(1).device.public());
    let conversation = ConversationId::Direct(theirs);
    let says = |lamport, number, body| content(&conversation, lamport, id(number), body);
    let all = [
        says(1, 1, text("ahoy")),
        says(2, 2, edit(id(1), to(&me))),
        says(3, 3, edit(id(1), to(&theirs))),
        says(4, 4, edit(id(1), to(&me))),
    ];
    for first in 0..4 {
        for second in (0..4).filter(|one| *one != first) {
            let mut order = vec![first, second];
            order.extend((0..4).filter(|one| *one != first && *one != second));
            let own = Party::new(1);
            own.add(0, &friend.bundle(0, false));
            for at in &order {
                comes(&own, 0, &friend, &conversation, all[*at].clone());
                let (messages, _) = unread(&own, &conversation);
                assert!(messages <= 1);
            }
            assert_eq!(unread(&own, &conversation), (1, 1), "{order:?}");
            let late = says(5, 5, edit(id(1), "never mind".into()));
            comes(&own, 0, &friend, &conversation, late);
            assert_eq!(unread(&own, &conversation), (1, 0));
        }
    }
}

#[test]
fn what_was_read_on_another_device_mentions_the_user_no_more_and_the_rest_does() {
    let [first, second, friend] = devices_and_friend();
    let [ours, theirs] = talk(&first, &friend);
    let me = first.device.public();
    write(&friend, 1, &theirs, Body::Text(to(&me)));
    deliver(&[&first, &second, &friend], 1);
    first
        .at(1, |step| reading::read_all(step, &ours, false))
        .unwrap();
    let mark = empty_outbox(&first);
    // One more reaches the second before it hears of that, and one that it has heard of before it comes.
    let more = write(&friend, 1, &theirs, text("two"));
    write(&friend, 1, &theirs, Body::Text(to(&me)));
    carry(&friend, &second, 1);
    assert_eq!(unread(&second, &ours), (3, 2));
    for waiting in &mark {
        take(&second, 1, &waiting.envelope).unwrap();
    }
    assert_eq!(unread(&second, &ours), (2, 1));
    write(&friend, 1, &theirs, edit(more, to(&me)));
    carry(&friend, &second, 1);
    assert_eq!(unread(&second, &ours), (2, 2));
    // An answer reads all that is there.
    write(&second, 1, &ours, text("aye"));
    assert_eq!(unread(&second, &ours), (0, 0));
}

#[test]
fn a_backup_counts_them_anew() {
    let [alice, bob] = acquainted();
    let [with_bob, with_alice] = talk(&alice, &bob);
    let me = alice.device.public();
    alice
        .at(0, |step| reading::read_all(step, &with_bob, false))
        .unwrap();
    let [first, ..] = [(); 2].map(|()| write(&bob, 0, &with_alice, Body::Text(to(&me))));
    write(&bob, 0, &with_alice, edit(first, "never mind".into()));
    deliver(&[&alice, &bob], 0);
    let copy = backups::copied(&alice);
    let row: Result<_, EngineError> = copy.read(|rows| conversations::row(rows, &with_bob));
    let row = row.unwrap();
    assert_eq!((row.unread, row.unread_mentions), (2, 1));
}
