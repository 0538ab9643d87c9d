//! What seems to be missing of somebody: what makes it seem so, when it is asked for, and how often.

use super::annotated::{comes, content, id, two};
use super::typing::{between, talking};
use super::*;
use crate::chat::{Content, HealingRequest};
use crate::engine::history::follows;
use crate::engine::sync::outcome::UndecryptableCause as Cause;
use crate::limits::{GAP_PATIENCE_SECONDS, MAX_HEALING_PER_DAY, MAX_UNPROVED_HEALING_PER_DAY};
use crate::wire::store::HealingRow;

fn row(party: &Party, of: &Party) -> HealingRow {
    let row = party.at(0, |step| doubts::row_or_new(step.rows, &of.device.public()));
    row.unwrap()
}

#[test]
fn nothing_seems_to_be_missing_of_who_talk_in_turn() {
    let [alice, bob] = talking();
    let (to_bob, to_alice) = between(&alice, &bob);
    for _ in 0..3 {
        write(&alice, 0, &to_bob, text("ahoy"));
        deliver(&[&alice, &bob], 0);
        write(&bob, 0, &to_alice, text("ahoy yourself"));
        deliver(&[&alice, &bob], 0);
    }
    for (party, of, conversation) in [(&alice, &bob, &to_bob), (&bob, &alice, &to_alice)] {
        assert!(!row(party, of).incomplete && row(party, of).gap_since == 0);
        let missing = party.at(0, |step| follows::is_missing_some(step.rows, conversation));
        assert!(!missing.unwrap());
    }
}

#[test]
fn a_message_that_follows_one_that_is_not_here_makes_that_one_missing() {
    let (alice, bob, conversation) = two();
    let said = Content {
        follows: vec![id(1)],
        ..content(&conversation, 2, id(2), text("as I said"))
    };
    comes(&alice, 0, &bob, &conversation, said);
    let missing = || {
        let missing = alice.at(0, |step| follows::is_missing_some(step.rows, &conversation));
        missing.unwrap()
    };
    assert!(missing());
    let first = content(&conversation, 1, id(1), text("ahoy"));
    comes(&alice, 0, &bob, &conversation, first);
    assert!(!missing());
}

#[test]
fn a_gap_is_one_from_the_first_message_that_left_it() {
    let [alice, bob] = acquainted();
    let who = bob.device.public();
    let since = |act: &dyn Fn(&mut Step<'_>) -> Result<bool, EngineError>| {
        let since = alice.at(0, |step| {
            let mut row = doubts::row_or_new(step.rows, &who)?;
            (row.gap_since, row.waiting, row.promised) = (0, false, 0);
            doubts::save(step.rows, &mut row)?;
            act(step)?;
            Ok(doubts::row_or_new(step.rows, &who)?.gap_since)
        });
        since.unwrap()
    };
    let accepted = |step: &mut Step<'_>, skipped, now| {
        let session = sessions::active(step.rows, &bob.end())?.unwrap();
        doubts::message_accepted(step.rows, &session, skipped, false, now)
    };
    assert_eq!(since(&|step| accepted(step, false, START)), 0);
    assert_eq!(since(&|step| accepted(step, true, START)), START);
    let twice = since(&|step| {
        accepted(step, true, START)?;
        accepted(step, true, START + 5)
    });
    assert_eq!(twice, START);
    // The same of what an answer promises.
    let answered = |step: &mut Step<'_>, messages, now| {
        doubts::answer_received(step.rows, &who, messages, now)
    };
    assert_eq!(since(&|step| answered(step, 0, START)), 0);
    assert_eq!(since(&|step| answered(step, 3, START)), START);
    let twice = since(&|step| {
        answered(step, 3, START)?;
        answered(step, 1, START + 5)
    });
    assert_eq!(twice, START);
}

#[test]
fn what_seems_to_be_missing_is_asked_for_after_a_while_and_not_before() {
    let [alice, bob] = acquainted();
    let is_due = |now| {
        let due = alice.at_time(now, |step| upkeep::plan(step.rows, now));
        !due.unwrap().is_empty()
    };
    let patience = START + GAP_PATIENCE_SECONDS * 1000;
    assert!(!is_due(patience));
    let noted = alice.at(0, |step| {
        doubts::note_missing(step.rows, &bob.device.public(), step.now)
    });
    noted.unwrap();
    assert!(!is_due(START) && !is_due(patience - 1) && is_due(patience));
    // How often something could not be read today does not count for it.
    let often = alice.at(0, |step| {
        let mut row = doubts::row_or_new(step.rows, &bob.device.public())?;
        row.cause = Cause::UnknownSession.number();
        (row.day_start, row.asked_today) = (step.now, MAX_UNPROVED_HEALING_PER_DAY);
        doubts::save(step.rows, &mut row)
    });
    often.unwrap();
    assert!(is_due(patience));
}

#[test]
fn a_device_that_does_not_acknowledge_is_asked_so_often_a_day() {
    let [alice, bob] = acquainted();
    empty_outbox(&alice);
    let probes = |day| {
        let probed = alice.at(day, |step| {
            for _ in 0..MAX_HEALING_PER_DAY + 3 {
                healing::probe(step, &[bob.end()])?;
            }
            Ok(())
        });
        probed.unwrap();
        empty_outbox(&alice).len()
    };
    let most = usize::try_from(MAX_HEALING_PER_DAY).unwrap();
    assert_eq!([probes(1), probes(2)], [most, most]);
}

#[test]
fn who_was_put_back_is_asked_in_turn_only_if_they_name_what_is_not_here() {
    let [alice, bob] = acquainted();
    let request = HealingRequest {
        went_back: true,
        ..HealingRequest::default()
    };
    let answered = alice.at(1, |step| {
        let answered = healing::answer(step, &bob.end(), &request, &LOST_ALL)?;
        Ok(answered.asked)
    });
    assert_eq!(answered.unwrap(), None);
}

#[test]
fn only_receipts_of_messages_that_wait_for_an_answer_are_held_back() {
    let [alice, bob, carol] = acquainted();
    let [to_bob, to_carol] = [&bob, &carol].map(|one| one.device.public());
    empty_outbox(&alice);
    for (came, count) in [
        ((to_bob, id(1)), 0),
        ((to_bob, id(2)), 1),
        ((to_carol, id(1)), 1),
    ] {
        let sent = alice.at(0, |step| {
            step.receipts.held.push(MessageRef {
                author: to_bob,
                id: id(1),
            });
            receipts::acknowledge(step, &[came])
        });
        sent.unwrap();
        assert_eq!(empty_outbox(&alice).len(), count);
    }
}
