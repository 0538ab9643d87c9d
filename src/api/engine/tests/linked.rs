//! A device that was linked, and what may go wrong until it knows everything.

use super::*;
use crate::link::LinkToken;

/// A device and another that it linked; the request of the new one was lost.
fn linked() -> (Party, Party) {
    let [first, new] = [1, 1].map(Party::new);
    let know = |knows: &Party, of: &Party| {
        let (bundle, id) = (of.bundle(0, false), of.device.device_id);
        let known = knows.at(0, |rows, device, moment| {
            devices::take_in(rows, device, &bundle, Some(id), moment)
        });
        assert_eq!(known.unwrap().added, [id]);
    };
    know(&new, &first);
    let asked = new.at(0, |rows, device, moment| {
        let token = LinkToken::random(&mut moment.rng);
        healing::ask_for_history(rows, device, &token, moment)
    });
    asked.unwrap();
    assert_eq!(empty_outbox(&new).len(), 1);
    know(&first, &new);
    (first, new)
}

fn contacts_of(party: &Party) -> usize {
    let known = party.at(0, |rows, _, _| contacts::all(rows));
    known.unwrap().len()
}

#[test]
fn a_new_device_that_was_answered_without_the_contacts_asks_again() {
    let (first, new) = linked();
    let friend = Party::new(2);
    introduce(&[&first, &friend], 0);
    // A copy in a session of the first device's own is an answer, whatever became of the request.
    first.send(0, &friend).unwrap();
    let copy = empty_outbox(&first).pop().unwrap();
    assert!(copy.recipient == new.device.public());
    let outcomes = take(&new, 0, &copy.envelope).unwrap();
    assert!((outcomes.iter()).any(|o| matches!(o, Outcome::SessionHealed { .. })));
    empty_outbox(&new);
    assert_eq!(contacts_of(&new), 0);

    carry_on(&new, 1).unwrap();
    deliver(&[&first, &new], 1);
    assert_eq!(contacts_of(&new), 1);
    // The friend is asked for the latest; the first device has told all.
    carry_on(&new, 2).unwrap();
    let asked = empty_outbox(&new);
    assert!((asked.iter()).all(|waiting| waiting.recipient == friend.device.public()));
}

#[test]
fn a_device_that_has_no_contacts_says_so() {
    let (first, new) = linked();
    carry_on(&new, 1).unwrap();
    deliver(&[&first, &new], 1);
    for day in 2..9 {
        carry_on(&new, day).unwrap();
        assert_eq!(empty_outbox(&new).len(), 0);
    }
}
