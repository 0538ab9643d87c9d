//! Promises of the whole, through the facade, over real files.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

use std::path::Path;
use std::sync::Arc;

use tempfile::TempDir;
use windlass::{Body, Client, EncryptedStore, Event, SessionState, StoreKey, UndecryptableCause};

fn key(byte: u8) -> Arc<StoreKey> {
    StoreKey::from_bytes(vec![byte; 32].into()).unwrap()
}

struct Party {
    folder: TempDir,
    client: Arc<Client>,
}

impl Party {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = EncryptedStore::create(Self::path(folder.path()), &key(1)).unwrap();
        let client = Client::create(store, None).unwrap();
        Self { folder, client }
    }

    fn path(folder: &Path) -> String {
        folder.join("store.wl").to_str().unwrap().to_owned()
    }

    /// Lets go of the client and opens its store again. What a kill leaves is tried by the demo, with a real one.
    fn restart(self) -> Self {
        let Self { folder, client } = self;
        drop(client);
        let store = EncryptedStore::open(Self::path(folder.path()), &key(1)).unwrap();
        let client = Client::open(store).unwrap();
        Self { folder, client }
    }

    /// Takes what waits in the outbox, as a transport would.
    fn take_outbox(&self) -> Vec<Vec<u8>> {
        let waiting = self.client.outbox(0).unwrap();
        let ids = waiting.iter().map(|envelope| envelope.id).collect();
        self.client.mark_sent(ids).unwrap();
        waiting.into_iter().map(|e| e.bytes.into_vec()).collect()
    }

    fn receive(&self, envelope: &[u8]) -> Vec<Event> {
        self.client.receive(envelope.into()).unwrap()
    }

    fn texts(&self, with: &Self) -> Vec<String> {
        let conversation = self.client.clone().conversation(with.client.address());
        conversation
            .unwrap()
            .messages(1_000, None)
            .unwrap()
            .into_iter()
            .filter_map(|message| message.text)
            .collect()
    }
}

/// Delivers until nothing waits any more.
fn exchange(a: &Party, b: &Party) {
    loop {
        let (from_a, from_b) = (a.take_outbox(), b.take_outbox());
        if from_a.is_empty() && from_b.is_empty() {
            return;
        }
        for envelope in from_a {
            b.receive(&envelope);
        }
        for envelope in from_b {
            a.receive(&envelope);
        }
    }
}

fn introduced() -> (Party, Party) {
    let (alice, bob) = (Party::new(), Party::new());
    let invitation = bob.client.single_use_bundle().unwrap();
    alice.client.add_contact(&invitation).unwrap();
    (alice, bob)
}

#[test]
fn a_conversation_from_an_invitation_through_restarts() {
    let (mut alice, mut bob) = introduced();
    let sent = alice
        .client
        .send(bob.client.address(), "ahoy".into())
        .unwrap();
    assert_eq!(sent.envelopes[0].to, bob.client.address());

    let events = bob.receive(&sent.envelopes[0].bytes);
    assert!(
        matches!(&events[0], Event::ContactRequest { address } if *address == alice.client.address())
    );
    assert!(matches!(&events[1], Event::SessionEstablished { .. }));
    let Event::Message { message } = &events[2] else {
        panic!("{events:?}")
    };
    assert_eq!(message.text.as_deref(), Some("ahoy"));
    assert_eq!(message.id, sent.message_id);

    for round in 0..5 {
        exchange(&alice, &bob);
        bob = bob.restart();
        bob.client
            .send(alice.client.address(), format!("b{round}"))
            .unwrap();
        exchange(&alice, &bob);
        alice = alice.restart();
        alice
            .client
            .send(bob.client.address(), format!("a{round}"))
            .unwrap();
    }
    exchange(&alice, &bob);
    let expected: Vec<_> = std::iter::once("ahoy".to_owned())
        .chain((0..5).flat_map(|i| [format!("b{i}"), format!("a{i}")]))
        .collect();
    assert_eq!(alice.texts(&bob), expected);
    assert_eq!(bob.texts(&alice), expected);

    let conversation = alice
        .client
        .clone()
        .conversation(bob.client.address())
        .unwrap();
    let messages = conversation.messages(100, None).unwrap();
    assert!(
        messages
            .iter()
            .all(|m| !m.outgoing || m.delivered_at.is_some())
    );
    let page = conversation.messages(3, Some(messages[5].clone())).unwrap();
    assert_eq!(page, messages[2..5]);
}

#[test]
fn an_envelope_that_comes_again_is_a_duplicate_of_the_stored_message() {
    let (alice, bob) = introduced();
    let sent = alice
        .client
        .send(bob.client.address(), "once".into())
        .unwrap();
    let envelope = sent.envelopes[0].bytes.to_vec();
    bob.receive(&envelope);
    let bob = bob.restart();
    assert_eq!(
        bob.receive(&envelope),
        [Event::Duplicate {
            message_id: Some(sent.message_id)
        }]
    );
    assert_eq!(bob.texts(&alice), ["once"]);
}

