//! The state of a session, and what sending and receiving make of it.

use super::{HintKey, Part, PostQuantum, SessionError};
use crate::bundle::{CODE_SECRET_LEN, DeviceBundle};
use crate::crypto::{CryptoRng, Secret, SecretBytes, pad_parts, unpadded_len};
use crate::identity::{IdentityKeyPair, PublicIdentity};
use crate::ratchet::scka::Message;
use crate::ratchet::{
    ChainTag, MessageKey, Opened, Position, Ratchet, RatchetHeader, SEALED_HEADER_LEN,
    SkippedChange, SkippedKeys,
};
use crate::x3dh::{
    self, ASSOCIATED_DATA_LEN, Agreement, AssociatedData, HandshakeMessage, Mode, Party,
    ResponderKeys, SealedHandshake, SessionId,
};

/// Length in bytes of what a body is bound to.
const BODY_DATA_LEN: usize = ASSOCIATED_DATA_LEN + size_of::<SessionId>() + RatchetHeader::LEN;

/// How far a session has come.
#[derive(Debug)]
pub(super) enum Phase {
    /// We began, and no reply has proved yet that the handshake arrived: every message carries it (PQXDH §3.3).
    Pending(Box<SealedHandshake>),
    /// Both sides have it.
    Established,
}

/// A session with one remote device.
#[derive(Debug)]
pub struct Session {
    pub(super) id: SessionId,
    pub(super) peer: Party,
    pub(super) associated_data: AssociatedData,
    pub(super) hint_key: HintKey,
    pub(super) phase: Phase,
    /// Which parts the handshake had.
    pub(super) mode: Mode,
    pub(super) ratchet: Ratchet,
    /// Milliseconds since the epoch; shown, never relied on.
    pub(super) created_at: u64,
    /// Since when the other end is known to be that device.
    pub(super) known_since: u64,
    /// Begun for a request for healing, and nothing has come in it.
    pub(super) probe: bool,
}

/// A message that a session accepted, and what must be made durable together with it.
#[derive(Debug)]
pub struct Received {
    /// The session's new state.
    pub session: Session,
    /// The payload, without its padding and what goes in front; nothing if one of them is not as it has to be. Its key is used all the same, or
    /// whoever sent it could have it opened again and again (RFC windlass §7.8.2).
    pub payload: Option<SecretBytes>,
    /// Where the message stood.
    pub position: Position,
    /// The changes to the session's skipped keys.
    pub changes: Vec<SkippedChange>,
    /// The changes to the tags by which the session is found.
    pub tags: TagChanges,
    /// True when this message proved that our handshake had arrived.
    pub established: bool,
}

/// Which chain tags lead to a session after a message, and did not before, or the other way round. Only a step of the ratchet changes them.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct TagChanges {
    /// Of chains that can come from now on.
    pub new: Vec<ChainTag>,
    /// Of chains that left the bound of `MAX_RECEIVING_CHAINS`.
    pub gone: Vec<ChainTag>,
}

impl TagChanges {
    fn between(before: &[ChainTag], after: &[ChainTag]) -> Self {
        let without = |all: &[ChainTag], other: &[ChainTag]| {
            let left = all.iter().filter(|tag| !other.contains(tag));
            left.copied().collect()
        };
        Self {
            new: without(after, before),
            gone: without(before, after),
        }
    }
}

impl Session {
    /// Begins a session with a device of a verified bundle (PQXDH §3.3, Double Ratchet §7.1), with what was given together with its one-time
    /// prekey.
    #[allow(clippy::too_many_arguments)]
    pub fn initiate(
        identity: &IdentityKeyPair,
        device_id: u32,
        peer: &PublicIdentity,
        device: &DeviceBundle,
        secret: Option<&Secret<CODE_SECRET_LEN>>,
        hint_key: HintKey,
        now: u64,
        rng: &mut dyn CryptoRng,
    ) -> Result<Self, SessionError> {
        let (agreement, handshake, sealed) =
            x3dh::initiate(identity, device_id, peer, device, secret, rng)?;
        let peer = Party {
            identity: *peer,
            device_id: device.device_id,
        };
        let mode = handshake.mode();
        let unprotected = !mode.is_post_quantum();
        let signed_prekey = device.signed_prekey.key;
        let ratchet = Ratchet::initiate(agreement.shared_secret, signed_prekey, unprotected);
        Ok(Self {
            id: agreement.session_id,
            peer,
            associated_data: agreement.associated_data,
            hint_key,
            phase: Phase::Pending(Box::new(sealed)),
            mode,
            ratchet,
            created_at: now,
            known_since: now,
            probe: false,
        })
    }

