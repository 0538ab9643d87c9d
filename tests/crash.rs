//! The machine dies, or its disk is full, at every write and every sync of every operation.
//!
//! `WINDLASS_CRASHES=60 cargo test --release --test crash` tries that many torn disks at each point instead of ten.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

#[path = "support/party.rs"]
mod party;
#[path = "support/seeds.rs"]
mod seeds;

use std::collections::BTreeMap;

use party::{Party, key};
use windlass::crypto::{Secret, SeededRandom, seeded};
use windlass::store::{Store, StoreError, StoreFile};
use windlass::testing::{Disk, Image, Unsynced};
use windlass::{Body, Event, OutgoingMessage, WindlassError};

impl Party {
    fn on(disk: Disk) -> Self {
        Self::open(disk, 1).unwrap()
    }

    /// Another party in the same state, while this one stays open.
    fn twin(&self) -> Self {
        Self::on(Disk::of(self.disk.image()))
    }

    fn address(&self) -> String {
        self.client.address()
    }

    fn send(&self, to: &Self, text: &str) -> Result<Vec<u8>, WindlassError> {
        let mut sent = self.client.send(to.address(), text.into())?;
        Ok(sent.envelopes.remove(0).bytes.into_vec())
    }

    fn take_outbox(&self) -> Vec<Vec<u8>> {
        let waiting = self.client.outbox(0).unwrap();
        let ids = waiting.iter().map(|envelope| envelope.id).collect();
        self.client.mark_sent(ids).unwrap();
        waiting.into_iter().map(|e| e.bytes.into_vec()).collect()
    }

    fn texts(&self, with: &Self) -> Vec<String> {
        let conversation = self.client.clone().conversation(with.address()).unwrap();
        let messages = conversation.messages(1_000, None).unwrap();
        messages
            .into_iter()
            .filter_map(|message| message.text)
            .collect()
    }
}

/// Everything that waits on one side reaches the other. Nothing may be undecryptable.
fn carry(from: &Party, to: &Party) {
    for envelope in from.take_outbox() {
        for event in to.client.receive(envelope.as_slice().into()).unwrap() {
            assert!(!matches!(event, Event::Undecryptable { .. }), "{event:?}");
        }
    }
}

/// The conversation goes on in both directions, and both have the same history, each message once.
fn goes_on(alice: &Party, bob: &Party) {
    for (text, from, to) in [("a", alice, bob), ("b", bob, alice), ("c", alice, bob)] {
        from.send(to, &format!("afterwards {text}")).unwrap();
        carry(alice, bob);
        carry(bob, alice);
    }
    let texts = alice.texts(bob);
    assert_eq!(texts, bob.texts(alice));
    let mut once = texts.clone();
    once.sort();
    once.dedup();
    assert_eq!(once.len(), texts.len());
    assert!(texts.ends_with(&["a", "b", "c"].map(|text| format!("afterwards {text}"))));
}

/// Two who have talked, with one message of each side that was skipped, and nothing under way.
fn introduced() -> (Party, Party) {
    let (alice, bob) = (Party::new(), Party::new());
    alice
        .client
        .add_contact(&bob.client.single_use_bundle().unwrap())
        .unwrap();
    for turn in 0..2 {
        alice.send(&bob, &format!("alice {turn}")).unwrap();
        carry(&alice, &bob);
        bob.send(&alice, &format!("bob {turn}")).unwrap();
        carry(&bob, &alice);
    }
    carry(&alice, &bob);
    (alice, bob)
}

type Outcome = Result<Vec<u8>, WindlassError>;

/// What an operation does to Alice, and what holds behind every crash in it.
struct Operation {
    name: &'static str,
    /// Before it, both parties are in the state that they are in when this returns; `keep` is handed to the rest.
    prepare: fn() -> (Party, Party, Vec<u8>),
    run: fn(&Party, &Party, &[u8]) -> Outcome,
    /// Alice after the crash, Bob as he was, what was kept, and what the operation answered if it was over.
    check: fn(&Party, &Party, &[u8], Option<&[u8]>),
}

