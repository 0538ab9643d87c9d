//! What is unread was seen on no device of the user's, and what was seen on one is not unread.

use super::*;
use crate::engine::history::unread as history_unread;
use crate::engine::sync::{deletions, reading};

pub(super) fn unread(party: &Party, conversation: &ConversationId) -> u64 {
    let unread = party.at(1, |step| conversations::unread(step.rows, conversation));
    unread.unwrap()
}

fn read(party: &Party, conversation: &ConversationId) {
    let read = party.at(1, |step| reading::read_all(step, conversation, false));
    assert!(read.unwrap());
}

#[test]
fn a_message_that_crossed_one_of_ours_is_unread() {
    let [alice, bob] = [1, 2].map(Party::new);
    introduce(&[&alice, &bob], 0);
    let to_bob = ConversationId::Direct(bob.device.public());
    let to_alice = ConversationId::Direct(alice.device.public());
    write(&bob, 0, &to_alice, text("ahoy"));
    deliver(&[&alice, &bob], 0);
    read(&alice, &to_bob);
    write(&alice, 1, &to_bob, text("shall we"));
    write(&bob, 1, &to_alice, text("help, now!"));
    deliver(&[&alice, &bob], 1);
    assert_eq!((unread(&alice, &to_bob), unread(&bob, &to_alice)), (1, 1));
    // An answer to it says that it was read.
    write(&alice, 1, &to_bob, text("coming"));
    assert_eq!(unread(&alice, &to_bob), 0);
}

/// Two devices of one user, and a friend of both.
pub(super) fn devices_and_friend() -> [Party; 3] {
    let [first, second, friend] = [1, 1, 3].map(Party::new);
    for (knows, of) in [(&first, &second), (&second, &first)] {
        let (bundle, id) = (of.bundle(0, false), of.device.device_id);
        let known = knows.at(0, |step| own_devices::merge_bundle(step, &bundle, Some(id)));
        assert_eq!(known.unwrap().added, [id]);
        // The user linked them, whenever their sessions begin.
        let linked = knows.at(0, |step| own_devices::note_linked(step.rows, id, u64::MAX));
        linked.unwrap();
    }
    introduce(&[&first, &friend], 0);
    introduce(&[&second, &friend], 0);
    deliver(&[&first, &second, &friend], 0);
    [first, second, friend]
}

#[test]
fn what_was_read_on_another_device_is_read_and_nothing_else() {
    let [first, second, friend] = devices_and_friend();
    let all = [&first, &second, &friend];
    let ours = ConversationId::Direct(friend.device.public());
    let theirs = ConversationId::Direct(first.device.public());
    write(&friend, 1, &theirs, text("one"));
    deliver(&all, 1);
    assert_eq!((unread(&first, &ours), unread(&second, &ours)), (1, 1));
    // Read on the first; two more reach the second before it hears of that.
    read(&first, &ours);
    let mark = empty_outbox(&first);
    for more in ["two", "three"] {
        write(&friend, 1, &theirs, text(more));
    }
    carry(&friend, &second, 1);
    assert_eq!(unread(&second, &ours), 3);
    for waiting in &mark {
        take(&second, 1, &waiting.envelope).unwrap();
    }
    assert_eq!(unread(&second, &ours), 2);
    // The same mark again takes nothing more away.
    for waiting in &mark {
        take(&second, 1, &waiting.envelope).unwrap();
    }
    assert_eq!(unread(&second, &ours), 2);
}

#[test]
fn an_answer_on_another_device_reads_what_that_one_had() {
    let [first, second, friend] = devices_and_friend();
    let all = [&first, &second, &friend];
    let ours = ConversationId::Direct(friend.device.public());
    let theirs = ConversationId::Direct(first.device.public());
    write(&friend, 1, &theirs, text("one"));
    deliver(&all, 1);
    // The first answers, and the second gets another message before the copy of the answer.
    write(&first, 1, &ours, text("answer"));
    let answer = empty_outbox(&first);
    write(&friend, 1, &theirs, text("two"));
    carry(&friend, &second, 1);
    assert_eq!(unread(&second, &ours), 2);
    for waiting in &answer {
        if waiting.recipient == second.device.public() {
            take(&second, 1, &waiting.envelope).unwrap();
        }
    }
    assert_eq!(unread(&second, &ours), 1);
}

#[test]
fn what_came_late_is_unread_whatever_was_read_on_another_device_meanwhile() {
    let [first, second, friend] = devices_and_friend();
    let ours = ConversationId::Direct(friend.device.public());
    let theirs = ConversationId::Direct(first.device.public());
    // One message reaches the second device alone; two that are later reach the first.
    write(&friend, 1, &theirs, text("for the second"));
    carry(&friend, &second, 1);
    for more in ["two", "three"] {
        write(&friend, 1, &theirs, text(more));
    }
    carry(&friend, &first, 1);
    assert_eq!((unread(&first, &ours), unread(&second, &ours)), (2, 1));
    read(&first, &ours);
    carry(&first, &second, 1);
    assert_eq!(unread(&second, &ours), 1);
    // Nor does an answer on the first hide it.
    write(&first, 1, &ours, text("answer"));
    carry(&first, &second, 1);
    assert_eq!(unread(&second, &ours), 1);
    // What the mark named is read when it comes.
    friend
        .at(1, |step| {
            let all = inventory::ids_by(step.rows, &step.device.public(), &theirs)?;
            for party in [&second] {
                let to = party.end();
                for id in &all {
                    let author = step.device.public();
                    let message = MessageRef { author, id: *id };
                    unacknowledged::schedule_requested(
                        step.rows, &to, &message, step.now, step.now,
                    )?;
                }
            }
            Ok(())
        })
        .unwrap();
    run_due(&friend, 2).unwrap();
    carry(&friend, &second, 2);
    assert_eq!(texts(&second, 2, &ours).unwrap().len(), 4);
    assert_eq!(unread(&second, &ours), 1);
}

