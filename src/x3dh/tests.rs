use super::*;
use crate::bundle::{CODE_SECRET_LEN, DeviceBundle, KemPrekey, Prekey, PrekeySecrets};
use crate::crypto::{
    DhPublic, DhSecret, Secret, SeededRandom, SharedSecret, decrypt, hkdf_sha256, labels, seeded,
};
use crate::identity::IdentityKeyPair;

struct Responder {
    identity: IdentityKeyPair,
    prekeys: PrekeySecrets,
    one_time_prekey: DhSecret,
    secret: Secret<CODE_SECRET_LEN>,
}

const PLAIN: Mode = Mode {
    one_time: false,
    kem: false,
    secret: false,
};
const ONE_TIME: Mode = Mode {
    one_time: true,
    ..PLAIN
};

/// All that there are.
fn modes() -> impl Iterator<Item = Mode> {
    let modes = (0..=u8::MAX).filter_map(Mode::from_byte);
    modes.filter(|mode| mode.one_time || !mode.secret)
}

impl Responder {
    fn new(rng: &mut SeededRandom) -> Self {
        Self {
            identity: IdentityKeyPair::generate(rng),
            prekeys: PrekeySecrets::generate(rng),
            one_time_prekey: DhSecret::generate(rng),
            secret: Secret::random(rng),
        }
    }

    fn device(&self, mode: Mode) -> DeviceBundle {
        let device = self.prekeys.device(9, 1);
        DeviceBundle {
            kem_prekey: KemPrekey {
                key: device.kem_prekey.key.filter(|_| mode.kem),
                ..device.kem_prekey
            },
            one_time_prekey: mode.one_time.then(|| Prekey {
                id: 2,
                key: self.one_time_prekey.public(),
            }),
            ..device
        }
    }

    /// What device 4 of an identity sends it first, the secrets that go with it, and what its ciphertext gives.
    fn called_by(
        &self,
        initiator: &IdentityKeyPair,
        mode: Mode,
        rng: &mut SeededRandom,
    ) -> (Agreement, HandshakeMessage, Option<SharedSecret>) {
        let (device, secret) = (self.device(mode), mode.secret.then_some(&self.secret));
        let them = self.identity.public();
        let (agreement, message, sealed) =
            initiate(initiator, 4, &them, &device, secret, rng).unwrap();
        assert_eq!(message.mode(), mode);
        // As it travels it says the same.
        let sealed = SealedHandshake::from_wire(&sealed.to_wire()).unwrap();
        let us = Party {
            identity: self.identity.public(),
            device_id: 9,
        };
        let (read, kem_shared) = sealed.open(&us, &self.prekeys).unwrap();
        assert_eq!(read, message);
        (agreement, message, kem_shared)
    }

    fn keys<'a>(&'a self, mode: Mode, kem_shared: Option<&'a SharedSecret>) -> ResponderKeys<'a> {
        ResponderKeys {
            identity: &self.identity,
            device_id: 9,
            prekeys: &self.prekeys,
            kem_shared,
            one_time_prekey: mode.one_time.then_some(&self.one_time_prekey),
            secret: mode.secret.then_some(&self.secret),
        }
    }
}

#[test]
fn both_sides_agree_whatever_parts_there_are() {
    let mut rng = seeded(&Secret::new([20; 32]));
    let alice = IdentityKeyPair::generate(&mut rng);
    let bob = Responder::new(&mut rng);
    assert_eq!(modes().count(), 6);
    for mode in modes() {
        let (ours, message, kem_shared) = bob.called_by(&alice, mode, &mut rng);
        let theirs = respond(&bob.keys(mode, kem_shared.as_ref()), &message).unwrap();
        assert_eq!(ours.shared_secret, theirs.shared_secret);
        assert_eq!(ours.associated_data, theirs.associated_data);
        assert_eq!(ours.session_id, theirs.session_id);

        // Each part is part of the key, and the public ones of the name.
        let stranger = Secret::random(&mut rng);
        for other in modes().filter(|other| *other != mode) {
            let shared = match (mode.kem, other.kem) {
                (true, true) => kem_shared.as_ref(),
                (_, is) => is.then_some(&stranger),
            };
            let theirs = respond(&bob.keys(other, shared), &message).unwrap();
            assert_ne!(ours.shared_secret, theirs.shared_secret);
            assert_eq!(
                ours.session_id == theirs.session_id,
                mode.one_time == other.one_time
            );
        }
    }
}

