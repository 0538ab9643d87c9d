//! Every byte that is read of a small store flipped in turn: an error, or the same content. Nothing else.
//!
//! `WINDLASS_FLIPS=1 cargo test --release --test damage` flips every one; the ordinary run every 23rd.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use support::clients::{invite, write};
use support::party::Party;
use support::seeds::number;
use windlass::WindlassError;
use windlass::store::StoreFile;
use windlass::testing::{Disk, Image};

/// Everything that a user can see of a store.
fn content(image: &Image) -> (Disk, Result<Vec<String>, WindlassError>) {
    let disk = Disk::of(image.clone());
    disk.record();
    let content = Party::open(disk.clone(), 1).and_then(|Party { client, .. }| {
        let mut seen = vec![client.address(), client.device_id().to_string()];
        for contact in client.contacts()? {
            let conversation = Arc::clone(&client).conversation(contact.address.clone())?;
            let messages = conversation.messages(100, None)?;
            seen.push(format!("{contact:?} {messages:?}"));
            let session = Arc::clone(&client).session(contact.address)?;
            seen.push(format!("{:?}", session.state()?));
        }
        // With one slot damaged the other says that the store went back in time, and a request for healing comes behind these.
        let waiting = client.outbox(0)?;
        seen.push(format!("{:?}", waiting.iter().take(2).collect::<Vec<_>>()));
        Ok(seen)
    });
    (disk, content)
}

#[test]
fn a_flipped_byte_is_an_error_or_changes_nothing() {
    let [alice, bob] = [(); 2].map(|()| Party::new());
    invite(&alice, &bob);
    bob.add_contact(&alice.bundle().unwrap()).unwrap();
    for text in ["one", "two"] {
        let envelope = write(&alice, &bob, text).unwrap();
        bob.receive(envelope.into()).unwrap();
        let waiting = bob.outbox(0).unwrap().pop().unwrap();
        alice.receive(waiting.bytes).unwrap();
    }
    alice.close().unwrap();
    let image = alice.disk.image();
    let (disk, good) = content(&image);
    let good = good.unwrap();
    assert!(good.iter().any(|line| line.contains("two")));

    let stride = number("WINDLASS_FLIPS").map_or(23, |number| number as usize);
    let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
    for file in [StoreFile::Rows, StoreFile::KeySlots] {
        let len = image.file(file).unwrap().len();
        // A byte that nothing reads cannot matter; which ones are read is what the disk says.
        let read: BTreeSet<usize> = disk
            .reads(file)
            .into_iter()
            .flat_map(|(offset, len)| offset as usize..offset as usize + len)
            .collect();
        *counts.entry("never read").or_default() += (len - read.len()) as u64;
        for at in read.into_iter().step_by(stride) {
            let mut flipped = image.clone();
            flipped.file_mut(file)[at] ^= 0xff;
            let outcome = match content(&flipped).1 {
                Err(_) => "error",
                Ok(found) => {
                    assert_eq!(found, good, "byte {at} of {file:?}: other content");
                    "same content"
                }
            };
            *counts.entry(outcome).or_default() += 1;
        }
    }
    println!("{counts:?}");
    assert!(counts["error"] > 50 && counts["same content"] > 0);
}
