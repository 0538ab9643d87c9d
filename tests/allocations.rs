//! How often the layers ask for memory: what a message and a session cost there, which no change may raise unseen. Counts and no times, so they
//! are the same on every machine.

#![allow(unsafe_code, clippy::unwrap_used, clippy::indexing_slicing)]

#[path = "support/sessions.rs"]
mod sessions;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::sync::Arc;

use sessions::Device;
use windlass::crypto::{Secret, SeededRandom, seeded};
use windlass::identity::PublicIdentity;
use windlass::ratchet::MemorySkippedKeys;
use windlass::session::{Envelope, Session};
use windlass::store::{Store, StoreKey};
use windlass::testing::{Clock, Disk};
use windlass::{Client, EncryptedStore};

// What was counted last. Whoever lowers one of them writes it down here.
const SENT: usize = 7;
const RECEIVED: usize = 6;
const TURN: usize = 29;
const SET_UP: usize = 77;
// Of a client, with its store; three of a send note what is told of it (decision 0105).
const DURABLY_SENT: usize = 788;
const DURABLY_RECEIVED: usize = 1066;

struct Counting;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

thread_local! {
    // Of its own thread: the test's harness asks for memory too.
    static COUNT: Cell<usize> = const { Cell::new(0) };
}

// SAFETY: all of it is the system's allocator; counting asks for no memory and changes nothing of what that promises.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        COUNT.set(COUNT.get() + 1);
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        unsafe { System.dealloc(at, layout) }
    }

    unsafe fn realloc(&self, at: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        COUNT.set(COUNT.get() + 1);
        unsafe { System.realloc(at, layout, size) }
    }
}

/// What the work gives, and how often it asked for memory.
fn counted<T>(work: impl FnOnce() -> T) -> (T, usize) {
    let before = COUNT.get();
    let made = work();
    (made, COUNT.get() - before)
}

fn send(session: Session, us: &PublicIdentity, rng: &mut SeededRandom) -> (Session, Vec<u8>) {
    let (session, part) = session.send(us, &[b'x'; 64], 0, rng).unwrap();
    (session, Envelope { parts: vec![part] }.encode())
}

fn receive(session: Session, envelope: &[u8]) -> Session {
    let part = Envelope::decode(envelope).unwrap().parts.remove(0);
    let skipped = MemorySkippedKeys::default();
    let received = session.receive(&part, &skipped).unwrap();
    assert_eq!(**received.payload.as_ref().unwrap(), [b'x'; 64]);
    received.session
}

/// Counts a message there and one back, each the second of its turn.
#[test]
fn a_message_asks_for_memory_as_seldom_as_ever() {
    let mut rng = seeded(&Secret::new([1; 32]));
    let alice = Device::random(1, false, &mut rng);
    let bob = Device::random(2, false, &mut rng);
    let (us, them) = (alice.public(), bob.public());
    let (begun, begin) = counted(|| alice.initiate(&bob, &mut rng).session);
    let (ours, first) = send(begun, &us, &mut rng);
    let (theirs, answer) = counted(|| bob.respond(&first).unwrap().session);
    let theirs = receive(theirs, &first);
    let ((theirs, back), turn) = counted(|| send(theirs, &them, &mut rng));
    let (ours, turned) = counted(|| receive(ours, &back));
    let ((_, second), sent) = counted(|| send(theirs, &them, &mut rng));
    let (_, received) = counted(|| receive(ours, &second));
    println!("begin {begin}, answer {answer}, turn {turn} {turned}, message {sent} {received}");
    assert!(sent <= SENT, "{sent} for a message sent");
    assert!(received <= RECEIVED, "{received} for one received");
    assert!(turn + turned <= TURN, "{turn} and {turned} for a turn");
    assert!(
        begin + answer <= SET_UP,
        "{begin} and {answer} for a session"
    );
}

fn client(seed: u8, clock: &Clock) -> Arc<Client> {
    let disk = Disk::default().with(clock, seeded(&Secret::new([seed; 32])));
    let key = StoreKey::Raw(Secret::new([1; 32]));
    let store = Store::create_on(disk.medium(), &key).unwrap();
    Client::create(Arc::new(EncryptedStore::from(store)), None).unwrap()
}

/// Counts what a program calls: a message into the store and the outbox, and out of an envelope into the other store, with its receipt.
#[test]
fn a_durable_message_asks_for_memory_as_seldom_as_ever() {
    let clock = Clock::at(1_700_000_000_000);
    let (alice, bob) = (client(1, &clock), client(2, &clock));
    for (ours, theirs) in [(&alice, &bob), (&bob, &alice)] {
        ours.add_contact(&theirs.bundle().unwrap()).unwrap();
    }
    let (mut sent, mut received) = (Vec::new(), Vec::new());
    for _ in 0..41 {
        sent.push(counted(|| alice.send(bob.address(), "x".repeat(64)).unwrap()).1);
        for (from, to) in [(&alice, &bob), (&bob, &alice)] {
            for one in from.outbox(0).unwrap() {
                from.mark_sent(vec![one.id]).unwrap();
                let taken = counted(|| to.receive(one.bytes).unwrap());
                if Arc::ptr_eq(to, &bob) {
                    received.push(taken.1);
                }
            }
        }
    }
    let median = |mut counts: Vec<usize>| {
        counts.sort_unstable();
        counts[counts.len() / 2]
    };
    let (sent, received) = (median(sent), median(received));
    println!("durable {sent} {received}");
    assert!(sent <= DURABLY_SENT, "{sent} for a durable send");
    assert!(
        received <= DURABLY_RECEIVED,
        "{received} for a durable receive"
    );
}