fn quiet() -> (Party, Party, Vec<u8>) {
    let (alice, bob) = introduced();
    (alice, bob, Vec::new())
}

const OPERATIONS: &[Operation] = &[
    Operation {
        name: "send",
        prepare: quiet,
        run: |alice, bob, _| alice.send(bob, "new"),
        check: |alice, bob, _, answer| {
            let waiting: Vec<_> = alice.client.outbox(0).unwrap();
            let written = alice.texts(bob).contains(&"new".to_owned());
            assert_eq!(waiting.len(), usize::from(written));
            if let Some(envelope) = answer {
                assert_eq!(waiting[0].bytes.to_vec(), envelope);
            }
            goes_on(alice, bob);
            assert_eq!(bob.texts(alice).contains(&"new".to_owned()), written);
        },
    },
    Operation {
        name: "send a first message",
        prepare: || {
            let (alice, bob) = (Party::new(), Party::new());
            alice
                .client
                .add_contact(&bob.client.single_use_bundle().unwrap())
                .unwrap();
            (alice, bob, Vec::new())
        },
        run: |alice, bob, _| alice.send(bob, "new"),
        check: |alice, bob, _, answer| {
            let written = alice.texts(bob).contains(&"new".to_owned());
            assert!(written || answer.is_none());
            goes_on(alice, bob);
            assert_eq!(bob.texts(alice).contains(&"new".to_owned()), written);
        },
    },
    Operation {
        name: "send many",
        prepare: quiet,
        run: |alice, bob, _| {
            let message = |number| OutgoingMessage {
                to: bob.address(),
                body: Body::Text {
                    text: format!("many {number}"),
                },
                reply_to: None,
            };
            alice.client.send_many((0..20).map(message).collect())?;
            Ok(Vec::new())
        },
        check: |alice, bob, _, answer| {
            let written = alice
                .texts(bob)
                .iter()
                .filter(|text| text.starts_with("many"))
                .count();
            assert!(written == 20 || (written == 0 && answer.is_none()));
            assert_eq!(alice.client.outbox(0).unwrap().len(), written);
            goes_on(alice, bob);
        },
    },
    Operation {
        name: "receive",
        prepare: || {
            let (alice, bob) = introduced();
            let envelope = bob.send(&alice, "new").unwrap();
            (alice, bob, envelope)
        },
        run: |alice, _, envelope| alice.client.receive(envelope.into()).map(|_| Vec::new()),
        check: received_once,
    },
    Operation {
        name: "receive a first message",
        prepare: || {
            let (alice, bob) = (Party::new(), Party::new());
            bob.client
                .add_contact(&alice.client.single_use_bundle().unwrap())
                .unwrap();
            let envelope = bob.send(&alice, "new").unwrap();
            (alice, bob, envelope)
        },
        run: |alice, _, envelope| alice.client.receive(envelope.into()).map(|_| Vec::new()),
        check: received_once,
    },
    Operation {
        name: "receive ahead of others",
        prepare: || {
            let (alice, bob) = introduced();
            for number in 0..10 {
                bob.send(&alice, &format!("later {number}")).unwrap();
            }
            let envelope = bob.send(&alice, "new").unwrap();
            (alice, bob, envelope)
        },
        run: |alice, _, envelope| alice.client.receive(envelope.into()).map(|_| Vec::new()),
        check: |alice, bob, envelope, answer| {
            received_once(alice, bob, envelope, answer);
            assert_eq!(
                alice
                    .texts(bob)
                    .iter()
                    .filter(|text| text.starts_with("later"))
                    .count(),
                10
            );
        },
    },
    Operation {
        name: "mark sent",
        prepare: || {
            let (alice, bob) = introduced();
            let envelope = alice.send(&bob, "new").unwrap();
            (alice, bob, envelope)
        },
        run: |alice, _, _| {
            let ids = alice
                .client
                .outbox(0)?
                .iter()
                .map(|envelope| envelope.id)
                .collect();
            alice.client.mark_sent(ids).map(|()| Vec::new())
        },
        check: |alice, bob, envelope, answer| {
            let waiting = alice.client.outbox(0).unwrap();
            assert!(
                waiting.is_empty() || (answer.is_none() && waiting[0].bytes.to_vec() == envelope)
            );
            // The transport has it in any case.
            bob.client.receive(envelope.into()).unwrap();
            goes_on(alice, bob);
        },
    },
    Operation {
        name: "shred",
        prepare: quiet,
        run: |alice, _, _| alice.store.shred().map(|_| Vec::new()),
        check: |alice, bob, _, answer| {
            assert_eq!(alice.texts(bob).len(), 4);
            if answer.is_some() {
                assert_eq!(alice.store.inspect().unwrap().epoch, 2);
            }
            alice.store.shred().unwrap();
            goes_on(alice, bob);
        },
    },
    Operation {
        name: "close",
        prepare: quiet,
        run: |alice, _, _| alice.client.close().map(|()| Vec::new()),
        check: |alice, bob, _, _| goes_on(alice, bob),
    },
    Operation {
        name: "bundle",
        prepare: quiet,
        run: |alice, _, _| Ok(alice.client.single_use_bundle()?.encode().into_vec()),
        check: |alice, bob, _, answer| {
            // A bundle that was handed out must work.
            if let Some(bundle) = answer {
                let stranger = Party::new();
                let bundle = windlass::Bundle::decode(bundle.into()).unwrap();
                stranger.client.add_contact(&bundle).unwrap();
                stranger.send(alice, "from a stranger").unwrap();
                carry(&stranger, alice);
                assert_eq!(alice.texts(&stranger), ["from a stranger"]);
            }
            alice.take_outbox();
            goes_on(alice, bob);
        },
    },
];

