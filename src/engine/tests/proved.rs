//! What a proof of a day brings, and what it does not.

use super::thieves::{to, who_talked};
use super::*;
use crate::chat::HealingRequest;

/// A device that appeared proves days like any other from then on. What was written before is not its own because another acknowledged it since.
#[test]
fn what_was_written_before_a_device_appeared_is_not_its_own_when_another_acknowledges_it_later() {
    for by_clock in [false, true] {
        let [alice, bob] = who_talked(2);
        let late = write(&bob, 2, &to(&alice), text("before the theft"));
        let under_way = empty_outbox(&bob);
        let thief = crate::x3dh::Party {
            identity: alice.device.public(),
            device_id: alice.device.device_id ^ 1,
        };
        for waiting in under_way {
            taken(&alice, 4, &waiting.envelope);
        }
        deliver(&[&alice, &bob], 4);
        // It appeared on the third day, and proves the fourth.
        let appeared = START + 3 * DAY;
        let standing = |known_since| Standing {
            known_since,
            proven: Some(lost_since(START + 4 * DAY)),
            established: false,
        };
        let given = |known_since| {
            let answered = bob.at(4, |step| {
                let standing = standing(known_since);
                healing::answer(step, &thief, &HealingRequest::default(), &standing)
            });
            answered.unwrap().messages
        };
        // Who was there when it was written may have lost it.
        let known_since = if by_clock { appeared } else { START };
        assert_eq!(given(known_since), u64::from(!by_clock));
        let message = MessageRef {
            author: bob.device.public(),
            id: late,
        };
        let stored = bob.at(4, |step| message::contains(step.rows, &message));
        assert!(stored.unwrap());
    }
}
