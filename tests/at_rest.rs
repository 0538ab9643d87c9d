//! What somebody can read who takes the files, and the key with them, after the fact: an attacker built from docs/store.md.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

mod support;

use std::thread;

use support::clients::{conversation, invite, texts_in, write};
use support::party::{Party, key};
use support::rows::row as sealed;
use support::seeds::rng;
use windlass::crypto::{Secret, hkdf_sha256, hmac_sha256, open};
use windlass::store::{Key, Store, StoreError, StoreFile, Table};
use windlass::testing::{Clock, Disk, Image};

const KEY: [u8; 32] = [1; 32];
/// 256 keys, sealed.
const SEALED_NODE_LEN: usize = 24 + 256 * 32 + 16;

/// What the key slots give to somebody who has the key: the store's id, the data key, the root keys.
struct Opened {
    store_id: [u8; 16],
    lookup_key: Secret<32>,
    roots: Vec<Secret<32>>,
}

impl Opened {
    /// Both slots, whatever is left in them.
    fn of(slots: &[u8]) -> Self {
        let mut opened = Vec::new();
        let (mut store_id, mut lookup_key) = ([0; 16], Secret::zero());
        for slot in slots.chunks(512) {
            let (head, rest) = slot.split_at(73);
            store_id.copy_from_slice(&head[12..28]);
            let wrapping = hkdf_sha256(&head[57..73], &KEY, b"Windlass store v1 raw key");
            let secrets = open(&wrapping, &rest[..24 + 112 + 16], head).unwrap();
            lookup_key = hkdf_sha256(&store_id, &secrets[..32], b"Windlass store v1 look-up");
            for epoch in secrets[32..]
                .chunks(40)
                .filter(|epoch| epoch[..8] != [0; 8])
            {
                opened.push(Secret::try_from_slice(&epoch[8..]).unwrap());
            }
        }
        Self {
            store_id,
            lookup_key,
            roots: opened,
        }
    }

    fn associated_data(&self, row: &[u8]) -> Vec<u8> {
        [b"Windlass store v1 row".as_slice(), &self.store_id, row].concat()
    }

    /// Key of the row of a table that stands alone in its group.
    fn row(&self, tag: u8, group: &[u8]) -> Vec<u8> {
        self.row_in(tag, tag, group)
    }

    /// The same of a table that is in the place of another.
    fn row_in(&self, place: u8, tag: u8, group: &[u8]) -> Vec<u8> {
        let hash = hmac_sha256(self.lookup_key.as_bytes(), &[&[place], group]);
        [&[place], &hash.as_bytes()[..16], &[tag]].concat()
    }

    /// Looks at every byte of a file, pages in use and freed ones, for roots of the key tree.
    fn look_at<'a>(&'a self, file: &'a [u8]) -> File<'a> {
        let roots = self.roots.iter();
        File {
            opened: self,
            file,
            roots: roots
                .flat_map(|key| self.search(file, key, &[0, 0]))
                .collect(),
        }
    }

    /// Every place of a file that opens as the row `row` of the key tree.
    fn search(&self, file: &[u8], key: &Secret<32>, row: &[u8]) -> Vec<Vec<u8>> {
        let data = self.associated_data(row);
        let places = file.len().saturating_sub(SEALED_NODE_LEN - 1);
        let threads = thread::available_parallelism().map_or(1, usize::from);
        thread::scope(|scope| {
            let workers: Vec<_> = (0..threads)
                .map(|worker| {
                    let data = &data;
                    scope.spawn(move || {
                        let mine = (worker..places).step_by(threads);
                        let windows = mine.map(|at| &file[at..at + SEALED_NODE_LEN]);
                        let keys = windows.filter_map(|window| open(key, window, data).ok());
                        keys.map(|keys| keys.to_vec()).collect::<Vec<_>>()
                    })
                })
                .collect();
            workers
                .into_iter()
                .flat_map(|worker| worker.join().unwrap())
                .collect()
        })
    }
}

/// A store's file in an attacker's hands.
struct File<'a> {
    opened: &'a Opened,
    file: &'a [u8],
    roots: Vec<Vec<u8>>,
}

