//! Handshakes, and what is sealed in them.

use super::*;

pub fn pqxdh() -> Vec<Case> {
    let mut rng = rng(9);
    (0..24)
        .map(|i| {
            // Each combination of what may be missing that there is, four times: a secret comes with a one-time prekey.
            let (one_time, secret) = (i % 3 > 0, i % 3 == 2);
            let kem = i % 6 < 3;
            let alice = party(
                random(&mut rng),
                &Device::random(random_id(&mut rng), false, &mut rng),
                false,
            );
            let mut device = Device::random(random_id(&mut rng), one_time, &mut rng);
            device.signed_prekey.0 = 1 + i;
            device.shows_kem_key = kem;
            device.code_secret = secret.then(|| Secret::new(random(&mut rng)));
            let bob = party(random(&mut rng), &device, true);
            let parts = [
                (one_time, "a one-time prekey"),
                (secret, "a secret"),
                (kem, "ML-KEM"),
            ];
            let parts: Vec<_> = parts
                .iter()
                .filter(|part| part.0)
                .map(|part| part.1)
                .collect();
            let input = json!({
                "initiator": alice,
                "responder": bob,
                "ephemeral_secret": hex(&random::<32>(&mut rng)),
                "kem_coins": hex(&random::<32>(&mut rng)),
                "handshake_nonce": hex(&random::<12>(&mut rng)),
            });
            (
                format!(
                    "with {} {}",
                    if parts.is_empty() {
                        "none of them".to_owned()
                    } else {
                        parts.join(", ")
                    },
                    i / 6
                ),
                input,
            )
        })
        .collect()
}

/// The sealed part of a handshake, made from the primitives alone.
struct Sealing {
    device: Device,
    ephemeral: DhSecret,
}

impl Sealing {
    /// With an ML-KEM ciphertext if the plaintext's mode says that there is one.
    fn seal(&self, plaintext: &[u8], device_id: u32, rng: &mut SeededRandom) -> v2::Handshake {
        let prekeys = &self.device.signed_prekey.1;
        let signed_prekey = prekeys.signed_prekey.public();
        let agreement = self.ephemeral.agree(&signed_prekey).unwrap();
        let has_kem = plaintext.get(40).is_some_and(|mode| mode & 2 != 0);
        let kem = has_kem.then(|| prekeys.kem_prekey.public().encapsulate(rng).unwrap());
        let mut input = agreement.as_bytes().to_vec();
        let mut kem_ciphertext = Vec::new();
        if let Some((ciphertext, shared)) = kem {
            input.extend_from_slice(shared.as_bytes());
            kem_ciphertext = ciphertext.to_vec();
        }
        let key = hkdf_sha256(&[0; 32], &input, b"Windlass v2 sealed handshake");
        let ephemeral_key = self.ephemeral.public();
        let data = [
            &2u32.to_be_bytes()[..],
            &self.device.public().to_bytes(),
            &device_id.to_be_bytes(),
            ephemeral_key.as_bytes(),
            signed_prekey.as_bytes(),
            &kem_ciphertext,
        ]
        .concat();
        v2::Handshake {
            ephemeral_key: ephemeral_key.as_bytes().to_vec(),
            signed_prekey_id: 1,
            sealed_initiator: encrypt(&key, plaintext, &data, rng).unwrap(),
            kem_ciphertext,
        }
    }
}

pub fn handshake() -> Vec<Case> {
    let mut rng = rng(30);
    let device = Device::random(22, false, &mut rng);
    let responder = party(device.identity.seed().as_bytes().to_owned(), &device, true);
    let sealing = Sealing {
        ephemeral: DhSecret::generate(&mut rng),
        device,
    };
    let identity = IdentityKeyPair::generate(&mut rng).public().to_bytes();
    let with = |identity: &[u8], device: u32, one_time: u32, mode: u8| {
        let numbers = [device.to_be_bytes(), one_time.to_be_bytes()].concat();
        [identity, &numbers, &[mode]].concat()
    };
    let of = |identity: &[u8], device: u32, one_time: u32| {
        with(identity, device, one_time, u8::from(one_time != 0))
    };
    let good = of(&identity, 7, 9);
    let mut cases = Vec::new();
    let mut case = |name: &str, handshake: v2::Handshake| {
        let input = json!({ "responder": responder, "encoded": hex(&handshake.encode_to_vec()) });
        cases.push((name.to_owned(), input));
    };
    for (name, plaintext) in [
        ("with a one-time prekey", good.clone()),
        ("without a one-time prekey", of(&identity, 7, 0)),
        ("device id 0", of(&identity, 0, 9)),
        (
            "identity key of small order",
            of(&unhex(SMALL_ORDER_ED25519[1]), 7, 9),
        ),
        (
            "identity key of mixed order",
            of(&unhex(MIXED_ORDER_ED25519[2]), 7, 9),
        ),
        ("with ML-KEM", with(&identity, 7, 0, 2)),
        (
            "with ML-KEM and a one-time prekey",
            with(&identity, 7, 9, 3),
        ),
        ("with a secret", with(&identity, 7, 9, 5)),
        ("with everything", with(&identity, 7, 9, 7)),
        (
            "a secret without a one-time prekey",
            with(&identity, 7, 0, 4),
        ),
        (
            "a mode without its one-time prekey",
            with(&identity, 7, 0, 1),
        ),
        (
            "a one-time prekey that the mode denies",
            with(&identity, 7, 9, 0),
        ),
        ("a mode with a bit that is none", with(&identity, 7, 9, 9)),
        ("a byte too few", good[..40].to_vec()),
        ("a byte too many", [good.clone(), vec![0]].concat()),
    ] {
        case(name, sealing.seal(&plaintext, 22, &mut rng));
    }
    case(
        "sealed to another device",
        sealing.seal(&good, 23, &mut rng),
    );
    for (name, change) in [
        (
            "a bit of the seal changed",
            (|h| h.sealed_initiator[30] ^= 1) as fn(&mut v2::Handshake),
        ),
        ("the seal cut short", |h| h.sealed_initiator.truncate(68)),
        ("a ciphertext that it was not sealed with", |h| {
            h.kem_ciphertext = vec![7; 1_088]
        }),
        ("another ephemeral key", |h| h.ephemeral_key = vec![9; 32]),
        ("ephemeral key of small order", |h| {
            h.ephemeral_key = unhex(SMALL_ORDER_X25519[0])
        }),
        ("ephemeral key not canonical", |h| {
            h.ephemeral_key[31] |= 0x80
        }),
        ("signed prekey id 0", |h| h.signed_prekey_id = 0),
    ] {
        let mut changed = sealing.seal(&good, 22, &mut rng);
        change(&mut changed);
        case(name, changed);
    }
    let kem = with(&identity, 7, 0, 2);
    for (name, change) in [
        (
            "the ciphertext taken away",
            (|h| h.kem_ciphertext.clear()) as fn(&mut v2::Handshake),
        ),
        ("a bit of the ciphertext changed", |h| {
            h.kem_ciphertext[700] ^= 1
        }),
        ("a ciphertext of 1,087 bytes", |h| {
            h.kem_ciphertext.truncate(1_087)
        }),
        ("a ciphertext of 1,089 bytes", |h| h.kem_ciphertext.push(0)),
    ] {
        let mut changed = sealing.seal(&kem, 22, &mut rng);
        change(&mut changed);
        case(name, changed);
    }
    cases
}
