//! A backup brings identity, contacts and history to a new device, and no ratchet.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

mod support;

use std::fs;
use std::ops::Deref;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use support::clients::{assert_readable, conversation, invite, rows_in, take_outbox, texts};
use support::files::{Folder, key};
use windlass::{
    Client, EncryptedStore, ProgressError, ProgressListener, TrustPolicy, WindlassError,
};

struct Fixture {
    folder: Folder,
    alice: Arc<Client>,
    store: Arc<EncryptedStore>,
    bob: Arc<Client>,
}

impl Deref for Fixture {
    type Target = Folder;

    fn deref(&self) -> &Folder {
        &self.folder
    }
}

impl Fixture {
    /// Two who have written `messages` messages each.
    fn new(messages: usize) -> Self {
        let folder = Folder::new();
        let store = |name| EncryptedStore::create(folder.text(name), &key(1)).unwrap();
        let alice_store = store("alice.wl");
        let alice = Client::create(Arc::clone(&alice_store), None).unwrap();
        let bob = Client::create(store("bob.wl"), None).unwrap();
        invite(&alice, &bob);
        for number in 0..messages {
            alice
                .send(bob.address(), format!("alice {number}"))
                .unwrap();
            carry(&alice, &bob);
            bob.send(alice.address(), format!("bob {number}")).unwrap();
            carry(&bob, &alice);
        }
        carry(&alice, &bob);
        Self {
            store: alice_store,
            folder,
            alice,
            bob,
        }
    }

    fn import(
        &self,
        backup: &str,
        key_byte: u8,
        to: &str,
    ) -> Result<Arc<EncryptedStore>, WindlassError> {
        EncryptedStore::import_backup(
            self.text(backup),
            &key(key_byte),
            self.text(to),
            &key(3),
            None,
        )
    }
}

fn carry(from: &Client, to: &Client) {
    for envelope in take_outbox(from) {
        // What is for a former device is not for this one.
        match to.receive(envelope.bytes) {
            Ok(events) => assert_readable(&events),
            Err(error) => assert_eq!(error, WindlassError::NotForThisDevice),
        }
    }
}

#[test]
fn a_new_device_has_the_history_and_goes_on() {
    let fixture = Fixture::new(10);
    fixture
        .alice
        .set_trust_policy(TrustPolicy::AcceptAll)
        .unwrap();
    let records = fixture
        .alice
        .export_backup(fixture.text("backup"), &key(2), None)
        .unwrap();
    // Identity, own words, settings, contact, conversation, messages, receipts.
    assert_eq!(records, 1 + 1 + 1 + 1 + 1 + 20 + 10);
    let (address, device) = (fixture.alice.address(), fixture.alice.device_id());
    let before = texts(&fixture.alice, &fixture.bob);

    let store = fixture.import("backup", 2, "new.wl").unwrap();
    assert_eq!(rows_in(&store.inspect().unwrap(), "sessions"), 0);
    let alice = Client::open(store).unwrap();
    assert_eq!(alice.address(), address);
    assert_eq!(alice.trust_policy().unwrap(), TrustPolicy::AcceptAll);
    assert_ne!(alice.device_id(), device);
    assert_eq!(texts(&alice, &fixture.bob), before);

    alice
        .send(fixture.bob.address(), "from the new device".into())
        .unwrap();
    carry(&alice, &fixture.bob);
    fixture
        .bob
        .send(address, "to the new device".into())
        .unwrap();
    carry(&fixture.bob, &alice);
    let after = texts(&alice, &fixture.bob);
    assert_eq!(
        after[before.len()..],
        ["from the new device", "to the new device"]
    );
    assert_eq!(after, texts(&fixture.bob, &alice));
}

#[test]
fn each_bad_backup_has_its_error_and_leaves_no_store() {
    let fixture = Fixture::new(2);
    fixture
        .store
        .export_backup(fixture.text("backup"), &key(2), None)
        .unwrap();
    let good = fs::read(fixture.path("backup")).unwrap();
    let code = |bytes: &[u8], key_byte| {
        fs::write(fixture.path("bad"), bytes).unwrap();
        let refused = fixture.import("bad", key_byte, "bad.wl").unwrap_err();
        assert!(!fixture.path("bad.wl").exists());
        refused.code()
    };
    assert_eq!(code(&good, 9), "wrong_key");
    assert_eq!(code(b"", 2), "not_a_backup");
    assert_eq!(code(&[7; 1_000], 2), "not_a_backup");
    let mut newer = good.clone();
    newer[11] = 2;
    assert_eq!(code(&newer, 2), "store_newer_version");
    for len in 8..good.len() {
        assert!(
            ["not_a_backup", "backup_damaged", "wrong_key"]
                .contains(&code(&good[..len], 2).as_str())
        );
    }
    for at in 8..good.len() {
        let mut flipped = good.clone();
        flipped[at] ^= 1;
        code(&flipped, 2);
    }
    code(&[&good[..], &[0]].concat(), 2);

    assert_eq!(
        fixture
            .store
            .export_backup(fixture.text("backup"), &key(2), None)
            .unwrap_err()
            .code(),
        "file_exists"
    );
    assert_eq!(fs::read(fixture.path("backup")).unwrap(), good);
    assert_eq!(
        fixture.import("backup", 2, "alice.wl").unwrap_err().code(),
        "store_exists"
    );
    assert_eq!(
        fixture.import("nowhere", 2, "bad.wl").unwrap_err().code(),
        "file_not_found"
    );
    assert!(fixture.import("backup", 2, "bad.wl").is_ok());
}

