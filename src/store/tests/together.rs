//! Many who use one store at once.

use super::*;

#[test]
fn writers_that_come_at_once_share_a_sync_and_each_is_durable_when_told() {
    let fixture = Fixture::new();
    let store = fixture.create();
    let before = store.shared().as_ref().unwrap().group.waiting_and_syncs().1;
    let (turn, has_its_turn) = std::sync::mpsc::channel();
    std::thread::scope(|scope| {
        let writer = |name: u8| {
            let (store, turn) = (&store, turn.clone());
            move || {
                let written: Result<(), StoreError> = store.write(|rows| {
                    turn.send(()).unwrap();
                    // The first one keeps its turn until all the others wait for theirs.
                    let waiting = || store.shared().as_ref().unwrap().group.waiting_and_syncs().0;
                    while name == 0 && waiting() < 7 {
                        std::thread::yield_now();
                    }
                    // One that fails leaves nothing, however much it has changed.
                    let len = if name == 5 { 5 << 20 } else { 5 };
                    rows.put(Table::Messages, Key::new(&[name]), &vec![name; len])?;
                    if name == 5 {
                        return Err(StoreError::DiskFull);
                    }
                    Ok(())
                });
                // One that fails takes nothing from the others.
                assert_eq!(written.is_err(), name == 5);
                let found = get(store, &[name]).unwrap();
                assert_eq!(found.is_some(), name != 5);
            }
        };
        scope.spawn(writer(0));
        has_its_turn.recv().unwrap();
        (1..8).for_each(|name| {
            scope.spawn(writer(name));
        });
    });
    let syncs = store.shared().as_ref().unwrap().group.waiting_and_syncs().1 - before;
    assert_eq!(syncs, 1);
}

#[test]
fn a_reader_apart_holds_nobody_up_and_sees_the_store_as_it_was() {
    let fixture = Fixture::new();
    let store = fixture.create();
    put(&store, b"a", b"before");
    let read = store.read_apart(|reader| {
        assert!(store.inner.try_write().is_ok());
        put(&store, b"a", b"after");
        assert_eq!(store.shred()?.buckets, 1);
        assert_eq!(get(&store, b"a")?.unwrap(), b"after");
        let seen = reader.get(Table::Messages, Key::new(b"a"))?;
        store.close()?;
        Ok::<_, StoreError>((seen, reader.get(Table::Messages, Key::new(b"b"))))
    });
    let (seen, closed) = read.unwrap();
    assert_eq!(seen.unwrap().as_slice(), b"before");
    assert!(matches!(closed, Ok(None) | Err(StoreError::Closed)));
}
