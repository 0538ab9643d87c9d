//! The engine without its facade: parties whose time is set by hand, and whose words a test may forge.

mod annotated;
mod asked;
mod backlog;
mod backups;
mod beside;
mod bounded;
mod chat_settings;
mod clocks;
mod contact_list;
mod converging;
mod costs;
mod counting;
mod decisions;
mod deleted_names;
mod delivered;
mod differing;
mod erased;
mod feed;
mod first_words;
mod forwarded;
mod golden;
mod group_deletion;
mod group_links;
mod group_rows;
mod group_views;
mod group_words;
mod hand_over;
mod held;
mod hostile;
mod kept;
mod known_bundles;
mod linked;
mod links;
mod listed;
mod malformed;
mod members;
mod mentions;
mod missing;
mod own_rows;
mod pins;
mod presence;
mod profiles;
mod protected;
mod proved;
mod quiet_groups;
mod siblings;
mod states;
mod strangers;
mod tables;
mod tags;
mod thieves;
mod time;
mod transfer;
mod turns;
mod typing;
mod unread;
mod vectors;
mod vouched;
mod words;

use std::path::PathBuf;
use std::sync::Arc;

use tempfile::TempDir;

use crate::bundle::VerifiedBundle;
use crate::chat::{Body, GroupAction, GroupId, MessageId};
use crate::crypto::{Secret, SeededRandom, system_random};
use crate::engine::base::device::Device;
use crate::engine::base::error::EngineError;
use crate::engine::base::message_ref::MessageRef;
use crate::engine::base::rows::{get_row, put_row};
use crate::engine::base::step::Step;
use crate::engine::delivery::recipients::Recipients;
use crate::engine::delivery::{envelopes, post};
use crate::engine::history::message::Stored;
use crate::engine::history::view::Shown;
use crate::engine::history::{annotations, deletion, inventory, message, view};
use crate::engine::records::conversations::{self, ConversationId};
use crate::engine::records::pairs::{FirstWords, Proven, Standing};
use crate::engine::records::{
    contacts, doubts, groups, linking, message_keys, outbox, own_bundle, own_devices, prekeys,
    sessions, trust, unacknowledged,
};
use crate::engine::steps::{backup, conversation, create, receive, upkeep, write};
use crate::engine::sync::outcome::{ConversationNews, Outcome, PeerNews};
use crate::engine::sync::{group_events, healing, people, receipts, updates, waiting};
use crate::identity::{IdentityKeyPair, PublicIdentity};
use crate::session::Envelope;
use crate::store::{Key, Rows, StorageEngine, Store, StoreError, StoreKey, Table};
use crate::testing::RunsTwice;
use crate::x3dh::{HandshakeMessage, SessionId};

const DAY: u64 = 86_400_000;
/// Not at the beginning of time, so that nothing is 0 by chance.
const START: u64 = 20_000 * DAY;

/// A proof of what came since a time.
const fn lost_since(since: u64) -> Proven {
    let first_words = FirstWords {
        sessions: [[0; 16]; 5],
        since,
    };
    Proven { since, first_words }
}

/// Of a device that proved to have lost everything.
const LOST_ALL: Standing = Standing {
    known_since: 0,
    proven: Some(lost_since(0)),
    established: false,
};

struct Party {
    folder: TempDir,
    store: Box<dyn StorageEngine>,
    device: Device,
}

/// An identity of nobody who takes part.
fn somebody(seed: u8) -> PublicIdentity {
    IdentityKeyPair::from_seed(&Secret::new([seed; 32])).public()
}

fn rng() -> SeededRandom {
    system_random().unwrap()
}

