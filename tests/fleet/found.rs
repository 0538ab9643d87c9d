//! What a step found, and another process changed before it was written.

use windlass::store::{
    Direction, Key, Rows, RowsMut, StorageEngine, StoreError, Table, WHOLE_GROUP,
};

use super::support::postgres::Server;
use super::{as_engine, count_up, create, get, open, put, value};

#[test]
fn what_a_step_found_is_so_when_it_is_written() {
    let Some(server) = Server::start() else {
        return;
    };
    for (name, find, change) in FOUND_AND_CHANGED {
        a_change_meanwhile_is_found(&server, (name, *find), *change);
    }
    what_was_written_without_a_look_is_dead_all_the_same(&server);
}

type Find = fn(&mut dyn RowsMut) -> Result<usize, StoreError>;
type Change = fn(&mut dyn RowsMut) -> Result<(), StoreError>;

fn rows_of(rows: &dyn Rows, direction: Direction, limit: usize) -> Result<usize, StoreError> {
    let found = rows.range(Table::Timeline, b"group", WHOLE_GROUP, direction, limit)?;
    // Which they are counts, too.
    Ok(found
        .iter()
        .map(|(order, value)| usize::from(order[0]) * 7 + value.len())
        .sum())
}

fn has(rows: &dyn Rows, order: &[u8]) -> Result<usize, StoreError> {
    Ok(value(rows, order)?.map_or(0, |value| value.len()))
}

fn write(rows: &mut dyn RowsMut, order: &[u8], value: &[u8]) -> Result<(), StoreError> {
    rows.put(Table::Timeline, Key::ordered(b"group", order), value)
}

/// What a step looks at of a group with the rows `b` and `d`, and what another process does meanwhile.
const FOUND_AND_CHANGED: &[(&str, Find, Change)] = &[
    (
        "replaced",
        |rows| has(rows, b"b"),
        |rows| write(rows, b"b", b"longer"),
    ),
    (
        "deleted",
        |rows| has(rows, b"b"),
        |rows| {
            rows.delete(Table::Timeline, Key::ordered(b"group", b"b"))
                .map(|_| ())
        },
    ),
    (
        "added",
        |rows| has(rows, b"c"),
        |rows| write(rows, b"c", b"new"),
    ),
    (
        "added_to_all",
        |rows| rows_of(rows, Direction::Forward, usize::MAX),
        |rows| write(rows, b"c", b"new"),
    ),
    (
        "deleted_from_all",
        |rows| rows_of(rows, Direction::Backward, usize::MAX),
        |rows| {
            rows.delete(Table::Timeline, Key::ordered(b"group", b"d"))
                .map(|_| ())
        },
    ),
    (
        "first",
        |rows| rows_of(rows, Direction::Forward, 1),
        |rows| write(rows, b"a", b"new"),
    ),
    (
        "last",
        |rows| rows_of(rows, Direction::Backward, 1),
        |rows| write(rows, b"e", b"new"),
    ),
    (
        "visited",
        |rows| Ok(rows.scan(Table::Timeline)?.len()),
        |rows| write(rows, b"c", b"new"),
    ),
    (
        "counted",
        |rows| rows.count(Table::Timeline).map(|count| count as usize),
        |rows| write(rows, b"c", b"new"),
    ),
    (
        "deleted_in_a_range",
        |rows| rows.delete_range(Table::Timeline, b"group", WHOLE_GROUP, usize::MAX),
        |rows| write(rows, b"c", b"new"),
    ),
    (
        "refused",
        |rows| match has(rows, b"b")? {
            1 => Err(StoreError::NotFound),
            len => Ok(len),
        },
        |rows| write(rows, b"b", b"longer"),
    ),
];

fn a_change_meanwhile_is_found(server: &Server, (name, find): (&str, Find), change: Change) {
    let address = server.address(name);
    let (a, b) = (create(&address), open(&address));
    for order in [b"b", b"d"] {
        put(&a, order, b"x").unwrap();
    }
    // What it knows is so, and then is not.
    let _ = as_engine(&b).write(find);
    put(&a, b"b", b"y").unwrap();
    put(&a, b"d", b"y").unwrap();
    let _ = as_engine(&b).write(find);
    let mut found = Vec::new();
    let written = as_engine(&b).write(|rows| {
        let what = find(rows);
        if found.is_empty() {
            as_engine(&a).write(change)?;
        }
        found.push(what.clone());
        write(rows, b"z", b"written")?;
        what
    });
    assert_eq!(found.len(), 2, "{name}: {found:?}");
    assert_ne!(found[0], found[1], "{name}");
    assert_eq!(written, found[1], "{name}");
    let is_there = written.is_ok().then(|| b"written".to_vec());
    assert_eq!(get(&a, b"z"), Ok(is_there), "{name}");
}

/// A row that another process wrote is replaced by one who never saw it: the next shred finds what it was.
fn what_was_written_without_a_look_is_dead_all_the_same(server: &Server) {
    let address = server.address("unseen");
    let (a, b) = (create(&address), open(&address));
    put(&a, b"a", b"first").unwrap();
    a.shred().unwrap();
    assert_eq!(a.inspect().unwrap().dirty_buckets, 0);
    put(&b, b"a", b"second").unwrap();
    assert_eq!(get(&a, b"a"), Ok(Some(b"second".to_vec())));
    assert_eq!(a.inspect().unwrap().dirty_buckets, 1);
    assert_eq!(as_engine(&a).write(|rows| count_up(rows, b"new")), Ok(1));
    assert_eq!(b.shred().unwrap().buckets, 1);
}
