//! What a client does by itself, with any call, when it is time.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::sync::Arc;

use windlass::crypto::{Secret, system_random};
use windlass::store::{Store, StoreKey, Table};
use windlass::testing::{Clock, Disk};
use windlass::{Client, EncryptedStore, Event, Faults, Simulation};

const DAY: u64 = 86_400_000;
const START: u64 = 20_000 * DAY;

#[test]
fn a_client_erases_old_skipped_keys_by_itself() {
    let clock = Clock::at(START);
    let client = |seed: u8| {
        let disk = Disk::default().with(&clock, system_random().unwrap());
        let key = StoreKey::Raw(Secret::new([seed; 32]));
        let store = Store::create_on(disk.medium(), &key).unwrap();
        Client::create(Arc::new(EncryptedStore::from(store)), None).unwrap()
    };
    let [alice, bob] = [1, 2].map(client);
    alice.add_contact(&bob.bundle().unwrap()).unwrap();
    let conversation = Arc::clone(&alice).conversation(bob.address()).unwrap();
    conversation.send("lost".into()).unwrap();
    let sent = conversation.send("ahoy".into()).unwrap();
    bob.receive(sent.envelopes[0].bytes.clone()).unwrap();
    let skipped = || {
        let tables = bob.inspect().unwrap().tables;
        let found = tables
            .iter()
            .find(|table| table.table == Table::SkippedKeys.name());
        found.unwrap().rows
    };
    assert_eq!(skipped(), 1);
    clock.advance(31 * DAY);
    bob.outbox(0).unwrap();
    assert_eq!(skipped(), 0);
}

#[test]
fn the_store_is_shredded_once_an_hour_while_it_is_in_use() {
    let clock = Clock::at(START);
    let disk = Disk::default().with(&clock, system_random().unwrap());
    let key = StoreKey::Raw(Secret::new([1; 32]));
    let store = Arc::new(EncryptedStore::from(
        Store::create_on(disk.medium(), &key).unwrap(),
    ));
    let client = Client::create(store, None).unwrap();
    let epoch = || client.inspect().unwrap().epoch;
    client.single_use_bundle().unwrap();
    // What counts them is written a second time, so there is something dead.
    client.single_use_bundle().unwrap();
    clock.advance(DAY / 48);
    client.outbox(0).unwrap();
    assert_eq!(epoch(), 1);
    clock.advance(DAY / 24);
    client.outbox(0).unwrap();
    assert_eq!(epoch(), 2);
}

#[test]
fn a_process_that_never_lives_for_an_hour_shreds_all_the_same() {
    let clock = Clock::at(START);
    let disk = Disk::default().with(&clock, system_random().unwrap());
    let key = StoreKey::Raw(Secret::new([1; 32]));
    let store = Store::create_on(disk.medium(), &key).unwrap();
    let store = Arc::new(EncryptedStore::from(store));
    drop(Client::create(Arc::clone(&store), None).unwrap());
    // Each of them is killed, as a telephone does it to what is not looked at.
    core::mem::forget(store);
    let minutes = DAY / 24 / 60;
    let mut epochs = Vec::new();
    for _ in 0..6 {
        let store = Arc::new(EncryptedStore::from(
            Store::open_on(disk.medium(), &key).unwrap(),
        ));
        let client = Client::open(store).unwrap();
        client.single_use_bundle().unwrap();
        clock.advance(25 * minutes);
        client.single_use_bundle().unwrap();
        epochs.push(client.inspect().unwrap().epoch);
        core::mem::forget(client);
    }
    assert_eq!(epochs, [1, 1, 2, 2, 2, 3]);
}

#[test]
fn an_incomplete_view_of_a_group_is_told_without_anybody_writing() {
    let world = Simulation::new(1);
    let [carol, alice, bob] = [(); 3].map(|()| world.add_person().unwrap());
    let client = |person: u32| world.client(person, 0).unwrap();
    for one in [alice, bob] {
        world.introduce(carol, one).unwrap();
    }
    let others = [alice, bob].map(|one| client(one).address());
    let group = client(carol).create_group("Crew".into(), others.to_vec());
    let group = group.unwrap();
    let of = |person| client(person).conversation(group.address()).unwrap();
    world.run().unwrap();
    for one in [alice, bob] {
        of(one).join().unwrap();
    }
    world.run().unwrap();
    let lose = |drop| {
        world.set_faults(Faults {
            drop,
            duplicate: 0,
            delay: 0,
            crash: 0,
        });
    };
    lose(1000);
    group.remove_members(vec![client(bob).address()]).unwrap();
    world.run().unwrap();
    lose(0);
    group.send("she is out".into()).unwrap();
    let told = |deliveries: Vec<windlass::Delivery>| {
        let hers = deliveries.into_iter().filter(|one| one.person == alice);
        let events = hers.flat_map(|delivery| delivery.events);
        let told = events.filter_map(|event| match event {
            Event::GroupIncomplete { group, resolved } => Some((group, resolved)),
            _ => None,
        });
        told.collect::<Vec<_>>()
    };
    // It may be under way.
    assert_eq!(told(world.run().unwrap()), []);
    assert!(!of(alice).is_incomplete().unwrap());
    world
        .advance(std::time::Duration::from_secs(11 * 60))
        .unwrap();
    let address = group.address();
    let expected = [(address.clone(), false), (address, true)];
    assert_eq!(told(world.run().unwrap()), expected);
    assert!(!of(alice).is_incomplete().unwrap());
}

/// The same as in the tests of the other languages.
#[test]
fn who_is_met_in_a_group_is_introduced_as_long_as_both_belong_to_it() {
    let world = Simulation::new(2);
    let [alice, bob, carol] = [(); 3].map(|()| world.add_person().unwrap());
    let client = |person: u32| world.client(person, 0).unwrap();
    for one in [bob, carol] {
        world.introduce(alice, one).unwrap();
    }
    let others = [bob, carol].map(|one| client(one).address());
    let group = client(alice).create_group("Crew".into(), others.to_vec());
    let theirs = || client(bob).conversation(group.as_ref().unwrap().address());
    world.run().unwrap();
    theirs().unwrap().join().unwrap();
    world.run().unwrap();
    let met = || {
        let contacts = client(bob).contacts().unwrap();
        let carols = client(carol).address();
        contacts.into_iter().find(|one| one.address == carols)
    };
    let found = met().unwrap();
    assert!(found.introduced && !found.accepted);
    theirs().unwrap().leave().unwrap();
    assert!(met().is_none_or(|one| !one.introduced));
}