#[test]
fn the_outbox_is_the_same_after_a_restart() {
    let (alice, bob) = introduced();
    for i in 0..3 {
        alice
            .client
            .send(bob.client.address(), i.to_string())
            .unwrap();
    }
    let before = alice.client.outbox(0).unwrap();
    assert_eq!(before.len(), 3);
    let alice = alice.restart();
    assert_eq!(alice.client.outbox(0).unwrap(), before);
    assert_eq!(alice.client.outbox(before[1].id).unwrap(), before[2..]);
    alice.client.mark_sent(vec![before[0].id, 999]).unwrap();
    assert_eq!(alice.client.outbox(0).unwrap(), before[1..]);
    // A number is never given again, so a late `mark_sent` cannot hit another envelope.
    alice
        .client
        .mark_sent(vec![before[1].id, before[2].id])
        .unwrap();
    let sent = alice.client.send(bob.client.address(), "4".into()).unwrap();
    assert!(sent.envelopes[0].id > before[2].id);
}

#[test]
fn both_begin_at_once_and_nothing_is_lost() {
    let (alice, bob) = introduced();
    bob.client
        .add_contact(&alice.client.bundle().unwrap())
        .unwrap();
    alice.client.send(bob.client.address(), "a".into()).unwrap();
    bob.client.send(alice.client.address(), "b".into()).unwrap();
    exchange(&alice, &bob);
    for i in 0..3 {
        alice
            .client
            .send(bob.client.address(), format!("a{i}"))
            .unwrap();
        bob.client
            .send(alice.client.address(), format!("b{i}"))
            .unwrap();
        exchange(&alice, &bob);
    }
    assert_eq!(alice.texts(&bob).len(), 8);
    assert_eq!(alice.texts(&bob), bob.texts(&alice));
}

#[test]
fn messages_in_any_order_lost_and_repeated() {
    let (alice, bob) = introduced();
    // Of a stranger fewer may be missing.
    bob.client
        .add_contact(&alice.client.bundle().unwrap())
        .unwrap();
    let envelopes: Vec<_> = (0..30)
        .map(|i| {
            let sent = alice
                .client
                .send(bob.client.address(), i.to_string())
                .unwrap();
            sent.envelopes[0].bytes.to_vec()
        })
        .collect();
    for i in (0..30).rev().filter(|i| i % 7 != 3) {
        bob.receive(&envelopes[i]);
        assert!(matches!(
            bob.receive(&envelopes[i])[0],
            Event::Duplicate { .. }
        ));
    }
    assert_eq!(bob.texts(&alice).len(), 26);
    for i in (0..30).filter(|i| i % 7 == 3) {
        bob.receive(&envelopes[i]);
    }
    let expected: Vec<_> = (0..30).map(|i| i.to_string()).collect();
    assert_eq!(bob.texts(&alice), expected);
}

/// A first message replayed makes no second session, with or without a one-time prekey, also after the session is gone.
#[test]
fn a_replayed_first_message_opens_nothing() {
    for single_use in [true, false] {
        let (alice, bob) = (Party::new(), Party::new());
        let bundle = if single_use {
            bob.client.single_use_bundle().unwrap()
        } else {
            bob.client.bundle().unwrap()
        };
        alice.client.add_contact(&bundle).unwrap();
        bob.client
            .add_contact(&alice.client.bundle().unwrap())
            .unwrap();
        let sent = alice
            .client
            .send(bob.client.address(), "hello".into())
            .unwrap();
        let first = sent.envelopes[0].bytes.to_vec();
        bob.receive(&first);
        bob.take_outbox();
        // Five newer sessions push the first one out of the archive.
        let session = alice.client.clone().session(bob.client.address()).unwrap();
        for i in 0..5 {
            session.reset().unwrap();
            let sent = alice
                .client
                .send(bob.client.address(), i.to_string())
                .unwrap();
            bob.receive(&sent.envelopes[0].bytes);
        }
        let bob = bob.restart();
        assert_eq!(
            bob.receive(&first),
            [Event::Undecryptable {
                cause: UndecryptableCause::HandshakeReplayed,
                address: None
            }]
        );
        assert_eq!(bob.texts(&alice).len(), 6);
    }
}

