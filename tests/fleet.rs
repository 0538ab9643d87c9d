//! One store, several processes: what one of them does to the keys the others notice, and no step is lost or done twice, whatever becomes of
//! connections and of the server. What a dump shows. Each way in which a server refuses.

#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

#[path = "fleet/found.rs"]
mod found;
mod support;

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::mpsc::channel;
use std::thread;

use support::postgres::Server;
use support::proxy::Proxy;
use windlass::crypto::Secret;
use windlass::store::postgres::{Address, Postgres};
use windlass::store::{
    Key, Rows, RowsMut, Sequence, StorageEngine, StoreError, StoreKey, Table, WHOLE_GROUP,
};

fn key(byte: u8) -> StoreKey {
    StoreKey::Raw(Secret::new([byte; 32]))
}

fn create(address: &str) -> Postgres {
    Postgres::create(&Address::parse(address).unwrap(), &key(1)).unwrap()
}

fn opened(address: &str) -> Result<Postgres, StoreError> {
    Postgres::open(&Address::parse(address).unwrap(), &key(1))
}

fn open(address: &str) -> Postgres {
    opened(address).unwrap()
}

fn as_engine(store: &Postgres) -> &dyn StorageEngine {
    store
}

fn put(store: &Postgres, order: &[u8], value: &[u8]) -> Result<(), StoreError> {
    as_engine(store).write(|rows| rows.put(Table::Timeline, Key::ordered(b"group", order), value))
}

fn get(store: &Postgres, order: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
    as_engine(store).read(|rows| value(rows, order))
}

fn value(rows: &dyn Rows, order: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
    let found = rows.get(Table::Timeline, Key::ordered(b"group", order))?;
    Ok(found.map(|value| value.to_vec()))
}

fn count_up(rows: &mut dyn RowsMut, order: &[u8]) -> Result<u8, StoreError> {
    let number = value(rows, order)?.map_or(0, |value| value[0]) + 1;
    rows.put(Table::Timeline, Key::ordered(b"group", order), &[number])?;
    Ok(number)
}

#[test]
fn several_processes_share_a_store() {
    let Some(server) = Server::start() else {
        return;
    };
    what_one_does_to_the_keys_all_notice(&server);
    a_step_that_a_shred_overtook_runs_again(&server);
    steps_of_two_processes_are_one_after_the_other(&server);
    numbers_of_the_feed_become_visible_in_order(&server);
}

fn what_one_does_to_the_keys_all_notice(server: &Server) {
    let address = server.address("keys");
    let a = create(&address);
    let b = open(&address);
    for round in 0..3u8 {
        put(&a, b"a", b"dead").unwrap();
        put(&a, b"a", &[round]).unwrap();
        put(&b, b"b", &[round]).unwrap();
        let report = [&a, &b][usize::from(round % 2)].shred().unwrap();
        assert!(report.buckets > 0);
        for store in [&a, &b] {
            assert_eq!(get(store, b"a"), Ok(Some(vec![round])));
            assert_eq!(get(store, b"b"), Ok(Some(vec![round])));
            assert_eq!(store.inspect().unwrap().epoch, u64::from(round) + 2);
            assert_eq!(store.inspect().unwrap().dirty_buckets, 0);
        }
    }
    assert_eq!(a.change_key(&key(2)), Ok(()));
    assert_eq!(get(&a, b"a"), Ok(Some(vec![2])));
    assert_eq!(get(&b, b"a"), Err(StoreError::WrongKey));
    assert_eq!(put(&b, b"a", b"x"), Err(StoreError::WrongKey));
    assert_eq!(opened(&address).map(|_| ()), Err(StoreError::WrongKey));
    a.close().unwrap();
    let a = Postgres::open(&Address::parse(&address).unwrap(), &key(2)).unwrap();
    assert_eq!(get(&a, b"a"), Ok(Some(vec![2])));
    assert!(!a.rollback_noticed());
}

