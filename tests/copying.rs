//! A store is carried from one place to another: every row, once, and whatever ends it there is one store that can be used.
//!
//! `WINDLASS_KILLS=500 cargo test --release --test copying` kills that often.

#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

mod support;

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use support::clients::{carry, exchange, has_message, invite, receive, texts, write};
use support::files::{Folder, key};
use support::postgres::Server;
use support::seeds::{Below, number, rng};
use windlass::crypto::Secret;
use windlass::store::copying::{Copied, Place, copy};
use windlass::store::postgres::{Address, Postgres};
use windlass::store::{Key, Sequence, StorageEngine, Store, StoreError, StoreKey, Table};
use windlass::{Client, EncryptedStore, ProgressError, ProgressListener, WindlassError};

const KILLS: u64 = 8;
/// Set for the processes that are killed: from where, and to where.
const PLACES: [&str; 2] = ["WINDLASS_COPY_FROM", "WINDLASS_COPY_TO"];

fn raw_key() -> StoreKey {
    StoreKey::Raw(Secret::new([1; 32]))
}

fn place(text: &str) -> Place {
    if Address::is_one(text) {
        return Place::database(Address::parse(text).unwrap());
    }
    Place::file(text.into())
}

fn open(text: &str) -> Result<Box<dyn StorageEngine>, StoreError> {
    if Address::is_one(text) {
        let address = Address::parse(text)?;
        return Ok(Box::new(Postgres::open(&address, &raw_key())?));
    }
    Ok(Box::new(Store::open(text.as_ref(), &raw_key())?))
}

fn copied(from: &str, to: &str) -> Result<Copied, StoreError> {
    copy((&place(from), &place(to)), &raw_key(), &mut |_, _| true)
}

fn standing(text: &str) -> Result<(), StoreError> {
    open(text).map(|_| ())
}

/// Rows of several tables, one of them in the place of another.
fn fill(store: &dyn StorageEngine, rows: u32) {
    store
        .write(|writer| {
            for number in 0..rows {
                let order = number.to_be_bytes();
                let group = [number as u8 % 7];
                let value = vec![number as u8; number as usize % 2_000];
                writer.put(Table::Timeline, Key::ordered(&group, &order), &value)?;
                writer.put(Table::Accepted, Key::ordered(&group, &order), b"taken")?;
                writer.put(Table::Sessions, Key::new(&order), &value)?;
                writer.next_id(Sequence::Feed)?;
            }
            Ok::<_, StoreError>(())
        })
        .unwrap();
}

