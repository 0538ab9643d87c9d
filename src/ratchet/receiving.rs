//! What of a ratchet it takes to read what comes next, for a process that owns no ratchet (decision 0109).
//!
//! It has the current receiving chain, and, while the other side may begin the next one, what it takes to follow it there: one turn, and no further.
//! There is nothing of a sending chain in it, no skipped key, no root of the post-quantum ratchet and no key pair of its next agreement. Nothing here
//! is stepped: each key is computed on a copy, so the same message gives the same key again.

use super::chain::{ChainKey, MessageKey, RootKey};
use super::{ChainTag, HeaderKey, Position, Ratchet, RatchetError, RatchetHeader};
use crate::crypto::{DhPublic, DhSecret, Secret};
use crate::limits::MAX_CHAIN_JUMP;
use crate::wire::store::{EpochChainRow, ReceivingRatchetRow};

/// CKr, Nr and HKr (Double Ratchet §3.2, §4).
#[derive(Debug)]
struct Current {
    remote_key: DhPublic,
    header_key: HeaderKey,
    chain: ChainKey,
    received: u32,
    epoch: u32,
    gaps: bool,
}

/// RK, DHs and NHKr: the other side may begin a chain.
#[derive(Debug)]
struct Turn {
    root: RootKey,
    own: DhSecret,
    header_key: HeaderKey,
}

/// The chain of the post-quantum ratchet, and the next one, if it is agreed on.
#[derive(Debug)]
struct Epoch {
    number: u32,
    chain: ChainKey,
    next: Option<ChainKey>,
}

/// The receiving half of a ratchet, for one turn.
#[derive(Debug)]
pub struct ReceivingRatchet {
    current: Option<Current>,
    turn: Option<Turn>,
    epoch: Epoch,
}

impl Ratchet {
    /// What of this state it takes to read what comes next; nothing if nothing can come.
    #[must_use]
    pub fn to_receiving_row(&self) -> Option<ReceivingRatchetRow> {
        let current = self.receiving.as_ref().zip(self.chains.back());
        if current.is_none() && self.own.is_none() {
            return None;
        }
        let bytes =
            |bytes: Option<&[u8; 32]>| bytes.map(|bytes| bytes.to_vec()).unwrap_or_default();
        let header_key = |key: &HeaderKey| key.to_bytes().as_bytes().to_vec();
        let (chain, last) = current.unzip();
        let turn = self.own.as_ref();
        Some(ReceivingRatchetRow {
            remote_key: bytes(last.map(|last| last.remote_key.as_bytes())),
            header_key: last
                .map(|last| header_key(&last.header_key))
                .unwrap_or_default(),
            chain_key: bytes(chain.map(ChainKey::as_bytes)),
            received: self.received,
            epoch: last.map_or(0, |last| last.epoch),
            gaps: last.is_some_and(|last| last.skipped > 0),
            root_key: bytes(turn.map(|_| self.root.as_bytes())),
            own_secret: bytes(
                turn.map(|own| own.secret.to_bytes())
                    .as_ref()
                    .map(Secret::as_bytes),
            ),
            expected_header_key: turn
                .map(|_| header_key(&self.expected_header_key))
                .unwrap_or_default(),
            epochs: Some(self.epochs.to_receiving_row(turn.is_some())),
        })
    }

    /// The tags of former chains of which everything came that was counted: what comes in them is known already.
    #[must_use]
    pub fn settled_tags(&self) -> Vec<ChainTag> {
        let former = self.chains.iter().rev().skip(1);
        let settled = former.filter(|chain| chain.skipped == 0);
        settled.map(|chain| chain.header_key.tag()).collect()
    }
}

impl ReceivingRatchet {
    /// Of a row.
    pub fn from_row(row: &ReceivingRatchetRow) -> Result<Self, RatchetError> {
        let current = if row.chain_key.is_empty() {
            None
        } else {
            Some(Current {
                remote_key: DhPublic::from_bytes(&row.remote_key)?,
                header_key: header_key(&row.header_key)?,
                chain: chain_key(&row.chain_key)?,
                received: row.received,
                epoch: row.epoch,
                gaps: row.gaps,
            })
        };
        let turn = if row.own_secret.is_empty() {
            None
        } else {
            Some(Turn {
                root: RootKey::new(secret(&row.root_key)?),
                own: DhSecret::from_bytes(&secret(&row.own_secret)?),
                header_key: header_key(&row.expected_header_key)?,
            })
        };
        let epochs = row.epochs.as_ref().ok_or(RatchetError::Damaged)?;
        Ok(Self {
            current,
            turn,
            epoch: Epoch::from_row(epochs)?,
        })
    }

    /// The tags of what can be read.
    #[must_use]
    pub fn expected_tags(&self) -> Vec<ChainTag> {
        let current = self.current.iter().map(|chain| chain.header_key.tag());
        let next = self.turn.iter().map(|turn| turn.header_key.tag());
        current.chain(next).collect()
    }

