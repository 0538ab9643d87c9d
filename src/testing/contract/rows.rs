//! Rows: found by their keys, in order within their groups, also those that a step has just changed.

use std::ops::Bound;

use super::trial::{Promise, Trial, get, orders, put, value};
use crate::store::{Direction, Key, Rows, RowsMut, StoreError, Table, WHOLE_GROUP};

pub(super) const PROMISES: &[Promise] = &[
    ("a row is what was last put", a_row_is_what_was_last_put),
    (
        "rows of equal keys in two tables or groups are two rows",
        tables_and_groups_are_apart,
    ),
    (
        "ranges are in order and within their group",
        ranges_are_in_order_and_within_their_group,
    ),
    (
        "a step sees what it changed in every look-up",
        a_step_sees_what_it_changed,
    ),
    (
        "rows of one order are told apart by names",
        names_tell_rows_of_one_order_apart,
    ),
    (
        "a range of rows is deleted from its lowest on",
        ranges_are_deleted_from_the_lowest,
    ),
    (
        "scan, visit and count are of one table",
        scans_are_of_one_table,
    ),
];

fn a_row_is_what_was_last_put(trial: &Trial<'_>) {
    let engine = trial.create();
    let engine = engine.as_ref();
    let long = vec![7; 100_000];
    trial.equal(get(engine, b"a"), Ok(None));
    for value in [b"one".as_slice(), b"", b"two", &long] {
        put(engine, b"a", value).unwrap();
        trial.equal(get(engine, b"a"), Ok(Some(value.to_vec())));
    }
    trial.equal(get(engine, b"b"), Ok(None));
    for existed in [true, false] {
        let deleted = engine.write(|rows| rows.delete(Table::Messages, Key::new(b"a")));
        trial.equal(deleted, Ok(existed));
        trial.equal(get(engine, b"a"), Ok(None));
    }
    put(engine, b"a", b"again").unwrap();
    trial.equal(get(engine, b"a"), Ok(Some(b"again".to_vec())));
}

fn tables_and_groups_are_apart(trial: &Trial<'_>) {
    let engine = trial.create();
    let places = [
        (Table::Messages, b"g".as_slice(), b"".as_slice()),
        (Table::Contacts, b"g", b""),
        (Table::Messages, b"h", b""),
        (Table::Messages, b"g", b"1"),
        (Table::Messages, b"g1", b""),
    ];
    let written = engine.write(|rows| {
        for (number, (table, group, order)) in (0u8..).zip(places) {
            rows.put(table, Key::ordered(group, order), &[number])?;
        }
        Ok::<_, StoreError>(())
    });
    trial.equal(written, Ok(()));
    for (number, (table, group, order)) in (0u8..).zip(places) {
        let found = engine.read(|rows| value(rows, table, Key::ordered(group, order)));
        trial.equal(found, Ok(Some(vec![number])));
    }
}

/// Numbers in an order that is not theirs, in two groups.
fn fill(rows: &mut dyn RowsMut) -> Result<(), StoreError> {
    for number in [3u8, 1, 2, 0, 255] {
        for group in [b"g".as_slice(), b"h"] {
            rows.put(Table::Timeline, Key::ordered(group, &[number]), &[number])?;
        }
    }
    Ok(())
}

fn check_ranges(trial: &Trial<'_>, rows: &dyn Rows) {
    let two = [2u8];
    let whole = WHOLE_GROUP;
    let below = (Bound::Unbounded, Bound::Excluded(two.as_slice()));
    let to = (Bound::Unbounded, Bound::Included(two.as_slice()));
    let from = (Bound::Included(two.as_slice()), Bound::Unbounded);
    let behind = (Bound::Excluded(two.as_slice()), Bound::Unbounded);
    let only = (
        Bound::Included(two.as_slice()),
        Bound::Included(two.as_slice()),
    );
    let cases: [(_, _, usize, &[u8]); 12] = [
        (whole, Direction::Forward, usize::MAX, &[0, 1, 2, 3, 255]),
        (whole, Direction::Backward, usize::MAX, &[255, 3, 2, 1, 0]),
        (whole, Direction::Forward, 2, &[0, 1]),
        (whole, Direction::Backward, 2, &[255, 3]),
        (whole, Direction::Forward, 0, &[]),
        (below, Direction::Forward, 9, &[0, 1]),
        (below, Direction::Backward, 1, &[1]),
        (to, Direction::Backward, 9, &[2, 1, 0]),
        (from, Direction::Forward, 9, &[2, 3, 255]),
        (behind, Direction::Forward, 1, &[3]),
        (behind, Direction::Backward, 9, &[255, 3]),
        (only, Direction::Forward, 9, &[2]),
    ];
    for (bounds, direction, limit, expected) in cases {
        let found = rows.range(Table::Timeline, b"g", bounds, direction, limit);
        let found = found.unwrap();
        let orders: Vec<_> = found.iter().map(|(order, _)| order[0]).collect();
        let values: Vec<_> = found.iter().map(|(_, value)| value[0]).collect();
        trial.equal((orders, values), (expected.to_vec(), expected.to_vec()));
    }
    trial.equal(orders(rows, b"nobody's"), Ok(vec![]));
}

