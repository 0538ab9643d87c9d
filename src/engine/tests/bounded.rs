//! What others can make a device do and keep is bounded, and nobody's work holds up another's.

use super::annotated::{by, comes, content, id, reaction, two};
use super::*;
use crate::chat::HealingRequest;
use crate::limits::{
    MAX_ANSWERED_BYTES_PER_DAY, MAX_EARLY_ANNOTATIONS, MAX_REACTIONS_BY_ONE,
    MAX_RESENT_BYTES_TO_ONE,
};

pub(super) const HOUR: u64 = 3_600_000;

/// Upkeep as the facade does it; whether there was anything to write.
pub(super) fn round(party: &Party, now: u64) -> bool {
    let due = party.at_time(now, |step| upkeep::plan(step.rows, now));
    let due = due.unwrap();
    let changed = party.at_time(now, |step| upkeep::maintain(step, &due));
    changed.unwrap().is_some()
}

fn say(party: &Party, now: u64, to: &Party, body: &Body) {
    let to = ConversationId::Direct(to.device.public());
    party
        .at_time(now, |step| {
            write::write(step, &to, body.clone(), None).map(|_| ())
        })
        .unwrap();
}

fn waiting(party: &Party) -> Vec<outbox::QueuedEnvelope> {
    let waiting: Result<_, EngineError> = party.store.read(|rows| outbox::queued(rows, 0, 100_000));
    waiting.unwrap()
}

fn data(len: usize) -> Body {
    Body::Data {
        media_type: "a/b".into(),
        data: vec![7; len],
    }
}

#[test]
fn what_the_transport_has_not_taken_is_not_put_into_the_outbox_again() {
    let [alice, bob] = acquainted();
    for _ in 0..30 {
        alice.send(0, &bob).unwrap();
    }
    for hour in 0..7 * 24 {
        round(&alice, START + hour * HOUR);
    }
    assert_eq!(waiting(&alice).len(), 30);
    // Nor did that count: once it is taken, and lost, it is sent again as often as ever.
    empty_outbox(&alice);
    let mut again = 0;
    for hour in 7 * 24..21 * 24 {
        round(&alice, START + hour * HOUR);
        again += empty_outbox(&alice).len();
    }
    // And some requests, whether the other side has lost the session.
    assert!((30 * 7..=30 * 8 + 8).contains(&again), "{again}");
}

#[test]
fn nobody_holds_up_what_is_sent_again_to_others() {
    // Whoever comes first in the order of keys.
    let mut parties: Vec<Party> = acquainted::<3>().into();
    parties.sort_by_key(|party| party.device.public().to_bytes());
    let [greedy, alice, friend] = [0, 1, 2].map(|at| &parties[at]);
    for _ in 0..20 {
        say(alice, START, greedy, &data(200_000));
    }
    say(alice, START + 1, friend, &text("are you well?"));
    empty_outbox(alice);
    round(alice, START + 2 * HOUR);
    let sent = waiting(alice);
    let to = |party: &Party| {
        let theirs = sent
            .iter()
            .filter(|one| one.recipient == party.device.public());
        theirs.map(|one| one.envelope.len()).collect::<Vec<_>>()
    };
    assert_eq!(to(friend).len(), 1);
    let bytes: usize = to(greedy).iter().sum();
    assert!(
        bytes > 0 && bytes < MAX_RESENT_BYTES_TO_ONE + 300_000,
        "{bytes}"
    );
}

#[test]
fn requests_bring_no_more_than_a_day_may() {
    let [alice, mallory] = acquainted();
    for _ in 0..5 {
        say(&alice, START, &mallory, &data(1_000));
    }
    empty_outbox(&alice);
    let party = mallory.end();
    let charged = |bytes: u64| {
        let set = alice.at_time(START, |step| {
            let mut row = doubts::row_or_new(step.rows, &party.identity)?;
            doubts::roll_day(&mut row, step.now);
            row.answered_bytes = bytes;
            doubts::save(step.rows, &mut row)
        });
        set.unwrap();
    };
    let asked = |now: u64| {
        let request = HealingRequest::default();
        let answered = alice.at_time(now, |step| {
            healing::answer(step, &party, &request, &LOST_ALL)
        });
        answered.unwrap();
        // Without the answer itself.
        empty_outbox(&alice).len() - 1
    };
    // One more fits.
    charged(MAX_ANSWERED_BYTES_PER_DAY - 1);
    assert_eq!(asked(START + 1), 1);
    assert_eq!(asked(START + HOUR), 0);
    assert!(asked(START + DAY + HOUR) >= 5);
}

#[test]
fn a_contact_that_cannot_be_asked_costs_no_round_a_write() {
    let [alice, bob] = [1, 2].map(Party::new);
    alice.add(0, &bob.bundle(0, false));
    // As after a restored copy or an imported backup: no session, something missing, a bundle that is over.
    let who = bob.device.public();
    alice
        .at(0, |step| doubts::note_missing(step.rows, &who, step.now))
        .unwrap();
    let mut busy = 0;
    for ten in 0..6 * 24 {
        busy += usize::from(round(&alice, START + 40 * DAY + ten * 600_000));
    }
    assert!(busy <= 2, "{busy}");
    // With a bundle they are asked.
    alice.add(42, &bob.bundle(42, false));
    round(&alice, START + 42 * DAY);
    assert_eq!(waiting(&alice).len(), 1);
}

