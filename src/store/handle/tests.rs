use super::*;
use crate::crypto::Secret;
use crate::store::{Key, StoreKey};
use crate::testing::Disk;

#[test]
fn a_child_of_the_process_that_opened_a_store_does_nothing_to_it() {
    let (disk, key) = (Disk::default(), StoreKey::Raw(Secret::new([1; 32])));
    let mut store = Store::create_on(disk.medium(), &key).unwrap();
    assert_eq!(store.process_id, std::process::id());
    let put = |store: &Store| store.write(|rows| rows.put(Table::Messages, Key::new(b"a"), b"row"));
    put(&store).unwrap();
    put(&store).unwrap();
    // What a child has in its memory: another's number.
    store.process_id = store.process_id.wrapping_add(1);
    let before = disk.traffic();
    let forked = Err(StoreError::Forked);
    let count = store.read(|rows| rows.count(Table::Messages));
    assert_eq!(count.map(|_| ()), forked);
    let apart = store.read_apart(|rows| rows.count(Table::Messages));
    assert_eq!(apart.map(|_| ()), forked);
    assert_eq!(put(&store), forked);
    assert_eq!(store.inspect().map(|_| ()), forked);
    assert_eq!(store.shred().map(|_| ()), forked);
    assert_eq!(store.change_key(&key), forked);
    assert_eq!(store.close(), forked);
    drop(store);
    assert_eq!(disk.traffic(), before);
    // The parent goes on, and so does whoever comes after it.
    let store = Store::open_on(disk.medium(), &key).unwrap();
    let count = store.read(|rows| rows.count(Table::Messages));
    assert_eq!(count, Ok::<_, StoreError>(1));
}

#[test]
fn a_store_is_printed_with_its_place_alone() {
    let key = StoreKey::Raw(Secret::new([1; 32]));
    let store = Store::create_on(Disk::default().medium(), &key).unwrap();
    let printed = format!("{store:?}");
    assert_eq!(printed, format!("Store {{ path: {:?}, .. }}", store.path()));
}
