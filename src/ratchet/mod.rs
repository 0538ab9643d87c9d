//! The Double Ratchet (Signal, "The Double Ratchet Algorithm", revision 3, §3 and §7.2; RFC windlass §7.4).
//!
//! A [`Ratchet`] is a value: sending and receiving give a new one and leave the old one as it was. Receiving goes through a
//! [`Candidate`], whose new state comes out only together with a plaintext that the AEAD accepted. So a message that fails cannot
//! change anything, whatever its header says.
//!
//! New ratchet keys are generated when the next message is sent, not when one is received (the deferral that Double Ratchet §8
//! recommends to consider): a key lives as short as it can, and receiving needs no randomness.

mod chain;
mod memory;
mod receive;
mod row;

pub use chain::{ChainKey, MessageKey, RootKey};
pub use memory::MemorySkippedKeys;
pub use receive::{Candidate, Opened, SkippedChange, SkippedKeys};

use std::collections::VecDeque;

use crate::crypto::{
    AgreementError, AuthenticationFailed, CryptoRng, DhPublic, DhSecret, SharedSecret,
};
use crate::limits::MAX_CHAIN_JUMP;

/// The fields of a header that the ratchet itself needs (Double Ratchet §3.1, `HEADER(dh, pn, n)`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RatchetHeader {
    /// The sender's current ratchet key.
    pub ratchet_key: DhPublic,
    /// PN: how many messages the sender's previous chain had.
    pub previous_chain_length: u32,
    /// N: the number of this message in its chain, from 0.
    pub message_number: u32,
}

/// Where a message stands: in which receiving chain of the session, counted from 0, and as which of its messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// Counts the receiving chains of the session.
    pub chain: u32,
    /// N of the header.
    pub number: u32,
}

/// Why the ratchet gives no key, or a key does not fit. Nothing has changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RatchetError {
    /// The message's key was used before, or thrown away because of a bound.
    #[error("the message key at chain {}, number {} was used before or is gone", .0.chain, .0.number)]
    KeyGone(Position),
    /// The header asks for more steps than [`MAX_CHAIN_JUMP`].
    #[error("the message is {ahead} ahead in its chain, at most {MAX_CHAIN_JUMP} are allowed")]
    TooFarAhead {
        /// How many.
        ahead: u32,
    },
    /// The header names a ratchet key that the sender could not have reached, or that is of small order.
    #[error("the header's ratchet key does not belong to this session")]
    UnexpectedRatchetKey,
    /// The counters of the session are at their end (2^32 messages in a chain).
    #[error("the session's counters are used up")]
    Exhausted,
    /// The AEAD refused.
    #[error(transparent)]
    Authentication(#[from] AuthenticationFailed),
    /// The stored ratchet is not one.
    #[error("the stored ratchet is damaged")]
    Damaged,
    /// The skipped keys could not be read.
    #[error("the skipped keys could not be read: {0}")]
    SkippedKeys(String),
}

impl From<AgreementError> for RatchetError {
    fn from(_: AgreementError) -> Self {
        Self::UnexpectedRatchetKey
    }
}

/// A receiving chain whose skipped keys are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct ReceivedChain {
    ordinal: u32,
    remote_key: DhPublic,
    /// How many keys of it are skipped and kept.
    skipped: u32,
}

/// The state of Double Ratchet §3.2, for one session on one side. Skipped keys (MKSKIPPED) are kept apart, see
/// [`SkippedKeys`], so that saving a step costs the same however many there are.
#[derive(Debug)]
pub struct Ratchet {
    /// RK.
    root: RootKey,
    /// DHr; the signed prekey at first on the initiator's side, nothing on the responder's.
    remote_key: Option<DhPublic>,
    /// DHs; nothing between receiving under a new remote key and sending the next message.
    own: Option<OwnKey>,
    /// CKs, Ns.
    sending: Option<ChainKey>,
    sent: u32,
    /// PN.
    previous_sent: u32,
    /// CKr, Nr; belongs to the last of `chains`.
    receiving: Option<ChainKey>,
    received: u32,
    /// The latest receiving chains, oldest first.
    chains: VecDeque<ReceivedChain>,
}

/// A ratchet key pair of ours. The public half is in every header, so it is not computed for each.
#[derive(Debug)]
struct OwnKey {
    secret: DhSecret,
    public: DhPublic,
}