impl Party {
    /// On an engine that runs each step twice: no step may have an effect but its rows.
    fn new(seed: u8) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let key = StoreKey::Raw(Secret::new([seed; 32]));
        let store = Store::create(&folder.path().join("store.wl"), &key).unwrap();
        let store: Box<dyn StorageEngine> = Box::new(RunsTwice::new(Arc::new(store)));
        let identity = IdentityKeyPair::from_seed(&Secret::new([seed; 32]));
        let device =
            store.write(|rows| create::create(rows, identity.duplicate(), START, &mut rng()));
        Self {
            folder,
            store,
            device: device.unwrap(),
        }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("store.wl")
    }

    fn at<T>(
        &self,
        day: u64,
        step: impl FnMut(&mut Step<'_>) -> Result<T, EngineError>,
    ) -> Result<T, EngineError> {
        self.at_time(START + day * DAY, step)
    }

    fn at_time<T>(
        &self,
        now: u64,
        mut step: impl FnMut(&mut Step<'_>) -> Result<T, EngineError>,
    ) -> Result<T, EngineError> {
        self.store.write(|rows| {
            step(&mut Step {
                receipts: crate::engine::base::step::Receipts::default(),
                changes: Vec::new(),
                unattended: false,
                origin: crate::chat::MessageOrigin::Person,
                rows,
                device: &self.device,
                now,
                rng: &mut rng(),
            })
        })
    }

    /// The bundle of a day, prekeys rotated as every call of the facade does.
    fn bundle(&self, day: u64, single_use: bool) -> VerifiedBundle {
        self.at(day, |step| {
            prekeys::rotate(step)?;
            if single_use {
                own_bundle::single_use(step)
            } else {
                own_bundle::reusable(step)
            }
        })
        .unwrap()
    }

    fn add(&self, day: u64, bundle: &VerifiedBundle) {
        self.at(day, |step| people::add(step, bundle).map(|_| ()))
            .unwrap();
    }

    fn send(&self, day: u64, to: &Self) -> Result<Vec<u8>, EngineError> {
        self.at(day, |step| {
            let body = Body::Text("ahoy".into());
            let (_, waiting) = {
                let to = ConversationId::Direct(to.device.public());
                write::write(step, &to, body, None)?
            };
            Ok(waiting.into_iter().next().unwrap().envelope)
        })
    }

    fn receive(&self, day: u64, envelope: &[u8]) -> Vec<Outcome> {
        let envelope = Envelope::decode(envelope).unwrap();
        self.at(day, |step| {
            prekeys::rotate(step)?;
            Ok(receive::receive(step, &envelope)?.outcomes)
        })
        .unwrap()
    }

    /// This device, as one end of a session.
    fn end(&self) -> crate::x3dh::Party {
        crate::x3dh::Party {
            identity: self.device.public(),
            device_id: self.device.device_id,
        }
    }

    /// What the handshake of a first message to this device says.
    fn handshake(&self, envelope: &[u8]) -> HandshakeMessage {
        let part = Envelope::decode(envelope).unwrap().parts.remove(0);
        let sealed = part.handshake.unwrap();
        let us = self.end();
        let id = sealed.signed_prekey_id;
        let secret = self.at(0, |step| prekeys::signed_prekey(step.rows, id));
        sealed.open(&us, &secret.unwrap().unwrap()).unwrap().0
    }

    /// The session that an envelope for this device belongs to.
    fn session_of(&self, envelope: &[u8]) -> SessionId {
        let part = Envelope::decode(envelope).unwrap().parts.remove(0);
        let session = self.at(0, |step| sessions::by_tag(step.rows, &part.chain_tag));
        session.unwrap().unwrap().id()
    }

    fn count(&self, table: Table) -> usize {
        let count: Result<u64, StoreError> = self.store.read(|rows| rows.count(table));
        usize::try_from(count.unwrap()).unwrap()
    }
}

fn opens(outcomes: &[Outcome]) -> bool {
    outcomes
        .iter()
        .any(|outcome| matches!(outcome, Outcome::Message(_)))
}

/// Takes an envelope in, and acknowledges it.
fn take(party: &Party, day: u64, envelope: &[u8]) -> Result<Vec<Outcome>, EngineError> {
    let envelope = Envelope::decode(envelope).unwrap();
    party.at(day, |step| {
        let processed = receive::receive(step, &envelope)?;
        let came: Vec<_> = processed.acknowledge.into_iter().collect();
        receipts::acknowledge(step, &came)?;
        Ok(processed.outcomes)
    })
}

/// The same, of an envelope that may be for another device of theirs.
fn taken(party: &Party, day: u64, envelope: &[u8]) -> Vec<Outcome> {
    match take(party, day, envelope) {
        Err(EngineError::NotForThisDevice) => Vec::new(),
        outcomes => outcomes.unwrap(),
    }
}

/// What waits in an outbox; it counts as sent.
fn empty_outbox(party: &Party) -> Vec<outbox::QueuedEnvelope> {
    let waiting: Result<_, EngineError> = party.store.read(|rows| outbox::queued(rows, 0, 100_000));
    let waiting = waiting.unwrap();
    let ids: Vec<u64> = waiting.iter().map(|waiting| waiting.id).collect();
    party
        .at(0, |step| outbox::mark_sent(step.rows, &ids))
        .unwrap();
    waiting
}

fn text(text: &str) -> Body {
    Body::Text(text.into())
}

fn write(party: &Party, day: u64, to: &ConversationId, body: Body) -> MessageId {
    let sent = party.at(day, |step| write::write(step, to, body.clone(), None));
    sent.unwrap().0
}

/// What waits for one person comes to one of their devices, and all else is lost; what became of it.
fn carry(from: &Party, to: &Party, day: u64) -> Vec<Outcome> {
    let mut outcomes = Vec::new();
    for waiting in empty_outbox(from) {
        if waiting.recipient == to.device.public() {
            outcomes.extend(taken(to, day, &waiting.envelope));
        }
    }
    outcomes
}

/// Carries everybody's envelopes until nobody has anything to say.
fn deliver(parties: &[&Party], day: u64) {
    for _ in 0..20 {
        let mut moved = false;
        for from in parties {
            for waiting in empty_outbox(from) {
                for to in parties.iter().filter(|to| !std::ptr::eq(*from, **to)) {
                    if to.device.public() == waiting.recipient {
                        moved = true;
                        taken(to, day, &waiting.envelope);
                    }
                }
            }
        }
        if !moved {
            return;
        }
    }
}

/// Everybody knows everybody.
fn introduce(parties: &[&Party], day: u64) {
    for party in parties {
        for other in parties
            .iter()
            .filter(|other| !std::ptr::eq(*party, **other))
        {
            party.add(day, &other.bundle(day, false));
        }
    }
}

/// Contacts, each of whom wrote to each other one.
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

/// A group that `admin` made, and that the others joined.
fn group(admin: &Party, others: &[&Party], day: u64) -> GroupId {
    let all: Vec<&Party> = others.iter().copied().chain([admin]).collect();
    let act = |party: &Party, group: &GroupId, action: GroupAction| {
        let done = party.at(day, |step| group_events::act(step, group, &action));
        done.unwrap();
        deliver(&all, day);
    };
    let id = admin.at(day, |step| group_events::create(step, "crew"));
    let id = id.unwrap();
    let mut members: Vec<_> = others.iter().map(|other| other.device.public()).collect();
    members.sort_by_key(PublicIdentity::to_bytes);
    act(admin, &id, GroupAction::MembersAdded(members));
    for other in others {
        act(other, &id, GroupAction::Joined);
    }
    id
}

/// The texts that somebody sees in a conversation: who wrote each, what, and whether it is a copy.
fn texts(
    party: &Party,
    day: u64,
    conversation: &ConversationId,
) -> Result<Vec<(PublicIdentity, String, bool)>, EngineError> {
    let page = party.at(day, |step| {
        view::page(step.rows, conversation, 1_000, None, step.now)
    })?;
    let text = |shown: Shown| match &shown.stored.content.body {
        Body::Text(text) => Some((shown.stored.author, text.text.clone(), shown.stored.copied)),
        _ => None,
    };
    Ok(page.into_iter().filter_map(text).collect())
}

/// One round of what is due; what is told of it.
fn run_due(party: &Party, day: u64) -> Result<Vec<Outcome>, EngineError> {
    run_due_at(party, START + day * DAY)
}

/// The same at any time.
fn run_due_at(party: &Party, now: u64) -> Result<Vec<Outcome>, EngineError> {
    let due = party.at_time(now, |step| upkeep::plan(step.rows, now))?;
    party.at_time(now, |step| upkeep::run(step, &due))
}

#[test]
fn as_many_things_fit_as_there_is_room_for_and_one_at_least() {
    let fit = |things: &[usize], room| post::fitting(things, room, |thing| *thing);
    assert_eq!(fit(&[4, 4, 4], 11), 2);
    assert_eq!(fit(&[4, 4, 4], 12), 3);
    assert_eq!(fit(&[40, 4], 12), 1);
    assert_eq!(fit(&[], 12), 0);
}
