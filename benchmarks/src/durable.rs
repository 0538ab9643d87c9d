//! Durable: what a program calls, against the least that a disk can do for one message, to write 4 KiB and wait until they are there.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use windlass::{Client, EncryptedStore, OutgoingEnvelope, StoreKey};

use crate::measure::{Contestant, Work, compare, processor, waited};

const BLOCK: [u8; 4096] = [7; 4096];
const TEXT: &str = "as long as most of what people write to each other, no more than";

/// On a file system in memory, where there is one, and on the disk.
pub fn all(disk: &Path) -> Vec<Work> {
    let memory = Path::new("/dev/shm");
    let mut works = Vec::new();
    if memory.is_dir() {
        works.push(in_memory(memory));
    }
    works.push(on_disk(disk));
    works
}

/// Two clients, and what is under way from one to the other.
struct Two {
    alice: Arc<Client>,
    bob: Arc<Client>,
}

impl Two {
    fn new(folder: &Path) -> Self {
        let client = |name: &str| {
            let key = StoreKey::from_bytes(vec![1; 32].into()).unwrap();
            let path = folder.join(name).to_str().unwrap().to_owned();
            Client::create(EncryptedStore::create(path, &key).unwrap(), None).unwrap()
        };
        let (alice, bob) = (client("alice"), client("bob"));
        alice.add_contact(&bob.bundle().unwrap()).unwrap();
        bob.add_contact(&alice.bundle().unwrap()).unwrap();
        let two = Self { alice, bob };
        // Each has heard the other, so that no message carries a handshake any more, and the first rows are written.
        two.alice.send(two.bob.address(), TEXT.into()).unwrap();
        two.bob.send(two.alice.address(), TEXT.into()).unwrap();
        for _ in 0..4 {
            carry(&two.alice, &two.bob);
            carry(&two.bob, &two.alice);
        }
        for _ in 0..20 {
            two.message(&|work| waited(work).1);
        }
        two
    }

    /// Its bytes, once it is noted that the transport has them.
    fn taken(&self, envelope: OutgoingEnvelope) -> Vec<u8> {
        self.alice.mark_sent(vec![envelope.id]).unwrap();
        envelope.bytes.to_vec()
    }

    /// How long a send took, by a clock, and how long receiving it did.
    fn message(&self, timed: &dyn Fn(&mut dyn FnMut()) -> Duration) -> (Duration, Duration) {
        let mut sent = Vec::new();
        let sending = timed(&mut || {
            sent = self.alice.send(self.bob.address(), TEXT.into()).unwrap().envelopes;
        });
        let mut receiving = Duration::ZERO;
        for envelope in sent {
            let bytes = self.taken(envelope);
            receiving += timed(&mut || drop(self.bob.receive(bytes.as_slice().into()).unwrap()));
        }
        (sending, receiving)
    }
}

/// All that waits for the other one, receipts too.
fn carry(from: &Client, to: &Client) {
    for envelope in from.outbox(0).unwrap() {
        from.mark_sent(vec![envelope.id]).unwrap();
        to.receive(envelope.bytes).unwrap();
    }
}

fn in_memory(folder: &Path) -> Work {
    let folder = tempfile::tempdir_in(folder).unwrap();
    let two = &Two::new(folder.path());
    let timed = |work: &mut dyn FnMut()| {
        let begin = processor();
        work();
        processor() - begin
    };
    let timed = &timed;
    let send =
        Contestant::timing("send", move |count| (0..count).map(|_| two.message(timed).0).sum());
    let receive =
        Contestant::timing("receive", move |count| (0..count).map(|_| two.message(timed).1).sum());
    compare("processor", "64 B", 25, 20, vec![send, receive])
}

fn on_disk(folder: &Path) -> Work {
    let folder = tempfile::tempdir_in(folder).unwrap();
    let file = File::create(folder.path().join("raw")).unwrap();
    file.write_all_at(&[0; 64 * 4096], 0).unwrap();
    file.sync_all().unwrap();
    let two = &Two::new(folder.path());
    let timed = &|work: &mut dyn FnMut()| waited(work).1;
    let mut at = 0;
    let raw = Contestant::timing("write and sync of 4 KiB", |count| {
        let mut write = || {
            at = (at + 1) % 64;
            file.write_all_at(&BLOCK, at * 4096).unwrap();
            file.sync_data().unwrap();
        };
        (0..count).map(|_| waited(&mut write).1).sum()
    });
    let send = Contestant::timing("Windlass send", move |count| {
        (0..count).map(|_| two.message(timed).0).sum()
    });
    let receive = Contestant::timing("Windlass receive", move |count| {
        (0..count).map(|_| two.message(timed).1).sum()
    });
    compare("durable", "on this machine's disk", 25, 20, vec![raw, send, receive])
}