/// Counts, and stops at a number.
#[derive(Default)]
struct Counting {
    told: Mutex<Vec<(u64, u64)>>,
    stop_at: AtomicU64,
}

impl ProgressListener for Counting {
    fn advance(&self, done: u64, total: u64) -> Result<(), ProgressError> {
        self.told.lock().unwrap().push((done, total));
        let stop = self.stop_at.load(Ordering::Relaxed);
        if stop != 0 && done >= stop {
            return Err(ProgressError::Stopped);
        }
        Ok(())
    }
}

#[test]
fn progress_is_told_to_its_end_and_can_stop_the_work() {
    let fixture = Fixture::new(300);
    let counting = Arc::new(Counting::default());
    let progress = || Some(Arc::clone(&counting) as Arc<dyn ProgressListener>);
    counting.stop_at.store(1, Ordering::Relaxed);
    let stopped = fixture
        .store
        .export_backup(fixture.text("backup"), &key(2), progress());
    assert_eq!(stopped, Err(WindlassError::Cancelled));
    assert!(
        fixture
            .names()
            .iter()
            .all(|name| !name.starts_with("backup"))
    );

    counting.stop_at.store(0, Ordering::Relaxed);
    counting.told.lock().unwrap().clear();
    let records = fixture
        .store
        .export_backup(fixture.text("backup"), &key(2), progress())
        .unwrap();
    let told = counting.told.lock().unwrap().clone();
    assert_eq!(told.last(), Some(&(records, records)));
    assert!(told.len() > 1 && told.is_sorted());

    let import = |to: &str| {
        let (backup, to) = (fixture.text("backup"), fixture.text(to));
        EncryptedStore::import_backup(backup, &key(2), to, &key(3), progress())
    };
    counting.stop_at.store(500, Ordering::Relaxed);
    assert_eq!(import("new.wl").unwrap_err(), WindlassError::Cancelled);
    assert!(!fixture.path("new.wl").exists());
    counting.stop_at.store(0, Ordering::Relaxed);
    assert!(import("new.wl").is_ok());
}

#[test]
fn no_text_name_or_seed_can_be_read_in_a_backup() {
    let fixture = Fixture::new(3);
    fixture
        .store
        .export_backup(fixture.text("backup"), &key(2), None)
        .unwrap();
    let bytes = fs::read(fixture.path("backup")).unwrap();
    let identity = fixture.alice.identity().public_key().to_vec();
    for secret in [b"alice 1".as_slice(), b"bob 2", &identity] {
        assert!(bytes.windows(secret.len()).all(|window| window != secret));
    }
}

/// Does with the store whatever an application may, while it is told of progress.
struct Busy {
    client: Arc<Client>,
    store: Arc<EncryptedStore>,
    peer: Arc<Client>,
    closes: bool,
}

impl ProgressListener for Busy {
    fn advance(&self, done: u64, total: u64) -> Result<(), ProgressError> {
        if done < total {
            let conversation = conversation(&self.client, &self.peer);
            let ours = conversation
                .messages(10, None)
                .unwrap()
                .into_iter()
                .find(|message| {
                    message
                        .text
                        .as_ref()
                        .is_some_and(|text| text.starts_with("alice"))
                });
            conversation.delete(ours.unwrap()).unwrap();
            self.client
                .send(self.peer.address(), "meanwhile".into())
                .unwrap();
            self.store.shred().unwrap();
            self.store.change_key(&key(1)).unwrap();
            if self.closes {
                self.client.close().unwrap();
            }
        }
        Ok(())
    }
}

#[test]
fn a_listener_may_use_the_store_and_the_backup_holds_what_there_was_at_the_call() {
    let fixture = Fixture::new(260);
    let before = texts(&fixture.alice, &fixture.bob);
    let export = |name: &str, closes| {
        let busy = Busy {
            client: Arc::clone(&fixture.alice),
            store: Arc::clone(&fixture.store),
            peer: Arc::clone(&fixture.bob),
            closes,
        };
        let path = fixture.text(name);
        fixture
            .store
            .export_backup(path, &key(2), Some(Arc::new(busy)))
    };
    export("backup", false).unwrap();
    assert_ne!(texts(&fixture.alice, &fixture.bob), before);
    let alice = Client::open(fixture.import("backup", 2, "new.wl").unwrap()).unwrap();
    assert_eq!(texts(&alice, &fixture.bob), before);

    let ended = export("second", true).unwrap_err();
    assert_eq!(ended.code(), "store_closed");
    assert!(!fixture.path("second").exists());
}
