//! The state of a ratchet, and sending: `RatchetEncrypt` of Double Ratchet §3.4 and §6. Receiving is in `receive`.

use std::collections::VecDeque;

use super::chain::{ChainKey, MessageKey, RootKey};
use super::epochs::Epochs;
use super::scka;
use super::{ChainTag, HeaderKey, Position, RatchetError, RatchetHeader};
use crate::crypto::{CryptoRng, DhPoint, DhPublic, DhSecret, SharedSecret};

/// A receiving chain whose skipped keys are kept.
#[derive(Debug)]
pub(super) struct ReceivedChain {
    pub(super) ordinal: u32,
    pub(super) remote_key: DhPublic,
    /// HKr of this chain.
    pub(super) header_key: HeaderKey,
    /// How many keys of it are skipped and kept.
    pub(super) skipped: u32,
    /// The post-quantum epoch of its messages.
    pub(super) epoch: u32,
}

/// The state of Double Ratchet §3.2, for one session on one side. Skipped keys (MKSKIPPED) are kept apart, see
/// [`SkippedKeys`](super::SkippedKeys), so that saving a step costs the same however many there are.
#[derive(Debug)]
pub struct Ratchet {
    /// RK.
    pub(super) root: RootKey,
    /// DHr; the signed prekey at first on the initiator's side, nothing on the responder's.
    pub(super) remote_key: Option<DhPublic>,
    /// The same made ready, from receiving under it to the sending chain that begins next; not stored.
    pub(super) remote_point: Option<DhPoint>,
    /// DHs; nothing between receiving under a new remote key and sending the next message.
    pub(super) own: Option<OwnKey>,
    /// HKs; there as long as `sending` is.
    pub(super) header_key: Option<HeaderKey>,
    /// NHKs, of the next sending chain.
    pub(super) next_header_key: HeaderKey,
    /// NHKr, of the next receiving chain.
    pub(super) expected_header_key: HeaderKey,
    /// CKs, Ns.
    pub(super) sending: Option<ChainKey>,
    pub(super) sent: u32,
    /// PN.
    pub(super) previous_sent: u32,
    /// CKr, Nr; belongs to the last of `chains`.
    pub(super) receiving: Option<ChainKey>,
    pub(super) received: u32,
    /// The latest receiving chains, oldest first.
    pub(super) chains: VecDeque<ReceivedChain>,
    /// The other ratchet, which steps with this one.
    pub(super) epochs: Epochs,
}

/// What one message is sent with.
#[derive(Debug)]
pub struct Sending {
    /// The state that must be durable before the ciphertext leaves.
    pub ratchet: Ratchet,
    /// The header, to be sealed under [`Ratchet::header_key`] of that state.
    pub header: RatchetHeader,
    /// The key to encrypt with.
    pub key: MessageKey,
    /// What goes with the plaintext.
    pub message: scka::Message,
}

#[cfg(test)]
impl ReceivedChain {
    fn duplicate(&self) -> Self {
        Self {
            header_key: self.header_key.duplicate(),
            ..*self
        }
    }
}

/// A ratchet key pair of ours. The public half is in every header, so it is not computed for each.
#[derive(Debug)]
pub(super) struct OwnKey {
    pub(super) secret: DhSecret,
    pub(super) public: DhPublic,
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
    /// `RatchetInitAliceHE` (Double Ratchet §4.3): the responder's signed prekey is its first ratchet key. The own ratchet key and
    /// the sending chain come with the first message sent, and with `at_once` so does the first post-quantum key.
    #[must_use]
    pub fn initiate(shared_secret: SharedSecret, signed_prekey: DhPublic, at_once: bool) -> Self {
        let header_keys = HeaderKey::first(&shared_secret);
        let epochs = Epochs::initiate(&shared_secret, at_once);
        Self::start(
            shared_secret,
            header_keys,
            Some(signed_prekey),
            None,
            epochs,
        )
    }

    /// `RatchetInitBobHE` (Double Ratchet §4.3): the own signed prekey is the first ratchet key pair.
    #[must_use]
    pub fn respond(shared_secret: SharedSecret, signed_prekey: DhSecret) -> Self {
        let (theirs, ours) = HeaderKey::first(&shared_secret);
        let epochs = Epochs::respond(&shared_secret);
        Self::start(
            shared_secret,
            (ours, theirs),
            None,
            Some(signed_prekey),
            epochs,
        )
    }

    fn start(
        shared_secret: SharedSecret,
        (ours, theirs): (HeaderKey, HeaderKey),
        remote_key: Option<DhPublic>,
        own: Option<DhSecret>,
        epochs: Epochs,
    ) -> Self {
        Self {
            root: RootKey::new(shared_secret),
            remote_key,
            remote_point: None,
            own: own.map(OwnKey::new),
            header_key: None,
            next_header_key: ours,
            expected_header_key: theirs,
            sending: None,
            sent: 0,
            previous_sent: 0,
            receiving: None,
            received: 0,
            chains: VecDeque::new(),
            epochs,
        }
    }

