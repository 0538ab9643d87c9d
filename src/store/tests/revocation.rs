//! Whoever had the former key, and copied both files while it was good, reads nothing of what is in the store after a change.

use std::collections::BTreeMap;

use super::*;
use crate::crypto::seeded;
use crate::testing::{Disk, Unsynced};

/// What the former key opens in a copy of the files: every key of the tree, by the bucket it seals.
fn kept_keys(store: &Store) -> BTreeMap<Bucket, Secret<32>> {
    let inner = store.shared();
    let inner = inner.as_ref().unwrap();
    let table = inner.database.as_ref().unwrap().begin_read().unwrap();
    let mut keys = BTreeMap::new();
    for node in 0..=u8::MAX {
        let row = tree::node_row(node);
        let Some(sealed) = table.get(row.as_slice()).unwrap() else {
            continue;
        };
        let (root, id) = (inner.tree.root.get(node), inner.tree.store_id);
        let opened = tree::Keys::open(&root, &id, &row, sealed.value()).unwrap();
        for place in 0..=u8::MAX {
            keys.insert(Bucket(node, place), opened.get(place));
        }
    }
    keys
}

/// How many rows of the file one of the keys opens.
fn opened_by(store: &Store, keys: &BTreeMap<Bucket, Secret<32>>) -> (usize, usize) {
    let inner = store.shared();
    let inner = inner.as_ref().unwrap();
    let table = inner.database.as_ref().unwrap().begin_read().unwrap();
    let (mut rows, mut opened) = (0, 0);
    for row in table.iter().unwrap() {
        let (row, sealed) = row.unwrap();
        if tree::is_own(row.value()) {
            continue;
        }
        rows += 1;
        let data = tree::associated_data(&inner.tree.store_id, row.value());
        let key = keys.get(&Bucket::of(row.value()).unwrap());
        opened += usize::from(key.is_some_and(|key| open(key, sealed.value(), &data).is_ok()));
    }
    (rows, opened)
}

#[test]
fn a_change_of_key_revokes_what_was_copied_under_the_former_one() {
    let fixture = Fixture::new();
    let store = fixture.create();
    let names: Vec<[u8; 2]> = (0..300u16).map(u16::to_be_bytes).collect();
    names
        .iter()
        .for_each(|name| put(&store, name, b"from before"));
    drop(store);
    // The thief's copies, and what the key opens in them.
    let (rows, slots) = fixture.bytes();
    let kept = kept_keys(&fixture.open().unwrap());

    let store = fixture.open().unwrap();
    assert_eq!(opened_by(&store, &kept), (300, 300));
    store.change_key(&key(2)).unwrap();
    put(&store, &names[0], b"changed since");
    put(&store, b"new", b"written since");
    assert_eq!(opened_by(&store, &kept), (301, 0));
    assert_eq!(
        get(&store, &names[1]).unwrap(),
        Some(b"from before".to_vec())
    );
    drop(store);
    let of = |byte| Store::open(&fixture.path, &key(byte));
    assert_eq!(of(1).map(|_| ()), Err(StoreError::WrongKey));
    let store = of(2).unwrap();
    assert!(!store.rollback_noticed());
    assert_eq!(opened_by(&store, &kept), (301, 0));
    assert_eq!(
        get(&store, &names[0]).unwrap(),
        Some(b"changed since".to_vec())
    );
    drop(store);
    // Nor do the former slots beside the new rows; the thief's own copy is what it was.
    fs::write(fixture.slots(), &slots).unwrap();
    assert!(matches!(
        of(1).map(|_| ()),
        Err(StoreError::EpochMismatch { .. })
    ));
    fs::write(&fixture.path, rows).unwrap();
    drop(of(1).unwrap());
}

#[test]
fn a_change_of_key_is_whole_or_not_whatever_crashes_it() {
    let disk = Disk::default();
    let store = Store::create_on(disk.medium(), &key(1)).unwrap();
    put(&store, b"row", b"value");
    let kept = kept_keys(&store);
    disk.record();
    store.change_key(&key(2)).unwrap();
    let recording = disk.recorded();
    let mut rng = seeded(&Secret::new([9; 32]));
    let mut seen = BTreeMap::new();
    for point in 0..recording.points() {
        for unsynced in [Unsynced::Lost, Unsynced::Kept, Unsynced::Torn] {
            let image = recording.crash(point, unsynced, &mut rng);
            let opens = [1, 2].map(|byte| {
                let store = Store::open_on(Disk::of(image.clone()).medium(), &key(byte));
                let store = match store {
                    Ok(store) => store,
                    Err(refused) => {
                        assert_eq!(refused, StoreError::WrongKey);
                        return false;
                    }
                };
                assert_eq!(get(&store, b"row").unwrap(), Some(b"value".to_vec()));
                // The new key opens nothing that the former one still reads.
                let read = opened_by(&store, &kept).1;
                assert_eq!(read, usize::from(byte == 1), "after {point}");
                true
            });
            *seen.entry(opens).or_insert(0) += 1;
            assert!(opens[0] || opens[1], "after {point}");
        }
    }
    let last = recording.crash(recording.points() - 1, Unsynced::Lost, &mut rng);
    let former = Store::open_on(Disk::of(last).medium(), &key(1)).map(|_| ());
    assert_eq!(former, Err(StoreError::WrongKey));
    assert!(seen.contains_key(&[true, true]), "{seen:?}");
}

#[test]
fn a_change_of_key_that_the_disk_has_no_room_for_is_none() {
    let mut refused = [0; 2];
    for changes in 0.. {
        let disk = Disk::default();
        let store = Store::create_on(disk.medium(), &key(1)).unwrap();
        put(&store, b"row", b"value");
        disk.fill_up(Some(changes));
        let changed = store.change_key(&key(2));
        // What a crash here would leave says whether it is decided. If it is not, the former key stays.
        let decided = opened_with(&Disk::of(disk.image())) == [false, true];
        // Another failure, after which both files are read again.
        if changed.is_err() {
            let lost = store.write(|rows| rows.put(Table::Messages, Key::new(b"lost"), b"row"));
            assert_eq!(lost, Err(StoreError::DiskFull));
        }
        disk.fill_up(None);
        assert_eq!(get(&store, b"row").unwrap(), Some(b"value".to_vec()));
        put(&store, b"later", b"written");
        drop(store);
        assert_eq!(opened_with(&disk), [!decided, decided], "after {changes}");
        if changed.is_ok() {
            assert!(decided);
            break;
        }
        refused[usize::from(decided)] += 1;
    }
    assert!(refused[0] > 3 && refused[1] > 0, "{refused:?}");
}

/// Which of the two keys open what is there.
fn opened_with(disk: &Disk) -> [bool; 2] {
    [1, 2].map(|byte| Store::open_on(disk.medium(), &key(byte)).is_ok())
}
