//! What the store promises of its files. What it promises of its rows, as every engine does: `src/testing/contract`.

mod copies;
mod faults;
mod keepers;
mod large;
#[cfg(unix)]
mod names;
mod places;
mod removed;
mod revocation;
mod together;

use std::fs;
use std::path::PathBuf;

use redb::{ReadableDatabase, ReadableTable};
use tempfile::TempDir;

use super::database::ROWS;
use super::tree::{self, Bucket};
use super::{Key, Rows, ShredReport, Store, StoreError, StoreKey, Table, table};
use crate::crypto::{Argon2Params, Secret, SecretBytes, open};

struct Fixture {
    _folder: TempDir,
    path: PathBuf,
}

impl Fixture {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("test.wl");
        Self {
            _folder: folder,
            path,
        }
    }

    fn slots(&self) -> PathBuf {
        self.path.with_extension("wl.keys")
    }

    fn create(&self) -> Store {
        Store::create(&self.path, &key(1)).unwrap()
    }

    fn open(&self) -> Result<Store, StoreError> {
        Store::open(&self.path, &key(1))
    }

    /// Both files' bytes.
    fn bytes(&self) -> (Vec<u8>, Vec<u8>) {
        (
            fs::read(&self.path).unwrap(),
            fs::read(self.slots()).unwrap(),
        )
    }
}

fn key(byte: u8) -> StoreKey {
    StoreKey::Raw(Secret::new([byte; 32]))
}

/// A passphrase whose guess is cheap, for tests.
fn passphrase(text: &str) -> StoreKey {
    let cheap = Argon2Params {
        memory_kib: 64,
        iterations: 1,
        parallelism: 1,
    };
    StoreKey::Passphrase(text.to_owned().into(), cheap)
}

fn put(store: &Store, name: &[u8], value: &[u8]) {
    store
        .write(|writer| writer.put(Table::Messages, Key::new(name), value))
        .unwrap();
}

fn get(store: &Store, name: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
    store.read(|reader| {
        let row = reader.get(Table::Messages, Key::new(name))?;
        Ok(row.map(|value| value.to_vec()))
    })
}

#[test]
fn rows_of_one_order_are_told_apart_by_names_that_the_file_does_not_show() {
    let fixture = Fixture::new();
    let store = fixture.create();
    let names = [b"somebody's key".as_slice(), b"another's key"];
    let step = store.write(|writer| {
        for (value, name) in names.iter().enumerate() {
            let value = [u8::try_from(value).unwrap()];
            writer.put(Table::Timeline, Key::named(b"g", &[1], name), &value)?;
        }
        writer.put(Table::Timeline, Key::named(b"g", &[2], names[0]), &[2])?;
        writer.put(Table::Timeline, Key::named(b"h", &[1], names[0]), &[3])
    });
    step.unwrap();
    let of_order = |group: &[u8], order| {
        let rows = store.read(|reader| reader.of_order(Table::Timeline, group, &[order]));
        let rows: Result<Vec<_>, StoreError> = rows;
        rows.unwrap()
    };
    let mut values: Vec<u8> = of_order(b"g", 1).iter().map(|(_, v)| v[0]).collect();
    values.sort_unstable();
    assert_eq!(values, [0, 1]);
    // The same name in two groups, or in two orders of one, is found by what a range gives of it.
    let [(order, _)] = of_order(b"g", 2).try_into().unwrap();
    let [(other, _)] = of_order(b"h", 1).try_into().unwrap();
    assert_ne!(order[1..], other[1..]);
    let deleted = store.write(|writer| writer.delete(Table::Timeline, Key::ordered(b"g", &order)));
    assert_eq!((deleted, of_order(b"g", 2).len()), (Ok(true), 0));
    let found = store.read(|reader| reader.get(Table::Timeline, Key::named(b"g", &[1], names[1])));
    let found: Result<Option<SecretBytes>, StoreError> = found;
    assert_eq!(found.unwrap().unwrap()[..], [1]);
    store.close().unwrap();
    let (file, _) = fixture.bytes();
    for name in names {
        assert!(!file.windows(name.len()).any(|window| window == name));
    }
}

