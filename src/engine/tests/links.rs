//! That the user linked a device is known to the other devices that are linked, and nobody else makes them believe it.

use super::unread::devices_and_friend;
use super::*;
use crate::engine::records::{healing_root, vouching};
use crate::link::LinkToken;
use crate::x3dh;

fn party_of(party: &Party) -> x3dh::Party {
    party.end()
}

/// Two linked devices, and a friend with whom they talked.
fn who_talked() -> [Party; 3] {
    let parties = devices_and_friend();
    let [first, second, friend] = &parties;
    first.send(0, friend).unwrap();
    friend.send(0, first).unwrap();
    deliver(&[first, second, friend], 0);
    parties
}

/// The user agrees on a device to link another.
fn links(by: &Party, day: u64) -> LinkToken {
    let token = by.at(day, |step| {
        let token = linking::begin(step)?;
        updates::share_links(step)?;
        Ok(token)
    });
    token.unwrap()
}

/// A device that knows others, some of which are linked as it was told, and asks them for the history.
fn joins(day: u64, linked: &[&Party], others: &[&Party], token: &LinkToken) -> Party {
    let new = Party::new(1);
    for other in linked.iter().chain(others) {
        let bundle = other.bundle(day, false);
        let known = new.at(day, |step| own_devices::merge_bundle(step, &bundle, None));
        known.unwrap();
    }
    asks(&new, day, linked, token);
    new
}

fn asks(new: &Party, day: u64, linked: &[&Party], token: &LinkToken) {
    let asked = new.at(day, |step| {
        for other in linked {
            own_devices::note_linked(step.rows, other.device.device_id, step.now)?;
        }
        healing::ask_for_history(step, token)
    });
    asked.unwrap();
}

fn is_linked(at: &Party, who: &Party) -> bool {
    let linked = at.at(0, |step| own_devices::linked(step.rows));
    let id = who.device.device_id;
    linked.unwrap().iter().any(|(one, _)| *one == id)
}

/// How many messages and contacts are there.
fn knows(party: &Party, friend: &Party) -> (usize, usize) {
    let with = ConversationId::Direct(friend.device.public());
    let contacts = party.at(0, |step| contacts::all(step.rows));
    (
        texts(party, 1, &with).unwrap().len(),
        contacts.unwrap().len(),
    )
}

fn unlink(at: &Party, who: &Party) {
    let unlinked = at.at(0, |step| {
        let mut row = own_devices::find(step.rows, who.device.device_id)?.unwrap();
        row.linked_at = 0;
        own_devices::save(step.rows, &row)
    });
    unlinked.unwrap();
}

#[test]
fn a_device_whose_linker_is_lost_gets_everything_from_one_that_was_told() {
    let [first, second, friend] = who_talked();
    let token = links(&first, 1);
    carry(&first, &second, 1);
    let new = joins(1, &[&first, &second], &[], &token);
    drop(first);
    deliver(&[&new, &second], 1);
    assert!(is_linked(&second, &new));
    assert_eq!(knows(&new, &friend), (2, 1));
}

#[test]
fn a_device_that_asked_before_anybody_vouched_is_linked_when_somebody_does() {
    let [first, second, friend] = who_talked();
    let token = links(&first, 1);
    let late = empty_outbox(&first);
    let new = joins(1, &[&first, &second], &[], &token);
    deliver(&[&new, &second], 1);
    assert!(!is_linked(&second, &new));
    assert_eq!(knows(&new, &friend), (0, 0));
    for waiting in &late {
        taken(&second, 1, &waiting.envelope);
    }
    assert!(is_linked(&second, &new));
    deliver(&[&new, &second], 1);
    assert_eq!(knows(&new, &friend).1, 1);
}

#[test]
fn a_device_that_nobody_linked_vouches_for_nobody() {
    let [first, second, friend] = who_talked();
    // Of the seed alone; it believes of the others what it likes.
    unlink(&first, &second);
    let token = links(&second, 1);
    carry(&second, &first, 1);
    let thief = joins(1, &[&first], &[], &token);
    deliver(&[&first, &thief], 1);
    assert!(!is_linked(&first, &thief));
    assert_eq!(knows(&thief, &friend), (0, 0));
    // Nor do two for each other.
    let token = links(&thief, 1);
    asks(&second, 1, &[&first], &token);
    deliver(&[&first, &second, &thief], 1);
    for one in [&second, &thief] {
        assert!(!is_linked(&first, one));
    }
}