/// Rows of each table, values of some of them, the store's id, and the last number of one sequence.
type Shown = (Vec<(&'static str, u64)>, Vec<Vec<u8>>, [u8; 16], u64);

/// What a store holds, in words that two stores have in common.
fn shown(store: &dyn StorageEngine) -> Shown {
    let mut counted = store.inspect().unwrap().rows;
    counted.retain(|(table, _)| *table != Table::Sequences.name());
    let (mut values, last) = store
        .read(|rows| {
            let mut values: Vec<Vec<u8>> = Vec::new();
            for table in [Table::Timeline, Table::Accepted, Table::Sessions] {
                values.extend(rows.scan(table)?.iter().map(|value| value.to_vec()));
            }
            Ok::<_, StoreError>((values, rows.last_id(Sequence::Feed)?))
        })
        .unwrap();
    values.sort();
    (counted, values, store.id().unwrap(), last)
}

/// Counts what it is told.
#[derive(Default)]
struct Told(Mutex<Vec<(u64, u64)>>);

impl ProgressListener for Told {
    fn advance(&self, done: u64, total: u64) -> Result<(), ProgressError> {
        self.0.lock().unwrap().push((done, total));
        Ok(())
    }
}

#[test]
fn a_conversation_goes_on_from_a_file_to_a_database_and_back() {
    let Some(server) = Server::start() else {
        return;
    };
    let (folder, key) = (Folder::new(), key(3));
    let create = |name: &str| {
        let store = EncryptedStore::create(folder.text(name), &key).unwrap();
        Client::create(store, None).unwrap()
    };
    let (alice, bob) = (create("alice.wl"), create("bob.wl"));
    invite(&alice, &bob);
    alice.send(bob.address(), "in a file".into()).unwrap();
    exchange(&alice, &bob);
    bob.send(alice.address(), "heard".into()).unwrap();
    exchange(&alice, &bob);
    // On its way while the store moves, and the one behind it comes first.
    let late = write(&bob, &alice, "late").unwrap();
    let early = write(&bob, &alice, "early").unwrap();
    assert!(has_message(&receive(&alice, &early)));
    alice.send(bob.address(), "waits".into()).unwrap();
    drop(alice);

    let places = [
        folder.text("alice.wl"),
        format!(
            "{}&slots=file://{}",
            server.address("alice"),
            folder.text("slots")
        ),
        server.address("again"),
        folder.text("back.wl"),
    ];
    for (from, to) in places.iter().zip(&places[1..]) {
        let told = std::sync::Arc::new(Told::default());
        let store = EncryptedStore::copy(from.clone(), to.clone(), &key, Some(told.clone()));
        let store = store.unwrap();
        assert!(!store.rollback_noticed());
        let told = told.0.lock().unwrap();
        let (done, total) = *told.last().unwrap();
        assert!(done == total && total > 40, "{done} of {total}");
        assert!(told.is_sorted());
        drop(store);
        for left in places.iter().take_while(|place| *place != to) {
            let refused = EncryptedStore::open(left.clone(), &key).map(|_| ());
            assert!(
                matches!(refused, Err(WindlassError::StoreMoved(_))),
                "{refused:?}"
            );
            let again = EncryptedStore::create(left.clone(), &key).map(|_| ());
            assert!(
                matches!(again, Err(WindlassError::StoreExists(_))),
                "{again:?}"
            );
        }
    }
    let keys = fs::read(folder.path("alice.wl.keys")).unwrap();
    assert!(keys.iter().all(|byte| *byte == 0) && keys.len() == 1024);

    let alice = Client::open(EncryptedStore::open(places[3].clone(), &key).unwrap()).unwrap();
    carry(&alice, &[&bob]);
    assert!(has_message(&receive(&alice, &late)));
    bob.send(alice.address(), "at its new place".into())
        .unwrap();
    exchange(&alice, &bob);
    let all = ["in a file", "heard", "early", "waits", "at its new place"];
    for text in all.iter().chain(&["late"]) {
        assert!(
            texts(&alice, &bob).iter().any(|found| found == text),
            "{text}"
        );
        assert!(
            texts(&bob, &alice).iter().any(|found| found == text),
            "{text}"
        );
    }
}

#[test]
fn what_stops_it_leaves_the_store_where_it_was() {
    let Some(server) = Server::start() else {
        return;
    };
    let folder = Folder::new();
    let file = folder.text("old.wl");
    {
        let store = Store::create(file.as_ref(), &raw_key()).unwrap();
        fill(&store, 300);
    }
    let held = shown(open(&file).unwrap().as_ref());
    for to in [folder.text("new.wl"), server.address("stopped")] {
        let (from, to) = (place(&file), place(&to));
        let mut pages = 0;
        let whole = copy((&from, &to), &raw_key(), &mut |done, total| {
            pages += 1;
            done < total
        });
        // The last page is compared, and still nothing is decided.
        assert_eq!((whole, pages > 4), (Ok(Copied::Stopped), true));
        for page in [1, pages / 2, pages / 2 + 1, pages - 1] {
            let mut told = 0;
            let stopped = copy((&from, &to), &raw_key(), &mut |_, _| {
                told += 1;
                told < page
            });
            assert_eq!(stopped, Ok(Copied::Stopped));
            assert_eq!(shown(open(&file).unwrap().as_ref()), held);
        }
    }
    let not_yet = Err(StoreError::CopyUnfinished);
    for to in [folder.text("new.wl"), server.address("stopped")] {
        assert_eq!(standing(&to), not_yet);
    }
    // Somebody else's store is in nobody's way, nor harmed.
    let other = folder.text("other.wl");
    fill(&Store::create(other.as_ref(), &raw_key()).unwrap(), 3);
    for (from, to) in [(&other, folder.text("new.wl")), (&file, other.clone())] {
        assert_eq!(copied(from, &to), Err(StoreError::AlreadyExists));
    }
    assert_eq!(
        copied(&other, &server.address("stopped")),
        Err(StoreError::AlreadyExists)
    );
    assert_eq!(copied(&file, &file), Err(StoreError::Locked));

    let to = server.address("stopped");
    assert!(matches!(copied(&file, &to), Ok(Copied::Whole(900..))));
    assert_eq!(shown(open(&to).unwrap().as_ref()), held);
    assert_eq!(standing(&file), Err(StoreError::Moved));
    assert_eq!(
        copied(&file, &folder.text("new.wl")),
        Err(StoreError::Moved)
    );
    assert_eq!(standing(&folder.text("new.wl")), not_yet);
}

/// What a worker was told is durable is in the copy, and from then on it is told where the store is not.
#[test]
fn workers_that_have_a_store_open_write_to_it_until_it_is_copied_and_not_after() {
    let Some(server) = Server::start() else {
        return;
    };
    let (folder, from) = (Folder::new(), server.address("fleet"));
    let address = Address::parse(&from).unwrap();
    fill(&Postgres::create(&address, &raw_key()).unwrap(), 100);
    let (to, begun) = (folder.text("one.wl"), AtomicBool::new(false));
    let written: Vec<u32> = thread::scope(|scope| {
        let work = |worker: u8| {
            let (from, begun) = (&from, &begun);
            move || {
                let store = open(from).unwrap();
                let store: &dyn StorageEngine = store.as_ref();
                for step in 0.. {
                    let done = store.write(|rows| {
                        let order = u32::to_be_bytes(step);
                        rows.put(Table::Listed, Key::ordered(&[worker], &order), b"x")
                    });
                    match done {
                        Ok(()) => begun.store(step > 3, Ordering::SeqCst),
                        Err(error) => {
                            assert_eq!(error, StoreError::Moved);
                            let read = store.read(|rows| rows.count(Table::Listed));
                            assert_eq!(read, Err(StoreError::Moved));
                            return step;
                        }
                    }
                }
                unreachable!()
            }
        };
        let workers = [0, 1].map(|worker| scope.spawn(work(worker)));
        while !begun.load(Ordering::SeqCst) {
            thread::yield_now();
        }
        assert!(matches!(copied(&from, &to), Ok(Copied::Whole(_))));
        workers.map(|worker| worker.join().unwrap()).into()
    });
    let store = open(&to).unwrap();
    let store: &dyn StorageEngine = store.as_ref();
    let found = store.read(|rows| rows.count(Table::Listed));
    assert_eq!(found, Ok(u64::from(written.iter().sum::<u32>())));
}

#[test]
fn a_copy_of_a_store_that_was_put_back_says_so() {
    let folder = Folder::new();
    let [file, new] = ["old.wl", "new.wl"].map(|name| folder.text(name));
    fill(&Store::create(file.as_ref(), &raw_key()).unwrap(), 3);
    let former = fs::read(&file).unwrap();
    for _ in 0..3 {
        assert_eq!(standing(&file), Ok(()));
    }
    fs::write(&file, former).unwrap();
    assert!(matches!(copied(&file, &new), Ok(Copied::Whole(_))));
    assert!(open(&new).unwrap().rollback_noticed());
    assert!(!open(&new).unwrap().rollback_noticed());
}

/// What a killed process runs. In a run of the tests it has no places and does nothing.
#[test]
fn child() {
    let [Ok(from), Ok(to)] = PLACES.map(std::env::var) else {
        return;
    };
    let mut out = std::io::stdout();
    let mut tell = |line: &str| {
        writeln!(out, "\nat {line}").unwrap();
        out.flush().unwrap();
    };
    let done = copy(
        (&place(&from), &place(&to)),
        &raw_key(),
        &mut |done, total| {
            tell(if done < total { "page" } else { "compared" });
            true
        },
    );
    // Of one that had come to its end but for the keys at the former place, and of one that had come to its whole end.
    assert!(
        matches!(done, Ok(Copied::Whole(_)) | Err(StoreError::Moved)),
        "{done:?}"
    );
    tell("end");
}

/// Runs a child that is killed behind a line and some turns, or not at all; whether it came to its end.
fn run_child(from: &str, to: &str, kill: Option<(u32, u32)>) -> bool {
    let mut child: Child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "child", "--nocapture", "--test-threads=1"])
        .envs(PLACES.into_iter().zip([from, to]))
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let (mut seen, mut ended) = (0, false);
    for line in lines.map_while(Result::ok) {
        let Some(at) = line.strip_prefix("at ") else {
            continue;
        };
        seen += 1;
        ended |= at == "end";
        let (behind, turns) = kill.unwrap_or((u32::MAX, 0));
        if seen == behind || (kill.is_some() && at == "compared") {
            for _ in 0..turns {
                thread::yield_now();
            }
            child.kill().unwrap();
        }
    }
    let status = child.wait().unwrap();
    assert!(kill.is_some() || (ended && status.success()));
    ended
}

