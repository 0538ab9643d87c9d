//! `Client`.

mod addresses;
mod changes;
mod chats;
mod claims;
mod devices;
mod events;
mod handling;
mod held;
mod keeping;
mod mailbox;
mod owed;
mod people;
mod receiving;
mod searching;
mod sending;
mod showing;
mod states;
mod timetable;
mod upkeep;

pub use devices::{DeviceInfo, PendingLink};
pub use events::KeptEvent;
pub use handling::{Backlog, UnhandledMessage, WaitingMessage};
pub use receiving::Received;
pub use sending::{OutgoingEnvelope, OutgoingFile, OutgoingMessage, Sent};
pub use states::{StateChange, StateDocument, StateOwner};

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use super::{Bundle, EncryptedStore, Event, Identity, OutboxListener, Result, WindlassError};
use crate::chat::MessageOrigin;
use crate::engine::base::clock;
use crate::engine::base::device::Device;
use crate::engine::base::error::EngineError;
use crate::engine::base::step::{Receipts, Step};
use crate::engine::history::deletion;
use crate::engine::records::{outbox, own_bundle};
use crate::engine::steps::create;
use crate::engine::sync::outcome::Outcome;
use crate::identity::IdentityKeyPair;
use crate::limits::MAX_ONE_TIME_PREKEYS;
use crate::store::{Rows, Sequence, StoreError};
use addresses::Addresses;
use changes::Changes;
use held::HeldReceipts;
use timetable::Timetable;

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
    addresses: Addresses,
    held_receipts: HeldReceipts,
    /// Whether a program writes, and not a person.
    is_bot: AtomicBool,
    outbox_listener: Mutex<Option<Arc<dyn OutboxListener>>>,
    changes: Changes,
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

}
}

impl Client {
    pub(super) fn of(store: Arc<EncryptedStore>, device: Device) -> Self {
        Self {
            rollback_to_tell: AtomicBool::new(store.rollback_noticed()),
            to_tell: Mutex::default(),
            rollback_to_heal: AtomicBool::new(store.rollback_noticed()),
            timetable: Timetable::since(store.0.shredded_at()),
            addresses: Addresses::default(),
            held_receipts: HeldReceipts::new(),
            store,
            device,
            is_bot: AtomicBool::new(false),
            outbox_listener: Mutex::default(),
            changes: Changes::default(),
        }
    }

    fn origin(&self) -> MessageOrigin {
        if self.is_bot.load(Ordering::Relaxed) {
            MessageOrigin::Bot
        } else {
            MessageOrigin::Person
        }
    }

    /// Reads one snapshot. It may run again from its beginning, on another one.
    pub(super) fn read<T>(&self, f: impl FnMut(&dyn Rows) -> Result<T>) -> Result<T> {
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
    fn step<T, E: From<StoreError> + From<EngineError>>(
        &self,
        mut f: impl FnMut(&mut Step<'_>) -> core::result::Result<T, E>,
    ) -> core::result::Result<T, E> {
        let engine = &self.store.0;
        let (now, mut drawn) = (engine.now(), Some(engine.random()?));
        let (origin, mut posted, mut held_back) = (self.origin(), false, false);
        let (mut number, mut changes) = (0, Vec::new());
        let handed_over = self.store.1.ids();
        let done = engine.write(|rows| {
            outbox::mark_sent(rows, &handed_over)?;
            let outbox = || rows.last_id(Sequence::Outbox);
            self.store.1.queued_after(outbox)?;
            let mut rng = match drawn.take() {
                Some(rng) => rng,
                None => engine.random()?,
            };
            clock::tick(rows, now)?;
            let mut step = Step {
                receipts: Receipts::default(),
                changes: Vec::new(),
                unattended: false,
                rows,
                device: &self.device,
                origin,
                now,
                rng: &mut rng,
            };
            let done = f(&mut step);
            held_back = !step.receipts.held.is_empty();
            changes = core::mem::take(&mut step.changes);
            number = self.changes.number();
            posted = rows.took(Sequence::Outbox);
            done
        });
        if done.is_ok() {
            self.store.1.forget(&handed_over);
            if held_back {
                self.held_receipts.note(now);
            }
            if posted {
                self.tell_of_outbox();
            }
            self.changes.tell(number, changes);
        }
        done
    }
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

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests;
