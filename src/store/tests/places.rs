//! Where rows stand in the file: those of one session and of one message together. And how rarely a sequence writes its row.

use super::*;
use crate::store::Direction::Forward;
use crate::store::{RowsMut, Sequence, WHOLE_GROUP, Writer};

const TOGETHER: [[Table; 3]; 2] = [
    [Table::SkippedKeys, Table::Accepted, Table::Sessions],
    [Table::Messages, Table::Annotations, Table::Delivered],
];

/// All keys of a store's file, in their order.
fn keys_in_order(store: &Store) -> Vec<Vec<u8>> {
    let inner = store.shared();
    let table = inner.as_ref().unwrap().database.as_ref().unwrap();
    let table = table.begin_read().unwrap();
    let rows = table.iter().unwrap();
    rows.map(|row| row.unwrap().0.value().to_vec()).collect()
}

fn fill(store: &Store) {
    let filled: Result<(), StoreError> = store.write(|rows| {
        for group in 0..20 {
            for table in TOGETHER.concat() {
                rows.put(table, Key::ordered(&[group], &[1]), table.name().as_bytes())?;
            }
        }
        Ok(())
    });
    filled.unwrap();
}

/// Each table has its own rows, and no others.
fn check(store: &Store) {
    for table in TOGETHER.concat() {
        let own = |row: &SecretBytes| row.as_slice() == table.name().as_bytes();
        let read: Result<_, StoreError> = store.read(|rows| {
            let found = rows.range(table, &[7], WHOLE_GROUP, Forward, 9)?;
            assert_eq!((found.len(), found[0].0.as_slice()), (1, [1].as_slice()));
            Ok((rows.scan(table)?, rows.count(table)?))
        });
        let (scanned, count) = read.unwrap();
        assert_eq!((scanned.len(), count), (20, 20));
        assert!(scanned.iter().all(own));
    }
}

#[test]
fn rows_of_one_session_or_message_stand_together_and_each_table_has_its_own() {
    let fixture = Fixture::new();
    let store = fixture.create();
    fill(&store);
    check(&store);
    for together in TOGETHER {
        let place = together[0].tag();
        let keys = keys_in_order(&store);
        let of_place: Vec<_> = keys.iter().filter(|key| key[0] == place).collect();
        assert_eq!(of_place.len(), 60);
        for group in of_place.chunks(3) {
            assert!(group.iter().all(|key| key[..17] == group[0][..17]));
            let tags: Vec<_> = group.iter().map(|key| key[17]).collect();
            assert_eq!(tags, together.map(Table::tag));
        }
    }
    // In a step too, with what it has changed and not yet written.
    let counted: Result<_, StoreError> = store.write(|rows| {
        rows.delete(Table::Accepted, Key::ordered(&[0], &[1]))?;
        rows.put(Table::SkippedKeys, Key::ordered(&[77], &[1]), b"new")?;
        let tables = [Table::Sessions, Table::SkippedKeys, Table::Accepted];
        let counts = tables.map(|table| rows.count(table).unwrap());
        let scans = tables.map(|table| rows.scan(table).unwrap().len());
        rows.put(Table::Accepted, Key::ordered(&[0], &[1]), b"accepted")?;
        rows.delete(Table::SkippedKeys, Key::ordered(&[77], &[1]))?;
        Ok((counts, scans))
    });
    assert_eq!(counted.unwrap(), ([20, 21, 19], [20, 21, 19]));
    assert!(store.shred().unwrap().rows >= 3);
    check(&store);
    store.change_key(&key(2)).unwrap();
    check(&store);
    store.close().unwrap();
    check(&Store::open(&fixture.path, &key(2)).unwrap());
}

#[test]
fn a_sequence_writes_its_row_once_in_64_numbers_and_an_end_leaves_a_gap() {
    let fixture = Fixture::new();
    let store = fixture.create();
    let next = |store: &Store, sequence| {
        let taken: Result<u64, StoreError> = store.write(|rows| rows.next_id(sequence));
        taken.unwrap()
    };
    let row = |store: &Store, sequence| {
        let row: Result<u64, StoreError> = store.read(|rows| rows.last_id(sequence));
        row.unwrap()
    };
    for number in 1..=65 {
        let refused: Result<(), StoreError> = store.write(|rows| {
            rows.next_id(Sequence::Outbox)?;
            Err(StoreError::DiskFull)
        });
        refused.unwrap_err();
        assert_eq!(next(&store, Sequence::Outbox), number);
        let taken = if number <= 64 { 64 } else { 128 };
        assert_eq!(row(&store, Sequence::Outbox), taken);
    }
    // Those of prekeys travel, and have no gaps.
    assert_eq!(next(&store, Sequence::OneTimePrekeys), 1);
    assert_eq!(row(&store, Sequence::OneTimePrekeys), 1);
    drop(store);
    let store = fixture.open().unwrap();
    assert_eq!(next(&store, Sequence::Outbox), 129);
    assert_eq!(next(&store, Sequence::OneTimePrekeys), 2);
}

#[test]
fn each_sequence_has_numbers_of_its_own() {
    let fixture = Fixture::new();
    let store = fixture.create();
    for round in 1..=70 {
        for sequence in Sequence::ALL {
            let taken: Result<_, StoreError> = store.write(|rows| {
                let before = rows.last_id(sequence)?;
                Ok((before, rows.next_id(sequence)?, rows.last_id(sequence)?))
            });
            // A step knows to the number what this process gave out, and not only what the row says.
            assert_eq!(taken, Ok((round - 1, round, round)), "{sequence:?}");
        }
    }
}

#[test]
fn a_step_knows_of_which_sequences_it_took_a_number() {
    let fixture = Fixture::new();
    let store = fixture.create();
    let took = |rows: &Writer<'_>| Sequence::ALL.map(|sequence| rows.took(sequence));
    let known: Result<_, StoreError> = store.write(|rows| {
        let before = took(rows);
        // Whether once or twice.
        for sequence in [Sequence::Outbox, Sequence::Outbox, Sequence::Feed] {
            rows.next_id(sequence)?;
        }
        Ok([before, took(rows)])
    });
    let mut both = [[false; Sequence::ALL.len()]; 2];
    for (place, sequence) in Sequence::ALL.into_iter().enumerate() {
        both[1][place] = matches!(sequence, Sequence::Outbox | Sequence::Feed);
    }
    assert_eq!(known, Ok(both));
    // Another step took none of them.
    let known: Result<_, StoreError> = store.write(|rows| Ok(took(rows)));
    assert_eq!(known, Ok(both[0]));
}

#[test]
fn a_commit_writes_which_rows_there_are_only_when_they_are_others() {
    let fixture = Fixture::new();
    let store = fixture.create();
    let census = || {
        let inner = store.shared();
        let table = inner.as_ref().unwrap().database.as_ref().unwrap();
        let table = table.begin_read().unwrap();
        let row = table.get(tree::CENSUS_ROW.as_slice()).unwrap().unwrap();
        row.value().to_vec()
    };
    let mut last = census();
    let mut is_written = |value: &[u8], name: &[u8]| {
        put(&store, name, value);
        let former = std::mem::replace(&mut last, census());
        former != last
    };
    // The row, the mark of its bucket, and then neither.
    assert!(is_written(b"one", b"a"));
    assert!(is_written(b"two", b"a"));
    assert!(!is_written(b"three", b"a"));
    assert!(is_written(b"one", b"b"));
}
