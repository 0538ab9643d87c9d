//! How long a linked device waits for the history: from the user's yes until everything is there, with both stores on the disk.
//! `cargo xtask bench --bench linking`
//!
//! `cargo bench --bench linking -- 1000 10000` links a device to one with so many messages, one after the other; 10,000 without arguments.

#![allow(clippy::unwrap_used)]

#[path = "support/counts.rs"]
mod counts;

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use windlass::{Body, Client, DeviceLink, EncryptedStore, OutgoingMessage, StoreKey};

/// As many as are written, or carried, in one call.
const BATCH: usize = 100;

fn main() {
    for count in counts::asked(&[10_000]) {
        measure(count);
    }
}

fn measure(count: usize) {
    let folder = tempfile::tempdir().unwrap();
    let store = |name: &str| empty(&folder.path().join(name));
    let (old, friend) = (client(store("old.wl")), client(store("friend.wl")));
    old.add_contact(&friend.bundle().unwrap()).unwrap();
    friend.add_contact(&old.bundle().unwrap()).unwrap();
    // Half of it in each direction, all of it acknowledged.
    for _ in 0..count / 2 / BATCH {
        for (from, to) in [(&old, &friend), (&friend, &old)] {
            write(from, &to.address());
            while carry(from, to).0 + carry(to, from).0 > 0 {}
        }
    }
    let new = DeviceLink::new(store("new.wl")).unwrap();
    let answer = old.link_device(new.to_uri()).unwrap();
    new.take_answer(answer).unwrap();
    old.check_link(new.reply().unwrap()).unwrap();

    let begin = Instant::now();
    let new = new.finish(old.confirm_link().unwrap()).unwrap();
    let conversation = Arc::clone(&new).conversation(friend.address()).unwrap();
    let (mut rounds, mut envelopes, mut bytes) = (0, 0, 0);
    loop {
        let carried = [carry(&new, &old), carry(&old, &new)];
        rounds += 1;
        envelopes += carried.iter().map(|some| some.0).sum::<usize>();
        bytes += carried.iter().map(|some| some.1).sum::<usize>();
        if carried.iter().all(|some| some.0 == 0) {
            break;
        }
    }
    let took = begin.elapsed();
    let there = conversation.messages(20_000, None).unwrap().len();
    assert_eq!(there, count / 2 / BATCH * BATCH * 2);
    println!(
        "{there} messages are on the new device after {:.1} s: {rounds} rounds, {envelopes} envelopes, {:.1} MB",
        took.as_secs_f64(),
        bytes as f64 / 1e6
    );
}

fn empty(path: &Path) -> Arc<EncryptedStore> {
    let key = StoreKey::from_bytes(vec![1; 32].into()).unwrap();
    EncryptedStore::create(path.to_str().unwrap().to_owned(), &key).unwrap()
}

fn client(store: Arc<EncryptedStore>) -> Arc<Client> {
    Client::create(store, None).unwrap()
}

fn write(client: &Client, to: &str) {
    let some = (0..BATCH).map(|number| OutgoingMessage {
        to: to.to_owned(),
        body: Body::Text {
            text: format!("message {number} of a long conversation"),
        },
        reply_to: None,
        is_answer: false,
        file: None,
        rich_text: None,
    });
    client.send_many(some.collect()).unwrap();
}

/// Everything that waits here for somebody, in batches: how many envelopes and bytes. What waits for others is given to nobody.
fn carry(from: &Client, to: &Client) -> (usize, usize) {
    let (mut carried, mut bytes) = (0, 0);
    loop {
        let waiting = from.outbox(0).unwrap();
        if waiting.is_empty() {
            return (carried, bytes);
        }
        for some in waiting.chunks(BATCH) {
            let theirs = some.iter().filter(|one| one.to == to.address());
            let theirs: Vec<_> = theirs.map(|one| one.bytes.clone()).collect();
            carried += theirs.len();
            bytes += theirs.iter().map(|one| one.len()).sum::<usize>();
            to.receive_many(theirs).unwrap();
            from.mark_sent(some.iter().map(|one| one.id).collect())
                .unwrap();
        }
    }
}