#[test]
fn a_one_time_prekey_makes_one_session() {
    let (alice, bob, carol) = (Party::new(), Party::new(), Party::new());
    let invitation = bob.client.single_use_bundle().unwrap();
    for party in [&alice, &carol] {
        party.client.add_contact(&invitation).unwrap();
    }
    let from_alice = alice.client.send(bob.client.address(), "a".into()).unwrap();
    let from_carol = carol.client.send(bob.client.address(), "c".into()).unwrap();

    // A changed copy does not burn the prekey.
    let mut changed = from_alice.envelopes[0].bytes.to_vec();
    let last = changed.len() - 1;
    changed[last] ^= 1;
    assert!(matches!(
        bob.receive(&changed)[0],
        Event::Undecryptable {
            cause: UndecryptableCause::Authentication,
            address: None
        }
    ));
    bob.receive(&from_alice.envelopes[0].bytes);
    assert_eq!(bob.texts(&alice), ["a"]);
    assert!(matches!(
        bob.receive(&from_carol.envelopes[0].bytes)[0],
        Event::Undecryptable {
            cause: UndecryptableCause::InvitationUsed,
            ..
        }
    ));
}

#[test]
fn every_kind_of_bad_input_has_its_error_and_leaves_the_next_message_readable() {
    let (alice, bob) = introduced();
    let good = alice
        .client
        .send(bob.client.address(), "good".into())
        .unwrap();
    let good = good.envelopes[0].bytes.to_vec();
    let before = bob.client.store_rows();

    for cut in [0, 1, 10, good.len() / 2, good.len() - 1] {
        let refused = bob.client.receive(good[..cut].into()).unwrap_err();
        assert_eq!(refused.code(), "envelope_malformed");
    }
    let longer = [good.as_slice(), &[0x1a, 0x00]].concat();
    assert_eq!(
        bob.client.receive(longer.into()).unwrap_err().code(),
        "envelope_malformed"
    );
    let mut newer = good.clone();
    newer[1] = 2;
    let refused = bob.client.receive(newer.into()).unwrap_err();
    assert_eq!(refused.code(), "unsupported_version");
    assert!(refused.to_string().contains('2') && refused.to_string().contains('1'));
    assert_eq!(
        alice
            .client
            .receive(good.clone().into())
            .unwrap_err()
            .code(),
        "not_for_this_device"
    );

    let nobody = Party::new().client.address();
    assert_eq!(
        bob.client.send(nobody, "?".into()).unwrap_err().code(),
        "unknown_contact"
    );
    assert_eq!(
        bob.client
            .send("wl1".into(), "?".into())
            .unwrap_err()
            .code(),
        "invalid_address"
    );
    let own = bob.client.bundle().unwrap();
    assert_eq!(
        bob.client.add_contact(&own).unwrap_err().code(),
        "own_bundle"
    );
    assert_eq!(before, bob.client.store_rows());

    bob.receive(&good);
    assert_eq!(bob.texts(&alice), ["good"]);
    let too_long = "x".repeat(300_000);
    let refused = bob
        .client
        .send(alice.client.address(), too_long)
        .unwrap_err();
    assert_eq!(refused.code(), "content_too_large");
}

trait StoreRows {
    fn store_rows(&self) -> Vec<(String, u64)>;
}

impl StoreRows for Arc<Client> {
    fn store_rows(&self) -> Vec<(String, u64)> {
        let rows = self.inspect().unwrap().tables;
        rows.into_iter()
            .map(|table| (table.table, table.rows))
            .collect()
    }
}

#[test]
fn a_bare_session_carries_the_applications_own_format() {
    let (alice, bob) = introduced();
    let ours = alice.client.clone().session(bob.client.address()).unwrap();
    let theirs = bob.client.clone().session(alice.client.address()).unwrap();
    assert_eq!(ours.state().unwrap(), SessionState::Fresh);
    let sent = ours.encrypt(vec![0, 255, 7].into()).unwrap();
    assert_eq!(ours.state().unwrap(), SessionState::Pending);

    let envelope = sent.envelopes[0].bytes.clone();
    assert_eq!(
        theirs.decrypt(envelope.clone()).unwrap().to_vec(),
        [0, 255, 7]
    );
    // Again the same: the caller may have died before it used them.
    assert_eq!(theirs.decrypt(envelope).unwrap().to_vec(), [0, 255, 7]);
    // Whoever wrote first learns nothing before they are accepted, and is told of where events are.
    assert!(bob.client.outbox(0).unwrap().is_empty());
    let events = bob.client.receive(sent.envelopes[0].bytes.clone()).unwrap();
    assert!(matches!(
        events[..],
        [Event::ContactRequest { .. }, Event::Duplicate { .. }]
    ));
    bob.client.accept_contact(alice.client.address()).unwrap();
    for envelope in bob.take_outbox() {
        assert_eq!(
            ours.decrypt(envelope.clone().into()).unwrap_err().code(),
            "not_for_this_session"
        );
        alice.receive(&envelope);
    }
    assert_eq!(ours.state().unwrap(), SessionState::Established);
    // What only an event would tell is refused, and the event comes where it is taken in.
    let talk = (alice.client.clone())
        .conversation(bob.client.address())
        .unwrap();
    let said = talk.messages(1, None).unwrap().remove(0);
    let reaction = talk.react(said, "👍".into()).unwrap().envelopes.remove(0);
    let refused = theirs.decrypt(reaction.bytes.clone()).unwrap_err();
    assert_eq!(refused.code(), "not_for_this_session");
    let events = bob.client.receive(reaction.bytes).unwrap();
    assert!(matches!(events[..], [Event::Reacted { .. }]));

    assert_eq!(ours.safety_number(), theirs.safety_number());
    assert_eq!(
        ours.verify("0".repeat(60)).unwrap_err().code(),
        "safety_number_mismatch"
    );
    ours.verify(theirs.safety_number()).unwrap();
    assert!(alice.client.contact(bob.client.address()).unwrap().verified);
}

