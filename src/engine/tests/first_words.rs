//! What somebody wrote before the other had heard of their device: it is given back to who wrote it, and to no thief of the seed.

use super::group_views::at_hour;
use super::thieves::{asks, root, set_root, to};
use super::*;
use crate::engine::records::healing_root;

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
fn first_words_of_before_the_day_that_is_proved_do_not() {
    let [alice, bob] = [1, 2].map(Party::new);
    introduce(&[&alice, &bob], 0);
    let mut under_way = writes(&alice, &bob, 2, "are you there");
    alice.at(1, healing_root::keep_days).unwrap();
    under_way.extend(writes(&alice, &bob, 26, "hello"));
    comes(&bob, 30, &under_way);
    // A state of the third day proves the second, and none before.
    alice.at(2, healing_root::keep_days).unwrap();
    assert_eq!(asks(&alice, &bob, 2), Some(1));
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