#[test]
fn each_refusal_is_told_apart_and_changes_no_byte() {
    let fixture = Fixture::new();
    assert_eq!(fixture.open().unwrap_err(), StoreError::NotFound);
    let store = Store::create(&fixture.path, &passphrase("right")).unwrap();
    put(&store, b"a", b"kept");
    assert_eq!(
        Store::open(&fixture.path, &passphrase("right")).unwrap_err(),
        StoreError::Locked
    );
    store.close().unwrap();
    assert_eq!(get(&store, b"a"), Err(StoreError::Closed));
    let before = fixture.bytes();

    let refused = |key: &StoreKey| Store::open(&fixture.path, key).unwrap_err();
    assert_eq!(refused(&passphrase("wrong")), StoreError::WrongKey);
    assert_eq!(refused(&key(1)), StoreError::WrongKey);
    assert_eq!(
        Store::create(&fixture.path, &key(1)).unwrap_err(),
        StoreError::AlreadyExists
    );
    assert_eq!(
        StoreKey::passphrase("").unwrap_err(),
        StoreError::EmptyPassphrase
    );
    assert_eq!(before.1, fixture.bytes().1);

    // The key-slot file: missing, cut short, another store's.
    let slots = fixture.slots();
    fs::remove_file(&slots).unwrap();
    assert_eq!(refused(&passphrase("right")), StoreError::KeySlotsMissing);
    fs::write(&slots, &before.1[..100]).unwrap();
    assert_eq!(refused(&passphrase("right")), StoreError::KeySlotsDamaged);
    let other = Fixture::new();
    drop(Store::create(&other.path, &passphrase("right")).unwrap());
    fs::copy(other.slots(), &slots).unwrap();
    assert_eq!(
        refused(&passphrase("right")),
        StoreError::KeySlotsOfAnotherStore
    );

    fs::write(&slots, &before.1).unwrap();
    let store = Store::open(&fixture.path, &passphrase("right")).unwrap();
    assert_eq!(get(&store, b"a").unwrap().unwrap(), b"kept");

    let text = Fixture::new();
    for content in [b"".as_slice(), b"text", &[0; 10_000]] {
        fs::write(&text.path, content).unwrap();
        assert_eq!(text.open().unwrap_err(), StoreError::NotAStore);
        assert_eq!(fs::read(&text.path).unwrap(), content);
    }
}

#[test]
fn rows_cannot_be_swapped() {
    let fixture = Fixture::new();
    let store = fixture.create();
    put(&store, b"a", b"one");
    put(&store, b"b", b"two");
    {
        let inner = store.shared();
        let inner = inner.as_ref().unwrap();
        let rows =
            [b"a", b"b"].map(|name| table::prefix(&inner.tree.lookup_key, Table::Messages, name));
        let transaction = inner.begin_write().unwrap();
        {
            let mut table = transaction.open_table(ROWS).unwrap();
            let sealed =
                rows.map(|row| table.get(row.as_slice()).unwrap().unwrap().value().to_vec());
            table
                .insert(rows[0].as_slice(), sealed[1].as_slice())
                .unwrap();
            table
                .insert(rows[1].as_slice(), sealed[0].as_slice())
                .unwrap();
        }
        transaction.commit().unwrap();
    }
    assert_eq!(
        get(&store, b"a"),
        Err(StoreError::Damaged { what: "messages" })
    );
    assert_eq!(
        get(&store, b"b"),
        Err(StoreError::Damaged { what: "messages" })
    );
}

/// Whether the sealed bytes open for somebody who has both files and the key, knows the format, and kept every page.
fn opens(store: &Store, row: &[u8], sealed: &[u8]) -> bool {
    let inner = store.shared();
    let inner = inner.as_ref().unwrap();
    let bucket = Bucket::of(row).unwrap();
    let node = inner.tree.cached_node(bucket.0).unwrap();
    let data = tree::associated_data(&inner.tree.store_id, row);
    open(&node.get(bucket.1), sealed, &data).is_ok()
}