    /// The responder's side of a handshake. The session is worth nothing until it has received the message that the handshake
    /// came with (PQXDH §3.4), so it is not to be stored before.
    pub fn respond(
        keys: &ResponderKeys<'_>,
        handshake: &HandshakeMessage,
        hint_key: HintKey,
        now: u64,
    ) -> Result<Self, SessionError> {
        let Agreement {
            shared_secret,
            associated_data,
            session_id,
        } = x3dh::respond(keys, handshake)?;
        let signed_prekey = keys.prekeys.signed_prekey.duplicate();
        Ok(Self {
            id: session_id,
            peer: handshake.initiator,
            associated_data,
            hint_key,
            phase: Phase::Established,
            mode: handshake.mode(),
            ratchet: Ratchet::respond(shared_secret, signed_prekey),
            created_at: now,
            known_since: now,
            probe: false,
        })
    }

    /// Encrypts `payload` for the remote device: the part for the envelope, and the state that must be durable before it leaves. `now` is in
    /// milliseconds.
    pub fn send(
        self,
        our_identity: &PublicIdentity,
        payload: &[u8],
        now: u64,
        rng: &mut dyn CryptoRng,
    ) -> Result<(Self, Part), SessionError> {
        let sending = self.ratchet.send(now, rng)?;
        let padded = pad_parts(&[&sending.message.encode(), payload]);
        let session = Self {
            ratchet: sending.ratchet,
            ..self
        };
        let part = session.seal(our_identity, &sending.header, sending.key, &padded, rng)?;
        Ok((session, part))
    }

    /// The same for the whole plaintext, padding included. What the ratchet had to say with it is lost, as if the message had been.
    #[cfg(test)]
    pub(crate) fn send_padded(
        self,
        our_identity: &PublicIdentity,
        padded: &[u8],
        now: u64,
        rng: &mut dyn CryptoRng,
    ) -> Result<(Self, Part), SessionError> {
        let sending = self.ratchet.send(now, rng)?;
        let session = Self {
            ratchet: sending.ratchet,
            ..self
        };
        let part = session.seal(our_identity, &sending.header, sending.key, padded, rng)?;
        Ok((session, part))
    }

    /// The part with a plaintext under the key that the ratchet gave with its present state.
    fn seal(
        &self,
        our_identity: &PublicIdentity,
        header: &RatchetHeader,
        key: MessageKey,
        padded: &[u8],
        rng: &mut dyn CryptoRng,
    ) -> Result<Part, SessionError> {
        let ciphertext = key.seal(
            padded,
            &body_data(&self.associated_data, &self.id, header),
            rng,
        )?;
        let header_key = self.ratchet.header_key()?;
        let chain_tag = header_key.tag();
        let mut part = Part {
            device_id: self.peer.device_id,
            handshake: match &self.phase {
                Phase::Pending(handshake) => Some((**handshake).clone()),
                Phase::Established => None,
            },
            chain_tag,
            sender_hint: self.hint_key.hint(our_identity, &chain_tag),
            sealed_header: [0; SEALED_HEADER_LEN],
            ciphertext,
        };
        let data = header_data(&self.associated_data, &part);
        part.sealed_header = header_key.seal(header, &data, rng)?;
        Ok(part)
    }

    /// Opens the header of a part. Whoever has no key of the session gets no further, whatever they send.
    pub fn open_header(&self, part: &Part) -> Result<RatchetHeader, SessionError> {
        let data = header_data(&self.associated_data, part);
        let header = self
            .ratchet
            .open_header(&part.chain_tag, &part.sealed_header, &data)?;
        Ok(header)
    }

    /// Decrypts a part of this session. On an error the session that the caller has is as it was.
    pub fn receive(self, part: &Part, skipped: &dyn SkippedKeys) -> Result<Received, SessionError> {
        let header = self.open_header(part)?;
        self.receive_behind(&header, part, skipped)
    }

