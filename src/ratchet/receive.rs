//! Receiving: `RatchetDecrypt` of Double Ratchet §3.5 and §6, on a copy of the state.

use std::collections::VecDeque;

use super::state::ReceivedChain;
use super::{ChainTag, HalfKey, MessageKey, Position, Ratchet, RatchetError, RatchetHeader};
use crate::crypto::SecretBytes;
use crate::limits::{MAX_CHAIN_JUMP, MAX_RECEIVING_CHAINS, MAX_SKIPPED_KEYS};

/// Where the skipped message keys of one session are looked up (MKSKIPPED of Double Ratchet §3.2).
pub trait SkippedKeys {
    /// The key at `position`, if it is kept.
    fn get(&self, position: Position) -> Result<Option<MessageKey>, RatchetError>;
}

/// What has to happen to the skipped keys together with the new state, in this order.
#[derive(Debug)]
pub enum SkippedChange {
    /// The chain left the bound of [`MAX_RECEIVING_CHAINS`]: all its keys go, and with them all that is remembered of it.
    ForgetChain(u32),
    /// This many keys of the chain go, lowest numbers first: the oldest make room under [`MAX_SKIPPED_KEYS`].
    EraseOldest {
        /// The chain.
        chain: u32,
        /// How many of its keys.
        count: u32,
    },
    /// The key was used.
    Erase(Position),
    /// A key to keep for a message that may still come.
    Keep(Position, MessageKey),
}

/// A key that fits a header, with the state that would follow. The state cannot be had but by [`Self::open`].
#[derive(Debug)]
pub struct Candidate {
    next: Ratchet,
    key: MessageKey,
    position: Position,
    changes: Vec<SkippedChange>,
}

/// A message that the AEAD accepted, and what must be made durable together with it.
#[derive(Debug)]
pub struct Opened {
    /// The new state.
    pub ratchet: Ratchet,
    /// The plaintext.
    pub plaintext: SecretBytes,
    /// Where the message stood.
    pub position: Position,
    /// The changes to the skipped keys.
    pub changes: Vec<SkippedChange>,
}

impl Candidate {
    /// Decrypts; only then the new state exists for anyone else.
    pub fn open(self, sealed: &[u8], associated_data: &[u8]) -> Result<Opened, RatchetError> {
        let plaintext = self.key.open(sealed, associated_data)?;
        Ok(Opened {
            ratchet: self.next,
            plaintext,
            position: self.position,
            changes: self.changes,
        })
    }
}

impl Ratchet {
    /// `DecryptHeader` (Double Ratchet §4.5), with the one key that the tag names. Nothing is computed but one AEAD.
    pub fn open_header(
        &self,
        tag: &ChainTag,
        sealed: &[u8],
        associated_data: &[u8],
    ) -> Result<RatchetHeader, RatchetError> {
        let mut chains = self.chains.iter();
        let known = chains.find(|chain| chain.header_key.tag() == *tag);
        let key = match known {
            Some(chain) => &chain.header_key,
            None if self.expected_header_key.tag() == *tag => &self.expected_header_key,
            None => return Err(RatchetError::UnknownChain),
        };
        let header = key.open(sealed, associated_data)?;
        // Each chain has one ratchet key.
        let of_key = (self.chains.iter()).find(|chain| chain.remote_key == header.ratchet_key);
        if known.map(|chain| chain.ordinal) == of_key.map(|chain| chain.ordinal) {
            Ok(header)
        } else {
            Err(RatchetError::UnexpectedRatchetKey)
        }
    }

    /// Finds the message key for `header`. The state that follows can be had from what [`Candidate::open`] gives alone.
    pub fn receive(
        self,
        header: &RatchetHeader,
        skipped: &dyn SkippedKeys,
    ) -> Result<Candidate, RatchetError> {
        let Some(chain) = self.chain_of(header) else {
            return self.receive_in_new_chain(header);
        };
        // Each chain has one epoch.
        if header.epoch != chain.epoch {
            return Err(RatchetError::UnexpectedRatchetKey);
        }
        let position = Position {
            chain: chain.ordinal,
            number: header.message_number,
        };
        let current = self
            .chains
            .back()
            .is_some_and(|last| last.ordinal == chain.ordinal);
        if current && header.message_number >= self.received {
            self.receive_ahead(position)
        } else {
            self.receive_skipped(position, skipped)
        }
    }

    /// Whether a message with this header begins a receiving chain.
    #[must_use]
    pub fn is_in_new_chain(&self, header: &RatchetHeader) -> bool {
        self.chain_of(header).is_none()
    }

    fn chain_of(&self, header: &RatchetHeader) -> Option<&ReceivedChain> {
        let mut chains = self.chains.iter();
        chains.find(|chain| chain.remote_key == header.ratchet_key)
    }

    /// `TrySkippedMessageKeys`.
    fn receive_skipped(
        self,
        position: Position,
        skipped: &dyn SkippedKeys,
    ) -> Result<Candidate, RatchetError> {
        let key = skipped
            .get(position)?
            .ok_or(RatchetError::KeyGone(position))?;
        let mut next = self;
        next.count_erased(position.chain);
        Ok(Candidate {
            next,
            key,
            position,
            changes: vec![SkippedChange::Erase(position)],
        })
    }