fn received_once(alice: &Party, bob: &Party, envelope: &[u8], answer: Option<&[u8]>) {
    let before = alice
        .texts(bob)
        .iter()
        .filter(|text| *text == "new")
        .count();
    assert!(before == 1 || answer.is_none());
    // The transport delivers again what was not confirmed to it.
    let events = alice.client.receive(envelope.into()).unwrap();
    let duplicate = events.iter().any(|event| {
        matches!(
            event,
            Event::Duplicate {
                message_id: Some(_)
            }
        )
    });
    assert_eq!(duplicate, before == 1, "{events:?}");
    assert_eq!(
        alice
            .texts(bob)
            .iter()
            .filter(|text| *text == "new")
            .count(),
        1
    );
    goes_on(alice, bob);
}

fn torn_disks() -> usize {
    seeds::number("WINDLASS_CRASHES").map_or(10, |number| number as usize)
}

/// Every disk that a crash behind the first `point` events may leave.
fn disks(
    recording: &windlass::testing::Recording,
    point: usize,
    rng: &mut SeededRandom,
) -> Vec<Image> {
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
        let mut rng = seeded(&Secret::new([3; 32]));
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
    let mut rng = seeded(&Secret::new([4; 32]));
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
    let mut rng = seeded(&Secret::new([5; 32]));
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
    let steps: [(&str, &dyn Fn()); 4] = [
        ("send", &|| {
            alice.send(&bob, "one").unwrap();
        }),
        ("send many", &|| {
            let message = OutgoingMessage {
                to: bob.address(),
                body: Body::Text { text: "x".into() },
                reply_to: None,
            };
            alice.client.send_many(vec![message; 100]).unwrap();
        }),
        ("mark sent", &|| {
            let waiting = alice.client.outbox(0).unwrap();
            alice
                .client
                .mark_sent(waiting.iter().map(|envelope| envelope.id).collect())
                .unwrap();
        }),
        ("receive", &|| {
            let envelope = bob.send(&alice, "two").unwrap();
            alice.client.receive(envelope.as_slice().into()).unwrap();
        }),
    ];
    for (name, step) in steps {
        // When the file has to grow, that is made durable too; it doubles, so the next step finds room.
        let recording = loop {
            alice.disk.record();
            step();
            let recording = alice.disk.recorded();
            if !recording.grew() {
                break recording;
            }
        };
        assert_eq!(recording.syncs(), 1, "{name}");
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
    let mut rng = seeded(&Secret::new([6; 32]));
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
    let mut rng = seeded(&Secret::new([7; 32]));
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
