//! What others can make a device do and keep is bounded, and nobody's work holds up another's.

use std::cell::Cell;
use std::ops::Bound;

use super::annotated::{by, comes, content, id, reaction, two};
use super::*;
use crate::chat::{ConversationState, HealingRequest};
use crate::crypto::SecretBytes;
use crate::engine::base::clock::Clock;
use crate::engine::history::inventory::Comparison;
use crate::limits::{
    MAX_ANSWERED_BYTES_PER_DAY, MAX_ASKED_AT_ONCE, MAX_COMPARED, MAX_EARLY_ANNOTATIONS,
    MAX_HEALING_IDS, MAX_REACTIONS_BY_ONE, MAX_RESENT_BYTES_TO_ONE,
};
use crate::store::{Direction, OrderedRow, Sequence};

const HOUR: u64 = 3_600_000;

/// Upkeep as the facade does it; whether there was anything to write.
fn round(party: &Party, now: u64) -> bool {
    let due = party.at_time(now, |step| upkeep::plan(step.rows, now));
    let due = due.unwrap();
    let changed = party.at_time(now, |step| upkeep::maintain(step, &due));
    changed.unwrap()
}

fn say(party: &Party, now: u64, to: &Party, body: &Body) {
    let to = ConversationId::Direct(to.device.public());
    party
        .at_time(now, |step| {
            write::write(step, &to, body.clone(), None).map(|_| ())
        })
        .unwrap();
}

fn waiting(party: &Party) -> Vec<outbox::QueuedEnvelope> {
    let waiting: Result<_, EngineError> = party.store.read(|rows| outbox::queued(rows, 0, 100_000));
    waiting.unwrap()
}

fn acquainted<const N: usize>() -> [Party; N] {
    let mut seed = 0;
    let parties = [(); N].map(|()| {
        seed += 1;
        Party::new(seed)
    });
    let all: Vec<&Party> = parties.iter().collect();
    introduce(&all, 0);
    for from in &all {
        for to in all.iter().filter(|to| !std::ptr::eq(*from, **to)) {
            from.send(0, to).unwrap();
        }
    }
    deliver(&all, 0);
    parties
}

fn data(len: usize) -> Body {
    Body::Data {
        media_type: "a/b".into(),
        data: vec![7; len],
    }
}

#[test]
fn what_the_transport_has_not_taken_is_not_put_into_the_outbox_again() {
    let [alice, bob] = acquainted();
    for _ in 0..30 {
        alice.send(0, &bob).unwrap();
    }
    for hour in 0..7 * 24 {
        round(&alice, START + hour * HOUR);
    }
    assert_eq!(waiting(&alice).len(), 30);
    // Nor did that count: once it is taken, and lost, it is sent again as often as ever.
    empty_outbox(&alice);
    let mut again = 0;
    for hour in 7 * 24..21 * 24 {
        round(&alice, START + hour * HOUR);
        again += empty_outbox(&alice).len();
    }
    assert!((30 * 7..=30 * 8).contains(&again), "{again}");
}

#[test]
fn nobody_holds_up_what_is_sent_again_to_others() {
    // Whoever comes first in the order of keys.
    let mut parties: Vec<Party> = acquainted::<3>().into();
    parties.sort_by_key(|party| party.device.public().to_bytes());
    let [greedy, alice, friend] = [0, 1, 2].map(|at| &parties[at]);
    for _ in 0..20 {
        say(alice, START, greedy, &data(200_000));
    }
    say(alice, START + 1, friend, &text("are you well?"));
    empty_outbox(alice);
    round(alice, START + 2 * HOUR);
    let sent = waiting(alice);
    let to = |party: &Party| {
        let theirs = sent
            .iter()
            .filter(|one| one.recipient == party.device.public());
        theirs.map(|one| one.envelope.len()).collect::<Vec<_>>()
    };
    assert_eq!(to(friend).len(), 1);
    let bytes: usize = to(greedy).iter().sum();
    assert!(
        bytes > 0 && bytes < MAX_RESENT_BYTES_TO_ONE + 300_000,
        "{bytes}"
    );
}

#[test]
fn requests_bring_no_more_than_a_day_may() {
    let [alice, mallory] = acquainted();
    for _ in 0..5 {
        say(&alice, START, &mallory, &data(1_000));
    }
    empty_outbox(&alice);
    let party = crate::x3dh::Party {
        identity: mallory.device.public(),
        device_id: mallory.device.device_id,
    };
    let charged = |bytes: u64| {
        let set = alice.at_time(START, |step| {
            let mut row = doubts::row_or_new(step.rows, &party.identity)?;
            doubts::roll_day(&mut row, step.now);
            row.answered_bytes = bytes;
            doubts::save(step.rows, &row)
        });
        set.unwrap();
    };
    let asked = |now: u64| {
        let request = HealingRequest::default();
        let answered = alice.at_time(now, |step| healing::answer(step, &party, &request));
        answered.unwrap();
        // Without the answer itself.
        empty_outbox(&alice).len() - 1
    };
    // One more fits.
    charged(MAX_ANSWERED_BYTES_PER_DAY - 1);
    assert_eq!(asked(START + 1), 1);
    assert_eq!(asked(START + HOUR), 0);
    assert!(asked(START + DAY + HOUR) >= 5);
}

