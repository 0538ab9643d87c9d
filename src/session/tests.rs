mod epochs;

use std::collections::BTreeSet;

use super::*;
use crate::bundle::PrekeySecrets;
use crate::crypto::{Secret, SeededRandom, SharedSecret, seeded};
use crate::identity::IdentityKeyPair;
use crate::ratchet::{MemorySkippedKeys, RatchetError};
use crate::x3dh::{HandshakeMessage, Party, ResponderKeys};

struct Pair {
    rng: SeededRandom,
    alice: IdentityKeyPair,
    bob: IdentityKeyPair,
    prekeys: PrekeySecrets,
    shows_kem_key: bool,
}

const ALICE_DEVICE: u32 = 4;
const BOB_DEVICE: u32 = 9;

impl Pair {
    fn new(seed: u8) -> Self {
        let mut rng = seeded(&Secret::new([seed; 32]));
        Self {
            alice: IdentityKeyPair::generate(&mut rng),
            bob: IdentityKeyPair::generate(&mut rng),
            prekeys: PrekeySecrets::generate(&mut rng),
            shows_kem_key: true,
            rng,
        }
    }

    fn initiate(&mut self) -> Session {
        let mut device = self.prekeys.device(BOB_DEVICE, 1);
        device.kem_prekey.key = device.kem_prekey.key.filter(|_| self.shows_kem_key);
        let hint_key = HintKey::between(&self.alice, &self.bob.public()).unwrap();
        Session::initiate(
            &self.alice,
            ALICE_DEVICE,
            &self.bob.public(),
            &device,
            None,
            hint_key,
            0,
            &mut self.rng,
        )
        .unwrap()
    }

    fn respond(&self, part: &Part) -> Session {
        let (handshake, kem_shared) = self.handshake(part).unwrap();
        let keys = ResponderKeys {
            identity: &self.bob,
            device_id: BOB_DEVICE,
            prekeys: &self.prekeys,
            kem_shared: kem_shared.as_ref(),
            one_time_prekey: None,
            secret: None,
        };
        let hint_key = HintKey::between(&self.bob, &self.alice.public()).unwrap();
        Session::respond(&keys, &handshake, hint_key, 0).unwrap()
    }

