//! What the list of chats and that of contacts cost, by how many there are. `cargo xtask bench --bench list`
//!
//! `cargo bench --bench list -- 500 5000 100000` takes so many one after the other; 500 and 5,000 without arguments.

#![allow(unsafe_code, clippy::unwrap_used, clippy::indexing_slicing)]

#[path = "support/counts.rs"]
mod counts;

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use windlass::bundle::{PrekeySecrets, build};
use windlass::crypto::{Secret, seeded};
use windlass::identity::IdentityKeyPair;
use windlass::{Body, Bundle, Client, EncryptedStore, OutgoingMessage, StoreKey};

/// Of the conversations so many are the busiest, with so many messages each; the others have one.
const BUSIEST: usize = 10;
const MESSAGES: usize = 1_000;
const PAGE: u32 = 50;

struct Counting;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

static BYTES: AtomicU64 = AtomicU64::new(0);

// SAFETY: all of it is the system's allocator; counting asks for no memory and changes nothing of what that promises.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        BYTES.fetch_add(layout.size() as u64, Ordering::Relaxed);
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        unsafe { System.dealloc(at, layout) }
    }
}

fn main() {
    for count in counts::asked(&[500, 5_000]) {
        measure(count);
    }
}

fn measure(count: usize) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.wl").to_str().unwrap().to_owned();
    let key = StoreKey::from_bytes(vec![1; 32].into()).unwrap();
    let client = Client::create(EncryptedStore::create(path, &key).unwrap(), None).unwrap();
    let people = with_contacts(&client, count);
    for some in people.chunks(100) {
        write(&client, some.iter().map(String::as_str).collect());
    }
    for one in people.iter().take(BUSIEST) {
        for _ in 0..MESSAGES / 100 {
            write(&client, vec![one; 100]);
        }
    }
    println!("{count} conversations, {MESSAGES} messages in the {BUSIEST} busiest:");
    page("a page of the list", || {
        let page = client.conversation_page(PAGE, None).unwrap();
        assert_eq!(page.len(), PAGE as usize);
        assert!(page[0].last_message.is_some());
        page.last().unwrap().position
    });
    let after = client.conversation_page(PAGE, None).unwrap()[PAGE as usize - 1].position;
    page("the page behind it", || {
        let page = client.conversation_page(PAGE, Some(after)).unwrap();
        page.last().unwrap().position
    });
    page("a page of the contacts", || {
        let page = client.contact_page(PAGE, 0).unwrap();
        assert_eq!(page.len(), PAGE as usize);
        0
    });
}

/// So many others, each a person with a bundle.
fn with_contacts(client: &Client, count: usize) -> Vec<String> {
    let mut rng = seeded(&Secret::new([1; 32]));
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let people = (0..count).map(|_| {
        let identity = IdentityKeyPair::generate(&mut rng);
        let device = PrekeySecrets::generate(&mut rng).device(1, 1);
        let bundle = build(&identity, &[device], None, now.as_secs()).unwrap();
        let bundle = Bundle::decode(bundle.encoded().to_vec().into()).unwrap();
        client.add_contact(&bundle).unwrap();
        bundle.identity().address()
    });
    people.collect()
}

/// A message to each, in one step, and on its way.
fn write(client: &Client, to: Vec<&str>) {
    let messages = to.into_iter().map(|to| OutgoingMessage {
        to: to.to_owned(),
        body: Body::Text {
            text: "what somebody writes to somebody, of middling length".into(),
        },
        reply_to: None,
        is_answer: false,
        file: None,
        rich_text: None,
    });
    let sent = client.send_many(messages.collect()).unwrap();
    let ids = sent.iter().flat_map(|one| &one.envelopes).map(|one| one.id);
    client.mark_sent(ids.collect()).unwrap();
}

/// The median of some calls, and what one of them asks for of memory.
fn page(what: &str, mut call: impl FnMut() -> u64) {
    let mut times: Vec<Duration> = (0..21)
        .map(|_| {
            let begun = Instant::now();
            call();
            begun.elapsed()
        })
        .collect();
    times.sort();
    let before = BYTES.load(Ordering::Relaxed);
    call();
    let bytes = BYTES.load(Ordering::Relaxed) - before;
    println!(
        "  {what} of {PAGE}: {:.2?}, {} KiB asked for",
        times[10],
        bytes / 1024
    );
}