/// One of many emoji.
fn face(number: u32) -> String {
    char::from_u32(0x1f600 + number).unwrap().to_string()
}

#[test]
fn of_hundreds_of_edits_and_reactions_what_counts_stays() {
    let (alice, bob, conversation) = two();
    let author = bob.device.public();
    comes(
        &alice,
        0,
        &bob,
        &conversation,
        content(&conversation, 10, id(1), text("look")),
    );
    let edit = |number: u32| Body::Edit {
        target: id(1),
        text: number.to_string().into(),
    };
    // In no order; the last one in the conversation's order counts.
    let numbers = (0..200).map(|n| (n * 37) % 200);
    for number in numbers.clone() {
        let lamport = 11 + u64::from(number);
        let said = content(&conversation, lamport, id(1_000 + number), edit(number));
        comes(&alice, 0, &bob, &conversation, said);
    }
    let said_of = || {
        let message = by(&bob, &id(1));
        let said = alice.at(0, |step| annotations::annotations_of(step.rows, &message));
        said.unwrap().len()
    };
    assert_eq!(said_of(), 1);
    for number in numbers {
        let body = Body::Reaction {
            author: author.to_bytes(),
            target: id(1),
            emoji: face(number % 40),
            removed: false,
        };
        let lamport = 500 + u64::from(number);
        comes(
            &alice,
            0,
            &bob,
            &conversation,
            content(&conversation, lamport, id(2_000 + number), body),
        );
    }
    assert_eq!(said_of(), 1 + MAX_REACTIONS_BY_ONE);
    let message = by(&bob, &id(1));
    let shown = alice
        .at(0, |step| view::shown(step.rows, &message))
        .unwrap()
        .unwrap();
    assert_eq!(shown.words(), Some("199"));
    let emoji: Vec<_> = shown
        .reactions
        .iter()
        .map(|(_, emoji)| emoji.as_str())
        .collect();
    let last: Vec<_> = (40 - MAX_REACTIONS_BY_ONE..40)
        .map(|n| face(n as u32))
        .collect();
    assert_eq!(emoji, last);
}

#[test]
fn what_is_said_of_messages_that_never_come_goes_again() {
    let (alice, bob, conversation) = two();
    let author = bob.device.public();
    for number in 0..300 {
        let body = match number % 3 {
            0 => reaction(&author, id(10_000 + number)),
            1 => Body::Deletion {
                target: id(10_000 + number),
            },
            _ => Body::Edit {
                target: id(10_000 + number),
                text: "x".repeat(1_000).into(),
            },
        };
        let lamport = 10 + u64::from(number);
        comes(
            &alice,
            0,
            &bob,
            &conversation,
            content(&conversation, lamport, id(number), body),
        );
    }
    assert_eq!(alice.count(Table::EarlyAnnotations), MAX_EARLY_ANNOTATIONS);
    // The last ones wait for what they are about.
    comes(
        &alice,
        0,
        &bob,
        &conversation,
        content(&conversation, 9, id(10_299), text("late")),
    );
    comes(
        &alice,
        0,
        &bob,
        &conversation,
        content(&conversation, 9, id(10_298), text("late")),
    );
    comes(
        &alice,
        0,
        &bob,
        &conversation,
        content(&conversation, 9, id(10_297), text("late")),
    );
    assert_eq!(
        alice.count(Table::EarlyAnnotations),
        MAX_EARLY_ANNOTATIONS - 3
    );
    for day in 1..=70 {
        round(&alice, START + day * DAY);
    }
    assert_eq!(alice.count(Table::EarlyAnnotations), 0);
    let left = alice.count(Table::Messages);
    assert!(left <= 6, "{left}");
}

#[test]
fn an_update_that_the_transport_has_not_taken_is_not_put_into_the_outbox_again() {
    let (first, second) = super::linked::linked();
    let share = |step: &mut Step<'_>| updates::share_contacts(step, Recipients::ALL);
    first.at(0, share).unwrap();
    // Whom the user linked, and whom the user knows.
    assert_eq!(waiting(&first).len(), 2);
    for hour in 0..7 * 24 {
        round(&first, START + hour * HOUR);
    }
    assert_eq!(waiting(&first).len(), 2);
    // Once it was taken, and lost, it is sent again: to a device that has not shown its token, what every device is told.
    empty_outbox(&first);
    round(&first, START + 7 * DAY);
    assert_eq!(waiting(&first).len(), 1);
    deliver(&[&first, &second], 7);
    let id = second.device.device_id;
    let row = first.at(7, |step| own_devices::find(step.rows, id));
    assert!(row.unwrap().unwrap().update_id.is_empty());
}