    /// `RatchetEncrypt` (Double Ratchet §3.4, §6) up to the message key. `now` is in milliseconds.
    pub fn send(self, now: u64, rng: &mut dyn CryptoRng) -> Result<Sending, RatchetError> {
        let mut next = self;
        let (own_public, mut chain) = match (next.own.take(), next.sending.take()) {
            (Some(own), Some(chain)) => {
                let public = own.public;
                next.own = Some(own);
                (public, chain)
            }
            _ => next.start_sending_chain(rng)?,
        };
        let classical = chain.step();
        let (post_quantum, epoch, message) = next.epochs.send(now, rng);
        let header = RatchetHeader {
            ratchet_key: own_public,
            previous_chain_length: next.previous_sent,
            message_number: next.sent,
            epoch,
        };
        next.sent = next.sent.checked_add(1).ok_or(RatchetError::Exhausted)?;
        next.sending = Some(chain);
        Ok(Sending {
            ratchet: next,
            header,
            key: MessageKey::hybrid(classical, &post_quantum),
            message,
        })
    }

    /// Whether the next message sent begins a sending chain, with a new ratchet key.
    #[must_use]
    pub fn begins_chain(&self) -> bool {
        self.own.is_none() || self.sending.is_none()
    }

    /// The epoch of the next message sent. From 1 on, a post-quantum secret of the ratchet's own protects it.
    #[must_use]
    pub fn sending_epoch(&self) -> u32 {
        self.epochs.sending_epoch(self.begins_chain())
    }

    /// Takes in what came with a message of the other side. Only what the AEAD accepted is heard.
    pub fn hear(&mut self, message: &scka::Message) {
        self.epochs.hear(message);
    }

    /// The second half of `DHRatchet` (Double Ratchet §3.5), deferred to here.
    fn start_sending_chain(
        &mut self,
        rng: &mut dyn CryptoRng,
    ) -> Result<(DhPublic, ChainKey), RatchetError> {
        // Without a remote key the responder has not received yet, and a session begins with receiving.
        let remote = self.remote_key.ok_or(RatchetError::Damaged)?;
        let own = OwnKey::new(DhSecret::generate(rng));
        let point = self.remote_point.take().unwrap_or_else(|| remote.point());
        let (root, chain, next) = self.root.step(&own.secret.agree_at(&point)?);
        let public = own.public;
        self.epochs.begin_sending()?;
        self.root = root;
        self.header_key = Some(core::mem::replace(&mut self.next_header_key, next));
        self.own = Some(own);
        Ok((public, chain))
    }

    /// A second copy, for tests of what a first one would have become.
    #[cfg(test)]
    pub(super) fn duplicate(&self) -> Self {
        Self {
            root: self.root.duplicate(),
            remote_key: self.remote_key,
            remote_point: self.remote_point,
            own: self.own.as_ref().map(|own| OwnKey {
                secret: own.secret.duplicate(),
                public: own.public,
            }),
            header_key: self.header_key.as_ref().map(HeaderKey::duplicate),
            next_header_key: self.next_header_key.duplicate(),
            expected_header_key: self.expected_header_key.duplicate(),
            sending: self.sending.as_ref().map(ChainKey::duplicate),
            sent: self.sent,
            previous_sent: self.previous_sent,
            receiving: self.receiving.as_ref().map(ChainKey::duplicate),
            received: self.received,
            chains: self.chains.iter().map(ReceivedChain::duplicate).collect(),
            epochs: self.epochs.duplicate(),
        }
    }

    /// Keys of these positions are not kept any more.
    pub(crate) fn forget_skipped(&mut self, erased: &[Position]) {
        for position in erased {
            self.count_erased(position.chain);
        }
    }

    pub(super) fn count_erased(&mut self, ordinal: u32) {
        if let Some(chain) = self
            .chains
            .iter_mut()
            .find(|chain| chain.ordinal == ordinal)
        {
            chain.skipped = chain.skipped.saturating_sub(1);
        }
    }

    /// HKs: what the header is sealed under that [`Self::send`] gave with this state.
    pub fn header_key(&self) -> Result<&HeaderKey, RatchetError> {
        self.header_key.as_ref().ok_or(RatchetError::Damaged)
    }

    /// The tags of what can come: of the latest receiving chains and of the next one.
    #[must_use]
    pub fn expected_tags(&self) -> Vec<ChainTag> {
        let known = self.chains.iter().map(|chain| chain.header_key.tag());
        known.chain([self.expected_header_key.tag()]).collect()
    }

    /// How many skipped keys belong to this state.
    #[must_use]
    pub fn skipped(&self) -> u32 {
        self.chains.iter().map(|chain| chain.skipped).sum()
    }
}