#[test]
fn what_is_deleted_or_gone_is_not_unread_and_an_edit_changes_nothing() {
    let [alice, bob] = [1, 2].map(Party::new);
    let all = [&alice, &bob];
    introduce(&all, 0);
    let to_bob = ConversationId::Direct(bob.device.public());
    let to_alice = ConversationId::Direct(alice.device.public());
    let [first, second, third] =
        ["one", "two", "three"].map(|said| write(&bob, 0, &to_alice, text(said)));
    deliver(&all, 0);
    assert_eq!(unread(&alice, &to_bob), 3);
    write(
        &bob,
        0,
        &to_alice,
        Body::Edit {
            target: first,
            text: "first".into(),
        },
    );
    deliver(&all, 0);
    assert_eq!(unread(&alice, &to_bob), 3);
    // By its author, and twice.
    for _ in 0..2 {
        write(&bob, 0, &to_alice, Body::Deletion { target: second });
        deliver(&all, 0);
        assert_eq!(unread(&alice, &to_bob), 2);
    }
    // By the user.
    let author = bob.device.public();
    let delete = |id| {
        alice.at(0, |step| {
            deletions::delete_message(step, &MessageRef { author, id })
        })
    };
    assert!(delete(third).unwrap());
    assert_eq!(unread(&alice, &to_bob), 1);
    read(&alice, &to_bob);
    // What is edited after it was read is not unread again.
    write(
        &bob,
        0,
        &to_alice,
        Body::Edit {
            target: first,
            text: "the first".into(),
        },
    );
    deliver(&all, 0);
    assert_eq!(unread(&alice, &to_bob), 0);
    // With its time, whether somebody has deleted it yet or not.
    write(&bob, 0, &to_alice, Body::DisappearingTimer(DAY));
    write(&bob, 0, &to_alice, text("gone tomorrow"));
    deliver(&all, 0);
    let at = |day| {
        alice
            .at(day, |step| history_unread::at(step.rows, &to_bob, step.now))
            .unwrap()
    };
    assert_eq!((at(0).messages, at(2).messages), (1, 0));
    alice
        .at(2, |step| deletion::expire(step.rows, step.now))
        .unwrap();
    assert_eq!(unread(&alice, &to_bob), 0);
}

#[test]
fn a_mark_that_comes_again_or_late_takes_nothing_back() {
    let [first, second, friend] = devices_and_friend();
    let all = [&first, &second, &friend];
    let ours = ConversationId::Direct(friend.device.public());
    let theirs = ConversationId::Direct(first.device.public());
    let mut marks = Vec::new();
    for said in 0..40 {
        write(&friend, 1, &theirs, text(&said.to_string()));
        deliver(&[&friend, &first], 1);
        if said % 13 == 0 {
            read(&first, &ours);
            marks.extend(empty_outbox(&first));
        }
    }
    carry(&friend, &second, 1);
    deliver(&all, 1);
    let before = unread(&second, &ours);
    for mark in marks.iter().rev() {
        take(&second, 1, &mark.envelope).unwrap();
        assert!(unread(&second, &ours) <= before);
    }
}

#[test]
fn unread_of_a_backup_is_what_it_was() {
    let [alice, bob] = [1, 2].map(Party::new);
    introduce(&[&alice, &bob], 0);
    let to_bob = ConversationId::Direct(bob.device.public());
    let to_alice = ConversationId::Direct(alice.device.public());
    for said in ["one", "two", "three"] {
        write(&bob, 0, &to_alice, text(said));
        deliver(&[&alice, &bob], 0);
        if said == "one" {
            read(&alice, &to_bob);
        }
    }
    let copy = backups::copied(&alice);
    let (all, marked) = copy
        .read(|rows| {
            let all = conversations::unread(rows, &to_bob)?;
            let row = conversations::row(rows, &to_bob)?;
            Ok::<_, EngineError>((all, row.unread))
        })
        .unwrap();
    assert_eq!((all, marked), (2, 2));
}

#[test]
fn a_receipt_reads_nothing_that_crossed_it() {
    let [alice, bob] = [1, 2].map(Party::new);
    let all = [&alice, &bob];
    introduce(&all, 0);
    let to_bob = ConversationId::Direct(bob.device.public());
    let to_alice = ConversationId::Direct(alice.device.public());
    write(&alice, 0, &to_bob, text("one"));
    deliver(&all, 0);
    // Bob writes, and so does Alice; Bob reads before hers has come.
    write(&bob, 0, &to_alice, text("crossed"));
    write(&alice, 0, &to_bob, text("two"));
    let hers = empty_outbox(&alice);
    write(&alice, 0, &to_bob, text("three"));
    empty_outbox(&alice);
    bob.at(0, |step| reading::read_all(step, &to_alice, true))
        .unwrap();
    let receipt = bob.at(0, |step| {
        let mut row = conversations::row(step.rows, &to_alice)?;
        row.read_lamport = 0;
        conversations::save(step.rows, &to_alice, &row)?;
        reading::read_all(step, &to_alice, true)
    });
    assert!(receipt.unwrap());
    deliver(&all, 0);
    let read = alice
        .at(0, |step| {
            let page = view::page(step.rows, &to_bob, 10, None, step.now)?;
            let mine = page
                .iter()
                .filter(|shown| shown.stored.author == step.device.public());
            Ok(mine.filter(|shown| !shown.read_by.is_empty()).count())
        })
        .unwrap();
    assert_eq!(read, 1);
    assert!(!hers.is_empty());
}