/// P4: whoever is between the two can take nothing away.
#[test]
fn a_handshake_that_lost_a_part_does_not_open() {
    let mut rng = seeded(&Secret::new([24; 32]));
    let alice = IdentityKeyPair::generate(&mut rng);
    let bob = Responder::new(&mut rng);
    let us = Party {
        identity: bob.identity.public(),
        device_id: 9,
    };
    let mode = Mode { kem: true, ..PLAIN };
    let (_, _, sealed) =
        initiate(&alice, 4, &us.identity, &bob.device(mode), None, &mut rng).unwrap();
    assert!(sealed.open(&us, &bob.prekeys).is_ok());
    let mut without = sealed.clone();
    without.kem_ciphertext = None;
    assert!(without.open(&us, &bob.prekeys).is_err());
    let (other, _) = bob
        .prekeys
        .kem_prekey
        .public()
        .encapsulate(&mut rng)
        .unwrap();
    let mut exchanged = sealed.clone();
    exchanged.kem_ciphertext = Some(other);
    assert!(exchanged.open(&us, &bob.prekeys).is_err());
    for at in 0..sealed.kem_ciphertext.as_ref().unwrap().len() {
        let mut changed = sealed.clone();
        changed.kem_ciphertext.as_mut().unwrap()[at] ^= 1;
        assert!(changed.open(&us, &bob.prekeys).is_err());
    }
}

/// Who was shown a bundle with another ML-KEM key than its owner has, has another session than its owner.
#[test]
fn the_commitment_is_bound_also_where_the_key_was_not_used() {
    let mut rng = seeded(&Secret::new([25; 32]));
    let alice = IdentityKeyPair::generate(&mut rng);
    let bob = Responder::new(&mut rng);
    let mut device = bob.device(PLAIN);
    device.kem_prekey.commitment[0] ^= 1;
    let (ours, message, _) =
        initiate(&alice, 4, &bob.identity.public(), &device, None, &mut rng).unwrap();
    let theirs = respond(&bob.keys(PLAIN, None), &message).unwrap();
    assert_ne!(ours.associated_data, theirs.associated_data);
    assert_ne!(ours.session_id, theirs.session_id);
}

/// Harvest now, decrypt later (P6): with every X25519 secret of both sides, what is missing is the ML-KEM key's or the secret of the code.
#[test]
fn every_x25519_secret_does_not_give_a_session_with_ml_kem_or_a_secret() {
    let mut rng = seeded(&Secret::new([26; 32]));
    let alice = IdentityKeyPair::generate(&mut rng);
    let bob = Responder::new(&mut rng);
    for mode in modes() {
        let (ours, message, _) = bob.called_by(&alice, mode, &mut rng);
        // All the DH values of the session, and the mode that everybody may know.
        let prekey = &bob.prekeys.signed_prekey;
        let mut input = vec![0xff; 32];
        let mut add = |secret: &DhSecret, public: &DhPublic| {
            input.extend_from_slice(secret.agree(public).unwrap().as_bytes());
        };
        add(prekey, &alice.public().to_dh());
        add(&bob.identity.to_dh(), &message.ephemeral_key);
        add(prekey, &message.ephemeral_key);
        if mode.one_time {
            add(&bob.one_time_prekey, &message.ephemeral_key);
        }
        let info = [labels::PQXDH, &[mode.byte()]].concat();
        let broken: SharedSecret = hkdf_sha256(&[0; 32], &input, &info);
        assert_eq!(broken == ours.shared_secret, !mode.is_post_quantum());
    }
}

#[test]
fn identities_and_devices_are_bound() {
    let mut rng = seeded(&Secret::new([21; 32]));
    let alice = IdentityKeyPair::generate(&mut rng);
    let mallory = IdentityKeyPair::generate(&mut rng);
    let bob = Responder::new(&mut rng);
    let (ours, message, _) = bob.called_by(&alice, ONE_TIME, &mut rng);

    let mut claimed = message;
    claimed.initiator.identity = mallory.public();
    let theirs = respond(&bob.keys(ONE_TIME, None), &claimed).unwrap();
    assert_ne!(ours.shared_secret, theirs.shared_secret);
    assert_ne!(ours.associated_data, theirs.associated_data);

    let mut claimed = message;
    claimed.initiator.device_id = 5;
    let theirs = respond(&bob.keys(ONE_TIME, None), &claimed).unwrap();
    assert_ne!(ours.associated_data, theirs.associated_data);

    let mut keys = bob.keys(ONE_TIME, None);
    keys.device_id = 10;
    let theirs = respond(&keys, &message).unwrap();
    assert_ne!(ours.associated_data, theirs.associated_data);
}