#[test]
fn batches_are_one_transaction_and_answer_in_order() {
    let (alice, bob) = introduced();
    let to = bob.client.address();
    let message = |text: &str, to: &str| windlass::OutgoingMessage {
        to: to.to_owned(),
        body: Body::Text {
            text: text.to_owned(),
        },
        reply_to: None,
    };
    let sent = alice
        .client
        .send_many(vec![
            message("1", &to),
            message("2", &to),
            message("3", &to),
        ])
        .unwrap();
    let failed = alice
        .client
        .send_many(vec![message("4", &to), message("5", "nobody")]);
    assert_eq!(failed.unwrap_err().code(), "invalid_address");
    assert_eq!(alice.texts(&bob), ["1", "2", "3"]);

    let mut envelopes: Vec<_> = sent.iter().map(|s| s.envelopes[0].bytes.clone()).collect();
    envelopes.insert(1, vec![1, 2, 3].into());
    envelopes.push(envelopes[0].clone());
    let answers = bob.client.receive_many(envelopes).unwrap();
    assert_eq!(answers[1].refused.as_deref(), Some("envelope_malformed"));
    assert!(matches!(answers[4].events[..], [Event::Duplicate { .. }]));
    assert_eq!(bob.texts(&alice), ["1", "2", "3"]);
    // One receipt for the three, once their author is accepted.
    assert!(bob.client.outbox(0).unwrap().is_empty());
    bob.client.accept_contact(alice.client.address()).unwrap();
    assert_eq!(bob.client.outbox(0).unwrap().len(), 1);
}

#[test]
fn any_thread_may_call_anything() {
    let (alice, bob) = introduced();
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let (alice, to) = (&alice.client, bob.client.address());
            scope.spawn(move || {
                for i in 0..10 {
                    alice.send(to.clone(), format!("{thread} {i}")).unwrap();
                }
            });
        }
    });
    let envelopes = alice.take_outbox();
    assert_eq!(envelopes.len(), 40);
    std::thread::scope(|scope| {
        for part in envelopes.chunks(10) {
            let bob = &bob;
            scope.spawn(move || {
                for envelope in part {
                    // The same envelope from two threads at once: one of them is a duplicate.
                    bob.receive(envelope);
                    bob.receive(envelope);
                }
            });
        }
    });
    assert_eq!(bob.texts(&alice).len(), 40);
    assert_eq!(bob.texts(&alice), alice.texts(&bob));
}

#[test]
fn create_and_open_never_do_each_others_work() {
    let folder = tempfile::tempdir().unwrap();
    let path = Party::path(folder.path());
    assert_eq!(
        EncryptedStore::open(path.clone(), &key(1))
            .unwrap_err()
            .code(),
        "store_not_found"
    );
    let store = EncryptedStore::create(path.clone(), &key(1)).unwrap();
    assert_eq!(
        Client::open(store.clone()).err().unwrap().code(),
        "identity_missing"
    );
    let client = Client::create(store.clone(), None).unwrap();
    assert_eq!(
        Client::create(store.clone(), None).err().unwrap().code(),
        "identity_exists"
    );
    assert_eq!(
        EncryptedStore::open(path.clone(), &key(1))
            .unwrap_err()
            .code(),
        "store_locked"
    );
    let address = client.address();
    client.close().unwrap();
    assert_eq!(client.contacts().unwrap_err().code(), "store_closed");
    assert_eq!(
        EncryptedStore::create(path.clone(), &key(1))
            .unwrap_err()
            .code(),
        "store_exists"
    );
    assert_eq!(
        EncryptedStore::open(path.clone(), &key(2))
            .unwrap_err()
            .code(),
        "wrong_key"
    );
    let store = EncryptedStore::open(path, &key(1)).unwrap();
    assert_eq!(Client::open(store).unwrap().address(), address);
}
