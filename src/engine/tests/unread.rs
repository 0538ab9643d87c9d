//! What is unread was seen on no device of the user's, and what was seen on one is not unread.

use super::*;
use crate::engine::sync::reading;

fn unread(party: &Party, conversation: &ConversationId) -> u64 {
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
fn devices_and_friend() -> [Party; 3] {
    let [first, second, friend] = [1, 1, 3].map(Party::new);
    for (knows, of) in [(&first, &second), (&second, &first)] {
        let (bundle, id) = (of.bundle(0, false), of.device.device_id);
        let known = knows.at(0, |step| own_devices::merge_bundle(step, &bundle, Some(id)));
        assert_eq!(known.unwrap().added, [id]);
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