    /// A message of the current chain, this one or a later one.
    fn receive_ahead(self, position: Position) -> Result<Candidate, RatchetError> {
        let mut next = self;
        let mut kept = Kept::default();
        let key = next.advance(position.number, &mut kept)?;
        let changes = next.keep(kept);
        Ok(Candidate {
            next,
            key,
            position,
            changes,
        })
    }

    /// A new remote ratchet key: the rest of the current chain is skipped, then the first half of `DHRatchet`.
    fn receive_in_new_chain(self, header: &RatchetHeader) -> Result<Candidate, RatchetError> {
        let mut next = self;
        let mut kept = Kept::default();
        // The peer makes a new ratchet key only in answer to one of ours. Without one of ours out there, the header is not theirs.
        let own = next.own.take().ok_or(RatchetError::UnexpectedRatchetKey)?;
        if !next.epochs.may_receive_in(header.epoch) {
            return Err(RatchetError::UnexpectedRatchetKey);
        }
        if next.receiving.is_some() {
            next.skip_to(header.previous_chain_length, &mut kept)?;
        }
        next.epochs.begin_receiving(header.epoch)?;
        let point = header.ratchet_key.point();
        let (root, chain, expected) = next.root.step(&own.secret.agree_at(&point)?);
        next.root = root;
        let header_key = core::mem::replace(&mut next.expected_header_key, expected);
        next.receiving = Some(chain);
        next.received = 0;
        next.remote_key = Some(header.ratchet_key);
        next.remote_point = Some(point);
        (next.sending, next.header_key) = (None, None);
        next.previous_sent = next.sent;
        next.sent = 0;
        let ordinal = match next.chains.back() {
            Some(last) => last.ordinal.checked_add(1).ok_or(RatchetError::Exhausted)?,
            None => 0,
        };
        next.chains.push_back(ReceivedChain {
            ordinal,
            remote_key: header.ratchet_key,
            header_key,
            skipped: 0,
            epoch: header.epoch,
        });
        let mut changes = Vec::new();
        while next.chains.len() > MAX_RECEIVING_CHAINS {
            if let Some(oldest) = next.chains.pop_front() {
                changes.push(SkippedChange::ForgetChain(oldest.ordinal));
            }
        }
        let position = Position {
            chain: ordinal,
            number: header.message_number,
        };
        let key = next.advance(position.number, &mut kept)?;
        changes.extend(next.keep(kept));
        Ok(Candidate {
            next,
            key,
            position,
            changes,
        })
    }

    /// Skips to message `number` of the current chain and takes its key.
    fn advance(&mut self, number: u32, kept: &mut Kept) -> Result<MessageKey, RatchetError> {
        self.skip_to(number, kept)?;
        let chain = self.receiving.as_mut().ok_or(RatchetError::Damaged)?;
        let classical = chain.step();
        self.received = number.checked_add(1).ok_or(RatchetError::Exhausted)?;
        let post_quantum = self.epochs.step_receiving();
        Ok(MessageKey::hybrid(classical, &post_quantum))
    }

    /// `SkipMessageKeys`, with the bound on the jump.
    fn skip_to(&mut self, number: u32, kept: &mut Kept) -> Result<(), RatchetError> {
        let ahead = number.saturating_sub(self.received);
        if ahead > MAX_CHAIN_JUMP {
            return Err(RatchetError::TooFarAhead { ahead });
        }
        let ordinal = self
            .chains
            .back()
            .map(|chain| chain.ordinal)
            .ok_or(RatchetError::Damaged)?;
        let chain = self.receiving.as_mut().ok_or(RatchetError::Damaged)?;
        while self.received < number {
            let key = chain.step();
            kept.push(
                Position {
                    chain: ordinal,
                    number: self.received,
                },
                (key, self.epochs.step_receiving()),
            );
            self.received += 1;
        }
        Ok(())
    }

    /// Makes room for what was skipped, oldest first, and counts it.
    fn keep(&mut self, kept: Kept) -> Vec<SkippedChange> {
        let mut changes = Vec::with_capacity(kept.0.len());
        let fresh = u32::try_from(kept.0.len()).unwrap_or(MAX_SKIPPED_KEYS);
        let mut excess = (self.skipped() + fresh).saturating_sub(MAX_SKIPPED_KEYS);
        for chain in &mut self.chains {
            let count = excess.min(chain.skipped);
            if count > 0 {
                chain.skipped -= count;
                excess -= count;
                changes.push(SkippedChange::EraseOldest {
                    chain: chain.ordinal,
                    count,
                });
            }
        }
        for (position, (classical, post_quantum)) in kept.0 {
            // A chain that left the bound in the same step keeps nothing.
            if let Some(chain) = self
                .chains
                .iter_mut()
                .find(|chain| chain.ordinal == position.chain)
            {
                chain.skipped += 1;
                let key = MessageKey::hybrid(classical, &post_quantum);
                changes.push(SkippedChange::Keep(position, key));
            }
        }
        changes
    }
}

/// The keys skipped by one message: the latest [`MAX_SKIPPED_KEYS`] of them, so that a jump of
/// [`MAX_CHAIN_JUMP`] takes no more memory than that. Only these are mixed, so that a jump costs chain steps alone.
#[derive(Default)]
struct Kept(VecDeque<(Position, (HalfKey, HalfKey))>);

impl Kept {
    fn push(&mut self, position: Position, key: (HalfKey, HalfKey)) {
        if self.0.len() >= MAX_SKIPPED_KEYS as usize {
            self.0.pop_front();
        }
        self.0.push_back((position, key));
    }
}
