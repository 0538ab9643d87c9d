//! Who is writing just now is told at once or not at all.

use super::*;
use crate::engine::sync::transient;
use crate::limits::TRANSIENT_SECONDS;

fn tell(party: &Party, id: &ConversationId, active: bool) -> usize {
    let told = party.at(1, |step| transient::tell_typing(step, id, active));
    told.unwrap().len()
}

/// Whether the outcomes say that somebody writes, and nothing else.
fn heard(outcomes: &[Outcome]) -> Option<bool> {
    match outcomes {
        [Outcome::InConversation(_, ConversationNews::Typing { active, .. })] => Some(*active),
        other => {
            assert!(other.is_empty(), "something else");
            None
        }
    }
}

/// Two who have written to each other.
pub(super) fn talking() -> [Party; 2] {
    let [alice, bob] = [1, 2].map(Party::new);
    introduce(&[&alice, &bob], 0);
    let (to_bob, to_alice) = between(&alice, &bob);
    write(&alice, 0, &to_bob, text("ahoy"));
    deliver(&[&alice, &bob], 0);
    write(&bob, 0, &to_alice, text("ahoy"));
    deliver(&[&alice, &bob], 0);
    [alice, bob]
}

pub(super) fn between(alice: &Party, bob: &Party) -> (ConversationId, ConversationId) {
    let direct = |party: &Party| ConversationId::Direct(party.device.public());
    (direct(bob), direct(alice))
}

#[test]
fn typing_is_heard_and_leaves_nothing_behind() {
    let [alice, bob] = talking();
    let (to_bob, to_alice) = between(&alice, &bob);
    for active in [true, false] {
        assert_eq!(tell(&alice, &to_bob, active), 1);
        assert_eq!(heard(&carry(&alice, &bob, 1)), Some(active));
        // Nobody acknowledges it, and nothing is sent again.
        assert!(empty_outbox(&bob).is_empty());
        run_due(&alice, 2).unwrap();
        assert!(empty_outbox(&alice).is_empty());
    }
    assert_eq!(texts(&bob, 1, &to_alice).unwrap().len(), 2);
}

#[test]
fn one_waits_for_a_transport_that_is_behind_and_is_too_late_then() {
    let [alice, bob] = talking();
    let (to_bob, _) = between(&alice, &bob);
    assert_eq!(tell(&alice, &to_bob, true), 1);
    for active in [false, true, false] {
        assert_eq!(tell(&alice, &to_bob, active), 0);
    }
    let waiting = empty_outbox(&alice).pop().unwrap();
    assert_eq!(tell(&alice, &to_bob, true), 1, "the transport took it");
    empty_outbox(&alice);
    let envelope = Envelope::decode(&waiting.envelope).unwrap();
    let late = START + DAY + TRANSIENT_SECONDS * 1000 + 1;
    let processed = bob.at_time(late, |step| receive::receive(step, &envelope));
    assert_eq!(heard(&processed.unwrap().outcomes), None);
}

#[test]
fn nobody_hears_it_who_has_not_answered_or_is_not_wanted() {
    let [alice, bob] = [1, 2].map(Party::new);
    introduce(&[&alice, &bob], 0);
    let (to_bob, to_alice) = between(&alice, &bob);
    // No session is begun for it.
    assert_eq!(tell(&alice, &to_bob, true), 0);
    write(&alice, 0, &to_bob, text("ahoy"));
    assert_eq!(tell(&alice, &to_bob, true), 0);
    deliver(&[&alice, &bob], 0);
    assert_eq!(tell(&alice, &to_bob, true), 1);
    assert_eq!(heard(&carry(&alice, &bob, 1)), Some(true));
    let who = alice.device.public();
    let block = bob.at(1, |step| {
        let mut contact = contacts::find(step.rows, &who)?.unwrap();
        people::block(step.rows, &mut contact)
    });
    block.unwrap();
    assert_eq!(tell(&bob, &to_alice, true), 0);
    assert_eq!(tell(&alice, &to_bob, true), 1);
    let outcomes = carry(&alice, &bob, 1);
    let told = |one: &Outcome| {
        matches!(
            one,
            Outcome::InConversation(_, ConversationNews::Typing { .. })
        )
    };
    assert!(!outcomes.iter().any(told));
}
