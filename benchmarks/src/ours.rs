//! Windlass's own layers, with sessions that live in memory as the peers' do.

use windlass::bundle::{DeviceBundle, PrekeySecrets};
use windlass::crypto::{Secret, SeededRandom, seeded};
use windlass::identity::IdentityKeyPair;
use windlass::ratchet::MemorySkippedKeys;
use windlass::session::{Envelope, HintKey, Session};
use windlass::x3dh::{Party, ResponderKeys};

/// One device.
pub struct Device {
    identity: IdentityKeyPair,
    prekeys: PrekeySecrets,
    bundle: DeviceBundle,
    id: u32,
}

impl Device {
    /// With new keys.
    pub fn new(id: u32, rng: &mut SeededRandom) -> Self {
        let identity = IdentityKeyPair::generate(rng);
        let prekeys = PrekeySecrets::generate(rng);
        let bundle = prekeys.device(id, 1);
        Self { identity, prekeys, bundle, id }
    }

    /// Begins a session with another one, whose bundle is known.
    pub fn begin(&self, other: &Self, rng: &mut SeededRandom) -> End {
        let theirs = other.identity.public();
        let hint = HintKey::between(&self.identity, &theirs).unwrap();
        let begun =
            Session::initiate(&self.identity, self.id, &theirs, &other.bundle, None, hint, 0, rng);
        End::new(self, begun.unwrap())
    }

    /// Answers the session that a first message begins.
    pub fn answer(&self, envelope: &[u8]) -> (End, Vec<u8>) {
        let part = Envelope::decode(envelope).unwrap().parts.remove(0);
        let us = Party { identity: self.identity.public(), device_id: self.id };
        let sealed = part.handshake.as_ref().unwrap();
        let (handshake, kem_shared) = sealed.open(&us, &self.prekeys).unwrap();
        let keys = ResponderKeys {
            identity: &self.identity,
            device_id: self.id,
            prekeys: &self.prekeys,
            kem_shared: kem_shared.as_ref(),
            one_time_prekey: None,
            secret: None,
        };
        let hint = HintKey::between(&self.identity, &handshake.initiator.identity).unwrap();
        let session = Session::respond(&keys, &handshake, hint, 0).unwrap();
        let mut end = End::new(self, session);
        let text = end.receive(envelope);
        (end, text)
    }
}

/// One end of a session.
pub struct End {
    party: Party,
    session: Option<Session>,
    skipped: MemorySkippedKeys,
}

impl End {
    fn new(device: &Device, session: Session) -> Self {
        let party = Party { identity: device.identity.public(), device_id: device.id };
        Self { party, session: Some(session), skipped: MemorySkippedKeys::default() }
    }

    /// An envelope.
    pub fn send(&mut self, text: &[u8], rng: &mut SeededRandom) -> Vec<u8> {
        let session = self.session.take().unwrap();
        let (session, part) = session.send(&self.party.identity, text, 0, rng).unwrap();
        self.session = Some(session);
        Envelope { parts: vec![part] }.encode()
    }

    /// Its text.
    pub fn receive(&mut self, envelope: &[u8]) -> Vec<u8> {
        let part = Envelope::decode(envelope).unwrap().parts.remove(0);
        let received = self.session.take().unwrap().receive(&part, &self.skipped).unwrap();
        self.session = Some(received.session);
        self.skipped.apply(received.changes);
        received.payload.unwrap().to_vec()
    }
}

/// Two ends some turns after their first message.
pub fn pair(rng: &mut SeededRandom) -> (End, End) {
    let (alice, bob) = (Device::new(1, rng), Device::new(2, rng));
    let mut ours = alice.begin(&bob, rng);
    let (mut theirs, _) = bob.answer(&ours.send(b"first", rng));
    for _ in 0..3 {
        ours.receive(&theirs.send(b"back", rng));
        theirs.receive(&ours.send(b"forth", rng));
    }
    (ours, theirs)
}

/// Reproducible randomness, of the kind that the crate draws from.
pub fn randomness(seed: u8) -> SeededRandom {
    seeded(&Secret::new([seed; 32]))
}
