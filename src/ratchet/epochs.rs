//! The Sparse Post-Quantum Ratchet (Double Ratchet §5): chains of keys for each epoch and direction, which run in step with those of the double
//! ratchet (RFC windlass §7.4).
//!
//! A chain of messages has one epoch, and each of its messages takes one key of the epoch's chain for its direction. So where a message stands in
//! the double ratchet says where it stands here, and nothing but the epoch travels.

use super::chain::EpochRoot;
use super::scka::{Message, Scka};
use super::{ChainKey, HalfKey, RatchetError};
use crate::crypto::{CryptoRng, Secret, SharedSecret, wipe};
use crate::wire::store::{EpochChainRow, EpochsRow};

/// The chain of one direction.
#[derive(Debug)]
struct Direction {
    epoch: u32,
    chain: ChainKey,
    /// That of the next epoch, when its secret is known and no chain of messages has begun in it.
    next: Option<ChainKey>,
}

/// The state of one side.
#[derive(Debug)]
pub(super) struct Epochs {
    root: EpochRoot,
    initiator: bool,
    sending: Direction,
    receiving: Direction,
    scka: Scka,
}

impl Epochs {
    /// The initiator's side.
    pub(super) fn initiate(shared_secret: &SharedSecret, at_once: bool) -> Self {
        Self::start(shared_secret, true, Scka::initiate(at_once))
    }

    /// The responder's side.
    pub(super) fn respond(shared_secret: &SharedSecret) -> Self {
        Self::start(shared_secret, false, Scka::respond())
    }

    fn start(shared_secret: &SharedSecret, initiator: bool, scka: Scka) -> Self {
        let (root, first, second) = EpochRoot::first(shared_secret);
        let (sending, receiving) = ordered(initiator, first, second);
        let direction = |chain| Direction {
            epoch: 0,
            chain,
            next: None,
        };
        Self {
            root,
            initiator,
            sending: direction(sending),
            receiving: direction(receiving),
            scka,
        }
    }

    /// A chain of messages of ours begins. It is in the next epoch if the other side surely has its key.
    pub(super) fn begin_sending(&mut self) -> Result<(), RatchetError> {
        if self.scka.is_shared() {
            self.sending.advance()?;
        }
        Ok(())
    }

    /// The epoch of the chain that [`Self::begin_sending`] would begin, or of the one that there is.
    pub(super) fn sending_epoch(&self, begins: bool) -> u32 {
        let next = begins && self.sending.next.is_some() && self.scka.is_shared();
        self.sending.epoch.saturating_add(u32::from(next))
    }

    /// The key and the epoch of our next message, and what goes with it.
    pub(super) fn send(&mut self, now: u64, rng: &mut dyn CryptoRng) -> (HalfKey, u32, Message) {
        let (message, secret) = self.scka.send(now, rng);
        self.learn(secret);
        (self.sending.step(), self.sending.epoch, message)
    }

    /// Whether a chain of the other side's messages may begin in an epoch: in the current one, or in the next if its key is known.
    pub(super) fn may_receive_in(&self, epoch: u32) -> bool {
        let is_next = self.receiving.epoch.checked_add(1) == Some(epoch);
        epoch == self.receiving.epoch || (is_next && self.receiving.next.is_some())
    }

    /// One begins, in an epoch that it may begin in.
    pub(super) fn begin_receiving(&mut self, epoch: u32) -> Result<(), RatchetError> {
        if epoch != self.receiving.epoch {
            self.receiving.advance()?;
            self.scka.confirm();
        }
        Ok(())
    }

    /// The key of the other side's next message.
    pub(super) fn step_receiving(&mut self) -> HalfKey {
        self.receiving.step()
    }

    /// What it takes to read the other side's messages: the key of the current epoch, and with `turns` that of the next if it is agreed on.
    pub(super) fn to_receiving_row(&self, turns: bool) -> EpochChainRow {
        let mut row = self.receiving.to_row();
        if !turns {
            wipe(&mut row.next_chain_key);
            row.next_chain_key.clear();
        }
        row
    }

    /// What came with a message that the AEAD accepted. The next exchange begins when both directions are in the epoch of the last one: what comes
    /// earlier is passed over.
    pub(super) fn hear(&mut self, message: &Message) {
        if self.sending.next.is_none() && self.receiving.next.is_none() {
            let secret = self.scka.receive(message);
            self.learn(secret);
        }
    }

    fn learn(&mut self, secret: Option<SharedSecret>) {
        if let Some(secret) = secret {
            let (root, first, second) = self.root.step(&secret);
            let (sending, receiving) = ordered(self.initiator, first, second);
            self.root = root;
            self.sending.next = Some(sending);
            self.receiving.next = Some(receiving);
        }
    }

    #[cfg(test)]
    pub(super) fn duplicate(&self) -> Self {
        Self {
            root: self.root.duplicate(),
            initiator: self.initiator,
            sending: self.sending.duplicate(),
            receiving: self.receiving.duplicate(),
            scka: self.scka.duplicate(),
        }
    }

    pub(super) fn to_row(&self) -> EpochsRow {
        EpochsRow {
            root_key: self.root.as_bytes().to_vec(),
            initiator: self.initiator,
            sending: Some(self.sending.to_row()),
            receiving: Some(self.receiving.to_row()),
            scka: Some(self.scka.to_row()),
        }
    }

    pub(super) fn from_row(row: &EpochsRow) -> Option<Self> {
        Some(Self {
            root: EpochRoot::new(Secret::try_from_slice(&row.root_key)?),
            initiator: row.initiator,
            sending: Direction::from_row(row.sending.as_ref()?)?,
            receiving: Direction::from_row(row.receiving.as_ref()?)?,
            scka: Scka::from_row(row.scka.as_ref()?)?,
        })
    }
}

impl Direction {
    fn step(&mut self) -> HalfKey {
        self.chain.step()
    }

    /// Leaves an epoch: its keys are gone.
    fn advance(&mut self) -> Result<(), RatchetError> {
        if let Some(chain) = self.next.take() {
            self.epoch = self.epoch.checked_add(1).ok_or(RatchetError::Exhausted)?;
            self.chain = chain;
        }
        Ok(())
    }

    #[cfg(test)]
    fn duplicate(&self) -> Self {
        Self {
            epoch: self.epoch,
            chain: self.chain.duplicate(),
            next: self.next.as_ref().map(ChainKey::duplicate),
        }
    }

    fn to_row(&self) -> EpochChainRow {
        let next = self.next.as_ref().map(|key| key.as_bytes().to_vec());
        EpochChainRow {
            epoch: self.epoch,
            chain_key: self.chain.as_bytes().to_vec(),
            next_chain_key: next.unwrap_or_default(),
        }
    }

    fn from_row(row: &EpochChainRow) -> Option<Self> {
        let key = |bytes: &[u8]| Secret::try_from_slice(bytes).map(ChainKey::new);
        Some(Self {
            epoch: row.epoch,
            chain: key(&row.chain_key)?,
            next: match row.next_chain_key.as_slice() {
                [] => None,
                bytes => Some(key(bytes)?),
            },
        })
    }
}

/// The keys to send and to receive with, of the initiator's and the responder's.
fn ordered(initiator: bool, first: ChainKey, second: ChainKey) -> (ChainKey, ChainKey) {
    if initiator {
        (first, second)
    } else {
        (second, first)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests;