#[test]
fn one_ephemeral_key_makes_one_session() {
    let mut rng = seeded(&Secret::new([22; 32]));
    let alice = IdentityKeyPair::generate(&mut rng);
    let bob = Responder::new(&mut rng);
    let mut start = || bob.called_by(&alice, PLAIN, &mut rng);
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
        add(&ephemeral, &bob.prekeys.signed_prekey.public());
        if let Some(one_time_prekey) = one_time_prekey {
            add(&ephemeral, &one_time_prekey);
        }
        let info = [labels::PQXDH, &[u8::from(one_time_prekey.is_some())]].concat();
        let key: SharedSecret = hkdf_sha256(&[0; 32], &input, &info);
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
        kem_ciphertext: None,
        secret: false,
    };
    for one_time in [false, true] {
        let mode = if one_time { ONE_TIME } else { PLAIN };
        let agreed = respond(&bob.keys(mode, None), &message(one_time.then_some(2))).unwrap();
        let one_time_key = one_time.then(|| bob.one_time_prekey.public());
        assert_eq!(
            forge(&bob.prekeys.signed_prekey, one_time_key),
            agreed.shared_secret
        );
        // Bob's identity, or another signed prekey of his, does not do it.
        for other in [bob.identity.to_dh(), DhSecret::generate(&mut rng)] {
            assert_ne!(forge(&other, one_time_key), agreed.shared_secret);
        }
    }
}

#[test]
fn what_a_session_and_a_seal_are_bound_to_is_what_the_protocol_says_byte_for_byte() {
    let rng = &mut seeded(&Secret::new([31; 32]));
    let (alice, bob) = (IdentityKeyPair::generate(rng), Responder::new(rng));
    for mode in modes() {
        let (device, secret) = (bob.device(mode), mode.secret.then_some(&bob.secret));
        let (agreement, message, sealed) =
            initiate(&alice, 4, &bob.identity.public(), &device, secret, rng).unwrap();
        let [ours, theirs] = [&alice, &bob.identity].map(|one| one.public().to_bytes());
        let [version, from, to] = [2u32, 4, 9].map(u32::to_be_bytes);
        let commitment = &device.kem_prekey.commitment;
        let parts: [&[u8]; 7] = [
            &version,
            &ours,
            &theirs,
            &from,
            &to,
            &[mode.byte()],
            commitment,
        ];
        assert_eq!(agreement.associated_data.as_slice(), parts.concat());
        assert_eq!(agreement.associated_data.len(), 109);

        let shared = bob.prekeys.signed_prekey.agree(&sealed.ephemeral_key);
        let ciphertext = sealed.kem_ciphertext.as_deref();
        let kem = ciphertext.map(|bytes| bob.prekeys.kem_prekey.decapsulate(bytes));
        let key = sealed::Seal::key(&shared.unwrap(), kem.as_ref());
        let spk = bob.prekeys.signed_prekey.public();
        let (ek, spk) = (sealed.ephemeral_key.as_bytes(), spk.as_bytes());
        let bound = [&version, theirs.as_slice(), &to, ek, spk].concat();
        let bound = [bound.as_slice(), ciphertext.map_or(&[], |bytes| bytes)].concat();
        let said = decrypt(&key, &sealed.sealed_initiator, &bound).unwrap();
        let id = message.one_time_prekey_id.unwrap_or(0).to_be_bytes();
        assert_eq!(
            *said,
            [ours.as_slice(), &from, &id, &[mode.byte()]].concat()
        );
        assert_eq!(said.len(), 41);
    }
}

#[test]
fn a_seal_that_says_another_mode_than_what_is_there_is_refused() {
    let rng = &mut seeded(&Secret::new([32; 32]));
    let (alice, bob) = (IdentityKeyPair::generate(rng), Responder::new(rng));
    for kem in [false, true] {
        let device = bob.device(Mode { kem, ..PLAIN });
        let (_, _, sealed) =
            initiate(&alice, 4, &bob.identity.public(), &device, None, rng).unwrap();
        for (byte, id) in (0..=u8::MAX).flat_map(|byte| [(byte, 0u32), (byte, 2)]) {
            let ours = alice.public().to_bytes();
            let [from, one_time] = [4, id].map(u32::to_be_bytes);
            let said = [ours.as_slice(), &from, &one_time, &[byte]].concat();
            let right = Mode::from_byte(byte).is_some_and(|mode| {
                mode.kem == kem && mode.one_time == (id != 0) && (mode.one_time || !mode.secret)
            });
            assert_eq!(sealed.read(&said).is_ok(), right, "{byte} {id} {kem}");
        }
    }
}
