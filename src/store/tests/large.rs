//! A store that is too large to be checked whole when it is opened, or to be in memory.

use super::*;
use crate::store::StoreFile;
use crate::testing::Disk;

const ROWS_OF_IT: u8 = 20;

/// More than 64 MiB, up to which all of a file is read.
fn large() -> Disk {
    let disk = Disk::default();
    let store = Store::create_on(disk.medium(), &key(1)).unwrap();
    for name in 0..ROWS_OF_IT {
        put(&store, &[name], &vec![name; 7 << 19]);
    }
    drop(store);
    let len = disk.image().file(StoreFile::Rows).unwrap().len();
    assert!(len > 64 << 20, "{len}");
    disk
}

fn open(disk: &Disk) -> Result<Store, StoreError> {
    Store::open_on(disk.medium(), &key(1))
}

/// All of its rows are as they were written.
fn check_rows(store: &Store) {
    for name in 0..ROWS_OF_IT {
        let row = get(store, &[name]);
        assert!(row == Ok(Some(vec![name; 7 << 19])), "row {name}");
    }
}

#[test]
fn a_row_that_is_missing_in_a_large_store_is_noticed_by_the_number_of_rows() {
    let disk = large();
    let store = open(&disk).unwrap();
    check_rows(&store);
    {
        let inner = store.shared();
        let inner = inner.as_ref().unwrap();
        let row = table::prefix(&inner.tree.lookup_key, Table::Messages, &[7]);
        let transaction = inner.begin_write().unwrap();
        let mut table = transaction.open_table(ROWS).unwrap();
        assert!(table.remove(row.as_slice()).unwrap().is_some());
        drop(table);
        transaction.commit().unwrap();
    }
    drop(store);
    let refused = open(&disk).map(|_| ());
    assert_eq!(refused, Err(StoreError::Damaged { what: "rows" }));
}

#[test]
fn a_store_that_could_not_be_read_goes_on_when_it_can() {
    let disk = large();
    let store = open(&disk).unwrap();
    let ways: [&dyn Fn(u8) -> Result<(), StoreError>; 3] = [
        &|name| get(&store, &[name]).map(|_| ()),
        &|name| {
            let read = store.read_apart(|rows| rows.get(Table::Messages, Key::new(&[name])));
            read.map(|_| ())
        },
        &|name| {
            store.write(|rows| {
                let row = Rows::get(rows, Table::Messages, Key::new(&[name]));
                row.map(|_| ())
            })
        },
    ];
    let kind = std::io::ErrorKind::Other;
    for (number, way) in (0..).zip(ways) {
        disk.be_unreadable(true);
        // Some of the rows may be in memory, and not all of them.
        let failed = (0..ROWS_OF_IT).find_map(|name| way(name).err());
        assert_eq!(failed, Some(StoreError::Io { kind }), "way {number}");
        disk.be_unreadable(false);
        check_rows(&store);
        put(&store, b"later", &[number]);
    }
}
