//! What durability costs against the bare disk, and what a million sessions cost. `cargo xtask bench`
//!
//! `cargo bench --bench store -- 100000` takes that many sessions instead of a million.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::fs::File;
use std::io::Write;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use rand_core::Rng;
use windlass::crypto::{Secret, seeded};
use windlass::store::{Key, Rows, Store, StoreError, StoreFile, StoreKey as RawKey, Table};
use windlass::testing::Disk;
use windlass::{Body, Client, EncryptedStore, OutgoingMessage, StoreKey};

const KEY: [u8; 32] = [1; 32];

/// As on a disk that turns.
const SLOW_SYNC: Duration = Duration::from_millis(5);

fn main() {
    let sessions = std::env::args()
        .filter_map(|argument| argument.parse().ok())
        .next();
    let folder = tempfile::tempdir().unwrap();
    durability(folder.path());
    scale(folder.path(), sessions.unwrap_or(1_000_000));
}

fn key() -> Arc<StoreKey> {
    StoreKey::from_bytes(KEY.to_vec().into()).unwrap()
}

fn client(path: &Path) -> Arc<Client> {
    let path = path.to_str().unwrap().to_owned();
    Client::create(EncryptedStore::create(path, &key()).unwrap(), None).unwrap()
}

fn client_on(disk: &Disk) -> Arc<Client> {
    let store = Store::create_on(disk.medium(), &RawKey::Raw(Secret::new(KEY))).unwrap();
    Client::create(Arc::new(EncryptedStore::from(store)), None).unwrap()
}

/// The median of some runs.
fn median(runs: usize, mut run: impl FnMut() -> Duration) -> Duration {
    let mut times: Vec<_> = (0..runs).map(|_| run()).collect();
    times.sort();
    times[runs / 2]
}

fn timed(work: impl FnOnce()) -> Duration {
    let begin = Instant::now();
    work();
    begin.elapsed()
}

fn durability(folder: &Path) {
    let (alice, bob) = (
        client(&folder.join("alice.wl")),
        client(&folder.join("bob.wl")),
    );
    introduce(&alice, &bob);
    let bytes = bytes_of_a_send();
    let raw_file = File::create(folder.join("raw")).unwrap();
    let block = vec![7; bytes];
    raw_file.write_all_at(&vec![0; bytes * 64], 0).unwrap();
    raw_file.sync_all().unwrap();
    println!("this machine's disk:");
    rates(&alice, &bob.address(), bytes, &mut |at| {
        raw_file
            .write_all_at(&block, at % 64 * bytes as u64)
            .unwrap();
        raw_file.sync_data().unwrap();
    });

    println!("a disk in memory whose sync takes 5 ms:");
    let disk = Disk::default();
    let alice = client_on(&disk);
    introduce(&alice, &bob);
    disk.slow_down(SLOW_SYNC);
    let raw = Disk::default();
    raw.slow_down(SLOW_SYNC);
    let raw_file = raw.medium().create(StoreFile::Rows).unwrap();
    rates(&alice, &bob.address(), bytes, &mut |at| {
        raw_file.write(at % 64 * bytes as u64, &block).unwrap();
        raw_file.sync_data().unwrap();
        disk.record();
        raw.record();
    });
}

/// One send, a batch and eight threads, against a bare write and sync of `bytes` bytes.
fn rates(alice: &Client, to: &str, bytes: usize, write_raw: &mut dyn FnMut(u64)) {
    let send = || timed(|| drop(alice.send(to.to_owned(), "ahoy".into()).unwrap()));
    for _ in 0..50 {
        send();
    }
    // Turn by turn, so that a disk that changes its mind changes it for both.
    let (mut raw_times, mut send_times) = (Vec::new(), Vec::new());
    for at in 0..400 {
        raw_times.push(timed(|| write_raw(at)));
        send_times.push(send());
    }
    raw_times.sort();
    send_times.sort();
    let (raw, one) = (raw_times[200], send_times[200]);
    println!("  write and sync of {bytes} bytes: {raw:.1?}");
    println!(
        "  one durable send: {one:.1?}, {:.2} times that",
        ratio(one, raw)
    );

    let batch = median(15, || {
        let message = || OutgoingMessage {
            to: to.to_owned(),
            body: Body::Text {
                text: "ahoy".into(),
            },
            reply_to: None,
            is_answer: false,
            file: None,
            rich_text: None,
        };
        let messages = (0..100).map(|_| message()).collect();
        timed(|| drop(alice.send_many(messages).unwrap()))
    });
    println!(
        "  a batch of 100: {batch:.1?}, {:.1} times the rate of single sends",
        ratio(one * 100, batch)
    );

    let rate = |threads: u32| {
        let each = 400 / threads;
        let took = timed(|| {
            thread::scope(|scope| {
                for _ in 0..threads {
                    scope.spawn(|| (0..each).for_each(|_| _ = send()));
                }
            });
        });
        took / (each * threads)
    };
    let (alone, together) = (rate(1), rate(8));
    println!(
        "  8 threads: {together:.1?} a send, {:.1} times the rate of one thread",
        ratio(alone, together)
    );
}