/// It has read the keys of the epoch before, and would write a row that nobody can open.
fn a_step_that_a_shred_overtook_runs_again(server: &Server) {
    let address = server.address("overtaken");
    let (a, b) = (create(&address), open(&address));
    put(&a, b"a", b"dead").unwrap();
    put(&a, b"a", b"living").unwrap();
    let mut runs = 0;
    as_engine(&b)
        .write(|rows| {
            runs += 1;
            assert_eq!(value(rows, b"a")?, Some(b"living".to_vec()));
            if runs == 1 {
                assert!(a.shred()?.buckets > 0);
            }
            rows.put(Table::Timeline, Key::ordered(b"group", b"new"), b"row")
        })
        .unwrap();
    assert_eq!(runs, 2);
    for store in [&a, &b, &open(&address)] {
        assert_eq!(get(store, b"new"), Ok(Some(b"row".to_vec())));
        assert_eq!(get(store, b"a"), Ok(Some(b"living".to_vec())));
    }
}

fn steps_of_two_processes_are_one_after_the_other(server: &Server) {
    const STEPS: u8 = 40;
    let address = server.address("counter");
    let stores = [create(&address), open(&address)];
    thread::scope(|scope| {
        for store in &stores {
            scope.spawn(move || {
                for _ in 0..STEPS {
                    as_engine(store).write(|rows| count_up(rows, b"n")).unwrap();
                }
            });
        }
    });
    assert_eq!(get(&stores[0], b"n"), Ok(Some(vec![2 * STEPS])));
    let efforts = stores.each_ref().map(Postgres::effort);
    println!("two processes at one row: {efforts:?}");
    assert!(
        efforts
            .iter()
            .all(|effort| effort.steps == u64::from(STEPS))
    );
}

/// Else whoever reads on from the highest number it knows passes over a lower one that was committed later.
fn numbers_of_the_feed_become_visible_in_order(server: &Server) {
    let address = server.address("feed");
    let (a, b) = (create(&address), open(&address));
    let (taken, has_taken) = channel();
    let b = &b;
    thread::scope(|scope| {
        let second = scope.spawn(move || {
            let first: u64 = has_taken.recv().unwrap();
            let second = as_engine(b)
                .write(|rows| rows.next_id(Sequence::Feed))
                .unwrap();
            assert!(second > first);
            assert_eq!(get(b, b"first"), Ok(Some(vec![1])));
        });
        let mut told = false;
        as_engine(&a)
            .write(|rows| {
                let number = rows.next_id(Sequence::Feed)?;
                if !std::mem::replace(&mut told, true) {
                    taken.send(number).unwrap();
                }
                rows.put(Table::Timeline, Key::ordered(b"group", b"first"), &[1])
            })
            .unwrap();
        second.join().unwrap();
    });
}

#[test]
fn no_step_is_lost_or_done_twice() {
    let Some(server) = Server::start() else {
        return;
    };
    a_commit_whose_answer_was_lost_is_found_out(&server);
    reading_and_opening_go_on_when_a_connection_is_lost(&server);
    steps_survive_the_end_of_the_server(&server);
}

fn a_commit_whose_answer_was_lost_is_found_out(server: &Server) {
    let proxy = Proxy::new(server);
    let address = proxy.address("doubt");
    let store = create(&address);
    // So that the keys of its bucket are known.
    put(&store, b"n", &[0]).unwrap();
    for round in 1..4u8 {
        let mut runs = 0;
        let counted = as_engine(&store).write(|rows| {
            runs += 1;
            let number = count_up(rows, b"n")?;
            // The next answer is that to the commit.
            proxy.cut.store(true, Ordering::SeqCst);
            Ok::<_, StoreError>(number)
        });
        assert_eq!((counted, runs), (Ok(round), 1));
        assert_eq!(get(&store, b"n"), Ok(Some(vec![round])));
    }
    // Before the commit there is nothing to find out: it begins anew.
    let mut runs = 0;
    let counted = as_engine(&store).write(|rows| {
        runs += 1;
        proxy.cut.store(runs == 1, Ordering::SeqCst);
        count_up(rows, b"n")
    });
    assert_eq!((counted, runs), (Ok(4), 2));
}

fn reading_and_opening_go_on_when_a_connection_is_lost(server: &Server) {
    let proxy = Proxy::new(server);
    let address = proxy.address("read_on");
    let store = create(&address);
    put(&store, b"n", &[7]).unwrap();
    let mut runs = 0;
    let read = as_engine(&store).read(|rows| {
        runs += 1;
        proxy.cut.store(runs == 1, Ordering::SeqCst);
        value(rows, b"n")
    });
    assert_eq!((read, runs), (Ok(Some(vec![7])), 2));
    // What may run once alone is told, unless it has not begun.
    proxy.cut.store(true, Ordering::SeqCst);
    let apart = as_engine(&store).read_apart(|rows| value(rows, b"n"));
    assert_eq!(apart, Ok(Some(vec![7])));
    let apart = as_engine(&store).read_apart(|rows| {
        proxy.cut.store(true, Ordering::SeqCst);
        value(rows, b"n")
    });
    assert!(
        matches!(apart, Err(StoreError::DatabaseLost { .. })),
        "{apart:?}"
    );
    store.close().unwrap();
    proxy.cut.store(true, Ordering::SeqCst);
    assert_eq!(get(&open(&address), b"n"), Ok(Some(vec![7])));
}

