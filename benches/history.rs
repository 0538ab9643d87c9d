//! What a long history costs: a page of it, a search through it, and an attachment of any size. `cargo xtask bench`
//!
//! `cargo bench --bench history -- 100000` takes that many messages instead of a million.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::fs::{self, File};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use windlass::{Attachment, Body, Client, Conversation, EncryptedStore, OutgoingMessage, StoreKey};

const KEY: [u8; 32] = [1; 32];
const GIBIBYTE: u64 = 1 << 30;

fn main() {
    let messages = std::env::args().find_map(|argument| argument.parse().ok());
    let folder = tempfile::tempdir().unwrap();
    history(folder.path(), messages.unwrap_or(1_000_000));
    attachment(folder.path());
}

fn client(path: &Path) -> Arc<Client> {
    let key = StoreKey::from_bytes(KEY.to_vec().into()).unwrap();
    let path = path.to_str().unwrap().to_owned();
    Client::create(EncryptedStore::create(path, &key).unwrap(), None).unwrap()
}

fn timed<T>(work: impl FnOnce() -> T) -> (Duration, T) {
    let begin = Instant::now();
    let done = work();
    (begin.elapsed(), done)
}

/// The median of some pages of 50: the latest, and one from the middle.
fn page(conversation: &Conversation) -> Duration {
    let mut times: Vec<_> = (0..21)
        .map(|_| timed(|| conversation.messages(50, None).unwrap()).0)
        .collect();
    times.sort();
    times[10]
}

fn history(folder: &Path, messages: u64) {
    let (alice, bob) = (client(&folder.join("a.wl")), client(&folder.join("b.wl")));
    alice.add_contact(&bob.bundle().unwrap()).unwrap();
    let conversation = Arc::clone(&alice).conversation(bob.address()).unwrap();
    let mut written = 0;
    let mut write = |upto: u64| {
        while written < upto {
            let batch = (upto - written).min(1_000);
            let some = (0..batch).map(|number| OutgoingMessage {
                to: bob.address(),
                body: Body::Text {
                    text: format!("message {} of a long conversation", written + number),
                },
                reply_to: None,
                is_answer: false,
                file: None,
                rich_text: None,
            });
            let sent = alice.send_many(some.collect()).unwrap();
            let ids = sent
                .iter()
                .flat_map(|one| &one.envelopes)
                .map(|envelope| envelope.id);
            alice.mark_sent(ids.collect()).unwrap();
            written += batch;
        }
    };
    write(1_000);
    let few = page(&conversation);
    let (few_search, _) = timed(|| conversation.search("nowhere".into(), 50, None).unwrap());
    write(messages);
    let many = page(&conversation);
    let (search, found) = timed(|| conversation.search("nowhere".into(), 50, None).unwrap());
    println!("a page of 50 of 1,000 messages: {few:?}");
    println!(
        "a page of 50 of {messages}: {many:?}, {:.2} times as long",
        many.as_secs_f64() / few.as_secs_f64()
    );
    println!(
        "a search: 1,000 messages in {few_search:?}; a part of {} in {search:?}, {:.1} µs a message",
        found.looked_at,
        search.as_secs_f64() * 1e6 / f64::from(found.looked_at)
    );
}

fn attachment(folder: &Path) {
    let path = |name: &str| folder.join(name).to_str().unwrap().to_owned();
    File::create(path("file"))
        .unwrap()
        .set_len(GIBIBYTE)
        .unwrap();
    let before = resident_mebibytes();
    let (sealing, _) = timed(|| {
        Attachment::encrypt(path("file"), path("sealed"), "video/mp4".into(), None).unwrap()
    });
    println!(
        "an attachment of 1 GiB: encrypted in {sealing:?}, {} MiB of memory more",
        resident_mebibytes().saturating_sub(before)
    );
    assert!(fs::metadata(path("sealed")).unwrap().len() > GIBIBYTE);
}

/// The most that this process ever held in memory.
fn resident_mebibytes() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmHWM:"));
    let kibibytes = line.and_then(|line| line.split_whitespace().nth(1)?.parse::<u64>().ok());
    kibibytes.unwrap_or(0) / 1024
}