#[test]
fn shredding_makes_dead_values_unreadable_and_living_ones_stay() {
    let fixture = Fixture::new();
    let store = fixture.create();
    for name in 0..50u8 {
        put(&store, &[name], b"living");
    }
    put(&store, b"dead", b"secret");
    let (row, sealed) = {
        let inner = store.shared();
        let inner = inner.as_ref().unwrap();
        let row = table::prefix(&inner.tree.lookup_key, Table::Messages, b"dead");
        let table = inner
            .database()
            .unwrap()
            .begin_read()
            .unwrap()
            .open_table(ROWS)
            .unwrap();
        let sealed = table.get(row.as_slice()).unwrap().unwrap().value().to_vec();
        (row, sealed)
    };
    store
        .write(|writer| writer.delete(Table::Messages, Key::new(b"dead")))
        .unwrap();
    // Deleted, and yet its old page opens: this is what shredding is for.
    assert!(opens(&store, &row, &sealed));
    let (_, old_slots) = fixture.bytes();
    let report = store.shred().unwrap();
    assert_eq!(report.buckets, 1);
    assert!(!opens(&store, &row, &sealed));
    assert_eq!(store.shred().unwrap(), ShredReport::default());
    store.close().unwrap();
    let store = fixture.open().unwrap();
    for name in 0..50u8 {
        assert_eq!(get(&store, &[name]).unwrap().unwrap(), b"living");
    }
    drop(store);
    // The slots of before the shred lead nowhere any more.
    fs::write(fixture.slots(), old_slots).unwrap();
    assert!(matches!(
        fixture.open().unwrap_err(),
        StoreError::EpochMismatch { store: 2, slots: 1 }
    ));
}

#[test]
fn a_change_of_key_leaves_nothing_to_the_former_one() {
    let fixture = Fixture::new();
    let store = Store::create(&fixture.path, &passphrase("old")).unwrap();
    put(&store, b"a", b"kept");
    store.change_key(&passphrase("new")).unwrap();
    store.close().unwrap();
    assert_eq!(
        Store::open(&fixture.path, &passphrase("old")).unwrap_err(),
        StoreError::WrongKey
    );
    // Neither slot, whichever of the two is destroyed.
    let slots = fs::read(fixture.slots()).unwrap();
    for half in 0..2 {
        let mut torn = slots.clone();
        torn[half * 512..(half + 1) * 512].fill(0);
        fs::write(fixture.slots(), &torn).unwrap();
        assert_eq!(
            Store::open(&fixture.path, &passphrase("old")).unwrap_err(),
            StoreError::WrongKey
        );
    }
    fs::write(fixture.slots(), &slots).unwrap();
    let store = Store::open(&fixture.path, &passphrase("new")).unwrap();
    assert_eq!(get(&store, b"a").unwrap().unwrap(), b"kept");
}

#[test]
fn every_flipped_byte_of_the_key_slots_is_an_error_or_harmless() {
    let fixture = Fixture::new();
    let store = fixture.create();
    put(&store, b"a", b"kept");
    store.close().unwrap();
    let (file, slots) = fixture.bytes();
    for i in 0..slots.len() {
        let mut flipped = slots.clone();
        flipped[i] ^= 0x40;
        fs::write(fixture.slots(), &flipped).unwrap();
        fs::write(&fixture.path, &file).unwrap();
        if let Ok(store) = fixture.open() {
            assert_eq!(get(&store, b"a").unwrap().unwrap(), b"kept", "byte {i}");
        }
    }
}

#[test]
fn nothing_of_a_row_can_be_read_in_the_file() {
    let fixture = Fixture::new();
    let store = fixture.create();
    put(&store, b"the name of a row", b"what people wrote");
    store.close().unwrap();
    let (file, slots) = fixture.bytes();
    for text in [b"the name of a row".as_slice(), b"what people wrote"] {
        assert!(!file.windows(text.len()).any(|window| window == text));
        assert!(!slots.windows(text.len()).any(|window| window == text));
    }
}

#[test]
fn two_who_make_one_store_at_once_spoil_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("test.wl");
    let [ours, theirs] = [1, 2].map(|byte| StoreKey::Raw(Secret::new([byte; 32])));
    let made = Store::create_with(&path, &ours, |writer| {
        let second = Store::create(&path, &theirs).unwrap_err();
        assert_eq!(second, StoreError::Locked);
        writer.put(Table::Messages, Key::new(b"a"), b"kept")
    });
    drop(made.unwrap());
    assert_eq!(
        Store::create(&path, &theirs).unwrap_err(),
        StoreError::AlreadyExists
    );
    let store = Store::open(&path, &ours).unwrap();
    let kept = store.read(|rows| rows.get(Table::Messages, Key::new(b"a")));
    assert_eq!(kept.unwrap().unwrap().as_slice(), b"kept");
}