fn steps_survive_the_end_of_the_server(server: &Server) {
    const WORKERS: u8 = 3;
    let address = server.address("ends");
    create(&address).close().unwrap();
    let (done, stop) = (AtomicU32::new(0), AtomicBool::new(false));
    let counted: Vec<u8> = thread::scope(|scope| {
        let work = |worker: u8| {
            let (address, done, stop) = (&address, &done, &stop);
            move || {
                let store = open(address);
                // Once at least, however late it opened.
                let last = loop {
                    let last = as_engine(&store)
                        .write(|rows| count_up(rows, &[worker]))
                        .unwrap();
                    done.fetch_add(1, Ordering::SeqCst);
                    if stop.load(Ordering::SeqCst) || last == u8::MAX {
                        break last;
                    }
                };
                std::mem::forget(store);
                last
            }
        };
        let workers: Vec<_> = (0..WORKERS)
            .map(|worker| scope.spawn(work(worker)))
            .collect();
        for mode in ["immediate", "fast"] {
            let before = done.load(Ordering::SeqCst);
            while done.load(Ordering::SeqCst) < before + 20 {
                thread::yield_now();
            }
            server.down(mode);
            server.up();
        }
        stop.store(true, Ordering::SeqCst);
        workers
            .into_iter()
            .map(|worker| worker.join().unwrap())
            .collect()
    });
    let store = open(&address);
    for (worker, last) in (0u8..).zip(counted) {
        assert_eq!(get(&store, &[worker]), Ok(Some(vec![last])), "{worker}");
    }
    assert!(!store.rollback_noticed());
}

#[test]
fn a_dump_shows_nothing_and_old_rows_stay_shut() {
    let Some(server) = Server::start() else {
        return;
    };
    let slots = tempfile::tempdir().unwrap();
    let file = slots.path().join("bot.keys");
    let address = format!(
        "{}&slots=file://{}",
        server.address("shown"),
        file.display()
    );
    let store = create(&address);
    // Only one of them can be shredded in earnest, and says so.
    let inside = create(&server.address("inside")).inspect().unwrap();
    assert!(inside.slots_in_database && !store.inspect().unwrap().slots_in_database);
    let secrets = ["Rosalind's telephone", "a word nobody may read"];
    let write = |value: &str| {
        as_engine(&store).write(|rows| {
            let key = Key::named(secrets[0].as_bytes(), b"0", secrets[0].as_bytes());
            rows.put(Table::Messages, key, value.as_bytes())
        })
    };
    write(secrets[1]).unwrap();
    server.sql("CREATE TABLE shown.former AS TABLE shown.rows; CHECKPOINT");
    let dump = server.dump();
    assert!(dump.contains("COPY shown.rows"));
    let mut searched = 0;
    let files = files_under(server.folder());
    let all = files.iter().map(|file| fs::read(file).unwrap_or_default());
    for bytes in all.chain([dump.into_bytes()]) {
        searched += bytes.len();
        for secret in secrets {
            let hex: String = secret.bytes().map(|byte| format!("{byte:02x}")).collect();
            for shown in [secret.as_bytes(), hex.as_bytes()] {
                assert!(!bytes.windows(shown.len()).any(|part| part == shown));
            }
        }
    }
    assert!(searched > 1_000_000, "{searched}");

    write("another word").unwrap();
    assert!(store.shred().unwrap().buckets > 0);
    store.close().unwrap();
    let all = |store: &Postgres| {
        as_engine(store).read(|rows| {
            let group = secrets[0].as_bytes();
            let direction = windlass::store::Direction::Forward;
            rows.range(Table::Messages, group, WHOLE_GROUP, direction, 9)
        })
    };
    assert_eq!(all(&open(&address)).unwrap().len(), 1);
    // The row of before, put back by whoever has a log of the database, the key, and today's slots.
    server.sql(
        "UPDATE shown.rows SET v = former.v FROM shown.former \
         WHERE rows.k = former.k AND length(rows.k) > 17",
    );
    let damaged = StoreError::Damaged { what: "messages" };
    assert_eq!(all(&open(&address)).map(|_| ()), Err(damaged));
    // All rows of before, the tree among them.
    server.sql("DELETE FROM shown.rows; INSERT INTO shown.rows TABLE shown.former");
    let refused = StoreError::EpochMismatch { store: 1, slots: 2 };
    assert_eq!(opened(&address).map(|_| ()), Err(refused));
}

