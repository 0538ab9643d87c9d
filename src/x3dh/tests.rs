use super::*;
use crate::bundle::{DeviceBundle, Prekey};
use crate::crypto::{
    DhPublic, DhSecret, Secret, SeededRandom, SharedSecret, hkdf_sha256, labels, seeded,
};
use crate::identity::IdentityKeyPair;

struct Responder {
    identity: IdentityKeyPair,
    signed_prekey: DhSecret,
    one_time_prekey: DhSecret,
}

impl Responder {
    fn new(rng: &mut SeededRandom) -> Self {
        Self {
            identity: IdentityKeyPair::generate(rng),
            signed_prekey: DhSecret::generate(rng),
            one_time_prekey: DhSecret::generate(rng),
        }
    }

    fn device(&self, one_time: bool) -> DeviceBundle {
        DeviceBundle {
            device_id: 9,
            signed_prekey: Prekey {
                id: 1,
                key: self.signed_prekey.public(),
            },
            one_time_prekey: one_time.then(|| Prekey {
                id: 2,
                key: self.one_time_prekey.public(),
            }),
        }
    }

    /// What device 4 of an identity sends it first, and the secrets that go with it.
    fn called_by(
        &self,
        initiator: &IdentityKeyPair,
        one_time: bool,
        rng: &mut SeededRandom,
    ) -> (Agreement, HandshakeMessage) {
        let device = self.device(one_time);
        let (agreement, message, sealed) =
            initiate(initiator, 4, &self.identity.public(), &device, rng).unwrap();
        // As it travels it says the same.
        let sealed = SealedHandshake::from_wire(&sealed.to_wire()).unwrap();
        let us = Party {
            identity: self.identity.public(),
            device_id: 9,
        };
        assert_eq!(sealed.open(&us, &self.signed_prekey), Ok(message));
        (agreement, message)
    }

    fn keys(&self, one_time: bool) -> ResponderKeys<'_> {
        ResponderKeys {
            identity: &self.identity,
            device_id: 9,
            signed_prekey: &self.signed_prekey,
            one_time_prekey: one_time.then_some(&self.one_time_prekey),
        }
    }
}

#[test]
fn both_sides_agree_with_and_without_a_one_time_prekey() {
    let mut rng = seeded(&Secret::new([20; 32]));
    let alice = IdentityKeyPair::generate(&mut rng);
    let bob = Responder::new(&mut rng);
    for one_time in [false, true] {
        let (ours, message) = bob.called_by(&alice, one_time, &mut rng);
        let theirs = respond(&bob.keys(one_time), &message).unwrap();
        assert_eq!(ours.shared_secret, theirs.shared_secret);
        assert_eq!(ours.associated_data, theirs.associated_data);
        assert_eq!(ours.session_id, theirs.session_id);

        // The one-time prekey is part of the key and of the name.
        let other = respond(&bob.keys(!one_time), &message).unwrap();
        assert_ne!(ours.shared_secret, other.shared_secret);
        assert_ne!(ours.session_id, other.session_id);
    }
}

#[test]
fn identities_and_devices_are_bound() {
    let mut rng = seeded(&Secret::new([21; 32]));
    let alice = IdentityKeyPair::generate(&mut rng);
    let mallory = IdentityKeyPair::generate(&mut rng);
    let bob = Responder::new(&mut rng);
    let (ours, message) = bob.called_by(&alice, true, &mut rng);

    let mut claimed = message;
    claimed.initiator.identity = mallory.public();
    let theirs = respond(&bob.keys(true), &claimed).unwrap();
    assert_ne!(ours.shared_secret, theirs.shared_secret);
    assert_ne!(ours.associated_data, theirs.associated_data);

    let mut claimed = message;
    claimed.initiator.device_id = 5;
    let theirs = respond(&bob.keys(true), &claimed).unwrap();
    assert_ne!(ours.associated_data, theirs.associated_data);

    let mut keys = bob.keys(true);
    keys.device_id = 10;
    let theirs = respond(&keys, &message).unwrap();
    assert_ne!(ours.associated_data, theirs.associated_data);
}

#[test]
fn one_ephemeral_key_makes_one_session() {
    let mut rng = seeded(&Secret::new([22; 32]));
    let alice = IdentityKeyPair::generate(&mut rng);
    let bob = Responder::new(&mut rng);
    let mut start = || bob.called_by(&alice, false, &mut rng);
    let (first, second) = (start(), start());
    assert_ne!(first.1.ephemeral_key, second.1.ephemeral_key);
    assert_ne!(first.0.session_id, second.0.session_id);
    assert_ne!(first.0.shared_secret, second.0.shared_secret);
}

/// RFC windlass §11.4. What X3DH cannot prevent (X3DH §4.6) takes the responder's signed prekey, and neither identity's secret nor that of
/// a one-time prekey.
#[test]
fn a_stolen_signed_prekey_is_what_it_takes_to_write_in_anybodys_name() {
    let mut rng = seeded(&Secret::new([23; 32]));
    let alice = IdentityKeyPair::generate(&mut rng).public();
    let bob = Responder::new(&mut rng);
    let ephemeral = DhSecret::generate(&mut rng);
    // What the thief computes in Alice's name with a signed prekey, and with what everybody knows.
    let forge = |signed_prekey: &DhSecret, one_time_prekey: Option<DhPublic>| {
        let mut input = vec![0xff; 32];
        let mut add = |secret: &DhSecret, public: &DhPublic| {
            input.extend_from_slice(secret.agree(public).unwrap().as_bytes());
        };
        add(signed_prekey, &alice.to_dh());
        add(&ephemeral, &bob.identity.public().to_dh());
        add(&ephemeral, &bob.signed_prekey.public());
        if let Some(one_time_prekey) = one_time_prekey {
            add(&ephemeral, &one_time_prekey);
        }
        let key: SharedSecret = hkdf_sha256(&[0; 32], &input, labels::X3DH);
        key
    };
    let message = |id| HandshakeMessage {
        initiator: Party {
            identity: alice,
            device_id: 4,
        },
        ephemeral_key: ephemeral.public(),
        signed_prekey_id: 1,
        one_time_prekey_id: id,
    };
    for one_time in [false, true] {
        let agreed = respond(&bob.keys(one_time), &message(one_time.then_some(2))).unwrap();
        let one_time_key = one_time.then(|| bob.one_time_prekey.public());
        assert_eq!(
            forge(&bob.signed_prekey, one_time_key),
            agreed.shared_secret
        );
        // Bob's identity, or another signed prekey of his, does not do it.
        for other in [bob.identity.to_dh(), DhSecret::generate(&mut rng)] {
            assert_ne!(forge(&other, one_time_key), agreed.shared_secret);
        }
    }
}
