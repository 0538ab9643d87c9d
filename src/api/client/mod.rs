//! `Client`.

mod chats;
mod devices;
mod handling;
mod keeping;
mod people;
mod timetable;
mod upkeep;

pub use devices::DeviceInfo;
pub use handling::UnhandledMessage;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use super::error::of_envelope;
use super::{Body, Bundle, Bytes, EncryptedStore, Event, Identity, Result, WindlassError};
use crate::chat::{self, MessageId};
use crate::engine::base::device::Device;
use crate::engine::base::error::EngineError;
use crate::engine::base::step::Step;
use crate::engine::history::deletion;
use crate::engine::records::conversations::ConversationId;
use crate::engine::records::{outbox, own_bundle};
use crate::engine::steps::{create, receive, write};
use crate::engine::sync::outcome::Outcome;
use crate::engine::sync::receipts;
use crate::identity::IdentityKeyPair;
use crate::limits::MAX_ONE_TIME_PREKEYS;
use crate::session::Envelope;
use crate::store::{Rows, StoreError};
use timetable::Timetable;

/// How many waiting envelopes `outbox` answers at a time.
const OUTBOX_PAGE: u32 = 1_000;

/// An identity, its store, its sessions and conversations. Any thread may call anything.
#[cfg_attr(feature = "uniffi", derive(uniffi::Object))]
pub struct Client {
    pub(super) store: Arc<EncryptedStore>,
    pub(super) device: Device,
    /// Told once, with the first thing received.
    rollback_to_tell: AtomicBool,
    /// What came where no events are told.
    to_tell: Mutex<Vec<Event>>,
    /// What is missing because of it is asked for with the first round of upkeep.
    rollback_to_heal: AtomicBool,
    timetable: Timetable,
}

/// An envelope for the transport.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
pub struct OutgoingEnvelope {
    /// Its number in the outbox, for `mark_sent`.
    pub id: u64,
    /// The address that it goes to.
    pub to: String,
    /// The bytes to deliver.
    pub bytes: Bytes,
}

/// A message that was sent: it is in the history, and its envelopes are in the outbox until `mark_sent`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
pub struct Sent {
    /// Its id: 32 hexadecimal digits.
    pub message_id: String,
    /// What to hand to the transport: one for the recipient, and one for our own other devices if there are any.
    pub envelopes: Vec<OutgoingEnvelope>,
}

/// A message to send, for `send_many`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
pub struct OutgoingMessage {
    /// Address of a contact.
    pub to: String,
    /// What it says.
    pub body: Body,
    /// The id of the message that it answers.
    #[cfg_attr(feature = "uniffi", uniffi(default = None))]
    pub reply_to: Option<String>,
}

/// What became of one envelope of `receive_many`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
pub struct Received {
    /// What it brought.
    pub events: Vec<Event>,
    /// The code of the error that `receive` would have raised for it.
    pub refused: Option<String>,
}

#[cfg_attr(feature = "uniffi", uniffi::export)]
impl Client {
    /// The client of a store that holds one. Never makes an identity.
    #[cfg_attr(feature = "uniffi", uniffi::constructor)]
    pub fn open(store: Arc<EncryptedStore>) -> Result<Arc<Self>> {
        let device = store.0.read(|rows| Device::load(rows))?;
        Ok(Arc::new(Self::of(store, device)))
    }

    /// Our identity, the public half.
    #[must_use]
    pub fn identity(&self) -> Arc<Identity> {
        Arc::new(Identity::from_public(self.device.public()))
    }

    /// Our address.
    #[must_use]
    pub fn address(&self) -> String {
        self.device.public().address()
    }

    /// The number of this device within its identity.
    #[must_use]
    pub fn device_id(&self) -> u32 {
        self.device.device_id
    }

    /// Our reusable bundle: publish it, put it on a poster. The same bytes until a prekey or a device changes, at most 15 days.
    pub fn bundle(&self) -> Result<Arc<Bundle>> {
        self.write(|step| Ok(Arc::new(Bundle(own_bundle::reusable(step)?))))
    }

    /// A single-use bundle: show it once, give it to one person. Each has a one-time prekey that is in no other.
    pub fn single_use_bundle(&self) -> Result<Arc<Bundle>> {
        let made = self.single_use_bundles(1)?.pop();
        made.ok_or(WindlassError::IdentityMissing)
    }

    /// A stock of single-use bundles, made in one transaction. The private halves of the latest 2,000 are kept, each until its
    /// first use or for 60 days.
    pub fn single_use_bundles(&self, count: u32) -> Result<Vec<Arc<Bundle>>> {
        let count = count.min(MAX_ONE_TIME_PREKEYS);
        self.write(|step| {
            (0..count)
                .map(|_| Ok(Arc::new(Bundle(own_bundle::single_use(step)?))))
                .collect()
        })
    }

    /// Writes a text to a contact. When this returns, the message and its envelopes are durable.
    pub fn send(&self, to: String, text: String) -> Result<Sent> {
        self.send_body(to, Body::Text { text }, None)
    }