fn files_under(folder: &Path) -> Vec<std::path::PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap().flatten() {
        let kind = entry.file_type().unwrap();
        if kind.is_dir() {
            files.extend(files_under(&entry.path()));
        } else if kind.is_file() {
            files.push(entry.path());
        }
    }
    files
}

#[test]
fn each_way_in_which_a_server_refuses_is_told_apart() {
    let Some(server) = Server::start() else {
        return;
    };
    let address = server.address("refuses");
    assert_eq!(opened(&address).map(|_| ()), Err(StoreError::NotFound));
    let store = create(&address);
    put(&store, b"a", b"kept").unwrap();

    let nobody = address.replace(&server.host(), "/nowhere");
    assert!(matches!(
        opened(&nobody),
        Err(StoreError::DatabaseLost { .. })
    ));

    server.sql("CREATE ROLE stranger LOGIN");
    let stranger = address.replace("owner@", "stranger@");
    let rights = |opened: Result<Postgres, StoreError>| match opened {
        Err(StoreError::DatabaseRights { why }) => why,
        other => panic!("{other:?}"),
    };
    assert!(rights(opened(&stranger)).contains("permission denied"));
    let elsewhere = stranger.replace("refuses", "elsewhere");
    let made = Postgres::create(&Address::parse(&elsewhere).unwrap(), &key(1));
    assert!(rights(made).contains("permission denied"));
    passwords_are_proved(&server, &address);

    let raise = |code: &str| {
        server.sql(&format!(
            "CREATE OR REPLACE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS \
             $$ BEGIN RAISE EXCEPTION 'refused' USING ERRCODE = '{code}'; END $$; \
             CREATE OR REPLACE TRIGGER refuse BEFORE INSERT ON refuses.rows EXECUTE FUNCTION refuse()"
        ));
    };
    raise("53100");
    assert_eq!(put(&store, b"a", b"lost"), Err(StoreError::DiskFull));
    raise("40001");
    assert_eq!(put(&store, b"a", b"lost"), Err(StoreError::StepsCollide));
    assert!(store.effort().again >= 99);
    raise("25006");
    assert_eq!(
        put(&store, b"a", b"lost"),
        Err(StoreError::DatabaseReadOnly)
    );
    raise("XX001");
    let failed = StoreError::DatabaseFailed {
        code: "XX001".into(),
        why: "refused".into(),
    };
    assert_eq!(put(&store, b"a", b"lost"), Err(failed));
    server.sql("DROP TRIGGER refuse ON refuses.rows");
    assert_eq!(get(&store, b"a"), Ok(Some(b"kept".to_vec())));
    put(&store, b"a", b"again").unwrap();

    server.sql("INSERT INTO refuses.layout VALUES (99)");
    let newer = StoreError::NewerVersion { got: 99, max: 1 };
    assert_eq!(opened(&address).map(|_| ()), Err(newer));
}

/// By SCRAM, in which neither side tells the password.
fn passwords_are_proved(server: &Server, address: &str) {
    server.sql("CREATE ROLE guarded LOGIN SUPERUSER PASSWORD 'p@ss wörd'");
    let file = server.folder().join("data/pg_hba.conf");
    let rules = fs::read_to_string(&file).unwrap();
    fs::write(&file, format!("local all guarded scram-sha-256\n{rules}")).unwrap();
    server.sql("SELECT pg_reload_conf()");
    let with = |login: &str| opened(&address.replace("owner@", login)).map(|_| ());
    for wrong in ["guarded@", "guarded:another@"] {
        let refused = with(wrong);
        assert!(
            matches!(refused, Err(StoreError::DatabaseRights { .. })),
            "{refused:?}"
        );
    }
    assert_eq!(with("guarded:p%40ss%20w%C3%B6rd@"), Ok(()));
}