#[test]
fn killed_anywhere_one_store_is_left_and_never_two() {
    let Some(server) = Server::start() else {
        return;
    };
    let kills = number("WINDLASS_KILLS").unwrap_or(KILLS);
    let folder = Folder::new();
    let mut from = folder.text("0.wl");
    fill(&Store::create(from.as_ref(), &raw_key()).unwrap(), 400);
    let held = shown(open(&from).unwrap().as_ref());
    let (mut rng, mut killed, mut round) = (rng(21), 0, 0);
    let mut found = [0; 3];
    while killed < kills {
        round += 1;
        let to = match round % 3 {
            0 => folder.text(&format!("{round}.wl")),
            1 => server.address(&format!("s{round}")),
            _ => format!(
                "{}&slots=file://{}",
                server.address(&format!("s{round}")),
                folder.text(&format!("{round}.keys"))
            ),
        };
        // The same copying again and again, until one of them came through.
        let decided = loop {
            // Mostly where it is decided.
            let behind = if rng.below(3) == 0 {
                1 + rng.below(9)
            } else {
                99
            };
            run_child(&from, &to, Some((behind, rng.below(4_000))));
            killed += 1;
            let old = open(&from);
            let new = standing(&to);
            let state = match (old.as_ref().map(|_| ()), &new) {
                (Ok(()), Err(StoreError::NotFound | StoreError::CopyUnfinished)) => 0,
                (Err(StoreError::Moved), Err(StoreError::CopyUnfinished)) => 1,
                (Err(StoreError::Moved), Ok(())) => 2,
                both => panic!("{both:?}"),
            };
            found[state] += 1;
            if state == 0 {
                assert_eq!(shown(old.unwrap().as_ref()), held);
            } else {
                break state;
            }
            if killed >= 2 * kills {
                break 0;
            }
        };
        run_child(&from, &to, None);
        assert_eq!(standing(&from), Err(StoreError::Moved), "{decided}");
        assert_eq!(shown(open(&to).unwrap().as_ref()), held);
        from = to;
    }
    println!(
        "{killed} kills: {found:?} before, in the middle of, and after what decides; {round} places"
    );
}
