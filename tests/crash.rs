//! The machine dies, or its disk is full, at every write and every sync of every operation.
//!
//! `WINDLASS_CRASHES=60 cargo test --release --test crash` tries that many torn disks at each point instead of ten.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

#[path = "crash/operations.rs"]
mod operations;
mod support;

use std::collections::BTreeMap;

use operations::{OPERATIONS, goes_on, introduced};
use support::clients::{receive, take_outbox, text_to, write};
use support::party::{Party, key};
use support::seeds::{number, rng};
use windlass::WindlassError;
use windlass::crypto::SeededRandom;
use windlass::store::{Store, StoreError, StoreFile};
use windlass::testing::{Disk, Image, Recording, Unsynced};

fn torn_disks() -> usize {
    number("WINDLASS_CRASHES").map_or(10, |number| number as usize)
}

/// Every disk that a crash behind the first `point` events may leave.
fn disks(recording: &Recording, point: usize, rng: &mut SeededRandom) -> Vec<Image> {
    let mut images = vec![
        recording.crash(point, Unsynced::Lost, rng),
        recording.crash(point, Unsynced::Kept, rng),
    ];
    images.extend((0..torn_disks()).map(|_| recording.crash(point, Unsynced::Torn, rng)));
    images
}

#[test]
fn after_a_crash_at_any_point_nothing_is_lost_repeated_or_reused() {
    let mut total = 0;
    println!(
        "{:<26} {:>7} {:>7} {:>7}",
        "operation", "points", "disks", "good"
    );
    for operation in OPERATIONS {
        let mut rng = rng(3);
        let (alice, bob, kept) = (operation.prepare)();
        alice.disk.record();
        let answer = (operation.run)(&alice, &bob, &kept).unwrap();
        let recording = alice.disk.recorded();
        let bob = bob.disk.image();
        let mut good = 0;
        for point in 0..recording.points() {
            let over = point + 1 == recording.points();
            for image in disks(&recording, point, &mut rng) {
                let alice = Party::on(Disk::of(image));
                let bob = Party::on(Disk::of(bob.clone()));
                (operation.check)(&alice, &bob, &kept, over.then_some(answer.as_slice()));
                good += 1;
            }
        }
        println!(
            "{:<26} {:>7} {good:>7} {good:>7}",
            operation.name,
            recording.points()
        );
        total += good;
    }
    println!("{total} disks");
    assert!(total >= 2_000);
}

#[test]
fn a_store_that_was_being_made_is_there_or_can_be_made() {
    let mut rng = rng(4);
    let disk = Disk::default();
    disk.record();
    let store = Store::create_on(disk.medium(), &key(1)).unwrap();
    let recording = disk.recorded();
    drop(store);
    let mut outcomes = BTreeMap::new();
    for point in 0..recording.points() {
        for image in disks(&recording, point, &mut rng) {
            let disk = Disk::of(image);
            let outcome = match Store::open_on(disk.medium(), &key(1)) {
                Ok(_) => "there",
                Err(StoreError::NotFound) => {
                    assert!(point + 1 < recording.points());
                    Store::create_on(disk.medium(), &key(1)).unwrap();
                    Store::open_on(disk.medium(), &key(1)).unwrap();
                    "made again"
                }
                Err(other) => panic!("point {point}: {other}"),
            };
            *outcomes.entry(outcome).or_insert(0) += 1;
        }
    }
    println!("create: {} points, {outcomes:?}", recording.points());
    assert!(outcomes["there"] > 0 && outcomes["made again"] > 0);
}

#[test]
fn a_change_of_key_leaves_exactly_the_former_or_the_new_one_or_both_for_a_moment() {
    let mut rng = rng(5);
    let (alice, bob) = introduced();
    let new = windlass::StoreKey::from_bytes(vec![2; 32].into()).unwrap();
    alice.disk.record();
    alice.store.change_key(&new).unwrap();
    let recording = alice.disk.recorded();
    let mut outcomes = BTreeMap::new();
    for point in 0..recording.points() {
        for image in disks(&recording, point, &mut rng) {
            let opens = [1, 2].map(|byte| {
                let alice = Party::open(Disk::of(image.clone()), byte);
                if let Ok(alice) = &alice {
                    goes_on(alice, &bob.twin());
                }
                alice.is_ok()
            });
            assert!(opens[0] || opens[1]);
            if point + 1 == recording.points() {
                assert_eq!(opens, [false, true]);
            }
            *outcomes.entry(opens).or_insert(0) += 1;
        }
    }
    println!(
        "change of key: {} points, former/new {outcomes:?}",
        recording.points()
    );
}

