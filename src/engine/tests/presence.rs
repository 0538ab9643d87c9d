//! Who is there is told as who is writing is, and to contacts alone.

use super::hostile::{content, forge};
use super::typing::{between, talking};
use super::*;
use crate::engine::sync::transient;
use crate::limits::TRANSIENT_SECONDS;

fn tell(party: &Party, id: &ConversationId, available: bool) -> Vec<outbox::QueuedEnvelope> {
    let told = party.at(1, |step| transient::tell_presence(step, id, available));
    told.unwrap()
}

/// Whether the outcomes say of somebody that they are there, and nothing else.
fn heard(outcomes: &[Outcome], of: &Party) -> Option<bool> {
    match outcomes {
        [Outcome::Peer(who, PeerNews::Presence { available })] => {
            assert_eq!(*who, of.device.public());
            Some(*available)
        }
        other => {
            assert!(other.is_empty(), "something else");
            None
        }
    }
}

#[test]
fn who_is_there_is_told_and_leaves_nothing_behind() {
    let [alice, bob] = talking();
    let (to_bob, to_alice) = between(&alice, &bob);
    for available in [true, false] {
        assert_eq!(tell(&alice, &to_bob, available).len(), 1);
        assert_eq!(heard(&carry(&alice, &bob, 1), &alice), Some(available));
        // Nobody acknowledges it, and nothing is sent again.
        assert!(empty_outbox(&bob).is_empty());
        run_due(&alice, 2).unwrap();
        assert!(empty_outbox(&alice).is_empty());
    }
    assert_eq!(texts(&bob, 1, &to_alice).unwrap().len(), 2);
}

#[test]
fn its_envelopes_tell_nothing_by_their_length_and_one_that_is_late_is_not_heard() {
    let [alice, bob] = talking();
    let (to_bob, _) = between(&alice, &bob);
    // The first message of a turn brings a key of the ratchet.
    write(&alice, 1, &to_bob, text("ahoy"));
    empty_outbox(&alice);
    let there = tell(&alice, &to_bob, true).remove(0);
    // One waits for each person, of whichever kind.
    let type_on = || alice.at(1, |step| transient::tell_typing(step, &to_bob, true));
    assert!(type_on().unwrap().is_empty() && tell(&alice, &to_bob, false).is_empty());
    empty_outbox(&alice);
    let gone = tell(&alice, &to_bob, false).remove(0);
    empty_outbox(&alice);
    let typed = type_on().unwrap().remove(0);
    for other in [gone, typed] {
        assert_eq!(there.envelope.len(), other.envelope.len());
    }
    let envelope = Envelope::decode(&there.envelope).unwrap();
    let late = START + DAY + TRANSIENT_SECONDS * 1000 + 1;
    let processed = bob.at_time(late, |step| receive::receive(step, &envelope));
    assert_eq!(heard(&processed.unwrap().outcomes, &alice), None);
}

#[test]
fn nobody_is_told_who_has_not_answered_and_nobody_is_heard_who_is_not_wanted() {
    let [alice, bob] = [1, 2].map(Party::new);
    introduce(&[&alice, &bob], 0);
    let (to_bob, to_alice) = between(&alice, &bob);
    // No session is begun for it.
    assert!(tell(&alice, &to_bob, true).is_empty());
    write(&alice, 0, &to_bob, text("ahoy"));
    assert!(tell(&alice, &to_bob, true).is_empty());
    deliver(&[&alice, &bob], 0);
    assert_eq!(tell(&alice, &to_bob, true).len(), 1);
    assert_eq!(heard(&carry(&alice, &bob, 1), &alice), Some(true));
    let who = alice.device.public();
    let block = bob.at(1, |step| {
        let mut contact = contacts::find(step.rows, &who)?.unwrap();
        people::block(step.rows, &mut contact)
    });
    block.unwrap();
    assert!(tell(&bob, &to_alice, true).is_empty());
    assert_eq!(tell(&alice, &to_bob, true).len(), 1);
    let told = |one: &Outcome| matches!(one, Outcome::Peer(_, PeerNews::Presence { .. }));
    assert!(!carry(&alice, &bob, 1).iter().any(told));
}

#[test]
fn no_group_is_told_and_none_is_heard_in_one() {
    let [alice, bob] = acquainted();
    let id = group(&alice, &[&bob], 0);
    let crew = ConversationId::Group(id);
    let told = alice.at(1, |step| transient::tell_presence(step, &crew, true));
    assert_eq!(told.map(|_| ()), Err(EngineError::UnknownContact));
    for (group, said) in [(Some(id), None), (None, Some(true))] {
        let mut content = content(0, group, Body::Presence { available: true });
        content.sent_at = START + DAY;
        let envelope = forge(&alice, &bob, 1, &content, None);
        assert_eq!(heard(&taken(&bob, 1, &envelope), &alice), said);
    }
}