fn ranges_are_in_order_and_within_their_group(trial: &Trial<'_>) {
    let engine = trial.create();
    engine.write(fill).unwrap();
    // Once alone, since what it checks is counted.
    let read = engine.read_apart(|rows| {
        check_ranges(trial, rows);
        Ok::<_, StoreError>(())
    });
    trial.equal(read, Ok(()));
}

/// Half of the rows are of before, some of them are changed, deleted, put again. The checks are made on what the last run saw.
fn a_step_sees_what_it_changed(trial: &Trial<'_>) {
    let engine = trial.create();
    let before = engine.write(|rows| {
        for number in [9u8, 1, 0, 4] {
            rows.put(Table::Timeline, Key::ordered(b"g", &[number]), b"former")?;
        }
        rows.put(Table::Contacts, Key::new(b"g"), b"another table")
    });
    trial.equal(before, Ok(()));
    let bounds = (Bound::Unbounded, Bound::Excluded([9u8].as_slice()));
    let seen = engine.write(|rows| {
        rows.delete(Table::Timeline, Key::ordered(b"g", &[9]))?;
        rows.delete(Table::Timeline, Key::ordered(b"g", &[4]))?;
        fill(rows)?;
        let again = rows.delete(Table::Timeline, Key::ordered(b"g", &[4]))?;
        rows.put(Table::Timeline, Key::ordered(b"g", &[9]), b"again")?;
        let rows: &dyn Rows = rows;
        let mut scanned = rows.scan(Table::Timeline)?;
        scanned.sort_by(|a, b| a.as_slice().cmp(b.as_slice()));
        let scanned: Vec<_> = scanned.iter().map(|value| value.to_vec()).collect();
        let below = rows.range(Table::Timeline, b"g", bounds, Direction::Backward, 2)?;
        let below: Vec<_> = below.into_iter().map(|(order, _)| order[0]).collect();
        let nine = value(rows, Table::Timeline, Key::ordered(b"g", &[9]))?;
        let four = value(rows, Table::Timeline, Key::ordered(b"g", &[4]))?;
        let count = rows.count(Table::Timeline)?;
        Ok::<_, StoreError>((
            again,
            scanned,
            below,
            nine,
            four,
            orders(rows, b"g")?,
            count,
        ))
    });
    let (again, scanned, below, nine, four, in_order, count) = seen.unwrap();
    trial.equal(again, false);
    let [zero, one, two, three, last] =
        [0u8, 1, 2, 3, 255].map(|number| [vec![number], vec![number]]);
    let expected = [zero, one, two, three, [b"again".to_vec(), vec![255]]].concat();
    let expected = [expected, vec![last[0].clone()]].concat();
    trial.equal(scanned, expected);
    trial.equal(below, vec![3, 2]);
    trial.equal(nine, Some(b"again".to_vec()));
    trial.equal(four, None);
    trial.equal(in_order.clone(), vec![0, 1, 2, 3, 9, 255]);
    trial.equal(count, 11);
    // And so does everybody else, once it is durable.
    let after = engine
        .read(|rows| Ok::<_, StoreError>((orders(rows, b"g")?, rows.count(Table::Timeline)?)));
    trial.equal(after, Ok((in_order, count)));
}

