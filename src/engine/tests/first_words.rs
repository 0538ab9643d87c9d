//! What somebody wrote before the other had heard of their device: it is given back to who wrote it, and to no thief of the seed.

use super::group_views::at_hour;
use super::thieves::{asks, asks_at, root, set_root, to};
use super::*;
use crate::engine::records::{healing_root, pair_rows};

/// Writes, by whatever the clock says.
fn writes(from: &Party, whom: &Party, hour: u64, words: &str) -> Vec<Vec<u8>> {
    let to = to(whom);
    let sent = from.at_time(at_hour(hour), |step| {
        write::write(step, &to, text(words), None).map(|_| ())
    });
    sent.unwrap();
    let waiting = empty_outbox(from).into_iter();
    waiting.map(|waiting| waiting.envelope).collect()
}

fn comes(to: &Party, hour: u64, envelopes: &[Vec<u8>]) {
    for envelope in envelopes {
        let envelope = Envelope::decode(envelope).unwrap();
        to.at_time(at_hour(hour), |step| receive::receive(step, &envelope))
            .unwrap();
    }
}

#[test]
fn first_words_come_back_to_who_wrote_them() {
    let [alice, bob] = [1, 2].map(Party::new);
    introduce(&[&alice, &bob], 0);
    let copy = root(&alice);
    alice.at(1, healing_root::keep_days).unwrap();
    let mut under_way = writes(&alice, &bob, 24, "are you there");
    under_way.extend(writes(&alice, &bob, 26, "hello"));
    // Bob's telephone was off.
    comes(&bob, 30, &under_way);
    set_root(&alice, &copy);
    assert_eq!(asks(&alice, &bob, 2), Some(2));
}

#[test]
fn first_words_of_before_the_day_that_is_proved_do_not_once_somebody_has_answered() {
    for (answers, asked_on) in [(false, 2), (true, 2), (true, 3)] {
        let [alice, bob] = [1, 2].map(Party::new);
        introduce(&[&alice, &bob], 0);
        let mut under_way = writes(&alice, &bob, 2, "are you there");
        alice.at(1, healing_root::keep_days).unwrap();
        under_way.extend(writes(&alice, &bob, 26, "hello"));
        comes(&bob, 30, &under_way);
        if answers {
            comes(&alice, 32, &writes(&bob, &alice, 31, "yes"));
            comes(&bob, 33, &writes(&alice, &bob, 33, "good"));
        }
        // As long as nobody has answered it has all that was said itself, and for as long as the root of the day of the answer the key that proves it. A
        // state of the fourth day proves the third, and none before.
        for day in 2..=asked_on {
            alice.at(day, healing_root::keep_days).unwrap();
        }
        // Both; all four; none of them.
        let given = match (answers, asked_on) {
            (false, _) => 2,
            (true, 2) => 4,
            (true, _) => 0,
        };
        assert_eq!(
            asks(&alice, &bob, asked_on),
            Some(given),
            "{answers}, {asked_on}"
        );
    }
}

/// The key that comes with what is sent again is of the day on which the first of them were written.
#[test]
fn first_words_that_were_lost_on_the_way_and_sent_again_days_later_come_back_too() {
    let [alice, bob] = [1, 2].map(Party::new);
    introduce(&[&alice, &bob], 0);
    let copy = root(&alice);
    writes(&alice, &bob, 2, "are you there");
    for day in 1..=3 {
        run_due(&alice, day).unwrap();
        let again = empty_outbox(&alice).into_iter();
        let again: Vec<_> = again.map(|waiting| waiting.envelope).collect();
        assert!(!again.is_empty());
        if day == 3 {
            comes(&bob, 73, &again);
        }
    }
    goes_back(&alice, &bob, &copy);
    assert_eq!(asks(&alice, &bob, 4), Some(1));
}

/// Whoever went back may be answered before they ask: what somebody says who has not heard yet that they went back.
#[test]
fn first_words_come_back_although_the_other_writes_before_they_are_asked() {
    for day in [4, 5] {
        let [alice, bob] = [1, 2].map(Party::new);
        introduce(&[&alice, &bob], 0);
        let under_way = writes(&alice, &bob, 2, "are you there");
        let again = writes(&alice, &bob, 50, "hello");
        comes(&bob, 51, &under_way);
        comes(&bob, 52, &again);
        for today in 1..=4 {
            alice.at(today, healing_root::keep_days).unwrap();
        }
        comes(&alice, 4 * 24 + 1, &writes(&bob, &alice, 4 * 24, "yes"));
        alice.at(day, healing_root::keep_days).unwrap();
        assert_eq!(asks(&alice, &bob, day), Some(3), "{day}");
    }
}

