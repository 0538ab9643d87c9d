//! What `receive` told is told again after a crash, until the program says that it has handled it.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod support;

use std::sync::Arc;

use support::clients::{carry, invite, rows_in, session, take_outbox, write};
use support::files::{Folder, introduced, key};
use support::party::Party;
use support::worlds::{DAY, acquainted, run};
use windlass::store::StoreFile;
use windlass::testing::Disk;
use windlass::{Client, EncryptedStore, Event, KeptEvent, Simulation, WindlassError};

const ALICE: u32 = 0;
const BOB: u32 = 1;
const CAROL: u32 = 2;

/// The client as it is running now: a crash starts another.
fn client(world: &Simulation, person: u32) -> Arc<Client> {
    world.client(person, 0).unwrap()
}

/// All that is kept, by pages of three.
fn kept(client: &Client) -> Vec<KeptEvent> {
    let mut all: Vec<KeptEvent> = Vec::new();
    loop {
        let cursor = all.last().map(|last| last.cursor.clone());
        let page = client.events_after(cursor, 3).unwrap();
        if page.is_empty() {
            return all;
        }
        all.extend(page);
    }
}

fn events(client: &Client) -> Vec<Event> {
    kept(client).into_iter().map(|kept| kept.event).collect()
}

/// Whether `Client.keep_events` says that an event of this kind is kept.
fn is_kept(event: &Event) -> bool {
    !matches!(
        event,
        Event::SessionEstablished { .. }
            | Event::SessionHealed { .. }
            | Event::Healing { .. }
            | Event::Resent { .. }
            | Event::Synchronising { .. }
            | Event::Duplicate { .. }
            | Event::Blocked { .. }
    ) && !matches!(event, Event::Delivered { message_ids, .. } if message_ids.is_empty())
}

/// People who know each other, of whom the first one keeps events.
fn world(seed: u64, people: u32) -> Arc<Simulation> {
    let world = acquainted(seed, people);
    client(&world, ALICE).keep_events(true).unwrap();
    world
}

/// What is told to Alice of all that is under way.
fn told_to_alice(world: &Simulation) -> Vec<Event> {
    let delivered = world.run().unwrap().into_iter();
    let to_her = delivered.filter(|delivery| delivery.person == ALICE && delivery.device == 0);
    let events = to_her.flat_map(|delivery| delivery.events);
    events.filter(is_kept).collect()
}

#[test]
fn what_nobody_handled_is_told_again_once_and_in_order() {
    let world = world(1, 3);
    let mut told = Vec::new();
    let mut next = |done: &dyn Fn(&Arc<Client>)| {
        done(&client(&world, BOB));
        told.extend(told_to_alice(&world));
    };
    let alice = client(&world, ALICE).address();
    let carol = client(&world, CAROL).address();
    next(&|bob| drop(bob.send(alice.clone(), "ahoy".into()).unwrap()));
    // A new device, a group with others, an answer that came, a timer.
    next(&|_| assert_eq!(world.add_device(BOB).unwrap(), 1));
    next(&|bob| {
        let members = vec![alice.clone(), carol.clone()];
        let _ = Arc::clone(bob)
            .create_group("crew".into(), members)
            .unwrap();
    });
    client(&world, ALICE)
        .send(client(&world, BOB).address(), "aye".into())
        .unwrap();
    next(&|_| {});
    let kinds: [fn(&Event) -> bool; 4] = [
        |event| matches!(event, Event::Message { .. }),
        |event| matches!(event, Event::DevicesChanged { .. }),
        |event| matches!(event, Event::GroupInvitation { .. }),
        |event| matches!(event, Event::Delivered { .. }),
    ];
    for (number, kind) in kinds.iter().enumerate() {
        assert!(told.iter().any(kind), "{number}: {told:?}");
    }
    // The machine stops before the program did anything with them.
    world.crash(ALICE, 0).unwrap();
    assert_eq!(events(&client(&world, ALICE)), told);
    // Some of them are handled, and it stops again.
    let some = kept(&client(&world, ALICE)).swap_remove(2).cursor;
    client(&world, ALICE).events_handled(some.clone()).unwrap();
    world.crash(ALICE, 0).unwrap();
    assert_eq!(events(&client(&world, ALICE)), told[3..]);
    // Saying it twice changes nothing, and a cursor that was handled still says where the rest begins.
    client(&world, ALICE).events_handled(some.clone()).unwrap();
    let rest = client(&world, ALICE).events_after(Some(some), 100).unwrap();
    assert_eq!(rest.len(), told.len() - 3);
    let last = rest.last().unwrap().cursor.clone();
    client(&world, ALICE).events_handled(last).unwrap();
    world.crash(ALICE, 0).unwrap();
    assert_eq!(events(&client(&world, ALICE)), []);
}