#[test]
fn a_token_is_shown_to_linked_devices_alone() {
    let [first, thief, friend] = who_talked();
    unlink(&first, &thief);
    let token = links(&first, 1);
    empty_outbox(&first);
    // The bundle names the thief's device too.
    let new = joins(1, &[&first], &[&thief], &token);
    let asked = empty_outbox(&new);
    for waiting in &asked {
        taken(&thief, 1, &waiting.envelope);
    }
    let row = thief.at(1, |step| own_devices::find(step.rows, new.device.device_id));
    assert!(row.unwrap().unwrap().shown_token.is_empty());
    empty_outbox(&thief);
    for waiting in &asked {
        taken(&first, 1, &waiting.envelope);
    }
    deliver(&[&first, &new], 1);
    assert_eq!(knows(&new, &friend), (2, 1));
    // Nor is the thief told of the contacts by the new one.
    let asked = thief.at(1, |step| healing::ask(step, &step.device.public(), None));
    asked.unwrap();
    let told = carry(&thief, &new, 1);
    let resent = |one: &Outcome| matches!(one, Outcome::Peer(_, PeerNews::Resent { messages: 0 }));
    assert!(told.iter().any(resent));
    assert!(!is_linked(&new, &thief));
}

#[test]
fn what_a_removed_device_vouched_for_ends_with_it() {
    let [first, second, friend] = who_talked();
    let [known, later] = [(); 2].map(|()| links(&second, 1));
    carry(&second, &first, 1);
    // One that the user could see when they removed the other; it has not asked yet.
    let seen = joins(1, &[&first], &[], &known);
    empty_outbox(&seen);
    let bundle = seen.bundle(1, false);
    let came = first.at(1, |step| own_devices::merge_bundle(step, &bundle, None));
    came.unwrap();
    let removed = first.at(2, |step| {
        own_devices::remove(step, &[second.device.device_id])
    });
    removed.unwrap();
    let hidden = joins(3, &[&first], &[], &later);
    asks(&seen, 3, &[&first], &known);
    deliver(&[&first, &seen, &hidden], 3);
    assert!(!is_linked(&first, &hidden));
    assert_eq!(knows(&hidden, &friend), (0, 0));
    assert!(is_linked(&first, &seen));
    // What it says now is not heard.
    let token = links(&second, 3);
    carry(&second, &first, 3);
    let other = joins(3, &[&first], &[], &token);
    deliver(&[&first, &other], 3);
    assert!(!is_linked(&first, &other));
}

#[test]
fn a_link_that_others_tell_of_brings_the_history_for_a_day_and_to_one_device() {
    let [first, second, friend] = who_talked();
    let token = links(&second, 1);
    carry(&second, &first, 1);
    let new = joins(1, &[&first], &[], &token);
    deliver(&[&first, &new], 1);
    let another = joins(1, &[&first], &[], &token);
    deliver(&[&first, &another], 1);
    assert!(is_linked(&first, &new) && !is_linked(&first, &another));
    // Told again, it lasts no longer.
    let told = second.at(3, updates::share_links);
    told.unwrap();
    carry(&second, &first, 3);
    let linked = first.at(3, |step| {
        let from = party_of(&new);
        vouching::shown(step, &from, &token, step.now)
    });
    assert!(!linked.unwrap());
    let _ = friend;
}

#[test]
fn whoever_took_the_name_of_a_device_before_it_was_linked_is_told_nothing() {
    let [first, second, friend] = who_talked();
    let token = links(&first, 1);
    empty_outbox(&first);
    let new = joins(1, &[&first], &[], &token);
    let asked = empty_outbox(&new);
    // Sees its number on the network, holds its request up, and has the seed.
    let mut thief = Party::new(1);
    thief.device.device_id = new.device.device_id;
    let bundle = first.bundle(1, false);
    let posing = thief.at(1, |step| {
        own_devices::merge_bundle(step, &bundle, None)?;
        healing_root::keep_days(step)?;
        healing::ask(step, &step.device.public(), None)
    });
    posing.unwrap();
    deliver(&[&first, &thief], 1);
    for waiting in &asked {
        taken(&first, 2, &waiting.envelope);
    }
    assert!(is_linked(&first, &new));
    for waiting in empty_outbox(&first) {
        taken(&thief, 2, &waiting.envelope);
    }
    for day in 3..6 {
        let again = thief.at(day, |step| healing::ask(step, &step.device.public(), None));
        again.unwrap();
        deliver(&[&first, &thief], day);
        run_due(&first, day).unwrap();
        deliver(&[&first, &thief], day);
    }
    assert_eq!(knows(&thief, &friend), (0, 0));
    let _ = second;
}