impl OwnKey {
    fn new(secret: DhSecret) -> Self {
        Self {
            public: secret.public(),
            secret,
        }
    }
}

impl Ratchet {
    /// `RatchetInitAlice` (Double Ratchet §3.3): the responder's signed prekey is its first ratchet key. The own ratchet key and
    /// the sending chain come with the first message sent.
    #[must_use]
    pub fn initiate(shared_secret: SharedSecret, signed_prekey: DhPublic) -> Self {
        Self::start(shared_secret, Some(signed_prekey), None)
    }

    /// `RatchetInitBob` (Double Ratchet §3.3): the own signed prekey is the first ratchet key pair.
    #[must_use]
    pub fn respond(shared_secret: SharedSecret, signed_prekey: DhSecret) -> Self {
        Self::start(shared_secret, None, Some(signed_prekey))
    }

    fn start(
        shared_secret: SharedSecret,
        remote_key: Option<DhPublic>,
        own: Option<DhSecret>,
    ) -> Self {
        Self {
            root: RootKey::new(shared_secret),
            remote_key,
            own: own.map(OwnKey::new),
            sending: None,
            sent: 0,
            previous_sent: 0,
            receiving: None,
            received: 0,
            chains: VecDeque::new(),
        }
    }

    /// `RatchetEncrypt` (Double Ratchet §3.4) up to the message key: the header to send, the key to encrypt with, and the state
    /// that must be durable before the ciphertext leaves.
    pub fn send(
        &self,
        rng: &mut dyn CryptoRng,
    ) -> Result<(Self, RatchetHeader, MessageKey), RatchetError> {
        let mut next = self.duplicate();
        let (own_public, chain) = match (next.own.take(), next.sending.take()) {
            (Some(own), Some(chain)) => {
                let public = own.public;
                next.own = Some(own);
                (public, chain)
            }
            _ => next.start_sending_chain(rng)?,
        };
        let (message_key, chain) = chain.step();
        let header = RatchetHeader {
            ratchet_key: own_public,
            previous_chain_length: next.previous_sent,
            message_number: next.sent,
        };
        next.sent = next.sent.checked_add(1).ok_or(RatchetError::Exhausted)?;
        next.sending = Some(chain);
        Ok((next, header, message_key))
    }

    /// The second half of `DHRatchet` (Double Ratchet §3.5), deferred to here.
    fn start_sending_chain(
        &mut self,
        rng: &mut dyn CryptoRng,
    ) -> Result<(DhPublic, ChainKey), RatchetError> {
        // Without a remote key the responder has not received yet, and a session begins with receiving.
        let remote = self.remote_key.ok_or(RatchetError::Damaged)?;
        let own = OwnKey::new(DhSecret::generate(rng));
        let (root, chain) = self.root.step(&own.secret.agree(&remote)?);
        let public = own.public;
        self.root = root;
        self.own = Some(own);
        Ok((public, chain))
    }

    /// A second copy to work on, so that the first stays as it is until the AEAD accepted.
    fn duplicate(&self) -> Self {
        Self {
            root: self.root.duplicate(),
            remote_key: self.remote_key,
            own: self.own.as_ref().map(|own| OwnKey {
                secret: DhSecret::from_bytes(&own.secret.to_bytes()),
                public: own.public,
            }),
            sending: self.sending.as_ref().map(ChainKey::duplicate),
            sent: self.sent,
            previous_sent: self.previous_sent,
            receiving: self.receiving.as_ref().map(ChainKey::duplicate),
            received: self.received,
            chains: self.chains.clone(),
        }
    }

    /// Keys of these positions are not kept any more.
    pub(crate) fn forget_skipped(&mut self, erased: &[Position]) {
        for position in erased {
            self.count_erased(position.chain);
        }
    }

    fn count_erased(&mut self, ordinal: u32) {
        if let Some(chain) = self
            .chains
            .iter_mut()
            .find(|chain| chain.ordinal == ordinal)
        {
            chain.skipped = chain.skipped.saturating_sub(1);
        }
    }

    /// How many skipped keys belong to this state.
    #[must_use]
    pub fn skipped(&self) -> u32 {
        self.chains.iter().map(|chain| chain.skipped).sum()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]
mod tests;