    /// The same, once its header was opened.
    pub fn receive_behind(
        self,
        header: &RatchetHeader,
        part: &Part,
        skipped: &dyn SkippedKeys,
    ) -> Result<Received, SessionError> {
        let associated_data = body_data(&self.associated_data, &self.id, header);
        let before = (self.ratchet.is_in_new_chain(header)).then(|| self.ratchet.expected_tags());
        let Opened {
            mut ratchet,
            mut plaintext,
            position,
            changes,
        } = self
            .ratchet
            .receive(header, skipped)?
            .open(&part.ciphertext, &associated_data)?;
        let tags = before.map_or_else(TagChanges::default, |before| {
            TagChanges::between(&before, &ratchet.expected_tags())
        });
        let front = unpadded_len(&plaintext).and_then(|len| {
            plaintext.truncate(len);
            let (message, payload) = Message::split(&plaintext)?;
            ratchet.hear(&message);
            plaintext.len().checked_sub(payload.len())
        });
        let payload = front.map(|front| {
            plaintext.drain(..front);
            plaintext
        });
        let established = matches!(self.phase, Phase::Pending(_));
        Ok(Received {
            session: Self {
                ratchet,
                phase: Phase::Established,
                probe: false,
                ..self
            },
            payload,
            position,
            changes,
            tags,
            established,
        })
    }

    /// The chain tags by which messages of the other end find this session.
    #[must_use]
    pub fn expected_tags(&self) -> Vec<ChainTag> {
        self.ratchet.expected_tags()
    }

    /// The post-quantum epoch of the next message sent. From 1 on, a post-quantum secret of the ratchet's own protects it.
    #[must_use]
    pub fn sending_epoch(&self) -> u32 {
        self.ratchet.sending_epoch()
    }

    /// Whether the next message sent begins a sending chain.
    #[must_use]
    pub fn begins_chain(&self) -> bool {
        self.ratchet.begins_chain()
    }

    /// The session's name.
    #[must_use]
    pub fn id(&self) -> SessionId {
        self.id
    }

    /// The other end.
    #[must_use]
    pub fn peer(&self) -> Party {
        self.peer
    }

    /// When it was made here, in milliseconds since the epoch.
    #[must_use]
    pub fn created_at(&self) -> u64 {
        self.created_at
    }

    /// Since when the other end is known to be that device, in milliseconds since the epoch: what was written to it before is not for
    /// whoever began this session (RFC windlass §8.4.12).
    #[must_use]
    pub fn known_since(&self) -> u64 {
        self.known_since
    }

    /// Notes since when the other end is known to be that device.
    pub fn know_from(&mut self, since: u64) {
        self.known_since = since;
    }

    /// The same session, begun for a request for healing: until something comes in it, it carries nothing else (RFC windlass §8.4.3).
    #[must_use]
    pub fn as_probe(mut self) -> Self {
        self.probe = true;
        self
    }

    /// Whether it was begun for a request for healing, and nothing has come in it.
    #[must_use]
    pub fn is_probe(&self) -> bool {
        self.probe
    }

    /// What protects the next message sent from whoever breaks X25519 later.
    #[must_use]
    pub fn post_quantum(&self) -> PostQuantum {
        PostQuantum::of(self.mode, self.sending_epoch())
    }

    /// How many keys are kept for messages that have not come.
    #[must_use]
    pub fn skipped(&self) -> u32 {
        self.ratchet.skipped()
    }

    /// The same state, when kept keys were erased by their age.
    #[must_use]
    pub fn without_skipped(mut self, erased: &[Position]) -> Self {
        self.ratchet.forget_skipped(erased);
        self
    }

    /// True until the first reply: every message still carries the handshake.
    #[must_use]
    pub fn is_pending(&self) -> bool {
        matches!(self.phase, Phase::Pending(_))
    }
}

/// AD of the handshake, the session's name, the header (Double Ratchet §3.4, `CONCAT`). Each has a fixed length.
pub(super) fn body_data(
    associated_data: &AssociatedData,
    id: &SessionId,
    header: &RatchetHeader,
) -> [u8; BODY_DATA_LEN] {
    let mut data = [0; BODY_DATA_LEN];
    let parts = associated_data.iter().chain(id).copied();
    for (to, from) in data.iter_mut().zip(parts.chain(header.to_bytes())) {
        *to = from;
    }
    data
}

/// All that stands beside a header in the clear, and the body: only who has the header's key can put another body under it.
pub(super) fn header_data(associated_data: &AssociatedData, part: &Part) -> Vec<u8> {
    [
        associated_data.as_slice(),
        &part.chain_tag,
        &part.sender_hint,
        &part.ciphertext,
    ]
    .concat()
}