/// After a week without an answer the other side may have forgotten the session, but it is the only one that is known for as long as the words.
#[test]
fn first_words_go_on_in_their_session_when_no_other_may_have_them() {
    let [alice, bob] = [1, 2].map(Party::new);
    introduce(&[&alice, &bob], 0);
    writes(&alice, &bob, 2, "are you there");
    // Since then Bob has other prekeys.
    alice.add(8, &bob.bundle(8, false));
    for day in 8..=9 {
        run_due(&alice, day).unwrap();
        let again = empty_outbox(&alice).into_iter();
        let again: Vec<_> = again.map(|waiting| waiting.envelope).collect();
        assert!(!again.is_empty(), "day {day}");
        if day == 9 {
            comes(&bob, 9 * 24, &again);
        }
    }
    let words = texts(&bob, 9, &to(&alice)).unwrap();
    assert_eq!(
        words,
        [(alice.device.public(), "are you there".into(), false)]
    );
}

/// Nobody answered for a week, so they go on in a session that is begun for them, with the same key.
#[test]
fn first_words_in_several_sessions_come_back_in_whatever_order_they_came() {
    for order in [[0, 1, 2], [2, 0, 1], [1, 2, 0]] {
        let [alice, bob] = [1, 2].map(Party::new);
        introduce(&[&alice, &bob], 0);
        let copy = root(&alice);
        let words = [
            (2, "are you there"),
            (100, "hello"),
            (7 * 24 + 3, "well then"),
        ];
        let under_way = words.map(|(hour, words)| writes(&alice, &bob, hour, words));
        for one in order {
            comes(&bob, 7 * 24 + 4, &under_way[one]);
        }
        goes_back(&alice, &bob, &copy);
        assert_eq!(asks(&alice, &bob, 7), Some(3), "{order:?}");
    }
}

/// To before anything was written to somebody.
fn goes_back(who: &Party, to: &Party, copy: &crate::wire::store::HealingRootRow) {
    set_root(who, copy);
    let peer = crate::x3dh::Party {
        identity: to.device.public(),
        device_id: to.device.device_id,
    };
    who.at(0, |step| pair_rows::forget(step.rows, &peer))
        .unwrap();
}

/// First words cross. The key of the earlier day came in a session that turned up late, that of the next in one that is known for longer: each proves what
/// it can.
#[test]
fn a_request_that_proves_two_days_is_given_what_either_of_them_gives() {
    let [alice, bob] = [1, 2].map(Party::new);
    introduce(&[&alice, &bob], 0);
    alice.at(1, healing_root::keep_days).unwrap();
    let to_alice = writes(&bob, &alice, 25, "are you there");
    let to_bob = writes(&alice, &bob, 26, "hello");
    alice.at(2, healing_root::keep_days).unwrap();
    comes(&alice, 49, &to_alice);
    let answer = writes(&alice, &bob, 49, "I am");
    comes(&bob, 50, &to_bob);
    comes(&bob, 51, &answer);
    // Her own two; his is not acknowledged and goes without being promised.
    assert_eq!(asks_at(&alice, &bob, at_hour(52)), Some(2));
}

#[test]
fn a_thief_of_the_seed_gets_no_first_words_but_their_own() {
    for thief_first in [false, true] {
        let [alice, bob] = [1, 2].map(Party::new);
        introduce(&[&alice, &bob], 0);
        let under_way = writes(&alice, &bob, 24, "are you there");
        // It says to have written long before.
        let thief = Party::new(1);
        thief.add(1, &bob.bundle(1, false));
        let forged = writes(&thief, &bob, 24, "it is me");
        let mut all = [(30, &under_way), (31, &forged)];
        if thief_first {
            all.swap(0, 1);
        }
        for (hour, envelopes) in all {
            comes(&bob, hour, envelopes);
        }
        assert_eq!(asks(&thief, &bob, 2), Some(1), "{thief_first}");
    }
}
