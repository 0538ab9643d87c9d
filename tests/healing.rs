//! Copies that are put back, devices that come and go: what the user has to do about it is nothing.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

mod support;

use std::sync::Arc;

use support::clients::{self, acquaint, exchange, session, take_outbox, texts_in};
use support::party::Party;
use support::seeds::rng;
use support::strangers::Stranger;
use support::worlds::{DAY, HOUR, NO_FAULTS, acquainted, run};
use windlass::bundle::VerifiedBundle;
use windlass::chat::{Body, HealingRequest};
use windlass::crypto::Secret;
use windlass::identity::IdentityKeyPair;
use windlass::testing::{Clock, Disk};
use windlass::{
    Event, Faults, Identity, SessionState, Simulation, TrustPolicy, UndecryptableCause,
};

/// Two people who know each other.
fn two() -> Arc<Simulation> {
    acquainted(1, 2)
}

fn texts(world: &Simulation, person: u32, device: u32, with: u32) -> Vec<String> {
    let with = world.client(with, 0).unwrap();
    clients::texts(&world.client(person, device).unwrap(), &with)
}

fn state(world: &Simulation, person: u32, with: u32) -> SessionState {
    let [of, with] = [person, with].map(|person| world.client(person, 0).unwrap());
    session(&of, &with).state().unwrap()
}

/// A turn in each direction, every day.
fn talk(world: &Simulation, days: u32, what: &str) {
    for day in 0..days {
        world.send(0, 0, 1, format!("{what} {day} from 0")).unwrap();
        world.run().unwrap();
        world.send(1, 0, 0, format!("{what} {day} from 1")).unwrap();
        world.run().unwrap();
        world.advance(DAY).unwrap();
    }
}

/// Puts a copy of a week ago back for each of `who`, and lets both say one thing.
fn after_a_restored_copy(who: &[u32]) {
    let world = two();
    talk(&world, 3, "before");
    (0..2).for_each(|person| world.copy_disk(person, 0).unwrap());
    talk(&world, 7, "meanwhile");
    let whole = texts(&world, 0, 0, 1);
    assert_eq!(whole.len(), 20);

    for person in who {
        world.restore_disk(*person, 0).unwrap();
        assert_eq!(texts(&world, *person, 0, 1 - person).len(), 6);
    }
    // One message in each direction, and two hours: nothing else is needed.
    world.send(0, 0, 1, "again from 0".into()).unwrap();
    world.send(1, 0, 0, "again from 1".into()).unwrap();
    let mut asked = 0;
    for _ in 0..4 {
        let events = run(&world).into_iter();
        asked += events
            .filter(|e| matches!(e, Event::Healing { .. }))
            .count();
        world.advance(HOUR / 2).unwrap();
    }
    world.run().unwrap();

    let (ours, theirs) = (texts(&world, 0, 0, 1), texts(&world, 1, 0, 0));
    assert_eq!(ours, theirs);
    let known = if who.len() == 2 { 6 } else { 20 };
    assert_eq!(ours.len(), known + 2, "{ours:?}");
    if known == 20 {
        assert!(whole.iter().all(|text| ours.contains(text)));
    }
    for (person, with) in [(0, 1), (1, 0)] {
        assert_eq!(state(&world, person, with), SessionState::Established);
    }
    assert!(asked <= 2, "{asked} requests");
    println!(
        "restored {who:?}: {asked} requests at once, {} messages on both sides",
        ours.len()
    );

    // And it goes on.
    talk(&world, 2, "after");
    assert_eq!(texts(&world, 0, 0, 1).len(), known + 6);
    assert_eq!(texts(&world, 0, 0, 1), texts(&world, 1, 0, 0));
}

#[test]
fn a_week_old_copy_of_the_first_side_is_made_whole() {
    after_a_restored_copy(&[0]);
}

#[test]
fn a_week_old_copy_of_the_second_side_is_made_whole() {
    after_a_restored_copy(&[1]);
}

/// What both lost nobody has; the conversation goes on from what both still know.
#[test]
fn week_old_copies_of_both_sides_go_on_together() {
    after_a_restored_copy(&[0, 1]);
}

#[test]
fn what_the_network_lost_comes_without_being_asked_for() {
    let world = two();
    talk(&world, 1, "before");
    world.set_faults(Faults {
        drop: 1_000,
        ..NO_FAULTS
    });
    world.send(0, 0, 1, "lost".into()).unwrap();
    assert!(world.run().unwrap().is_empty());
    world.set_faults(NO_FAULTS);
    world.advance(HOUR * 2).unwrap();
    world.run().unwrap();
    assert!(texts(&world, 1, 0, 0).contains(&"lost".to_owned()));
    // It was acknowledged, and once the gap before it is looked after, nobody has anything to say any more.
    world.advance(HOUR * 2).unwrap();
    world.run().unwrap();
    for _ in 0..8 {
        world.advance(DAY).unwrap();
        assert!(world.run().unwrap().is_empty());
    }
    let times = texts(&world, 1, 0, 0)
        .iter()
        .filter(|text| *text == "lost")
        .count();
    assert_eq!(times, 1);
}

