//! Rows that somebody removed who has no key.

use std::collections::BTreeMap;

use redb::{Database, ReadableDatabase, ReadableTable};

use super::super::database::ROWS;
use super::super::tree::{CENSUS_ROW, DIRTY_PREFIX, HEADER_ROW, ROOT_ROW, is_own};
use super::{Fixture, Key, StoreError, Table, get, key, put};
use crate::store::Store;

type Rows = BTreeMap<Vec<u8>, Vec<u8>>;

/// What anybody reads who has the file.
fn rows(fixture: &Fixture) -> Rows {
    let database = Database::open(&fixture.path).unwrap();
    let table = database.begin_read().unwrap().open_table(ROWS).unwrap();
    let rows = table.iter().unwrap().map(|entry| {
        let (row, value) = entry.unwrap();
        (row.value().to_vec(), value.value().to_vec())
    });
    rows.collect()
}

fn change(fixture: &Fixture, change: impl FnOnce(&mut redb::Table<'_, &[u8], &[u8]>)) {
    let database = Database::open(&fixture.path).unwrap();
    let transaction = database.begin_write().unwrap();
    change(&mut transaction.open_table(ROWS).unwrap());
    transaction.commit().unwrap();
}

fn remove(fixture: &Fixture, row: &[u8]) {
    change(fixture, |table| drop(table.remove(row).unwrap()));
}

fn put_back(fixture: &Fixture, rows: &Rows) {
    change(fixture, |table| {
        for (row, value) in rows {
            table.insert(row.as_slice(), value.as_slice()).unwrap();
        }
    });
}

/// A store with live rows, dead ones and marks of these.
fn used() -> Fixture {
    let fixture = Fixture::new();
    let store = fixture.create();
    for number in 0..8u8 {
        put(&store, &[number], b"first");
    }
    store.shred().unwrap();
    for number in 4..6u8 {
        put(&store, &[number], b"second");
    }
    let dropped = store.write(|rows| rows.delete(Table::Messages, Key::new(&[7])));
    assert_eq!(dropped, Ok(true));
    // What a process leaves that ends here: closing would shred, and there were no marks.
    let left = Fixture::new();
    std::fs::copy(&fixture.path, &left.path).unwrap();
    std::fs::copy(fixture.slots(), left.slots()).unwrap();
    left
}

#[test]
fn no_row_can_be_taken_away() {
    let fixture = used();
    let before = rows(&fixture);
    assert!(before.keys().any(|row| row.starts_with(&DIRTY_PREFIX)));
    assert!(before.len() > 7 + 3 + 3);
    for (row, value) in &before {
        remove(&fixture, row);
        let opened = fixture.open().map(|_| ());
        let expected = match row.as_slice() {
            row if row == HEADER_ROW => StoreError::NotAStore,
            row if row == ROOT_ROW => StoreError::Damaged { what: "key tree" },
            _ => StoreError::Damaged { what: "rows" },
        };
        assert_eq!(opened, Err(expected), "without {row:02x?}");
        put_back(&fixture, &Rows::from([(row.clone(), value.clone())]));
    }
    // With all of them it is as it was; what was refused was never written to.
    let store = fixture.open().unwrap();
    assert_eq!(get(&store, &[4]), Ok(Some(b"second".to_vec())));
    assert_eq!(get(&store, &[7]), Ok(None));
}

#[test]
fn nothing_makes_up_for_a_row_that_was_taken_away() {
    let fixture = used();
    let before = rows(&fixture);
    let (row, value) = before
        .iter()
        .find(|(row, _)| row.first() == Some(&table_of_messages(&before)))
        .unwrap();
    // As many rows as before, under a name that nobody gave.
    remove(&fixture, row);
    let mut other = row.clone();
    *other.last_mut().unwrap() ^= 1;
    put_back(&fixture, &Rows::from([(other.clone(), value.clone())]));
    let refused = Err(StoreError::Damaged { what: "rows" });
    assert_eq!(fixture.open().map(|_| ()), refused);
    remove(&fixture, &other);
    put_back(&fixture, &before);

    // A census of another opening says nothing of this one.
    let earlier = before.get(CENSUS_ROW.as_slice()).unwrap().clone();
    let store = fixture.open().unwrap();
    put(&store, b"blocked", b"yes");
    drop(store);
    let later = rows(&fixture);
    let new: Vec<_> = later
        .keys()
        .filter(|row| !before.contains_key(*row))
        .collect();
    for row in new {
        remove(&fixture, row);
    }
    put_back(&fixture, &Rows::from([(CENSUS_ROW.to_vec(), earlier)]));
    assert_eq!(fixture.open().map(|_| ()), refused);
}

/// What the rows of messages begin with: those that are no rows of the store's own.
fn table_of_messages(rows: &Rows) -> u8 {
    let of_tables = rows.keys().filter(|row| !is_own(row));
    of_tables
        .filter_map(|row| row.first().copied())
        .max()
        .unwrap()
}

#[test]
fn the_census_follows_every_change() {
    let fixture = used();
    for round in 0..3u8 {
        let store = fixture.open().unwrap();
        let failed = store.write(|rows| {
            rows.put(Table::Messages, Key::new(b"never"), b"")?;
            Err::<(), _>(StoreError::Closed)
        });
        assert_eq!(failed, Err(StoreError::Closed));
        put(&store, &[4], &[round]);
        put(&store, &[100 + round], &[round]);
        store.change_key(&key(1)).unwrap();
        put(&store, &[4], &[round, round]);
        store.shred().unwrap();
        put(&store, &[4], &[round, round, round]);
        if round == 1 {
            store.close().unwrap();
        }
    }
    let store = Store::open(&fixture.path, &key(1)).unwrap();
    assert_eq!(get(&store, &[102]), Ok(Some(vec![2])));
}