/// Two who have answered each other, as most pairs have.
fn introduce(alice: &Client, bob: &Client) {
    alice.add_contact(&bob.bundle().unwrap()).unwrap();
    for (from, to) in [(alice, bob), (bob, alice), (alice, bob)] {
        let sent = from.send(to.address(), "ahoy".into()).unwrap();
        to.receive(sent.envelopes[0].bytes.to_vec().into()).unwrap();
    }
}

/// How many bytes one send writes, counted by a disk in memory.
fn bytes_of_a_send() -> usize {
    let disk = Disk::default();
    let alice = client_on(&disk);
    let folder = tempfile::tempdir().unwrap();
    let bob = client(&folder.path().join("bob.wl"));
    introduce(&alice, &bob);
    for _ in 0..50 {
        alice.send(bob.address(), "ahoy".into()).unwrap();
    }
    disk.record();
    alice.send(bob.address(), "ahoy".into()).unwrap();
    disk.recorded().bytes_written()
}

fn ratio(a: Duration, b: Duration) -> f64 {
    a.as_secs_f64() / b.as_secs_f64()
}

fn scale(folder: &Path, sessions: u64) {
    let mut rows = Vec::new();
    for count in [1_000, sessions.max(2_000)] {
        let path = folder.join(format!("{count}.wl"));
        fill(&path, count);
        let open = median(9, || {
            let begin = Instant::now();
            let store = EncryptedStore::open(path.to_str().unwrap().into(), &key()).unwrap();
            let took = begin.elapsed();
            drop(store);
            took
        });
        let store = EncryptedStore::open(path.to_str().unwrap().into(), &key()).unwrap();
        let file = store.inspect().unwrap().file_bytes;
        let alice = Client::open(Arc::clone(&store)).unwrap();
        let bob = client(&folder.join(format!("{count}-bob.wl")));
        introduce(&alice, &bob);
        let mut waiting = Vec::new();
        let send = median(300, || {
            timed(|| waiting.push(alice.send(bob.address(), "ahoy".into()).unwrap()))
        });
        for sent in waiting {
            bob.receive(sent.envelopes[0].bytes.to_vec().into())
                .unwrap();
        }
        let mut answers: Vec<_> = (0..300)
            .map(|_| {
                bob.send(alice.address(), "ahoy".into())
                    .unwrap()
                    .envelopes
                    .remove(0)
                    .bytes
            })
            .collect();
        let receive = median(300, || {
            let envelope = answers.pop().unwrap();
            timed(|| drop(alice.receive(envelope).unwrap()))
        });
        let resident = resident_mebibytes();
        drop((alice, store));
        let touched = 1_000.min(count);
        let shred = shred_after(&path, touched);
        println!(
            "{count} sessions: open {open:.1?}, send {send:.1?}, receive {receive:.1?}, {} bytes of file a session, \
             {resident} MiB resident, shred after {touched} were used {shred:.1?}",
            file / count
        );
        rows.push((open, send, receive));
    }
    println!(
        "against 1,000: open {:.2} times, send {:.2} times, receive {:.2} times",
        ratio(rows[1].0, rows[0].0),
        ratio(rows[1].1, rows[0].1),
        ratio(rows[1].2, rows[0].2)
    );
}

/// How long a shred takes after the rows of some sessions were replaced, as messages do.
fn shred_after(path: &Path, count: u64) -> Duration {
    let store = Store::open(path, &RawKey::Raw(Secret::new(KEY))).unwrap();
    store
        .write(|writer| {
            for number in 0..count {
                writer.put(Table::Sessions, Key::new(&name(number, 16)), &[7; 450])?;
            }
            Ok::<_, StoreError>(())
        })
        .unwrap();
    timed(|| {
        store.shred().unwrap();
    })
}

/// A store with a client, and as many sessions beside, each with its contact, its archive and its conversation, of the usual sizes.
fn fill(path: &Path, count: u64) {
    client(path).close().unwrap();
    let store = Store::open(path, &RawKey::Raw(Secret::new(KEY))).unwrap();
    let mut rng = seeded(&Secret::new([2; 32]));
    let begin = Instant::now();
    for first in (0..count).step_by(20_000) {
        store
            .write(|writer| {
                for number in first..(first + 20_000).min(count) {
                    for (table, key_len, len) in [
                        (Table::Sessions, 16, 450),
                        (Table::Contacts, 32, 330),
                        (Table::Archives, 36, 20),
                        (Table::Conversations, 32, 50),
                    ] {
                        let mut value = vec![0; len];
                        rng.fill_bytes(&mut value);
                        writer.put(table, Key::new(&name(number, key_len)), &value)?;
                    }
                }
                Ok::<_, StoreError>(())
            })
            .unwrap();
    }
    assert!(
        store
            .read(|reader| reader.get(Table::Sessions, Key::new(&name(0, 16))))
            .unwrap()
            .is_some()
    );
    store.close().unwrap();
    let _ = writeln!(
        std::io::stderr(),
        "filled {count} in {:.0?}",
        begin.elapsed()
    );
}

fn name(number: u64, len: usize) -> Vec<u8> {
    let mut name = number.to_be_bytes().to_vec();
    name.resize(len, 0xee);
    name
}

fn resident_mebibytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.trim().split(' ').next()?.parse::<u64>().ok());
    kib.unwrap_or(0) / 1024
}
