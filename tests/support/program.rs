//! A program of an attacker's own, made of the layers below the facade: it has the seed of an identity, its own or a stolen one, says what it
//! likes as a device of it, and reads what it can.

use std::sync::Arc;

use prost::Message;
use windlass::bundle::{PrekeySecrets, VerifiedBundle, build};
use windlass::chat::{Body, Content, GroupId, GroupView, HealingRequest, MessageId};
use windlass::crypto::{Secret, SeededRandom};
use windlass::identity::IdentityKeyPair;
use windlass::ratchet::MemorySkippedKeys;
use windlass::session::{Envelope, HintKey, Part, Session};
use windlass::wire::v2::Payload;
use windlass::x3dh::{Party, ResponderKeys};
use windlass::{Bundle, Identity};

use super::seeds::Below;

pub struct Program {
    pub identity: IdentityKeyPair,
    pub device_id: u32,
    prekeys: PrekeySecrets,
    bundle: VerifiedBundle,
    sessions: Vec<Session>,
    /// Ids of the messages that it could read.
    pub read: Vec<String>,
}

/// Where it says something.
#[derive(Default)]
pub struct Place {
    pub group: Option<GroupId>,
    pub view: Option<GroupView>,
    pub lamport: u64,
}

impl Program {
    pub fn new(of: &Arc<Identity>, now: u64, rng: &mut SeededRandom) -> Self {
        let seed = of.export_seed().unwrap();
        let identity = IdentityKeyPair::from_seed(&Secret::new(seed[..].try_into().unwrap()));
        let prekeys = PrekeySecrets::generate(rng);
        let device_id = 1 + rng.below(1 << 30);
        let device = prekeys.device(device_id, 77);
        Self {
            bundle: build(&identity, &[device], None, now / 1000).unwrap(),
            device_id,
            identity,
            prekeys,
            sessions: Vec::new(),
            read: Vec::new(),
        }
    }

    /// Asks a person for everything.
    pub fn ask(&mut self, whom: &Bundle, now: u64, rng: &mut SeededRandom) -> Vec<u8> {
        let request = Body::HealingRequest(HealingRequest {
            went_back: rng.below(2) == 0,
            link_token: (rng.below(3) == 0).then(|| [rng.below(256) as u8; 16]),
            ..HealingRequest::default()
        });
        self.say(whom, request, Place::default(), now, rng)
    }

    /// An envelope for all devices of a person, in sessions that are begun for it.
    pub fn say(
        &mut self,
        whom: &Bundle,
        body: Body,
        place: Place,
        now: u64,
        rng: &mut SeededRandom,
    ) -> Vec<u8> {
        let whom = VerifiedBundle::decode(&whom.encode()).unwrap();
        let content = Content {
            id: MessageId::random(rng),
            lamport: place.lamport,
            sent_at: now,
            reply_to: None,
            group: place.group,
            view: place.view,
            follows: Vec::new(),
            origin: windlass::chat::MessageOrigin::Person,
            body,
        };
        let payload = Payload {
            content: content.to_bytes().to_vec(),
            sender_bundle: self.bundle.encoded().to_vec(),
            pair: None,
            receipt: Vec::new(),
        };
        let payload = payload.encode_to_vec();
        let mut parts = Vec::new();
        for device in whom.devices() {
            let session = Session::initiate(
                &self.identity,
                self.device_id,
                whom.identity(),
                device,
                None,
                HintKey::between(&self.identity, whom.identity()).unwrap(),
                now,
                rng,
            );
            let sent = session
                .unwrap()
                .send(&self.identity.public(), &payload, now, rng);
            let (session, part) = sent.unwrap();
            self.sessions.push(session);
            parts.push(part);
        }
        Envelope { parts }.encode()
    }

    /// Reads what it can of an envelope.
    pub fn hear(&mut self, bytes: &[u8]) {
        let Ok(envelope) = Envelope::decode(bytes) else {
            return;
        };
        let part = envelope.part_for(self.device_id);
        let Some(content) = part.and_then(|part| self.open(part)) else {
            return;
        };
        if let Body::Copy(copy) = &content.body {
            let copied = Content::from_bytes(&copy.content).unwrap();
            self.read.push(copied.id.to_string());
        }
        self.read.push(content.id.to_string());
    }

    fn open(&mut self, part: &Part) -> Option<Content> {
        let mut sessions = self.sessions.iter();
        let at = sessions.position(|known| known.expected_tags().contains(&part.chain_tag));
        let session = match (at, &part.handshake) {
            (Some(at), _) => self.sessions.remove(at),
            (None, Some(sealed)) => {
                let us = Party {
                    identity: self.identity.public(),
                    device_id: self.device_id,
                };
                let (handshake, kem_shared) = sealed.open(&us, &self.prekeys).ok()?;
                let keys = ResponderKeys {
                    identity: &self.identity,
                    device_id: self.device_id,
                    prekeys: &self.prekeys,
                    kem_shared: kem_shared.as_ref(),
                    one_time_prekey: None,
                    secret: None,
                };
                let peer = handshake.initiator.identity;
                let hint = HintKey::between(&self.identity, &peer).unwrap();
                Session::respond(&keys, &handshake, hint, 0).ok()?
            }
            (None, None) => return None,
        };
        let received = session.receive(part, &MemorySkippedKeys::default()).ok()?;
        self.sessions.push(received.session);
        let payload = Payload::decode(&received.payload?[..]).ok()?;
        Content::from_bytes(&payload.content).ok()
    }
}