    /// Whether messages that stand in front of those that can be read are still to come.
    #[must_use]
    pub fn has_gaps(&self) -> bool {
        self.current.as_ref().is_some_and(|current| current.gaps)
    }

    /// `DecryptHeader` (Double Ratchet §4.5), with the one key that the tag names.
    pub fn open_header(
        &self,
        tag: &ChainTag,
        sealed: &[u8],
        associated_data: &[u8],
    ) -> Result<RatchetHeader, RatchetError> {
        let current = self.current.as_ref();
        if let Some(chain) = current.filter(|chain| chain.header_key.tag() == *tag) {
            let header = chain.header_key.open(sealed, associated_data)?;
            let fits = header.ratchet_key == chain.remote_key && header.epoch == chain.epoch;
            return fits
                .then_some(header)
                .ok_or(RatchetError::UnexpectedRatchetKey);
        }
        let turn = self.turn.as_ref();
        let turn = turn.filter(|turn| turn.header_key.tag() == *tag);
        let turn = turn.ok_or(RatchetError::UnknownChain)?;
        let header = turn.header_key.open(sealed, associated_data)?;
        let is_new = current.is_none_or(|chain| chain.remote_key != header.ratchet_key);
        is_new
            .then_some(header)
            .ok_or(RatchetError::UnexpectedRatchetKey)
    }

    /// The key of the message with this header, which [`Self::open_header`] gave.
    pub fn message_key(&self, header: &RatchetHeader) -> Result<MessageKey, RatchetError> {
        let number = header.message_number;
        let current = self.current.as_ref();
        if let Some(current) = current.filter(|chain| chain.remote_key == header.ratchet_key) {
            let ahead = number.checked_sub(current.received);
            let ahead = ahead.ok_or(RatchetError::KeyGone(Position { chain: 0, number }))?;
            let mut chains = (current.chain.duplicate(), self.epoch.chain.duplicate());
            return key_ahead(&mut chains, ahead);
        }
        let turn = self.turn.as_ref();
        let turn = turn.ok_or(RatchetError::UnexpectedRatchetKey)?;
        let post_quantum = self.epoch_chain(header)?;
        let agreement = turn.own.agree_at(&header.ratchet_key.point())?;
        let (_, chain, _) = turn.root.step(&agreement);
        key_ahead(&mut (chain, post_quantum), number)
    }

    /// The post-quantum chain as it stands when the next chain of messages begins.
    fn epoch_chain(&self, header: &RatchetHeader) -> Result<ChainKey, RatchetError> {
        if self.epoch.number.checked_add(1) == Some(header.epoch) {
            let next = self.epoch.next.as_ref();
            return next
                .map(ChainKey::duplicate)
                .ok_or(RatchetError::UnexpectedRatchetKey);
        }
        if header.epoch != self.epoch.number {
            return Err(RatchetError::UnexpectedRatchetKey);
        }
        let mut chain = self.epoch.chain.duplicate();
        if let Some(current) = &self.current {
            // What of the chain before did not come is passed over in both ratchets.
            let ahead = (header.previous_chain_length).saturating_sub(current.received);
            check_jump(ahead)?;
            for _ in 0..ahead {
                let _ = chain.step();
            }
        }
        Ok(chain)
    }
}

impl Epoch {
    fn from_row(row: &EpochChainRow) -> Result<Self, RatchetError> {
        Ok(Self {
            number: row.epoch,
            chain: chain_key(&row.chain_key)?,
            next: match row.next_chain_key.as_slice() {
                [] => None,
                bytes => Some(chain_key(bytes)?),
            },
        })
    }
}

/// As far as a ratchet itself would go.
fn check_jump(ahead: u32) -> Result<(), RatchetError> {
    if ahead > MAX_CHAIN_JUMP {
        return Err(RatchetError::TooFarAhead { ahead });
    }
    Ok(())
}

fn key_ahead(chains: &mut (ChainKey, ChainKey), ahead: u32) -> Result<MessageKey, RatchetError> {
    check_jump(ahead)?;
    for _ in 0..ahead {
        let _ = (chains.0.step(), chains.1.step());
    }
    Ok(MessageKey::hybrid(chains.0.step(), &chains.1.step()))
}

fn secret(bytes: &[u8]) -> Result<Secret<32>, RatchetError> {
    Secret::try_from_slice(bytes).ok_or(RatchetError::Damaged)
}

fn chain_key(bytes: &[u8]) -> Result<ChainKey, RatchetError> {
    secret(bytes).map(ChainKey::new)
}

fn header_key(bytes: &[u8]) -> Result<HeaderKey, RatchetError> {
    HeaderKey::from_bytes(bytes).ok_or(RatchetError::Damaged)
}