#[test]
fn a_message_that_was_deleted_meanwhile_is_not_told_again() {
    let world = world(2, 2);
    let alice = client(&world, ALICE).address();
    let bob = client(&world, BOB);
    let regretted = bob.send(alice.clone(), "regretted".into()).unwrap();
    bob.send(alice.clone(), "stays".into()).unwrap();
    run(&world);
    let conversation = Arc::clone(&bob).conversation(alice).unwrap();
    let messages = conversation.messages(10, None).unwrap();
    let message = messages.into_iter().find(|m| m.id == regretted.message_id);
    conversation.delete(message.unwrap()).unwrap();
    run(&world);
    world.crash(ALICE, 0).unwrap();
    let events = events(&client(&world, ALICE));
    let texts: Vec<_> = events
        .iter()
        .filter_map(|event| match event {
            Event::Message { message } => message.text.as_deref(),
            _ => None,
        })
        .collect();
    assert_eq!(texts, ["stays"]);
    assert!(events.iter().any(
        |event| matches!(event, Event::Deleted { message_id, .. } if *message_id == regretted.message_id)
    ));
    assert!(!format!("{events:?}").contains("regretted"));
}

#[test]
fn what_is_too_old_is_missed_and_that_is_told() {
    let world = world(3, 2);
    for text in ["ahoy", "there"] {
        world.send(BOB, 0, ALICE, text.into()).unwrap();
        run(&world);
    }
    let before = kept(&client(&world, ALICE));
    // A clock that leaps is believed when it has gone on for a while.
    for days in [31, 1, 1] {
        world.advance(days * DAY).unwrap();
    }
    let after = kept(&client(&world, ALICE));
    let [missed] = &after[..] else {
        panic!("{after:?}");
    };
    let events = before.len() as u64;
    assert_eq!(missed.event, Event::Missed { events });
    // The cursor of one that was dropped is as good as any other.
    let again = client(&world, ALICE).events_after(Some(before[0].cursor.clone()), 10);
    assert_eq!(again.unwrap(), after);
    client(&world, ALICE)
        .events_handled(missed.cursor.clone())
        .unwrap();
    assert!(kept(&client(&world, ALICE)).is_empty());
    // The messages themselves stay.
    let bob = client(&world, BOB).address();
    let conversation = client(&world, ALICE).conversation(bob).unwrap();
    assert_eq!(conversation.messages(10, None).unwrap().len(), 2);
}

#[test]
fn a_cursor_of_an_older_copy_or_a_backup_is_an_error() {
    let world = world(4, 2);
    world.send(BOB, 0, ALICE, "before".into()).unwrap();
    run(&world);
    world.copy_disk(ALICE, 0).unwrap();
    world.send(BOB, 0, ALICE, "after".into()).unwrap();
    run(&world);
    let cursor = kept(&client(&world, ALICE)).pop().unwrap().cursor;
    world.restore_disk(ALICE, 0).unwrap();
    let unknown = |cursor: &String| {
        let alice = client(&world, ALICE);
        let read = alice.events_after(Some(cursor.clone()), 10);
        let handled = alice.events_handled(cursor.clone());
        read == Err(WindlassError::UnknownCursor) && handled == Err(WindlassError::UnknownCursor)
    };
    assert!(unknown(&cursor));
    let told = events(&client(&world, ALICE));
    assert!(told.iter().any(
        |event| matches!(event, Event::Message { message } if message.text.as_deref() == Some("before"))
    ));
    for wrong in ["", "0", "nonsense"] {
        assert!(unknown(&wrong.to_owned()));
    }
    // Nothing of the feed is in a backup: it begins where the new device does.
    let folder = Folder::new();
    let cursor = kept(&client(&world, ALICE)).pop().unwrap().cursor;
    client(&world, ALICE)
        .export_backup(folder.text("backup"), &key(2), None)
        .unwrap();
    let store = EncryptedStore::import_backup(
        folder.text("backup"),
        &key(2),
        folder.text("new.wl"),
        &key(3),
        None,
    );
    let restored = Client::open(store.unwrap()).unwrap();
    for keep in [false, true] {
        restored.keep_events(keep).unwrap();
        let read = restored.events_after(Some(cursor.clone()), 10);
        assert_eq!(read, Err(WindlassError::UnknownCursor));
        assert!(kept(&restored).is_empty());
    }
}

