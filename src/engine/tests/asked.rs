//! What requests for healing cost: whoever asks, and whoever is asked.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::ops::Bound;

use super::annotated::{content, id, two};
use super::bounded::{HOUR, round};
use super::*;
use crate::chat::ConversationState;
use crate::crypto::SecretBytes;
use crate::engine::base::clock::Clock;
use crate::engine::history::inventory::Comparison;
use crate::limits::{MAX_ASKED_AT_ONCE, MAX_COMPARED, MAX_HEALING_IDS};
use crate::store::{Direction, OrderedRow, Sequence};

#[test]
fn a_device_that_lacks_nothing_is_sent_nothing() {
    let (first, second) = super::linked::linked();
    let own = first.device.public();
    let mut rng = rng();
    let mut said = Vec::new();
    for number in 0..60 {
        let peer = IdentityKeyPair::generate(&mut rng).public();
        let conversation = ConversationId::Direct(peer);
        for lamport in 1..=40 {
            let id = id(number * 100 + lamport);
            let one = content(&conversation, lamport.into(), id, text("same"));
            said.push((peer, conversation, one));
        }
    }
    for device in [&first, &second] {
        let stored = device.at(1, |step| {
            for (author, conversation, content) in &said {
                let mut row = conversations::row(step.rows, conversation)?;
                row.lamport = content.lamport;
                conversations::save(step.rows, conversation, &row)?;
                let incoming = message::Incoming {
                    author: *author,
                    conversation: *conversation,
                    content: content.clone(),
                    encoded: &content.to_bytes(),
                    copied_from: None,
                };
                message::append(step.rows, &incoming, 0, step.now)?;
            }
            Ok(())
        });
        stored.unwrap();
    }
    second.at(1, |step| healing::ask(step, &own, None)).unwrap();
    let mut answered = Vec::new();
    for waiting in empty_outbox(&second) {
        for outcome in take(&first, 1, &waiting.envelope).unwrap() {
            if let Outcome::Peer(_, PeerNews::Resent { messages }) = outcome {
                answered.push(messages);
            }
        }
    }
    assert_eq!(answered, [0]);
}

/// A snapshot that counts what is read of it.
struct Counting<'a> {
    rows: &'a dyn Rows,
    read: Cell<usize>,
}

impl Rows for Counting<'_> {
    fn get(&self, table: Table, key: Key<'_>) -> Result<Option<SecretBytes>, StoreError> {
        self.read.set(self.read.get() + 1);
        self.rows.get(table, key)
    }

    fn range(
        &self,
        table: Table,
        group: &[u8],
        bounds: (Bound<&[u8]>, Bound<&[u8]>),
        direction: Direction,
        limit: usize,
    ) -> Result<Vec<OrderedRow>, StoreError> {
        let rows = self.rows.range(table, group, bounds, direction, limit)?;
        self.read.set(self.read.get() + rows.len());
        Ok(rows)
    }

    fn visit(
        &self,
        table: Table,
        each: &mut dyn FnMut(SecretBytes) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        self.rows.visit(table, &mut |row| {
            self.read.set(self.read.get() + 1);
            each(row)
        })
    }

    fn count(&self, table: Table) -> Result<u64, StoreError> {
        self.rows.count(table)
    }

    fn last_id(&self, sequence: Sequence) -> Result<u64, StoreError> {
        self.rows.last_id(sequence)
    }
}

#[test]
fn a_request_costs_no_more_the_longer_the_history_is() {
    let (alice, bob, conversation) = two();
    let author = bob.device.public();
    let stored = alice.at(0, |step| {
        for number in 0..12_000 {
            let said = content(&conversation, number, id(number as u32), text("long ago"));
            let incoming = message::Incoming {
                author,
                conversation,
                encoded: &said.to_bytes(),
                content: said,
                copied_from: None,
            };
            message::append(step.rows, &incoming, 0, step.now)?;
        }
        Ok(())
    });
    stored.unwrap();
    let (peer, is_group) = conversation.wire();
    let theirs = ConversationState {
        conversation: peer,
        group: is_group,
        from_lamport: 0,
        have: Vec::new(),
    };
    let now = START + 60 * DAY;
    let read: Result<usize, EngineError> = alice.store.read(|rows| {
        let counting = Counting {
            rows,
            read: Cell::new(0),
        };
        let comparison = Comparison {
            theirs: &theirs,
            salt: &[1; 16],
            since: now - 14 * DAY,
            clock: &Clock::read(rows, now)?,
            limit: 100,
            asker: &alice.device.public(),
        };
        let (lacking, _) = inventory::compare(&counting, &conversation, &comparison, |_| true)?;
        assert!(lacking.is_empty());
        // Of ours, the latest are named.
        inventory::state(&counting, &conversation, &[1; 16], MAX_HEALING_IDS)?;
        Ok(counting.read.get())
    });
    let read = read.unwrap();
    assert!(read < MAX_COMPARED + MAX_HEALING_IDS + 1_000, "{read}");
}

#[test]
fn not_everybody_is_asked_in_one_round_and_nobody_is_left_out() {
    let [alice, bob] = acquainted();
    empty_outbox(&alice);
    let known = alice.at(0, |step| contacts::find(step.rows, &bob.device.public()));
    let template = known.unwrap().unwrap().row;
    let mut rng = rng();
    let people: Vec<PublicIdentity> = (0..MAX_ASKED_AT_ONCE + 20)
        .map(|_| IdentityKeyPair::generate(&mut rng).public())
        .collect();
    let missing = alice.at(0, |step| {
        for (number, who) in people.iter().enumerate() {
            let mut row = template.clone();
            row.identity_key = who.to_bytes().to_vec();
            // Some whom nobody answers hold up nobody.
            row.blocked = number < 10;
            put_row(
                step.rows,
                Table::Contacts,
                Key::new(&row.identity_key),
                &row,
            )?;
            doubts::note_missing(step.rows, who, step.now)?;
        }
        Ok(())
    });
    missing.unwrap();
    let mut asked = BTreeSet::new();
    for hour in 2..4 {
        round(&alice, START + hour * HOUR);
        let sent = empty_outbox(&alice);
        assert_eq!(sent.len(), MAX_ASKED_AT_ONCE);
        asked.extend(sent.iter().map(|one| one.recipient.to_bytes()));
    }
    assert_eq!(asked.len(), people.len() - 10);
}