#[test]
fn a_full_disk_is_told_loses_nothing_and_stops_nothing_once_there_is_room() {
    let mut refused = 0;
    for operation in OPERATIONS
        .iter()
        .filter(|operation| operation.name != "close")
    {
        let (alice, bob, kept) = (operation.prepare)();
        let (before, bob) = (alice.disk.image(), bob.disk.image());
        let mut changes = 0;
        loop {
            let alice = Party::on(Disk::of(before.clone()));
            let bob = Party::on(Disk::of(bob.clone()));
            alice.disk.fill_up(Some(changes));
            let answer = (operation.run)(&alice, &bob, &kept);
            alice.disk.fill_up(None);
            match answer {
                Ok(answer) => {
                    (operation.check)(&alice, &bob, &kept, Some(&answer));
                    break;
                }
                Err(WindlassError::DiskFull(_)) => refused += 1,
                Err(other) => panic!("{}: {other}", operation.name),
            }
            // Without opening again first, and then after it.
            if changes % 2 == 0 {
                (operation.check)(&alice, &bob, &kept, None);
            } else {
                let image = alice.disk.image();
                drop(alice);
                (operation.check)(&Party::on(Disk::of(image)), &bob, &kept, None);
            }
            changes += 1;
        }
    }
    println!("{refused} operations found the disk full");
    assert!(refused > 50);
}

#[test]
fn a_durable_step_costs_one_sync_however_much_is_in_it() {
    let (alice, bob) = introduced();
    let steps: [(&str, usize, &dyn Fn()); 4] = [
        ("send", 1, &|| {
            write(&alice, &bob, "one").unwrap();
        }),
        ("send many", 1, &|| {
            let message = text_to(&bob.address(), "x");
            alice.send_many(vec![message; 100]).unwrap();
        }),
        ("mark sent", 0, &|| {
            take_outbox(&alice);
        }),
        ("receive", 1, &|| {
            receive(&alice, &write(&bob, &alice, "two").unwrap());
        }),
    ];
    for (name, syncs, step) in steps {
        // When the file has to grow, that is made durable too; it doubles, so the next step finds room.
        let recording = loop {
            alice.disk.record();
            step();
            let recording = alice.disk.recorded();
            if !recording.grew() {
                break recording;
            }
        };
        assert_eq!(recording.syncs(), syncs, "{name}");
    }
}

/// Every disk that a crash at opening or closing the store on this one may leave.
fn opened_and_crashed(image: &Image, rng: &mut SeededRandom) -> Vec<Image> {
    let disk = Disk::of(image.clone());
    disk.record();
    drop(Store::open_on(disk.medium(), &key(1)).unwrap());
    let recording = disk.recorded();
    let points = 0..recording.points();
    points
        .flat_map(|point| {
            [Unsynced::Lost, Unsynced::Kept].map(|how| recording.crash(point, how, rng))
        })
        .collect()
}

fn rollback_noticed(image: &Image) -> bool {
    let store = Store::open_on(Disk::of(image.clone()).medium(), &key(1));
    store.unwrap().rollback_noticed()
}

#[test]
fn a_crash_at_opening_or_closing_is_not_told_as_an_older_copy() {
    let mut rng = rng(6);
    let disk = Disk::default();
    drop(Store::create_on(disk.medium(), &key(1)).unwrap());
    // Nor when it opens and crashes again and again.
    for once in opened_and_crashed(&disk.image(), &mut rng) {
        assert!(!rollback_noticed(&once));
        for twice in opened_and_crashed(&once, &mut rng) {
            assert!(!rollback_noticed(&twice));
        }
    }
}

#[test]
fn an_older_copy_is_told_also_when_the_machine_dies_over_it() {
    let mut rng = rng(7);
    let disk = Disk::default();
    drop(Store::create_on(disk.medium(), &key(1)).unwrap());
    let old = disk.image();
    let open = || drop(Store::open_on(disk.medium(), &key(1)).unwrap());
    open();
    let closed = disk.image();
    open();
    for file in [StoreFile::Rows, StoreFile::KeySlots] {
        let mut mixed = disk.image();
        *mixed.file_mut(file) = old.file(file).unwrap().to_vec();
        assert!(rollback_noticed(&mixed), "{file:?}");
        // Up to the write after which both files say the same, and nothing is told any more.
        let crashed = opened_and_crashed(&mixed, &mut rng);
        let told: Vec<_> = crashed.iter().map(rollback_noticed).collect();
        assert!(told[0] && told.is_sorted_by(|before, after| before >= after));
        assert!(told.iter().filter(|told| **told).count() > 4, "{told:?}");
    }
    // Of the store file, one opening or closing is enough.
    let mut mixed = closed.clone();
    *mixed.file_mut(StoreFile::Rows) = old.file(StoreFile::Rows).unwrap().to_vec();
    assert!(rollback_noticed(&mixed));
}
