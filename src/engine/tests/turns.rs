//! What a device has not acknowledged: when it comes again, in which turn, and that nothing is left of it once it is done.

use super::annotated::id;
use super::*;
use crate::engine::records::{asked, turns};
use crate::limits::{
    HEALING_BACK_OFF_SECONDS, RESEND_AFTER_SECONDS, RESEND_RETENTION_SECONDS,
    TAKE_OVER_AFTER_SECONDS,
};
use crate::x3dh;

fn device(seed: u8) -> x3dh::Party {
    x3dh::Party {
        identity: somebody(seed),
        device_id: 5,
    }
}

fn message(number: u32) -> MessageRef {
    MessageRef {
        author: device(99).identity,
        id: id(number),
    }
}

/// How many messages are due at a time, and how many are kept ready no longer.
fn due(party: &Party, now: u64, limit: usize) -> (usize, usize) {
    let due = party.at_time(now, |step| turns::due(step.rows, now, limit));
    let due = due.unwrap();
    (due.resend.len(), due.forget.len())
}

fn asks(party: &Party, to: &x3dh::Party, numbers: &[u32]) {
    let asked = party.at(0, |step| {
        for number in numbers {
            let message = message(*number);
            unacknowledged::schedule_requested(step.rows, to, &message, step.now, step.now)?;
        }
        Ok(())
    });
    asked.unwrap();
}

#[test]
fn what_nobody_acknowledged_comes_again_after_its_time_and_not_before() {
    for (late, seconds) in [
        (false, RESEND_AFTER_SECONDS),
        (true, TAKE_OVER_AFTER_SECONDS),
    ] {
        let (party, to) = (Party::new(1), device(2));
        let noted = party.at(0, |step| {
            if late {
                let (sent_at, now) = (step.now, step.now);
                unacknowledged::schedule_late(step.rows, &to, &message(1), sent_at, now)
            } else {
                unacknowledged::schedule_sent(step.rows, &to, &message(1), 0, step.now)
            }
        });
        noted.unwrap();
        let time = START + seconds * 1000;
        assert_eq!(due(&party, START, 10), (0, 0));
        assert_eq!(due(&party, time - 1, 10), (0, 0));
        assert_eq!(due(&party, time, 10), (1, 0));
    }
}

#[test]
fn what_is_too_old_is_kept_ready_no_longer_so_many_at_once() {
    let party = Party::new(1);
    let noted = party.at(0, |step| {
        for seed in [2, 3] {
            unacknowledged::schedule_sent(step.rows, &device(seed), &message(1), 0, step.now)?;
        }
        Ok(())
    });
    noted.unwrap();
    let over = START + RESEND_RETENTION_SECONDS * 1000;
    assert_eq!(due(&party, over - 1, 10), (2, 0));
    assert_eq!(due(&party, over, 10), (0, 2));
    assert_eq!(due(&party, over, 1), (0, 1));
}

#[test]
fn what_a_device_asked_for_comes_in_the_order_in_which_it_asked() {
    let (party, first, second) = (Party::new(1), device(2), device(3));
    asks(&party, &first, &[9, 3, 7, 1]);
    asks(&party, &second, &[5]);
    let answer = party.at(0, |step| turns::for_answer(step.rows, &first, 10, step.now));
    let answer: Vec<_> = answer.unwrap().iter().map(|one| one.message.id).collect();
    assert_eq!(answer, [9, 3, 7, 1].map(id));
    // Each device has its own turns.
    for (to, number) in [(&first, 9), (&second, 5)] {
        let next = party.at(0, |step| unacknowledged::asked_by(step.rows, to, 1));
        let next: Vec<_> = next.unwrap().iter().map(|one| one.message.id).collect();
        assert_eq!(next, [id(number)]);
    }
}

#[test]
fn what_was_sent_because_it_was_asked_for_is_not_sent_at_once_for_the_next_request() {
    let (party, to, other) = (Party::new(1), device(2), device(3));
    for to in [&to, &other] {
        asks(&party, to, &[1]);
    }
    let sent = party.at(0, |step| {
        for message in unacknowledged::asked_by(step.rows, &to, 1)? {
            unacknowledged::resent(step.rows, message, (1_000, 80), step.now)?;
        }
        Ok(())
    });
    sent.unwrap();
    let under_way = |to: &x3dh::Party| {
        let room = party.at(0, |step| asked::room(step.rows, to, step.now));
        room.unwrap().under_way
    };
    assert_eq!((under_way(&to), under_way(&other)), (80, 0));
    let over = START + HEALING_BACK_OFF_SECONDS * 1000;
    for (now, count) in [(START, 0), (over - 1, 0), (over, 1)] {
        let answer = party.at_time(now, |step| turns::for_answer(step.rows, &to, 10, now));
        assert_eq!(answer.unwrap().len(), count);
    }
}

#[test]
fn what_was_asked_for_has_no_turn_once_it_came_nor_when_the_device_is_gone() {
    let (party, first, second) = (Party::new(1), device(2), device(3));
    for to in [&first, &second] {
        asks(&party, to, &[1, 2]);
    }
    // For each device two turns, and one row of how it stands.
    assert_eq!(party.count(Table::Asked), 6);
    let came = party.at(0, |step| {
        unacknowledged::acknowledge(step.rows, &first, &id(1), step.now)
    });
    assert!(came.unwrap());
    assert_eq!(party.count(Table::Asked), 5);
    for (to, left) in [(&first, 3), (&second, 0)] {
        party
            .at(0, |step| unacknowledged::forget(step.rows, to))
            .unwrap();
        assert_eq!(party.count(Table::Asked), left);
    }
    assert_eq!(party.count(Table::Unacknowledged), 0);
}
