use super::*;
use crate::bundle::{DeviceBundle, Prekey};
use crate::crypto::{DhSecret, Secret, SeededRandom, seeded};
use crate::identity::IdentityKeyPair;
use crate::ratchet::MemorySkippedKeys;
use crate::x3dh::ResponderKeys;

struct Pair {
    rng: SeededRandom,
    alice: IdentityKeyPair,
    bob: IdentityKeyPair,
    prekey: DhSecret,
}

const ALICE_DEVICE: u32 = 4;
const BOB_DEVICE: u32 = 9;

impl Pair {
    fn new(seed: u8) -> Self {
        let mut rng = seeded(&Secret::new([seed; 32]));
        Self {
            alice: IdentityKeyPair::generate(&mut rng),
            bob: IdentityKeyPair::generate(&mut rng),
            prekey: DhSecret::generate(&mut rng),
            rng,
        }
    }

    fn initiate(&mut self) -> Session {
        let device = DeviceBundle {
            device_id: BOB_DEVICE,
            signed_prekey: Prekey {
                id: 1,
                key: self.prekey.public(),
            },
            one_time_prekey: None,
        };
        let hint_key = HintKey::between(&self.alice, &self.bob.public()).unwrap();
        Session::initiate(
            &self.alice,
            ALICE_DEVICE,
            &self.bob.public(),
            &device,
            hint_key,
            0,
            &mut self.rng,
        )
        .unwrap()
    }

    fn respond(&self, part: &Part) -> Session {
        let keys = ResponderKeys {
            identity: &self.bob,
            device_id: BOB_DEVICE,
            signed_prekey: &self.prekey,
            one_time_prekey: None,
        };
        let hint_key = HintKey::between(&self.bob, &self.alice.public()).unwrap();
        Session::respond(&keys, &part.handshake.unwrap(), hint_key, 0).unwrap()
    }
}

/// Through the bytes of an envelope and back.
fn travel(part: Part) -> Part {
    let bytes = Envelope { parts: vec![part] }.encode();
    Envelope::decode(&bytes).unwrap().parts.remove(0)
}

#[test]
fn the_handshake_travels_until_the_first_reply() {
    let mut pair = Pair::new(40);
    let (alice, first) = pair
        .initiate()
        .send(&pair.alice.public(), b"1", &mut pair.rng)
        .unwrap();
    let (alice, second) = alice
        .send(&pair.alice.public(), b"2", &mut pair.rng)
        .unwrap();
    assert!(first.handshake.is_some() && second.handshake == first.handshake);
    assert!(alice.is_pending());

    let first = travel(first);
    let received = pair
        .respond(&first)
        .receive(&first, &MemorySkippedKeys::default())
        .unwrap();
    assert_eq!(*received.payload, b"1");
    let bob = Session::from_row(&received.session.to_row()).unwrap();
    let bob = bob
        .receive(&travel(second), &MemorySkippedKeys::default())
        .unwrap()
        .session;

    let (bob, reply) = bob.send(&pair.bob.public(), b"3", &mut pair.rng).unwrap();
    assert!(reply.handshake.is_none());
    let received = Session::from_row(&alice.to_row())
        .unwrap()
        .receive(&travel(reply), &MemorySkippedKeys::default())
        .unwrap();
    assert!(received.established && !received.session.is_pending());
    let (_, third) = received
        .session
        .send(&pair.alice.public(), b"4", &mut pair.rng)
        .unwrap();
    assert!(third.handshake.is_none());
    assert_eq!(
        *bob.receive(&travel(third), &MemorySkippedKeys::default())
            .unwrap()
            .payload,
        b"4"
    );
}

#[test]
fn every_changed_bit_of_an_envelope_is_refused() {
    let mut pair = Pair::new(41);
    let (_, part) = pair
        .initiate()
        .send(&pair.alice.public(), b"hi", &mut pair.rng)
        .unwrap();
    let good = Envelope { parts: vec![part] }.encode();
    let opens = |bytes: &[u8]| -> bool {
        let Ok(envelope) = Envelope::decode(bytes) else {
            return false;
        };
        let Some(part) = envelope.part_for(BOB_DEVICE) else {
            return false;
        };
        // A bit that removes or changes the handshake leaves nothing to respond to, or another prekey's number.
        let Some(handshake) = part.handshake else {
            return false;
        };
        handshake.signed_prekey_id == 1
            && handshake.one_time_prekey_id.is_none()
            && pair
                .respond(part)
                .receive(part, &MemorySkippedKeys::default())
                .is_ok()
    };
    assert!(opens(&good));
    for i in 0..good.len() {
        for bit in 0..8 {
            let mut changed = good.clone();
            changed[i] ^= 1 << bit;
            assert!(!opens(&changed), "byte {i} bit {bit}");
        }
        assert!(!opens(&good[..i]));
        assert!(!opens(&[&good[..], &good[..i]].concat()) || i == 0);
    }
}

#[test]
fn hints_are_the_same_on_both_sides_and_differ_by_direction() {
    let pair = Pair::new(42);
    let ours = HintKey::between(&pair.alice, &pair.bob.public()).unwrap();
    let theirs = HintKey::between(&pair.bob, &pair.alice.public()).unwrap();
    let id = [7; 16];
    assert_eq!(
        ours.hint(&pair.alice.public(), &id),
        theirs.hint(&pair.alice.public(), &id)
    );
    assert_ne!(
        ours.hint(&pair.alice.public(), &id),
        ours.hint(&pair.bob.public(), &id)
    );
    assert_ne!(
        ours.hint(&pair.alice.public(), &id),
        ours.hint(&pair.alice.public(), &[8; 16])
    );
}

#[test]
fn debug_of_a_session_shows_no_secret() {
    let mut pair = Pair::new(43);
    let session = pair.initiate();
    let shown = format!("{session:?}");
    assert!(shown.contains("[REDACTED]"));
    let row: crate::wire::store::SessionRow =
        crate::wire::decode("row", &session.to_row()).unwrap();
    for secret in [&row.hint_key, &row.ratchet.as_ref().unwrap().root_key] {
        assert!(!shown.contains(&format!("{secret:?}")));
    }
}