#[test]
fn a_contact_that_cannot_be_asked_costs_no_round_a_write() {
    let [alice, bob] = [1, 2].map(Party::new);
    alice.add(0, &bob.bundle(0, false));
    // As after a restored copy or an imported backup: no session, something missing, a bundle that is over.
    let who = bob.device.public();
    alice
        .at(0, |step| doubts::note_missing(step.rows, &who, step.now))
        .unwrap();
    let mut busy = 0;
    for ten in 0..6 * 24 {
        busy += usize::from(round(&alice, START + 40 * DAY + ten * 600_000));
    }
    assert!(busy <= 2, "{busy}");
    // With a bundle they are asked.
    alice.add(42, &bob.bundle(42, false));
    round(&alice, START + 42 * DAY);
    assert_eq!(waiting(&alice).len(), 1);
}

#[test]
fn of_hundreds_of_edits_and_reactions_what_counts_stays() {
    let (alice, bob, conversation) = two();
    let author = bob.device.public();
    comes(
        &alice,
        0,
        &bob,
        &conversation,
        content(&conversation, 10, id(1), text("look")),
    );
    let edit = |number: u32| Body::Edit {
        target: id(1),
        text: number.to_string(),
    };
    // In no order; the last one in the conversation's order counts.
    let numbers = (0..200).map(|n| (n * 37) % 200);
    for number in numbers.clone() {
        let lamport = 11 + u64::from(number);
        let said = content(&conversation, lamport, id(1_000 + number), edit(number));
        comes(&alice, 0, &bob, &conversation, said);
    }
    let said_of = || {
        let message = by(&bob, &id(1));
        let said = alice.at(0, |step| annotations::annotations_of(step.rows, &message));
        said.unwrap().len()
    };
    assert_eq!(said_of(), 1);
    for number in numbers {
        let body = Body::Reaction {
            author: author.to_bytes(),
            target: id(1),
            emoji: (number % 40).to_string(),
            removed: false,
        };
        let lamport = 500 + u64::from(number);
        comes(
            &alice,
            0,
            &bob,
            &conversation,
            content(&conversation, lamport, id(2_000 + number), body),
        );
    }
    assert_eq!(said_of(), 1 + MAX_REACTIONS_BY_ONE);
    let message = by(&bob, &id(1));
    let shown = alice
        .at(0, |step| view::shown(step.rows, &message))
        .unwrap()
        .unwrap();
    assert_eq!(shown.text(), Some("199"));
    let emoji: Vec<_> = shown
        .reactions
        .iter()
        .map(|(_, emoji)| emoji.as_str())
        .collect();
    let last: Vec<_> = (40 - MAX_REACTIONS_BY_ONE..40)
        .map(|n| n.to_string())
        .collect();
    assert_eq!(emoji, last);
}

#[test]
fn what_is_said_of_messages_that_never_come_goes_again() {
    let (alice, bob, conversation) = two();
    let author = bob.device.public();
    for number in 0..300 {
        let body = match number % 3 {
            0 => reaction(&author, id(10_000 + number)),
            1 => Body::Deletion {
                target: id(10_000 + number),
            },
            _ => Body::Edit {
                target: id(10_000 + number),
                text: "x".repeat(1_000),
            },
        };
        let lamport = 10 + u64::from(number);
        comes(
            &alice,
            0,
            &bob,
            &conversation,
            content(&conversation, lamport, id(number), body),
        );
    }
    assert_eq!(alice.count(Table::EarlyAnnotations), MAX_EARLY_ANNOTATIONS);
    // The last ones wait for what they are about.
    comes(
        &alice,
        0,
        &bob,
        &conversation,
        content(&conversation, 9, id(10_299), text("late")),
    );
    comes(
        &alice,
        0,
        &bob,
        &conversation,
        content(&conversation, 9, id(10_298), text("late")),
    );
    comes(
        &alice,
        0,
        &bob,
        &conversation,
        content(&conversation, 9, id(10_297), text("late")),
    );
    assert_eq!(
        alice.count(Table::EarlyAnnotations),
        MAX_EARLY_ANNOTATIONS - 3
    );
    for day in 1..=70 {
        round(&alice, START + day * DAY);
    }
    assert_eq!(alice.count(Table::EarlyAnnotations), 0);
    let left = alice.count(Table::Messages);
    assert!(left <= 6, "{left}");
}

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
    let mut asked = std::collections::BTreeSet::new();
    for hour in 2..4 {
        round(&alice, START + hour * HOUR);
        let sent = empty_outbox(&alice);
        assert_eq!(sent.len(), MAX_ASKED_AT_ONCE);
        asked.extend(sent.iter().map(|one| one.recipient.to_bytes()));
    }
    assert_eq!(asked.len(), people.len() - 10);
}