    /// Writes several messages in one transaction: all of them or none.
    pub fn send_many(&self, messages: Vec<OutgoingMessage>) -> Result<Vec<Sent>> {
        self.write(|step| self.send_all(step, &messages))
    }

    /// Takes in an envelope that the transport delivered. Whatever the events tell is durable.
    ///
    /// Bytes that are no envelope, or not for this device, are an error; an envelope that cannot be decrypted is an event.
    pub fn receive(&self, envelope: Bytes) -> Result<Vec<Event>> {
        let envelope = Envelope::decode(&envelope).map_err(of_envelope)?;
        let brought = self.receive_one(&envelope, |_| Ok(()))?;
        let mut events = self.untold();
        events.extend(brought);
        Ok(events)
    }

    /// Takes in several envelopes in one transaction, and acknowledges them together. The answers are in the same order.
    pub fn receive_many(&self, envelopes: Vec<Bytes>) -> Result<Vec<Received>> {
        let own = self.device.public();
        let mut answers = self.write(|step| {
            let mut answers = Vec::with_capacity(envelopes.len());
            let mut to_acknowledge = Vec::new();
            for bytes in &envelopes {
                let processed = Envelope::decode(bytes)
                    .map_err(of_envelope)
                    .and_then(|envelope| Ok(receive::receive(step, &envelope)?));
                answers.push(match processed {
                    Ok(processed) => {
                        to_acknowledge.extend(processed.acknowledge);
                        Received {
                            events: processed
                                .outcomes
                                .into_iter()
                                .map(|outcome| Event::from_outcome(outcome, &own))
                                .collect(),
                            refused: None,
                        }
                    }
                    Err(error) if error.is_about_envelope() => Received {
                        events: Vec::new(),
                        refused: Some(error.code()),
                    },
                    Err(error) => return Err(error),
                });
            }
            receipts::acknowledge(step, &to_acknowledge)?;
            Ok(answers)
        })?;
        if let Some(first) = answers.first_mut() {
            let mut events = self.untold();
            events.append(&mut first.events);
            first.events = events;
        }
        Ok(answers)
    }

    /// Removes what the transport took over for good. Numbers that are not there any more are no error.
    pub fn mark_sent(&self, ids: Vec<u64>) -> Result<()> {
        self.write(|step| Ok(outbox::mark_sent(step.rows, &ids)?))
    }
}

exported! {
impl Client {
    /// Puts an identity into a new store: the given one, or a new one. The device is a new one in any case.
    #[uniffi::constructor(default(identity = None))]
    pub fn create(
        store: Arc<EncryptedStore>,
        identity: Option<Arc<Identity>>,
    ) -> Result<Arc<Self>> {
        let (now, mut rng) = (store.0.now(), store.0.random()?);
        let pair = match identity {
            Some(identity) => identity.key_pair()?,
            None => IdentityKeyPair::generate(&mut rng),
        };
        let created = store
            .0
            .write(|rows| create::create(rows, pair.duplicate(), now, &mut rng));
        let device = created?;
        Ok(Arc::new(Self::of(store, device)))
    }

    /// Writes anything to a contact.
    #[uniffi::method(default(reply_to = None))]
    pub fn send_body(&self, to: String, body: Body, reply_to: Option<String>) -> Result<Sent> {
        let to = ConversationId::from_address(&to)?;
        self.write_message(&to, body, reply_to)
    }

    /// The oldest envelopes that wait for the transport, at most 1,000; after the one numbered `after`. Beside messages there are
    /// receipts, requests for what is missing, and messages that are sent again; so look here after every `receive`, and now and
    /// then.
    #[uniffi::method(default(after = 0))]
    pub fn outbox(&self, after: u64) -> Result<Vec<OutgoingEnvelope>> {
        self.maintain_if_due()?;
        self.read(|reader| {
            Ok(outbox::queued(reader, after, OUTBOX_PAGE as usize)?
                .into_iter()
                .map(OutgoingEnvelope::from_queued)
                .collect())
        })
    }
}
}

impl Client {
    pub(super) fn send_all(
        &self,
        step: &mut Step<'_>,
        messages: &[OutgoingMessage],
    ) -> Result<Vec<Sent>> {
        // Reading an address costs as much as a step of the ratchet.
        let mut known = BTreeMap::new();
        messages
            .iter()
            .map(|message| {
                let to = match known.get(message.to.as_str()) {
                    Some(identity) => *identity,
                    None => ConversationId::from_address(&message.to)?,
                };
                known.insert(message.to.as_str(), to);
                let body = message.body.clone().into_chat();
                let body = body.ok_or(WindlassError::BodyNotSendable)?;
                send(step, &to, &body, message.reply_to.as_deref())
            })
            .collect()
    }

    pub(super) fn of(store: Arc<EncryptedStore>, device: Device) -> Self {
        Self {
            rollback_to_tell: AtomicBool::new(store.rollback_noticed()),
            to_tell: Mutex::default(),
            rollback_to_heal: AtomicBool::new(store.rollback_noticed()),
            timetable: Timetable::since(store.0.shredded_at()),
            store,
            device,
        }
    }

