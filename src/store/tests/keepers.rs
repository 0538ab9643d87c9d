//! The files of a store and its key slots, as a folder and a disk keep them; and what an engine of one process answers.

use super::*;
use crate::store::key_slots::SlotNumber;
use crate::store::{Medium, StorageEngine, StoreFile};
use crate::testing::Disk;

#[test]
fn key_slots_that_are_emptied_are_as_long_as_two_and_hold_nothing() {
    let disk = Disk::default();
    let slots = disk.create_key_slots().unwrap();
    let length = || disk.image().file(StoreFile::KeySlots).unwrap().len();
    for len in [0, 100, 4096] {
        slots.write(SlotNumber::First, &vec![7; len]).unwrap();
        slots.clear().unwrap();
        assert_eq!(length(), 1024);
        assert_eq!(slots.read(), Ok([vec![0; 512], vec![0; 512]]));
    }
}

#[test]
fn a_file_is_there_from_its_making_on_and_so_is_a_link() {
    let fixture = Fixture::new();
    let folder = crate::store::Folder::new(&fixture.path);
    let files = [StoreFile::Rows, StoreFile::Unfinished, StoreFile::KeySlots];
    for file in files {
        assert_eq!(folder.exists(file), Ok(false));
        folder.create(file).unwrap();
        assert_eq!(folder.exists(file), Ok(true));
    }
    // What cannot be looked at is not told to be missing.
    let under_a_file = crate::store::Folder::new(&fixture.path.join("store.wl"));
    for file in files {
        let refused = under_a_file.exists(file);
        assert!(matches!(refused, Err(StoreError::File(_))), "{refused:?}");
    }
}

#[test]
fn no_store_is_made_over_the_keys_of_one_whose_rows_are_gone() {
    let fixture = Fixture::new();
    put(&fixture.create(), b"a", b"kept");
    let (rows, slots) = fixture.bytes();
    fs::remove_file(&fixture.path).unwrap();
    let made = Store::create(&fixture.path, &key(1)).map(|_| ());
    assert_eq!(made, Err(StoreError::AlreadyExists));
    assert!(fs::read(fixture.slots()).unwrap() == slots);
    // Whoever finds the rows again has everything.
    fs::write(&fixture.path, rows).unwrap();
    let kept = get(&fixture.open().unwrap(), b"a");
    assert_eq!(kept, Ok(Some(b"kept".to_vec())));
}

#[test]
fn one_makes_a_store_with_key_slots_at_a_time_and_a_store_that_is_made_holds_none() {
    let fixture = Fixture::new();
    let folder = crate::store::Folder::new(&fixture.path);
    let [first, second] = [(); 2].map(|()| folder.create_key_slots().unwrap());
    assert_eq!(first.lock(), Ok(()));
    assert_eq!(second.lock(), Err(StoreError::Locked));
    first.unlock();
    assert_eq!(second.lock(), Ok(()));
    drop((first, second));
    fs::remove_file(fixture.slots()).unwrap();
    let _store = fixture.create();
    assert_eq!(folder.open_key_slots().unwrap().lock(), Ok(()));
}

#[test]
fn an_engine_of_one_process_has_every_piece_of_work_and_one_lane() {
    let fixture = Fixture::new();
    let store = fixture.create();
    let engine: &dyn StorageEngine = &store;
    assert!(!engine.is_shared());
    for count in 0..3 {
        let names = vec![b"work".as_slice(); count];
        assert_eq!(engine.claim(&names), Ok(vec![true; count]));
        assert_eq!(engine.release(&names), Ok(()));
    }
    // Sums are where stores have them that were written before there were lanes.
    let lane = engine.read(|rows| Ok::<_, StoreError>(rows.lane()));
    assert_eq!(lane, Ok(0));
    let lane = engine.write(|rows| Ok::<_, StoreError>(rows.lane()));
    assert_eq!(lane, Ok(0));
    // The clock is set, and counts milliseconds: it was so much in September 2020.
    assert!(engine.now() > 1_600_000_000_000);
}

#[test]
fn who_forgets_to_close_has_a_store_without_anything_dead() {
    let fixture = Fixture::new();
    let store = fixture.create();
    put(&store, b"a", b"former");
    put(&store, b"a", b"living");
    let before = store.inspect().unwrap();
    assert_eq!((before.dirty_buckets, before.epoch), (1, 1));
    drop(store);
    let store = fixture.open().unwrap();
    let after = store.inspect().unwrap();
    assert_eq!((after.dirty_buckets, after.epoch), (0, 2));
}
