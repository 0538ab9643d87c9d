//! `Step`: what one call of the facade works with, inside one transaction of the store.

use crate::chat::{MessageId, MessageOrigin};
use crate::crypto::SeededRandom;
use crate::engine::base::device::Device;
use crate::engine::base::message_ref::MessageRef;
use crate::identity::PublicIdentity;
use crate::limits::MAX_RECEIPT_IDS;
use crate::store::RowsMut;
use crate::wire::store::feed_row::Event;

/// One step of the engine. It changes rows and nothing else, so the store may run it again from its beginning.
pub(crate) struct Step<'a> {
    /// What the step reads and writes.
    pub(crate) rows: &'a mut dyn RowsMut,
    /// Who we are.
    pub(crate) device: &'a Device,
    /// As whom it writes.
    pub(crate) origin: MessageOrigin,
    /// The time of the call, in milliseconds since 1970-01-01T00:00:00Z.
    pub(crate) now: u64,
    /// Randomness for this step alone.
    pub(crate) rng: &'a mut SeededRandom,
    /// Receipts that need no envelope of their own.
    pub(crate) receipts: Receipts,
    /// What the user did in it on this device, or is seen to have done on another without an outcome that tells it; as the feed would keep it, and without
    /// what anybody says. For who shows it (decision 0105).
    pub(crate) changes: Vec<Event>,
    /// Whether nobody is there who reads what is here by writing: what is sent at its time goes out by itself.
    pub(crate) unattended: bool,
}

/// Receipts that go with something else (RFC windlass §9.4.1).
#[derive(Default)]
pub(crate) struct Receipts {
    /// Messages that came in this step and whose receipts wait for what answers them.
    pub(crate) held: Vec<MessageRef>,
    /// Messages whose receipts go with what this step writes to their authors.
    pub(crate) due: Vec<MessageRef>,
}

impl Receipts {
    /// What goes with an envelope to somebody.
    pub(crate) fn due_to(&self, peer: &PublicIdentity) -> Vec<MessageId> {
        let theirs = self.due.iter().filter(|message| message.author == *peer);
        theirs
            .map(|message| message.id)
            .take(MAX_RECEIPT_IDS)
            .collect()
    }

    /// It went.
    pub(crate) fn went(&mut self, peer: &PublicIdentity, ids: &[MessageId]) {
        (self.due).retain(|message| message.author != *peer || !ids.contains(&message.id));
    }
}

impl Step<'_> {
    /// The time in seconds, as bundles have it.
    pub(crate) fn seconds(&self) -> u64 {
        self.now / 1000
    }
}