fn names_tell_rows_of_one_order_apart(trial: &Trial<'_>) {
    let engine = trial.create();
    let names = [b"somebody's key".as_slice(), b"another's key"];
    let written = engine.write(|rows| {
        for (number, name) in (0u8..).zip(names) {
            rows.put(Table::Timeline, Key::named(b"g", &[1], name), &[number])?;
        }
        rows.put(Table::Timeline, Key::named(b"g", &[2], names[0]), &[2])?;
        rows.put(Table::Timeline, Key::named(b"h", &[1], names[0]), &[3])
    });
    trial.equal(written, Ok(()));
    let of_order = |group: &[u8], order: u8| {
        let found = engine.read(|rows| rows.of_order(Table::Timeline, group, &[order]));
        found.unwrap()
    };
    let values = |group, order| {
        let mut values: Vec<_> = of_order(group, order).iter().map(|(_, v)| v[0]).collect();
        values.sort_unstable();
        values
    };
    trial.equal(values(b"g", 1), vec![0, 1]);
    trial.equal(values(b"g", 2), vec![2]);
    trial.equal(values(b"h", 1), vec![3]);
    for (number, name) in (0u8..).zip(names) {
        let key = Key::named(b"g", &[1], name);
        let found = engine.read(|rows| value(rows, Table::Timeline, key));
        trial.equal(found, Ok(Some(vec![number])));
    }
    // What a range gives finds the row again.
    let (order, _) = of_order(b"g", 2).remove(0);
    trial.equal(order.starts_with(&[2]), true);
    let deleted = engine.write(|rows| rows.delete(Table::Timeline, Key::ordered(b"g", &order)));
    trial.equal(deleted, Ok(true));
    trial.equal(values(b"g", 2), vec![]);
    trial.equal(values(b"h", 1), vec![3]);
}

fn ranges_are_deleted_from_the_lowest(trial: &Trial<'_>) {
    let engine = trial.create();
    engine.write(fill).unwrap();
    let below = (Bound::Unbounded, Bound::Excluded([3u8].as_slice()));
    let delete = |bounds, limit| {
        engine.write(|rows| rows.delete_range(Table::Timeline, b"g", bounds, limit))
    };
    let left = |group: &[u8]| engine.read(|rows| orders(rows, group));
    trial.equal(delete(below, 1), Ok(1));
    trial.equal(left(b"g"), Ok(vec![1, 2, 3, 255]));
    trial.equal(delete(below, usize::MAX), Ok(2));
    trial.equal(left(b"g"), Ok(vec![3, 255]));
    trial.equal(delete(WHOLE_GROUP, usize::MAX), Ok(2));
    trial.equal(delete(WHOLE_GROUP, usize::MAX), Ok(0));
    trial.equal(left(b"g"), Ok(vec![]));
    trial.equal(left(b"h"), Ok(vec![0, 1, 2, 3, 255]));
}

fn scans_are_of_one_table(trial: &Trial<'_>) {
    let engine = trial.create();
    let written = engine.write(|rows| {
        for number in 0..50u8 {
            rows.put(Table::Sessions, Key::new(&[number]), &[number])?;
        }
        // Its neighbours by number.
        rows.put(Table::Archives, Key::new(b"a"), b"an archive")?;
        rows.put(Table::SkippedKeys, Key::new(b"a"), b"a key")
    });
    trial.equal(written, Ok(()));
    let read = engine.read(|rows| {
        let scan = rows.scan(Table::Sessions)?;
        let mut visited = Vec::new();
        rows.visit(Table::Sessions, &mut |value| {
            visited.push(value[0]);
            Ok(())
        })?;
        let mut stopped = 0;
        let stop = rows.visit(Table::Sessions, &mut |_| {
            stopped += 1;
            Err(StoreError::DiskFull)
        });
        let counts = (rows.count(Table::Sessions)?, rows.count(Table::Contacts)?);
        let scan: Vec<_> = scan.iter().map(|value| value[0]).collect();
        Ok::<_, StoreError>((scan, visited, (stop, stopped), counts))
    });
    let (mut scan, mut visited, stop, counts) = read.unwrap();
    scan.sort_unstable();
    visited.sort_unstable();
    let all: Vec<_> = (0..50).collect();
    trial.equal(scan, all.clone());
    trial.equal(visited, all);
    trial.equal(stop, (Err(StoreError::DiskFull), 1));
    trial.equal(counts, (50, 0));
}
