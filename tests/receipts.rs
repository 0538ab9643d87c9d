//! What became of a message, device by device.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

use std::sync::Arc;
use std::time::Duration;

use windlass::{Client, Simulation};

/// What the devices of the other side said of a message of `of`, as far as it is known there: which, and whether it was.
fn said(of: &Arc<Client>, other: &str, message_id: &str) -> Vec<(u32, bool)> {
    let conversation = Arc::clone(of).conversation(other.into()).unwrap();
    let receipts = conversation.receipts(message_id).unwrap();
    let [member] = receipts.members.as_slice() else {
        panic!("{receipts:?}")
    };
    let first = member.devices.iter().find_map(|one| one.delivered_at);
    assert_eq!(first, member.delivered_at, "the first is the person's");
    let devices = member.devices.iter();
    devices
        .map(|one| (one.device_id, one.delivered_at.is_some()))
        .collect()
}

#[test]
fn what_became_of_a_message_is_told_device_by_device() {
    let world = Simulation::new(5);
    let [alice, bob] = [(); 2].map(|()| world.add_person().unwrap());
    world.introduce(alice, bob).unwrap();
    let [hers, his] = [alice, bob].map(|person| world.add_device(person).unwrap());
    world.run().unwrap();
    // Each hears of the other's devices with what comes from them.
    for (from, device, to) in [(bob, his, alice), (alice, hers, bob), (alice, 0, bob)] {
        world.send(from, device, to, "hello".into()).unwrap();
        world.run().unwrap();
    }
    let client = |person, device| world.client(person, device).unwrap();
    let (us, them) = (client(alice, 0), client(bob, 0).address());
    let [one, two] = [0, his].map(|device| client(bob, device).device_id());
    let write = |text: &str| {
        let conversation = Arc::clone(&us).conversation(them.clone()).unwrap();
        conversation.send(text.into()).unwrap().message_id
    };
    let all = |mut devices: Vec<(u32, bool)>, said: bool| {
        let mut wanted = [(one, said), (two, said)];
        wanted.sort_unstable();
        devices.sort_unstable();
        assert_eq!(devices, wanted);
    };
    let sent = write("ahoy");
    all(said(&us, &them, &sent), false);
    world.run().unwrap();
    all(said(&us, &them, &sent), true);
    // A receipt goes to all devices of the author. One that hears of the message after that sends it too, in time, and is told again.
    world.advance(Duration::from_hours(24 * 3)).unwrap();
    world.run().unwrap();
    all(said(&client(alice, hers), &them, &sent), true);
    // One that is lost is waited for, until it is nobody's any more. What it said it has said.
    world.lose_device(bob, his).unwrap();
    let late = write("again");
    world.run().unwrap();
    assert_eq!(said(&us, &them, &late), [(one, true), (two, false)]);
    client(bob, 0).remove_device(two).unwrap();
    world.send(bob, 0, alice, "gone".into()).unwrap();
    world.run().unwrap();
    assert_eq!(said(&us, &them, &late), [(one, true)]);
    all(said(&us, &them, &sent), true);
}
