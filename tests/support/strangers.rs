//! Somebody with a program of their own, made of the layers below the facade, who writes what they like.

use prost::Message;
use windlass::bundle::{PrekeySecrets, VerifiedBundle, build};
use windlass::chat::{Body, Content, MessageId};
use windlass::crypto::SeededRandom;
use windlass::identity::IdentityKeyPair;
use windlass::session::{Envelope, HintKey, Session};
use windlass::wire::v2::Payload;

const DEVICE: u32 = 5;

pub struct Stranger {
    pub identity: IdentityKeyPair,
    bundle: VerifiedBundle,
    session: Option<Session>,
    now: u64,
}

impl Stranger {
    pub fn new(now: u64, rng: &mut SeededRandom) -> Self {
        Self::with(IdentityKeyPair::generate(rng), now, rng)
    }

    /// One who has got hold of an identity.
    pub fn with(identity: IdentityKeyPair, now: u64, rng: &mut SeededRandom) -> Self {
        let device = PrekeySecrets::generate(rng).device(DEVICE, 1);
        Self {
            bundle: build(&identity, &[device], None, now / 1000).unwrap(),
            identity,
            session: None,
            now,
        }
    }

    /// Begins a session with the only device of a bundle.
    pub fn begin(&mut self, with: &VerifiedBundle, rng: &mut SeededRandom) {
        self.begin_with(with, 0, rng);
    }

    /// Begins a session with one of the devices of a bundle.
    pub fn begin_with(&mut self, with: &VerifiedBundle, at: usize, rng: &mut SeededRandom) {
        let hint_key = HintKey::between(&self.identity, with.identity()).unwrap();
        let session = Session::initiate(
            &self.identity,
            DEVICE,
            with.identity(),
            &with.devices()[at],
            None,
            hint_key,
            self.now,
            rng,
        );
        self.session = Some(session.unwrap());
    }

    pub fn write(&mut self, text: &str, rng: &mut SeededRandom) -> Vec<u8> {
        self.say(Body::Text(text.into()), rng)
    }

    /// An envelope with this content.
    pub fn say(&mut self, body: Body, rng: &mut SeededRandom) -> Vec<u8> {
        let content = Content {
            id: MessageId::random(rng),
            lamport: 1,
            sent_at: self.now,
            reply_to: None,
            group: None,
            view: None,
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
        let session = self.session.take().unwrap();
        let (own, payload) = (self.identity.public(), payload.encode_to_vec());
        let sent = session.send(&own, &payload, self.now, rng);
        let (next, part) = sent.unwrap();
        self.session = Some(next);
        Envelope { parts: vec![part] }.encode()
    }
}
