//! One device with one session, in memory, on the layers below the facade.

#![allow(dead_code, clippy::unwrap_used, clippy::indexing_slicing)]

use std::collections::VecDeque;
use std::convert::Infallible;

use rand_core::{TryCryptoRng, TryRng};
use windlass::bundle::{DeviceBundle, Prekey, PrekeySecrets};
use windlass::crypto::{CryptoRng, DhSecret, Secret};
use windlass::identity::{IdentityKeyPair, PublicIdentity};
use windlass::ratchet::{MemorySkippedKeys, Ratchet, RatchetError};
use windlass::session::{Envelope, HintKey, Part, Session, SessionError};
use windlass::wire::{self, store::SessionRow};
use windlass::x3dh::{Party, ResponderKeys};

/// Gives out bytes that were written down before: nonces where 12 bytes are asked for, secrets where 32 are, seeds of key pairs where 64
/// are. A draw of another length, or one too many, gives zeros, which no expected value contains.
#[derive(Default)]
pub struct Scripted {
    pub nonces: VecDeque<[u8; 12]>,
    pub secrets: VecDeque<[u8; 32]>,
    pub seeds: VecDeque<[u8; 64]>,
}

impl TryRng for Scripted {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok(0)
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(0)
    }

    fn try_fill_bytes(&mut self, to: &mut [u8]) -> Result<(), Infallible> {
        to.fill(0);
        let from = match to.len() {
            12 => self.nonces.pop_front().map(|bytes| bytes.to_vec()),
            32 => self.secrets.pop_front().map(|bytes| bytes.to_vec()),
            64 => self.seeds.pop_front().map(|bytes| bytes.to_vec()),
            _ => None,
        };
        if let Some(from) = from {
            to.copy_from_slice(&from);
        }
        Ok(())
    }
}

impl TryCryptoRng for Scripted {}

/// A device and its prekeys.
pub struct Device {
    pub identity: IdentityKeyPair,
    pub device_id: u32,
    pub signed_prekey: (u32, PrekeySecrets),
    pub one_time_prekey: Option<(u32, DhSecret)>,
    /// Whether its ML-KEM key goes with its bundle.
    pub shows_kem_key: bool,
    /// What is given with its one-time prekey.
    pub code_secret: Option<Secret<32>>,
}

impl Device {
    pub fn random(device_id: u32, one_time: bool, rng: &mut dyn CryptoRng) -> Self {
        Self {
            identity: IdentityKeyPair::generate(rng),
            device_id,
            signed_prekey: (1, PrekeySecrets::generate(rng)),
            one_time_prekey: one_time.then(|| (1, DhSecret::generate(rng))),
            shows_kem_key: true,
            code_secret: None,
        }
    }

    pub fn public(&self) -> PublicIdentity {
        self.identity.public()
    }

    /// What a bundle says of it.
    pub fn bundle(&self) -> DeviceBundle {
        let (id, prekeys) = &self.signed_prekey;
        let mut device = prekeys.device(self.device_id, *id);
        if !self.shows_kem_key {
            device.kem_prekey.key = None;
        }
        let one_time_prekey = self.one_time_prekey.as_ref();
        DeviceBundle {
            one_time_prekey: one_time_prekey.map(|(id, secret)| Prekey {
                id: *id,
                key: secret.public(),
            }),
            ..device
        }
    }

    /// Begins a session with `other`.
    pub fn initiate(&self, other: &Self, rng: &mut dyn CryptoRng) -> Channel {
        let session = Session::initiate(
            &self.identity,
            self.device_id,
            &other.public(),
            &other.bundle(),
            other.code_secret.as_ref(),
            HintKey::between(&self.identity, &other.public()).unwrap(),
            0,
            rng,
        );
        Channel::new(self.public(), session.unwrap())
    }

    /// The session that the handshake of `envelope` makes, before it has received anything.
    pub fn respond(&self, envelope: &[u8]) -> Result<Channel, SessionError> {
        let part = self.part(envelope)?;
        let sealed = part.handshake.ok_or(SessionError::Damaged)?;
        if sealed.signed_prekey_id != self.signed_prekey.0 {
            return Err(SessionError::Damaged);
        }
        let us = Party {
            identity: self.public(),
            device_id: self.device_id,
        };
        let (handshake, kem_shared) = sealed.open(&us, &self.signed_prekey.1)?;
        let keys = ResponderKeys {
            identity: &self.identity,
            device_id: self.device_id,
            prekeys: &self.signed_prekey.1,
            kem_shared: kem_shared.as_ref(),
            one_time_prekey: match (handshake.one_time_prekey_id, &self.one_time_prekey) {
                (None, _) => None,
                (Some(id), Some((ours, secret))) if id == *ours => Some(secret),
                _ => return Err(SessionError::Damaged),
            },
            secret: self.code_secret.as_ref().filter(|_| handshake.secret),
        };
        let hint_key = HintKey::between(&self.identity, &handshake.initiator.identity)?;
        let session = Session::respond(&keys, &handshake, hint_key, 0)?;
        Ok(Channel::new(self.public(), session))
    }