    fn handshake(&self, part: &Part) -> Option<(HandshakeMessage, Option<SharedSecret>)> {
        let us = Party {
            identity: self.bob.public(),
            device_id: BOB_DEVICE,
        };
        part.handshake.as_ref()?.open(&us, &self.prekeys).ok()
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
        .send(&pair.alice.public(), b"1", 0, &mut pair.rng)
        .unwrap();
    let (alice, second) = alice
        .send(&pair.alice.public(), b"2", 0, &mut pair.rng)
        .unwrap();
    assert!(first.handshake.is_some() && second.handshake == first.handshake);
    assert!(alice.is_pending());

    let first = travel(first);
    let received = pair
        .respond(&first)
        .receive(&first, &MemorySkippedKeys::default())
        .unwrap();
    assert_eq!(received.payload.unwrap().as_slice(), b"1");
    let bob = Session::from_row(&received.session.to_row()).unwrap();
    let bob = bob
        .receive(&travel(second), &MemorySkippedKeys::default())
        .unwrap()
        .session;

    let (bob, reply) = bob
        .send(&pair.bob.public(), b"3", 0, &mut pair.rng)
        .unwrap();
    assert!(reply.handshake.is_none());
    let received = Session::from_row(&alice.to_row())
        .unwrap()
        .receive(&travel(reply), &MemorySkippedKeys::default())
        .unwrap();
    assert!(received.established && !received.session.is_pending());
    let (_, third) = received
        .session
        .send(&pair.alice.public(), b"4", 0, &mut pair.rng)
        .unwrap();
    assert!(third.handshake.is_none());
    let received = bob.receive(&travel(third), &MemorySkippedKeys::default());
    assert_eq!(received.unwrap().payload.unwrap().as_slice(), b"4");
}

/// Whoever the AEAD accepted has used up a key, whatever is inside.
#[test]
fn a_message_with_wrong_padding_uses_its_key_like_any_other() {
    let mut pair = Pair::new(44);
    let mut none = MemorySkippedKeys::default();
    let alice = pair.initiate();
    let (alice, first) = alice
        .send(&pair.alice.public(), b"1", 0, &mut pair.rng)
        .unwrap();
    let (alice, late) = alice
        .send_padded(&pair.alice.public(), b"late", 0, &mut pair.rng)
        .unwrap();
    let (alice, faulty) = alice
        .send_padded(&pair.alice.public(), &[0; 64], 0, &mut pair.rng)
        .unwrap();
    let (_, next) = alice
        .send(&pair.alice.public(), b"4", 0, &mut pair.rng)
        .unwrap();
    let bob = pair.respond(&first).receive(&first, &none).unwrap().session;
    let again = |session: &Session| Session::from_row(&session.to_row()).unwrap();

    let received = bob.receive(&faulty, &none).unwrap();
    assert!(received.payload.is_none());
    none.apply(received.changes);
    let bob = received.session;
    let gone = again(&bob).receive(&faulty, &none).unwrap_err();
    assert!(matches!(
        gone,
        SessionError::Ratchet(RatchetError::KeyGone(_))
    ));
    // The same of one whose key was kept.
    let received = bob.receive(&late, &none).unwrap();
    assert!(received.payload.is_none());
    none.apply(received.changes);
    let bob = received.session;
    assert_eq!(bob.skipped(), 0);
    assert!(again(&bob).receive(&late, &none).is_err());
    let received = bob.receive(&next, &none).unwrap();
    assert_eq!(received.payload.unwrap().as_slice(), b"4");
}

/// RFC windlass §11.4: whoever has all that a device keeps for long, its identity and its signed prekey, has no session of it.
#[test]
fn long_term_secrets_of_the_responder_neither_read_on_nor_speak_in_a_session() {
    let mut pair = Pair::new(45);
    let none = MemorySkippedKeys::default();
    let (alice, first) = pair
        .initiate()
        .send(&pair.alice.public(), b"1", 0, &mut pair.rng)
        .unwrap();
    // The thief has them before the first message, and sees everything.
    let thief = pair.respond(&first).receive(&first, &none).unwrap().session;
    let bob = pair.respond(&first).receive(&first, &none).unwrap().session;
    let again = |session: &Session| Session::from_row(&session.to_row()).unwrap();
    let (bob, reply) = bob
        .send(&pair.bob.public(), b"2", 0, &mut pair.rng)
        .unwrap();
    let alice = alice.receive(&reply, &none).unwrap().session;
    let (_, answer) = again(&alice)
        .send(&pair.alice.public(), b"3", 0, &mut pair.rng)
        .unwrap();
    // Bob's answer brought a key that no long-term secret knows.
    assert!(again(&thief).receive(&answer, &none).is_err());
    assert!(again(&thief).receive(&reply, &none).is_err());
    assert!(again(&bob).receive(&answer, &none).is_ok());
    // Nor does the thief speak there: to Alice as Bob, or to Bob as Alice with a new session's keys under this one's name.
    let (_, forged) = thief
        .send(&pair.bob.public(), b"4", 0, &mut pair.rng)
        .unwrap();
    assert!(again(&alice).receive(&forged, &none).is_err());
    let (_, mut forged) = pair
        .initiate()
        .send(&pair.alice.public(), b"5", 0, &mut pair.rng)
        .unwrap();
    for tag in bob.expected_tags() {
        forged.chain_tag = tag;
        let refused = again(&bob).receive(&forged, &none).unwrap_err();
        assert!(matches!(
            refused,
            SessionError::Ratchet(RatchetError::Header(_))
        ));
    }
}

#[test]
fn every_changed_bit_of_an_envelope_is_refused() {
    let mut pair = Pair::new(41);
    let (_, part) = pair
        .initiate()
        .send(&pair.alice.public(), b"hi", 0, &mut pair.rng)
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
        let Some((handshake, _)) = pair.handshake(part) else {
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

/// All that an observer sees of a part, but for the receiving device.
fn seen(part: &Part) -> Vec<u8> {
    let mut seen = Vec::new();
    for field in [
        part.chain_tag.as_slice(),
        &part.sender_hint,
        &part.sealed_header,
        &part.ciphertext,
    ] {
        seen.extend_from_slice(field);
    }
    if let Some(handshake) = &part.handshake {
        seen.extend_from_slice(handshake.ephemeral_key.as_bytes());
        seen.extend_from_slice(&handshake.sealed_initiator);
        seen.extend_from_slice(handshake.kem_ciphertext.as_ref().unwrap().as_slice());
    }
    seen
}

#[test]
fn no_two_messages_of_two_turns_have_anything_in_common() {
    let mut pair = Pair::new(46);
    let none = MemorySkippedKeys::default();
    let (mut alice, first) = pair
        .initiate()
        .send(&pair.alice.public(), b"ahoy", 0, &mut pair.rng)
        .unwrap();
    let mut bob = pair.respond(&first).receive(&first, &none).unwrap().session;
    let mut turns = vec![vec![first]];
    for _ in 0..6 {
        for by_bob in [true, false] {
            let (from, to, us) = if by_bob {
                (bob, alice, pair.bob.public())
            } else {
                (alice, bob, pair.alice.public())
            };
            let (from, one) = from.send(&us, b"ahoy", 0, &mut pair.rng).unwrap();
            let (from, two) = from.send(&us, b"ahoy", 0, &mut pair.rng).unwrap();
            let to = to.receive(&one, &none).unwrap().session;
            let to = to.receive(&two, &none).unwrap().session;
            (bob, alice) = if by_bob { (from, to) } else { (to, from) };
            turns.push(vec![one, two]);
        }
    }
    let windows =
        |part: &Part| -> BTreeSet<Vec<u8>> { seen(part).windows(6).map(<[u8]>::to_vec).collect() };
    for (i, turn) in turns.iter().enumerate() {
        for other in turns.iter().skip(i + 1).flatten() {
            for part in turn {
                assert!(windows(part).is_disjoint(&windows(other)));
            }
        }
        // In one turn the tag and the hint are the same, and nothing else.
        if let [one, two] = turn.as_slice() {
            let common = windows(one).intersection(&windows(two)).count();
            assert_eq!(
                (one.chain_tag, one.sender_hint),
                (two.chain_tag, two.sender_hint)
            );
            assert_eq!(common, 16 + 8 - 5);
        }
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
    let ratchet = row.ratchet.as_ref().unwrap();
    let epochs = ratchet.epochs.as_ref().unwrap();
    let chain = epochs.sending.as_ref().unwrap();
    for secret in [
        &row.hint_key,
        &ratchet.root_key,
        &epochs.root_key,
        &chain.chain_key,
    ] {
        assert!(!shown.contains(&format!("{secret:?}")));
    }
}

#[test]
fn an_envelope_is_read_and_written_as_its_schema_says() {
    use crate::limits::MAX_DEVICES;
    use crate::wire::v2;
    use prost::Message;

    let mut pair = Pair::new(42);
    let alice = pair.alice.public();
    let sent = |pair: &mut Pair| pair.initiate().send(&alice, b"hi", 0, &mut pair.rng);
    let first = sent(&mut pair).unwrap().1;
    let later = Part {
        device_id: 300,
        handshake: None,
        ..first.clone()
    };
    let parts = vec![first, later];
    let bytes = Envelope {
        parts: parts.clone(),
    }
    .encode();
    let generated = v2::Envelope::decode(bytes.as_slice()).unwrap();
    assert_eq!(generated.encode_to_vec(), bytes);
    for (one, of_schema) in parts.iter().zip(&generated.messages) {
        assert_eq!(of_schema.device_id, one.device_id);
        assert_eq!(
            of_schema.handshake,
            one.handshake.as_ref().map(|h| h.to_wire())
        );
        assert_eq!(of_schema.chain_tag, one.chain_tag);
        assert_eq!(of_schema.sender_hint, one.sender_hint);
        assert_eq!(of_schema.sealed_header, one.sealed_header);
        assert_eq!(of_schema.ciphertext, one.ciphertext);
    }
    assert_eq!(Envelope::decode(&bytes).unwrap().parts, parts);
    // A field that is not known, and more devices than anybody has.
    assert!(Envelope::decode(&[&bytes[..], &[0x18, 1]].concat()).is_err());
    let too_many = [&bytes[..], &[0x12, 0].repeat(MAX_DEVICES)].concat();
    assert!(Envelope::decode(&too_many).is_err());
    // As many as one may have, one more; none; the same one twice.
    let for_devices = |ids: &[u32]| {
        let part = |device_id: &u32| Part {
            device_id: *device_id,
            ..parts[1].clone()
        };
        let parts = ids.iter().map(part).collect();
        Envelope::decode(&Envelope { parts }.encode()).map(|envelope| envelope.parts.len())
    };
    let ids: Vec<u32> = (1..=MAX_DEVICES as u32 + 1).collect();
    assert_eq!(for_devices(&ids[1..]).unwrap(), MAX_DEVICES);
    for refused in [&ids[..], &[], &[1, 2, 1]] {
        assert!(for_devices(refused).is_err());
    }
}

#[test]
fn what_is_read_of_a_session_without_its_keys_is_what_it_says_itself() {
    use crate::wire::{self, store::SessionRow};

    let session = Pair::new(43).initiate();
    for session in [session, Pair::new(44).initiate().as_probe()] {
        let mut row: SessionRow = wire::decode("row", &session.to_row()).unwrap();
        row.known_since = 77;
        let bytes = wire::encode_secret(&row);
        let (whole, standing) = (
            Session::from_row(&bytes).unwrap(),
            SessionStanding::from_row(&bytes).unwrap(),
        );
        assert_eq!(standing.known_since, whole.known_since());
        assert_eq!(standing.probe, whole.is_probe());
    }
}
