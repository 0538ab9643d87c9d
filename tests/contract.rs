//! The promises of every storage engine, against redb on files, on a disk that forgets, and where each step runs twice.

#![allow(clippy::unwrap_used)]

#[path = "support/homes.rs"]
mod homes;

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use homes::{Files, Opened};
use windlass::crypto::{Secret, SeededRandom, seeded};
use windlass::store::{
    Inspection, KeySlots, Medium, Refused, Rows, RowsMut, ShredReport, StorageEngine, Store,
    StoreError, StoreFile, StoreKey,
};
use windlass::testing::contract::{self, Home};
use windlass::testing::{Disk, Image, RunsTwice, Unsynced};

/// A disk in memory that has only what was synced once the machine stops.
struct Forgets(RefCell<Disk>);

impl Forgets {
    fn new() -> Self {
        Self(RefCell::new(recorded(Image::default())))
    }

    fn medium(&self) -> Arc<dyn Medium> {
        self.0.borrow().medium()
    }
}

fn recorded(image: Image) -> Disk {
    let disk = Disk::of(image);
    disk.record();
    disk
}

impl Home for Forgets {
    fn create(&self, key: &StoreKey) -> Opened {
        Ok(Arc::new(Store::create_on(self.medium(), key)?))
    }

    fn open(&self, key: &StoreKey) -> Opened {
        Ok(Arc::new(Store::open_on(self.medium(), key)?))
    }

    fn after_crash(&self) -> Box<dyn Home> {
        let recording = self.0.borrow().recorded();
        let mut rng = seeded(&Secret::new([1; 32]));
        let image = recording.crash(recording.points() - 1, Unsynced::Lost, &mut rng);
        Box::new(Self(RefCell::new(recorded(image))))
    }

    fn copy_rows(&self) -> Box<dyn FnOnce() + '_> {
        let copy = self.0.borrow().image();
        Box::new(move || {
            let mut image = self.0.borrow().image();
            let rows = copy.file(StoreFile::Rows).unwrap();
            rows.clone_into(image.file_mut(StoreFile::Rows));
            self.0.replace(recorded(image));
        })
    }

    fn key_slots(&self) -> Box<dyn KeySlots> {
        self.medium().create_key_slots().unwrap()
    }
}

/// A home whose store is behind another engine.
struct Behind(Box<dyn Home>, Wrap);

type Wrap = Arc<dyn Fn(Arc<dyn StorageEngine>) -> Arc<dyn StorageEngine>>;

fn check_behind(
    engine: impl Fn(Arc<dyn StorageEngine>) -> Arc<dyn StorageEngine> + 'static,
) -> Vec<(&'static str, u64)> {
    let engine: Wrap = Arc::new(engine);
    contract::check(|| Box::new(Behind(Box::new(Forgets::new()), Arc::clone(&engine))))
}

impl Home for Behind {
    fn create(&self, key: &StoreKey) -> Opened {
        self.0.create(key).map(self.1.as_ref())
    }

    fn open(&self, key: &StoreKey) -> Opened {
        self.0.open(key).map(self.1.as_ref())
    }

    fn after_crash(&self) -> Box<dyn Home> {
        Box::new(Self(self.0.after_crash(), Arc::clone(&self.1)))
    }

    fn copy_rows(&self) -> Box<dyn FnOnce() + '_> {
        self.0.copy_rows()
    }

    fn key_slots(&self) -> Box<dyn KeySlots> {
        self.0.key_slots()
    }
}

#[test]
fn every_engine_keeps_every_promise() {
    let files = contract::check(|| Box::new(Files::new()));
    let disk = contract::check(|| Box::new(Forgets::new()));
    let run_twice = check_behind(|engine| Arc::new(RunsTwice::new(engine)));
    println!("{:>6} {:>6} {:>6}  promise", "files", "disk", "twice");
    let both = disk.iter().zip(&run_twice);
    let mut all = 0;
    for ((promise, files), ((_, disk), (_, run_twice))) in files.iter().zip(both) {
        println!("{files:>6} {disk:>6} {run_twice:>6}  {promise}");
        all += files;
    }
    println!("{all:>6} checks of each");
    assert!(all > 400);
    assert_eq!(files, disk);
    assert_eq!(files, run_twice);
}

/// What an engine may get wrong.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Fault {
    LosesSteps,
    KeepsWhatWasRefused,
    KeepsTheFormerRun,
    ShredsNothing,
    NoticesNothing,
    StaysOpen,
    KeepsTheFormerKey,
}

const FAULTS: [Fault; 7] = [
    Fault::LosesSteps,
    Fault::KeepsWhatWasRefused,
    Fault::KeepsTheFormerRun,
    Fault::ShredsNothing,
    Fault::NoticesNothing,
    Fault::StaysOpen,
    Fault::KeepsTheFormerKey,
];

/// An engine with a fault.
#[derive(Debug)]
struct Faulty(Arc<dyn StorageEngine>, Fault);

impl StorageEngine for Faulty {
    fn snapshot(
        &self,
        f: &mut dyn FnMut(&dyn Rows) -> Result<(), Refused>,
    ) -> Result<(), StoreError> {
        self.0.snapshot(f)
    }

    fn snapshot_apart(
        &self,
        f: &mut dyn FnMut(&dyn Rows) -> Result<(), Refused>,
    ) -> Result<(), StoreError> {
        self.0.snapshot_apart(f)
    }

    fn step(
        &self,
        f: &mut dyn FnMut(&mut dyn RowsMut) -> Result<(), Refused>,
    ) -> Result<(), StoreError> {
        match self.1 {
            Fault::LosesSteps => self.0.step(&mut |rows| f(rows).and(Err(Refused))),
            Fault::KeepsWhatWasRefused => self.0.step(&mut |rows| f(rows).or(Ok(()))),
            Fault::KeepsTheFormerRun => self.0.step(&mut |rows| f(rows).and_then(|()| f(rows))),
            _ => self.0.step(f),
        }
    }

    fn id(&self) -> Result<[u8; 16], StoreError> {
        self.0.id()
    }

    fn now(&self) -> u64 {
        self.0.now()
    }

    fn random(&self) -> Result<SeededRandom, StoreError> {
        self.0.random()
    }

    fn shred(&self) -> Result<ShredReport, StoreError> {
        match self.1 {
            Fault::ShredsNothing => Ok(ShredReport::default()),
            _ => self.0.shred(),
        }
    }

    fn shredded_at(&self) -> u64 {
        self.0.shredded_at()
    }

    fn rollback_noticed(&self) -> bool {
        self.1 != Fault::NoticesNothing && self.0.rollback_noticed()
    }

    fn inspect(&self) -> Result<Inspection, StoreError> {
        self.0.inspect()
    }

    fn change_key(&self, key: &StoreKey) -> Result<(), StoreError> {
        match self.1 {
            Fault::KeepsTheFormerKey => Ok(()),
            _ => self.0.change_key(key),
        }
    }

    fn close(&self) -> Result<(), StoreError> {
        match self.1 {
            Fault::StaysOpen => Ok(()),
            _ => self.0.close(),
        }
    }
}

#[test]
fn an_engine_that_breaks_a_promise_is_found_out() {
    for fault in FAULTS {
        let checked = catch_unwind(AssertUnwindSafe(|| {
            check_behind(move |engine| Arc::new(Faulty(engine, fault)))
        }));
        assert!(checked.is_err(), "{fault:?}");
    }
}