#[test]
fn requests_stop_when_nobody_answers_and_start_again_when_somebody_writes() {
    let world = two();
    talk(&world, 2, "before");
    world.copy_disk(1, 0).unwrap();
    talk(&world, 2, "meanwhile");
    world.restore_disk(1, 0).unwrap();
    // Something that cannot be read arrives, and from then on nothing comes through any more.
    world.send(0, 0, 1, "unreadable".into()).unwrap();
    world.collect().unwrap();
    let brought = world.deliver().unwrap().unwrap();
    let attempts = |events: &[Event]| events.iter().any(|e| matches!(e, Event::Healing { .. }));
    assert!(attempts(&brought.events), "{brought:?}");
    assert_eq!(state(&world, 1, 0), SessionState::Healing);
    world.disconnect(1);
    let mut requests = 1;
    for _ in 0..24 * 10 {
        world.advance(HOUR).unwrap();
        let client = world.client(1, 0).unwrap();
        let status = session(&client, &world.client(0, 0).unwrap()).status();
        requests = requests.max(status.unwrap().attempts);
        take_outbox(&client);
    }
    assert_eq!(requests, windlass::limits::MAX_HEALING_ATTEMPTS);
    assert_eq!(state(&world, 1, 0), SessionState::Desynced);
    world.reconnect(1);
    world.send(0, 0, 1, "are you there?".into()).unwrap();
    for _ in 0..6 {
        world.run().unwrap();
        world.advance(HOUR).unwrap();
    }
    world.run().unwrap();
    assert_eq!(texts(&world, 0, 0, 1), texts(&world, 1, 0, 0));
    assert_eq!(state(&world, 1, 0), SessionState::Established);
}

#[test]
fn a_linked_device_has_identity_contacts_and_history_and_takes_part() {
    let world = two();
    talk(&world, 3, "before");
    assert_eq!(world.add_device(0).unwrap(), 1);
    assert!(
        run(&world)
            .iter()
            .any(|event| matches!(event, Event::Synchronising { messages: 6, .. }))
    );
    let (first, second) = (world.client(0, 0).unwrap(), world.client(0, 1).unwrap());
    assert_eq!(first.address(), second.address());
    assert_ne!(first.device_id(), second.device_id());
    assert_eq!(first.devices().unwrap().len(), 2);
    assert_eq!(second.devices().unwrap().len(), 2);
    assert_eq!(second.contacts().unwrap().len(), 1);
    assert_eq!(texts(&world, 0, 1, 1), texts(&world, 0, 0, 1));

    world.send(0, 1, 1, "from the new one".into()).unwrap();
    world.run().unwrap();
    world.send(1, 0, 0, "to both".into()).unwrap();
    world.run().unwrap();
    for (person, device, with) in [(0, 0, 1), (0, 1, 1), (1, 0, 0)] {
        let texts = texts(&world, person, device, with);
        assert_eq!(
            texts[6..],
            ["from the new one", "to both"],
            "{person}.{device}"
        );
    }
    let contact = world.client(1, 0).unwrap().contact(first.address());
    assert_eq!(contact.unwrap().devices.len(), 2);
}

#[test]
fn a_device_that_was_removed_gets_nothing_any_more_and_cannot_come_back() {
    let world = two();
    talk(&world, 1, "before");
    world.add_device(0).unwrap();
    world.run().unwrap();
    let first = world.client(0, 0).unwrap();
    let gone = world.client(0, 1).unwrap().device_id();
    assert_eq!(
        first.remove_device(first.device_id()).unwrap_err().code(),
        "unknown_device"
    );
    first.remove_device(gone).unwrap();
    assert_eq!(
        first.remove_device(gone).unwrap_err().code(),
        "unknown_device"
    );
    world.send(0, 0, 1, "one of us is gone".into()).unwrap();
    world.run().unwrap();
    world
        .send(1, 0, 0, "only for the one that is left".into())
        .unwrap();
    world.send(0, 1, 1, "I am still here".into()).unwrap();
    let refused: Vec<_> = world
        .run()
        .unwrap()
        .into_iter()
        .filter(|d| d.refused.is_some())
        .collect();
    assert!(
        refused
            .iter()
            .all(|delivery| delivery.refused.as_deref() == Some("not_for_this_device"))
    );
    assert!(!texts(&world, 0, 1, 1).contains(&"only for the one that is left".to_owned()));
    assert_eq!(first.devices().unwrap().len(), 1);
}