impl File<'_> {
    /// Whether any key that is to be had opens the row `row` as it once was.
    fn opens(&self, row: &[u8], sealed: &[u8]) -> bool {
        self.open(row, sealed).is_some()
    }

    /// What stands in the row `row` as it once was, if any key that is to be had opens it.
    fn open(&self, row: &[u8], sealed: &[u8]) -> Option<Vec<u8>> {
        let key_at = |keys: &[u8], place: u8| {
            let at = usize::from(place) * 32;
            Secret::try_from_slice(&keys[at..at + 32]).unwrap()
        };
        let data = self.opened.associated_data(row);
        self.roots.iter().find_map(|root| {
            let nodes = self
                .opened
                .search(self.file, &key_at(root, row[1]), &[0, 1, row[1]]);
            let mut opened = nodes
                .iter()
                .filter_map(|node| open(&key_at(node, row[2]), sealed, &data).ok());
            opened.next().map(|bytes| bytes.to_vec())
        })
    }
}

/// What was secret once: a name, its row, and how it was sealed then.
type Past = (&'static str, Vec<u8>, Vec<u8>);

/// The session that a chain tag leads to: field 1 of its row, 16 bytes.
fn session_of(image: &Image, tag: &[u8]) -> Vec<u8> {
    let slots = Opened::of(image.file(StoreFile::KeySlots).unwrap());
    let row = slots.row(40, tag);
    let file = image.file(StoreFile::Rows).unwrap();
    let opened = slots.look_at(file).open(&row, &sealed(image, &row));
    opened.unwrap()[2..].to_vec()
}

/// Two who talk; what was consumed, replaced and deleted on Bob's side meanwhile. Bob's store stays open.
fn history() -> (Party, Vec<Past>) {
    let clock = Clock::at(1_893_456_000_000);
    let party = |seed| Party::create(Disk::default().with(&clock, rng(seed)), None);
    let (alice, bob) = (party(1), party(2));
    let opened = |image: &Image| Opened::of(image.file(StoreFile::KeySlots).unwrap());
    let mut past: Vec<Past> = Vec::new();

    invite(&alice, &bob);
    let image = bob.disk.image();
    let prekey = opened(&image).row(13, &1u32.to_be_bytes());
    past.push(("one-time prekey", prekey.clone(), sealed(&image, &prekey)));

    // One that is skipped, and its key used later.
    let late = write(&alice, &bob, "late").unwrap();
    bob.add_contact(&alice.bundle().unwrap()).unwrap();
    let conversation = conversation(&bob, &alice);
    conversation
        .set_disappearing(Some(std::time::Duration::from_secs(5)))
        .unwrap();
    let sent = alice.send(bob.address(), "disappears".into()).unwrap();
    let envelope = windlass::session::Envelope::decode(&sent.envelopes[0].bytes).unwrap();
    bob.receive(sent.envelopes[0].bytes.clone()).unwrap();
    let image = bob.disk.image();
    let session_id = session_of(&image, &envelope.parts[0].chain_tag);
    let session = opened(&image).row_in(8, 10, &session_id);
    past.push((
        "earlier ratchet state",
        session.clone(),
        sealed(&image, &session),
    ));
    let skipped = [opened(&image).row_in(8, 8, &session_id), vec![0; 8]].concat();
    past.push((
        "skipped message key",
        skipped.clone(),
        sealed(&image, &skipped),
    ));
    let id = data_encoding::HEXLOWER
        .decode(sent.message_id.as_bytes())
        .unwrap();
    let author = alice.identity().public_key().to_vec();
    let message = opened(&image).row(11, &[author, id].concat());
    past.push(("deleted message", message.clone(), sealed(&image, &message)));

    bob.receive(late.into()).unwrap();
    clock.advance(6_000);
    bob.maintain().unwrap();
    // The other was written before Bob's timer was known, at a clock of its own: whether it goes too is for the order of the two to say.
    let texts = texts_in(&conversation);
    assert!(!texts.contains(&"disappears".to_owned()), "{texts:?}");
    conversation.set_disappearing(None).unwrap();
    for turn in 0..3 {
        for (from, to, name) in [(&bob, &alice, "bob"), (&alice, &bob, "alice")] {
            let envelope = write(from, to, &format!("{name} {turn}")).unwrap();
            to.receive(envelope.into()).unwrap();
        }
    }
    (bob, past)
}

#[test]
fn what_was_consumed_replaced_or_deleted_opens_before_a_shred_and_not_after() {
    let (bob, past) = history();
    let rows = |image: &Image| image.file(StoreFile::Rows).unwrap().to_vec();
    // As the disk is while the store is in use: the attack works, or it could not fail below.
    let before = bob.disk.image();
    let slots = Opened::of(before.file(StoreFile::KeySlots).unwrap());
    let file = rows(&before);
    let attacker = slots.look_at(&file);
    for (name, row, sealed) in &past {
        assert!(attacker.opens(row, sealed), "{name}");
    }

    bob.store.shred().unwrap();
    bob.close().unwrap();
    let after = bob.disk.image();
    let slots = Opened::of(after.file(StoreFile::KeySlots).unwrap());
    let file = rows(&after);
    let attacker = slots.look_at(&file);
    for (name, row, sealed) in &past {
        let opens = attacker.opens(row, sealed);
        println!("{name}: opened before the shred, after it: {opens}");
        assert!(!opens, "{name}");
    }
    // The attacker is no fool: what is alive opens.
    let device = slots.row(18, b"device");
    assert!(attacker.opens(&device, &sealed(&after, &device)));

    // Nor does a copy of the big file help that somebody kept from before: its root is sealed under a key that was overwritten.
    assert!(slots.look_at(&rows(&before)).roots.is_empty());
}

#[test]
fn the_key_of_ones_own_words_of_a_day_is_gone_a_fortnight_later() {
    let clock = Clock::at(1_893_456_000_000);
    let party = Party::create(Disk::default().with(&clock, rng(1)), None);
    let read = || {
        let image = party.disk.image();
        let slots = Opened::of(image.file(StoreFile::KeySlots).unwrap());
        (slots, image)
    };
    let (slots, image) = read();
    let row = slots.row(18, b"own words");
    let old = sealed(&image, &row);
    clock.advance(15 * 86_400_000);
    party.maintain().unwrap();
    for opens in [true, false] {
        let (slots, image) = read();
        assert_ne!(sealed(&image, &row), old);
        let file = image.file(StoreFile::Rows).unwrap();
        assert_eq!(slots.look_at(file).opens(&row, &old), opens);
        party.store.shred().unwrap();
    }
}

#[test]
fn a_shred_that_failed_is_ended_by_the_next_whatever_it_had_done() {
    let text = |store: &Store, text: &[u8]| {
        let written: Result<(), StoreError> =
            store.write(|writer| writer.put(Table::Device, Key::new(b"x"), text));
        written.unwrap();
    };
    let mut failed = 0;
    for changes in 0.. {
        let disk = Disk::default();
        let roots = || Opened::of(disk.image().file(StoreFile::KeySlots).unwrap()).roots;
        let store = Store::create_on(disk.medium(), &key(1)).unwrap();
        let dead = roots().remove(0);
        text(&store, b"a");
        text(&store, b"b");
        disk.fill_up(Some(changes));
        let first = store.shred();
        disk.fill_up(None);
        if first.is_ok() {
            assert!(!roots().contains(&dead));
            break;
        }
        failed += 1;
        // By the next call; by one behind another failure, after which both files are read again; by the next process.
        let store = match changes % 3 {
            0 => store,
            1 => {
                disk.fill_up(Some(0));
                let written: Result<(), StoreError> =
                    store.write(|writer| writer.put(Table::Device, Key::new(b"y"), b""));
                assert!(written.is_err());
                disk.fill_up(None);
                store
            }
            _ => {
                core::mem::forget(store);
                Store::open_on(disk.medium(), &key(1)).unwrap()
            }
        };
        store.shred().unwrap();
        assert!(!roots().contains(&dead), "after {changes} changes");
    }
    assert!(failed > 5);
}
