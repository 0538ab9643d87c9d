//! The promises of every storage engine, against redb on files, on a disk that forgets, and where each step runs twice.

#![allow(clippy::unwrap_used)]

use std::cell::RefCell;
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use tempfile::TempDir;
use windlass::crypto::{Secret, seeded};
use windlass::store::{
    Folder, KeySlots, Medium, StorageEngine, Store, StoreError, StoreFile, StoreKey,
};
use windlass::testing::contract::{self, Home};
use windlass::testing::{Disk, Image, RunsTwice, Unsynced};

type Opened = Result<Arc<dyn StorageEngine>, StoreError>;

/// Files of the operating system.
struct Files(TempDir);

impl Files {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self) -> PathBuf {
        self.0.path().join("test.wl")
    }
}

impl Home for Files {
    fn create(&self, key: &StoreKey) -> Opened {
        Ok(Arc::new(Store::create(&self.path(), key)?))
    }

    fn open(&self, key: &StoreKey) -> Opened {
        Ok(Arc::new(Store::open(&self.path(), key)?))
    }

    /// The process is gone, and the operating system still has what it wrote.
    fn after_crash(&self) -> Box<dyn Home> {
        let after = Self::new();
        for file in fs::read_dir(self.0.path()).unwrap() {
            let file = file.unwrap();
            fs::copy(file.path(), after.0.path().join(file.file_name())).unwrap();
        }
        Box::new(after)
    }

    fn copy_rows(&self) -> Box<dyn FnOnce() + '_> {
        let copy = fs::read(self.path()).unwrap();
        Box::new(move || fs::write(self.path(), copy).unwrap())
    }

    fn key_slots(&self) -> Box<dyn KeySlots> {
        Folder::new(&self.path()).create_key_slots().unwrap()
    }
}

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

/// A home whose store runs each step twice.
struct Twice(Box<dyn Home>);

fn twice(engine: Arc<dyn StorageEngine>) -> Arc<dyn StorageEngine> {
    Arc::new(RunsTwice::new(engine))
}

impl Home for Twice {
    fn create(&self, key: &StoreKey) -> Opened {
        self.0.create(key).map(twice)
    }

    fn open(&self, key: &StoreKey) -> Opened {
        self.0.open(key).map(twice)
    }

    fn after_crash(&self) -> Box<dyn Home> {
        Box::new(Self(self.0.after_crash()))
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
    let run_twice = contract::check(|| Box::new(Twice(Box::new(Forgets::new()))));
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