#[test]
fn the_ninth_device_is_refused() {
    let world = Simulation::new(2);
    world.add_person().unwrap();
    for expected in 1..8 {
        assert_eq!(world.add_device(0).unwrap(), expected);
        world.run().unwrap();
    }
    assert_eq!(world.client(0, 0).unwrap().devices().unwrap().len(), 8);
    assert_eq!(world.add_device(0).unwrap_err().code(), "too_many_devices");
}

/// How many messages follow the request of a thief who has the seed alone, and poses as a device of the victim that has lost everything.
fn asks_with_seed(whom: &Party, seed: [u8; 32], now: u64) -> (Option<u64>, Vec<Event>) {
    let mut rng = rng(6);
    let stolen = IdentityKeyPair::from_seed(&Secret::new(seed));
    let mut thief = Stranger::with(stolen, now, &mut rng);
    let theirs = VerifiedBundle::decode(&whom.bundle().unwrap().encode()).unwrap();
    thief.begin(&theirs, &mut rng);
    let request = Body::HealingRequest(HealingRequest::default());
    let envelope = thief.say(request, &mut rng);
    let events = whom.receive(envelope.into()).unwrap();
    let resent = events.iter().find_map(|event| match event {
        Event::Resent { messages, .. } => Some(*messages),
        _ => None,
    });
    (resent, events)
}

#[test]
fn a_stolen_seed_gets_nothing_of_before_from_contacts_and_from_devices_of_ones_own() {
    let clock = Clock::at(1_893_456_000_000);
    let party = |byte, identity| {
        let disk = Disk::default().with(&clock, rng(byte));
        Party::create(disk, identity)
    };
    for policy in [TrustPolicy::FirstUse, TrustPolicy::AcceptAll] {
        let seed = [77; 32];
        let victim = Identity::from_seed(seed.to_vec().into()).unwrap();
        let (victim, contact) = (party(4, Some(victim)), party(5, None));
        acquaint(&victim, &contact);
        contact.set_trust_policy(policy).unwrap();
        for _ in 0..30 {
            victim.send(contact.address(), "a secret".into()).unwrap();
            exchange(&victim, &contact);
            contact.send(victim.address(), "another".into()).unwrap();
            exchange(&victim, &contact);
            clock.advance(DAY.as_millis() as u64);
        }
        for whom in [&contact, &victim] {
            let (resent, events) = asks_with_seed(whom, seed, clock.now());
            assert_eq!(resent, Some(0), "{events:?}");
            // The user is told that there is a device that nobody linked, before anything goes to it.
            let changed = events
                .iter()
                .position(|event| matches!(event, Event::DevicesChanged { .. }));
            let answered = events
                .iter()
                .position(|event| matches!(event, Event::Resent { .. }));
            assert!(changed.unwrap() < answered.unwrap());
            // One answer, and no list of contacts.
            assert_eq!(take_outbox(whom).len(), 1);
        }
    }
}

#[test]
fn the_causes_of_healing_are_told() {
    let world = two();
    talk(&world, 1, "before");
    world.copy_disk(0, 0).unwrap();
    talk(&world, 1, "meanwhile");
    world.restore_disk(0, 0).unwrap();
    world.send(0, 0, 1, "from the past".into()).unwrap();
    world.collect().unwrap();
    let brought = world.deliver().unwrap().unwrap().events;
    let cause = brought.iter().find_map(|event| match event {
        Event::Undecryptable { cause, .. } => Some(*cause),
        _ => None,
    });
    assert!(
        matches!(
            cause,
            Some(UndecryptableCause::NumberReused | UndecryptableCause::Authentication)
        ),
        "{brought:?}"
    );
}

/// In a group as well: its members give back what the restored one wrote, and nobody else's words.
#[test]
fn what_was_written_to_a_group_comes_back_from_its_members() {
    let world = acquainted(7, 3);
    let client = |person| world.client(person, 0).unwrap();
    let members = vec![client(1).address(), client(2).address()];
    let address = client(0)
        .create_group("crew".into(), members)
        .unwrap()
        .address();
    world.run().unwrap();
    let group = |person| client(person).conversation(address.clone()).unwrap();
    (1..3).for_each(|person| group(person).join().unwrap());
    world.run().unwrap();
    world.copy_disk(0, 0).unwrap();
    for day in 0..3 {
        for person in 0..3 {
            group(person).send(format!("{day} from {person}")).unwrap();
            world.run().unwrap();
        }
        world.advance(DAY).unwrap();
    }
    let said = |person| texts_in(&group(person));
    let whole = said(1);
    world.restore_disk(0, 0).unwrap();
    assert_eq!((whole.len(), said(0).len()), (9, 0));
    group(1).send("are you there?".into()).unwrap();
    for _ in 0..6 {
        world.run().unwrap();
        world.advance(HOUR).unwrap();
    }
    let back = said(0);
    assert!(whole.iter().all(|text| back.contains(text)), "{back:?}");
    assert_eq!((back.len(), back), (10, said(1)));
}