    /// Reads one snapshot.
    pub(super) fn read<T>(&self, f: impl FnOnce(&dyn Rows) -> Result<T>) -> Result<T> {
        self.store.0.read(f)
    }

    /// Runs one step, after what is due by then. It may run again from its beginning, so it changes rows and nothing else.
    pub(super) fn write<T, E: From<StoreError> + From<EngineError> + From<WindlassError>>(
        &self,
        mut f: impl FnMut(&mut Step<'_>) -> core::result::Result<T, E>,
    ) -> core::result::Result<T, E> {
        self.maintain_if_due()?;
        self.step(|step| {
            deletion::expire(step.rows, step.now)?;
            f(step)
        })
    }

    /// Runs one step. Each run of it has randomness of its own.
    fn step<T, E: From<StoreError>>(
        &self,
        mut f: impl FnMut(&mut Step<'_>) -> core::result::Result<T, E>,
    ) -> core::result::Result<T, E> {
        let engine = &self.store.0;
        let (now, mut drawn) = (engine.now(), Some(engine.random()?));
        engine.write(|rows| {
            let mut rng = match drawn.take() {
                Some(rng) => rng,
                None => engine.random()?,
            };
            f(&mut Step {
                rows,
                device: &self.device,
                now,
                rng: &mut rng,
            })
        })
    }

    /// Writes one message in a step of its own.
    pub(super) fn write_message(
        &self,
        to: &ConversationId,
        body: Body,
        reply_to: Option<String>,
    ) -> Result<Sent> {
        let body = body.into_chat().ok_or(WindlassError::BodyNotSendable)?;
        self.write_chat(to, body, reply_to)
    }

    /// The same, with a body that only the library makes.
    pub(super) fn write_chat(
        &self,
        to: &ConversationId,
        body: chat::Body,
        reply_to: Option<String>,
    ) -> Result<Sent> {
        self.write(|step| send(step, to, &body, reply_to.as_deref()))
    }

    /// Receives one envelope, unless `check` refuses what it brought; then nothing has happened.
    pub(super) fn receive_one(
        &self,
        envelope: &Envelope,
        check: impl Fn(&[Outcome]) -> Result<()>,
    ) -> Result<Vec<Event>> {
        let own = self.device.public();
        let written = self.write(|step| {
            let processed = receive::receive(step, envelope)?;
            check(&processed.outcomes)?;
            if !processed.changed {
                return Err(Stop::Unchanged(processed.outcomes));
            }
            let acknowledge: Vec<_> = processed.acknowledge.into_iter().collect();
            receipts::acknowledge(step, &acknowledge)?;
            Ok(processed.outcomes)
        });
        let outcomes = match written {
            Ok(outcomes) | Err(Stop::Unchanged(outcomes)) => outcomes,
            Err(Stop::Error(error)) => return Err(error),
        };
        Ok(outcomes
            .into_iter()
            .map(|outcome| Event::from_outcome(outcome, &own))
            .collect())
    }

    /// What was not told yet.
    fn untold(&self) -> Vec<Event> {
        let mut events = Vec::new();
        if self.rollback_to_tell.swap(false, Ordering::Relaxed) {
            events.push(Event::RollbackNoticed);
        }
        events.append(&mut self.to_tell.lock().unwrap_or_else(PoisonError::into_inner));
        events
    }

    pub(super) fn tell_later(&self, events: Vec<Event>) {
        let mut to_tell = self.to_tell.lock().unwrap_or_else(PoisonError::into_inner);
        to_tell.extend(events);
    }
}

impl OutgoingEnvelope {
    fn from_queued(queued: outbox::QueuedEnvelope) -> Self {
        Self {
            id: queued.id,
            to: queued.recipient.address(),
            bytes: queued.envelope.into(),
        }
    }
}

fn send(
    step: &mut Step<'_>,
    to: &ConversationId,
    body: &chat::Body,
    reply_to: Option<&str>,
) -> Result<Sent> {
    let reply_to = reply_to
        .map(str::parse::<MessageId>)
        .transpose()
        .map_err(|_| WindlassError::UnknownMessage)?;
    let (id, queued) = write::write(step, to, body.clone(), reply_to)?;
    Ok(Sent {
        message_id: id.to_string(),
        envelopes: queued
            .into_iter()
            .map(OutgoingEnvelope::from_queued)
            .collect(),
    })
}

/// Why a transaction was not committed: an error, or there was nothing to commit and so no sync to pay for.
enum Stop {
    Error(WindlassError),
    Unchanged(Vec<Outcome>),
}

impl From<WindlassError> for Stop {
    fn from(error: WindlassError) -> Self {
        Self::Error(error)
    }
}

impl From<EngineError> for Stop {
    fn from(error: EngineError) -> Self {
        Self::Error(error.into())
    }
}

impl From<StoreError> for Stop {
    fn from(error: StoreError) -> Self {
        Self::Error(error.into())
    }
}