#[test]
fn an_older_copy_is_told_once_and_its_cursors_are_of_another_life() {
    let (alice, bob) = (Party::new(), Party::new());
    alice.keep_events(true).unwrap();
    invite(&bob, &alice);
    let envelope = write(&bob, &alice, "before").unwrap();
    alice.receive(envelope.into()).unwrap();
    let cursor = kept(&alice).pop().unwrap().cursor;
    let disk = alice.disk.clone();
    drop(alice);
    let closed = disk.image();
    drop(Party::on(disk.clone()));
    // Its rows are put back from the copy.
    let mut mixed = disk.image();
    *mixed.file_mut(StoreFile::Rows) = closed.file(StoreFile::Rows).unwrap().to_vec();
    let alice = Party::on(Disk::of(mixed));
    let read = alice.events_after(Some(cursor), 10);
    assert_eq!(read, Err(WindlassError::UnknownCursor));
    let told = events(&alice);
    assert_eq!(told.last(), Some(&Event::RollbackNoticed), "{told:?}");
    let envelope = write(&bob, &alice, "later").unwrap();
    let live = alice.receive(envelope.into()).unwrap();
    assert!(!live.contains(&Event::RollbackNoticed), "{live:?}");
}

#[test]
fn who_handles_what_was_just_received_says_so_by_its_cursor() {
    let (alice, bob) = introduced();
    bob.keep_events(true).unwrap();
    let envelopes = ["one", "two"].map(|text| write(&alice, &bob, text).unwrap());
    let mut envelopes = envelopes.to_vec();
    envelopes.push(envelopes[0].clone());
    envelopes.push(b"nonsense".to_vec());
    let envelopes = envelopes.into_iter().map(Into::into).collect();
    let answers = bob.receive_many(envelopes).unwrap();
    let cursors: Vec<_> = answers.iter().map(|answer| answer.cursor.clone()).collect();
    assert!(cursors[0] < cursors[1] && cursors[2..] == [None, None]);
    bob.events_handled(cursors[0].clone().unwrap()).unwrap();
    let left = kept(&bob);
    assert!(
        matches!(&left[..], [KeptEvent { event: Event::Message { message }, .. }]
        if message.text.as_deref() == Some("two"))
    );
    bob.events_handled(cursors[1].clone().unwrap()).unwrap();
    assert!(kept(&bob).is_empty());
}

#[test]
fn a_message_that_waits_for_its_answer_is_told_by_that_alone() {
    let world = world(5, 2);
    let alice = client(&world, ALICE);
    alice.keep_unhandled(true).unwrap();
    world.send(BOB, 0, ALICE, "question".into()).unwrap();
    run(&world);
    let is_message = |event: &Event| matches!(event, Event::Message { .. });
    assert!(!events(&alice).iter().any(is_message));
    // Whatever is said of the events, the message waits.
    if let Some(last) = kept(&alice).pop() {
        alice.events_handled(last.cursor).unwrap();
    }
    world.crash(ALICE, 0).unwrap();
    let waiting = client(&world, ALICE).unhandled(10).unwrap();
    assert_eq!(waiting.len(), 1);
    client(&world, ALICE)
        .handled(waiting[0].number, Vec::new())
        .unwrap();
    assert!(!events(&client(&world, ALICE)).iter().any(is_message));
}

#[test]
fn nothing_is_kept_unasked_and_what_changes_nothing_never() {
    let (alice, bob) = introduced();
    let envelope = write(&alice, &bob, "ahoy").unwrap();
    bob.receive(envelope.clone().into()).unwrap();
    let rows = |client: &Client| rows_in(&client.inspect().unwrap(), "feed");
    assert_eq!((rows(&bob), events(&bob)), (0, Vec::new()));
    bob.keep_events(true).unwrap();
    // What came before is no news; nor does it cost anything that somebody sends it again, or nonsense.
    bob.receive(envelope.clone().into()).unwrap();
    let mut broken = envelope;
    *broken.last_mut().unwrap() ^= 1;
    let told = bob.receive(broken.into()).unwrap();
    let unread =
        |event: &Event| matches!(event, Event::Undecryptable { .. } | Event::Healing { .. });
    assert!(told.iter().all(unread), "{told:?}");
    let changed = told
        .iter()
        .any(|event| matches!(event, Event::Healing { .. }));
    assert_eq!(rows(&bob), u64::from(changed));
    // A session's bytes, too, are told again.
    take_outbox(&alice);
    let sent = session(&alice, &bob)
        .encrypt(b"bytes".as_slice().into())
        .unwrap();
    let bytes = sent.envelopes[0].bytes.clone();
    session(&bob, &alice).decrypt(bytes).unwrap();
    let last = kept(&bob).pop().unwrap();
    assert!(matches!(last.event, Event::Message { .. }));
    let bob = bob.restart();
    assert_eq!(kept(&bob).pop().unwrap(), last);
    bob.keep_events(false).unwrap();
    assert_eq!(rows(&bob), 0);
    carry(&alice, &[&bob]);
}