    fn part(&self, envelope: &[u8]) -> Result<Part, SessionError> {
        let envelope = Envelope::decode(envelope)?;
        let part = envelope.part_for(self.device_id).cloned();
        part.ok_or(SessionError::Damaged)
    }
}

/// One end of a session, with its skipped keys.
pub struct Channel {
    pub identity: PublicIdentity,
    pub session: Session,
    pub skipped: MemorySkippedKeys,
}

impl Channel {
    pub fn new(identity: PublicIdentity, session: Session) -> Self {
        Self {
            identity,
            session,
            skipped: MemorySkippedKeys::default(),
        }
    }

    /// A second copy, through the form that the store keeps.
    pub fn duplicate(&self) -> Self {
        Self {
            identity: self.identity,
            session: Session::from_row(&self.session.to_row()).unwrap(),
            skipped: self.skipped.duplicate(),
        }
    }

    /// One envelope with one part.
    pub fn send(&mut self, payload: &[u8], rng: &mut dyn CryptoRng) -> Vec<u8> {
        self.send_at(0, payload, rng)
    }

    /// The same at a time.
    pub fn send_at(&mut self, now: u64, payload: &[u8], rng: &mut dyn CryptoRng) -> Vec<u8> {
        let session = self.duplicate().session;
        let (next, part) = session.send(&self.identity, payload, now, rng).unwrap();
        self.session = next;
        Envelope { parts: vec![part] }.encode()
    }

    /// So many messages that come to nobody, each in the chain that there is, so that nothing but nonces would be drawn. They are not made.
    pub fn lose(&mut self, count: u64) {
        let mut row: SessionRow = wire::decode("session row", &self.session.to_row()).unwrap();
        let mut ratchet = Ratchet::from_row(row.ratchet.as_ref().unwrap()).unwrap();
        for _ in 0..count {
            ratchet = ratchet.send(0, &mut Scripted::default()).unwrap().ratchet;
        }
        row.ratchet = Some(ratchet.to_row());
        self.session = Session::from_row(&wire::encode_secret(&row)).unwrap();
    }

    /// Its next chain, or the one that there is, says this epoch: what only a faulty side does. Gives what it said before.
    pub fn claim_epoch(&mut self, epoch: u32) -> u32 {
        let mut row: SessionRow = wire::decode("session row", &self.session.to_row()).unwrap();
        let epochs = row.ratchet.as_mut().unwrap().epochs.as_mut().unwrap();
        let sending = epochs.sending.as_mut().unwrap();
        let before = core::mem::replace(&mut sending.epoch, epoch);
        self.session = Session::from_row(&wire::encode_secret(&row)).unwrap();
        before
    }

    /// Takes an envelope's only part in. What fails leaves this end as it was.
    pub fn receive(&mut self, envelope: &[u8]) -> Result<Vec<u8>, SessionError> {
        let part = Envelope::decode(envelope)?.parts.remove(0);
        let received = self.duplicate().session.receive(&part, &self.skipped)?;
        self.session = received.session;
        self.skipped.apply(received.changes);
        Ok(received
            .payload
            .map(|payload| payload.to_vec())
            .unwrap_or_default())
    }
}

/// The names of what a session refuses, as the vectors have them.
pub fn refusal(error: &SessionError) -> &'static str {
    match error {
        SessionError::Wire(_) => "malformed",
        SessionError::Agreement(_) => "agreement",
        SessionError::Ratchet(RatchetError::KeyGone(_)) => "key gone",
        SessionError::Ratchet(RatchetError::TooFarAhead { .. }) => "too far ahead",
        SessionError::Ratchet(RatchetError::UnexpectedRatchetKey) => "ratchet key",
        SessionError::Ratchet(RatchetError::UnknownChain) => "unknown chain",
        SessionError::Ratchet(RatchetError::Header(_)) => "header",
        SessionError::Ratchet(_) => "authentication",
        SessionError::Damaged => "damaged",
        SessionError::TooLong(_) => "too long",
    }
}

/// A secret of 32 bytes.
pub fn secret(bytes: &[u8]) -> Secret<32> {
    Secret::try_from_slice(bytes).unwrap()
}
