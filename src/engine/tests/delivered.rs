//! Which devices of whom have said that they have a message of ours: one row a person, however many devices.

use super::counting::cost_of;
use super::*;
use crate::engine::history::delivered::{self, Receipt};
use crate::limits::MAX_DEVICES;

const SECOND: u64 = 1_000;

/// A device of theirs that has this id.
fn party(of: PublicIdentity, device_id: u32) -> crate::x3dh::Party {
    crate::x3dh::Party {
        identity: of,
        device_id,
    }
}

/// What is said of a message by a device at so many seconds; whether it is news.
fn says(party: &Party, message: MessageRef, by: crate::x3dh::Party, seconds: u64) -> bool {
    let said = party.at_time(START + seconds * SECOND, |step| {
        delivered::note(step.rows, &message, &by, step.now)
    });
    matches!(said.unwrap(), Receipt::New)
}

/// Who said it, and after how many seconds, as a store has it.
fn said_in(store: &dyn StorageEngine, message: MessageRef) -> Vec<(u32, u64)> {
    let all: Result<Vec<_>, EngineError> = store.read(|rows| {
        let stored = message::find(rows, &message)?.unwrap();
        let all = delivered::of(rows, &stored)?;
        Ok(all.iter().flat_map(|one| one.devices()).collect())
    });
    let all = all.unwrap().into_iter();
    all.map(|(id, at)| (id, (at - START) / SECOND)).collect()
}

fn said(party: &Party, message: MessageRef) -> Vec<(u32, u64)> {
    said_in(party.store.as_ref(), message)
}

/// A message of ours to somebody, and who they are.
fn written() -> (Party, MessageRef, PublicIdentity) {
    let [alice, bob] = acquainted();
    let them = bob.device.public();
    let id = write(&alice, 0, &ConversationId::Direct(them), text("ahoy"));
    let message = MessageRef {
        author: alice.device.public(),
        id,
    };
    (alice, message, them)
}

#[test]
fn each_device_is_noted_once_in_the_one_row_of_its_person() {
    let (alice, message, bob) = written();
    assert!(says(&alice, message, party(bob, 7), 1));
    let rows = alice.count(Table::Delivered);
    // The person has it: what another device says is no news.
    assert!(!says(&alice, message, party(bob, 9), 4));
    assert!(!says(&alice, message, party(bob, 7), 5));
    // Of a clock that went back nothing is before the first.
    assert!(!says(&alice, message, party(bob, 8), 0));
    assert_eq!(said(&alice, message), [(7, 1), (9, 4), (8, 1)]);
    assert_eq!(alice.count(Table::Delivered), rows);
    // Who says it again costs a look, and nothing is written.
    let again = |step: &mut Step<'_>| {
        delivered::note(step.rows, &message, &party(bob, 9), step.now).map(|_| ())
    };
    assert_eq!(cost_of(&alice, 0, again).bytes_written(), 0);
}

#[test]
fn what_devices_said_goes_into_a_backup_and_goes_with_the_message() {
    let (alice, message, bob) = written();
    for (device, at) in [(7, 1), (9, 4)] {
        says(&alice, message, party(bob, device), at);
    }
    let copy = super::backups::copied(&alice);
    assert_eq!(said_in(&copy, message), [(7, 1), (9, 4)]);
    let before = alice.count(Table::Delivered);
    alice
        .at(0, |step| deletion::erase(step.rows, &message).map(|_| ()))
        .unwrap();
    assert_eq!(alice.count(Table::Delivered), before - 1);
}

#[test]
fn no_more_devices_are_noted_than_somebody_may_have_and_those_that_are_gone_make_room() {
    let (alice, message, bob) = written();
    let contact = alice.at(0, |step| contacts::find(step.rows, &bob));
    let real = contact.unwrap().unwrap().parties()[0].device_id;
    // The one that they have, and more than they may have of others.
    says(&alice, message, party(bob, real), 0);
    let others: Vec<u32> = (1..30).filter(|id| *id != real).collect();
    for (at, id) in others.iter().enumerate() {
        says(&alice, message, party(bob, *id), at as u64 + 1);
    }
    let kept: Vec<u32> = said(&alice, message).into_iter().map(|one| one.0).collect();
    let latest = &others[others.len() + 1 - MAX_DEVICES..];
    assert_eq!(kept, [&[real], latest].concat());
}

#[test]
fn in_a_group_each_device_is_its_members_and_nobody_elses() {
    let [alice, bob, eve] = acquainted();
    let crew = group(&alice, &[&bob], 0);
    let id = write(&alice, 0, &ConversationId::Group(crew), text("ahoy"));
    let message = MessageRef {
        author: alice.device.public(),
        id,
    };
    deliver(&[&alice, &bob, &eve], 0);
    // Who was not written to says nothing, on whichever device.
    assert!(!says(&alice, message, eve.end(), 1));
    let devices: Vec<u32> = said(&alice, message).into_iter().map(|one| one.0).collect();
    assert_eq!(devices, [bob.device.device_id]);
}

#[test]
fn two_devices_of_somebody_say_so_each_for_itself() {
    let [first, second, friend] = super::unread::devices_and_friend();
    let them = first.device.public();
    let id = write(&friend, 0, &ConversationId::Direct(them), text("ahoy"));
    let message = MessageRef {
        author: friend.device.public(),
        id,
    };
    let sent = empty_outbox(&friend);
    let waits = |of: &Party| {
        let waits = friend.at(0, |step| {
            unacknowledged::is_scheduled(step.rows, &of.end(), &message)
        });
        waits.unwrap()
    };
    for (device, others) in [(&first, 1), (&second, 0)] {
        for waiting in &sent {
            taken(device, 0, &waiting.envelope);
        }
        for waiting in empty_outbox(device) {
            if waiting.recipient == friend.device.public() {
                taken(&friend, 0, &waiting.envelope);
            }
        }
        let left = [&first, &second].iter().filter(|one| waits(one)).count();
        assert_eq!(left, others);
    }
    let devices: Vec<u32> = said(&friend, message)
        .into_iter()
        .map(|one| one.0)
        .collect();
    assert_eq!(devices, [first.device.device_id, second.device.device_id]);
}
