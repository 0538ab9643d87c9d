//! First messages with their payload, to a device that knows nobody.

use prost::Message as _;
use serde_json::{Value, json};

use super::super::annotated::id;
use super::*;
use crate::bundle::{self, DeviceBundle, OwnDevice, Prekey};
use crate::crypto::{DhSecret, seeded};
use crate::session::{HintKey, Part, Session};
use crate::wire::v1::Payload;

/// The device that is written to, made from fixed randomness; and its single-use bundle.
pub(super) fn receiver() -> (Party, VerifiedBundle) {
    let folder = tempfile::tempdir().unwrap();
    let key = StoreKey::Raw(Secret::new([9; 32]));
    let store = Store::create(&folder.path().join("store.wl"), &key).unwrap();
    let store: Box<dyn StorageEngine> = Box::new(RunsTwice::new(Arc::new(store)));
    let identity = IdentityKeyPair::from_seed(&Secret::new([9; 32]));
    let device = store
        .write(|rows| {
            let rng = &mut seeded(&Secret::new([8; 32]));
            create::create(rows, identity.duplicate(), START, rng)
        })
        .unwrap();
    let party = Party {
        folder,
        store,
        device,
    };
    let bundle = party.store.write(|rows| {
        own_bundle::single_use(&mut Step {
            rows,
            device: &party.device,
            now: START,
            rng: &mut seeded(&Secret::new([7; 32])),
        })
    });
    (party, bundle.unwrap())
}

/// Somebody who writes, with a device.
pub(super) struct Writer {
    pub(super) identity: IdentityKeyPair,
    device_id: u32,
    signed: DhSecret,
}

impl Writer {
    pub(super) fn new(seed: u8, device_id: u32) -> Self {
        Self {
            identity: IdentityKeyPair::from_seed(&Secret::new([seed; 32])),
            device_id,
            signed: DhSecret::generate(&mut seeded(&Secret::new([seed; 32]))),
        }
    }

    /// A bundle with these devices.
    pub(super) fn bundle(&self, devices: &[u32], issued_at: u64) -> Vec<u8> {
        let device = |id: &u32| OwnDevice {
            device_id: *id,
            signed_prekey: Prekey {
                id: 1,
                key: self.signed.public(),
            },
            one_time_prekey: None,
        };
        let devices: Vec<_> = devices.iter().map(device).collect();
        let issued_at = START / 1000 + issued_at;
        let built = bundle::build(&self.identity, &devices, issued_at);
        built.unwrap().encoded().to_vec()
    }

    fn begin(&self, to: &PublicIdentity, remote: &DeviceBundle, random: u8) -> Session {
        let hint_key = HintKey::between(&self.identity, to).unwrap();
        let rng = &mut seeded(&Secret::new([random; 32]));
        let (identity, id) = (&self.identity, self.device_id);
        Session::initiate(identity, id, to, remote, hint_key, START, rng).unwrap()
    }

    fn send(&self, session: Session, payload: &[u8]) -> (Session, Part) {
        let rng = &mut seeded(&Secret::new([u8::try_from(self.device_id).unwrap(); 32]));
        let sent = session.send(&self.identity.public(), payload, rng);
        sent.unwrap()
    }
}

fn payload(number: u32, sender_bundle: Vec<u8>) -> Vec<u8> {
    let content = Content {
        id: id(number),
        lamport: u64::from(number),
        sent_at: START,
        reply_to: None,
        group: None,
        view: None,
        follows: Vec::new(),
        body: text("ahoy"),
    };
    Payload {
        content: content.to_bytes().to_vec(),
        sender_bundle,
        pair: None,
    }
    .encode_to_vec()
}

fn envelope(part: Part) -> Vec<u8> {
    Envelope { parts: vec![part] }.encode()
}

/// Envelopes, by what they are about.
fn all(to: &PublicIdentity, single: &DeviceBundle) -> Vec<(&'static str, Vec<Vec<u8>>)> {
    let reusable = DeviceBundle {
        one_time_prekey: None,
        ..*single
    };
    let alice = Writer::new(1, 11);
    let other = Writer::new(1, 12);
    let mallory = Writer::new(2, 21);
    let good = alice.bundle(&[11], 10);
    // One first message of somebody, in a session of its own.
    let one = |by: &Writer, remote: &DeviceBundle, random: u8, payload: &[u8]| {
        let session = by.begin(to, remote, random);
        by.send(session, payload).1
    };
    let sent = |by: &Writer, remote: &DeviceBundle, random: u8, payload: &[u8]| {
        envelope(one(by, remote, random, payload))
    };
    let first = sent(&alice, single, 1, &payload(1, good.clone()));
    let (session, earlier) = alice.send(alice.begin(to, single, 1), &payload(1, good.clone()));
    let (_, later) = alice.send(session, &payload(2, good.clone()));
    let mut no_handshake = one(&alice, single, 1, &payload(1, good.clone()));
    no_handshake.handshake = None;
    let mut changed = one(&alice, single, 1, &payload(1, good.clone()));
    *changed.ciphertext.last_mut().unwrap() ^= 1;
    let mut mixed = one(&alice, single, 1, &payload(1, good.clone()));
    mixed.handshake = one(&alice, single, 2, &payload(1, good.clone())).handshake;
    let prekey = |id: u32, of: Prekey| Prekey { id, ..of };
    let wrong_signed = DeviceBundle {
        signed_prekey: prekey(7, single.signed_prekey),
        ..*single
    };
    let wrong_one_time = DeviceBundle {
        one_time_prekey: single.one_time_prekey.map(|of| prekey(9, of)),
        ..*single
    };
    let mut spoilt = good.clone();
    *spoilt.last_mut().unwrap() ^= 1;
    let both = alice.bundle(&[11, 12], 10);
    let left_out = alice.bundle(&[11], 20);
    let back = alice.bundle(&[11, 12], 30);
    vec![
        ("with a one-time prekey", vec![first.clone()]),
        (
            "without one",
            vec![sent(&alice, &reusable, 1, &payload(1, good.clone()))],
        ),
        ("the same bytes again", vec![first.clone(), first.clone()]),
        (
            "the second of a session first",
            vec![envelope(later), envelope(earlier)],
        ),
        (
            "no bundle",
            vec![sent(&alice, single, 1, &payload(1, Vec::new()))],
        ),
        (
            "a bundle whose signature does not verify",
            vec![sent(&alice, single, 1, &payload(1, spoilt))],
        ),
        (
            "a bundle of somebody else",
            vec![sent(
                &alice,
                single,
                1,
                &payload(1, mallory.bundle(&[11], 10)),
            )],
        ),
        (
            "a bundle without the device that writes",
            vec![sent(&other, single, 1, &payload(1, good.clone()))],
        ),
        ("no payload", vec![sent(&alice, single, 1, b"\xff\xff")]),
        (
            "what was refused for its bundle leaves the one-time prekey",
            vec![
                sent(&alice, single, 1, &payload(1, Vec::new())),
                sent(&alice, single, 3, &payload(1, good.clone())),
            ],
        ),
        (
            "an invitation that somebody used before",
            vec![
                first.clone(),
                sent(&mallory, single, 4, &payload(1, mallory.bundle(&[21], 10))),
            ],
        ),
        (
            "a signed prekey that never was",
            vec![sent(&alice, &wrong_signed, 1, &payload(1, good.clone()))],
        ),
        (
            "a one-time prekey that never was",
            vec![sent(&alice, &wrong_one_time, 1, &payload(1, good.clone()))],
        ),
        ("no handshake", vec![envelope(no_handshake)]),
        ("a changed ciphertext", vec![envelope(changed)]),
        ("a handshake of another session", vec![envelope(mixed)]),
        (
            "a device that was left out, with an older bundle",
            vec![
                sent(&alice, &reusable, 1, &payload(1, both.clone())),
                sent(&alice, &reusable, 2, &payload(2, left_out.clone())),
                sent(&other, &reusable, 3, &payload(3, both)),
            ],
        ),
        (
            "a device that was left out, with a newer bundle",
            vec![
                sent(&alice, &reusable, 2, &payload(2, left_out)),
                sent(&other, &reusable, 3, &payload(3, back)),
            ],
        ),
    ]
}

/// The cases, with the device that is written to.
pub(super) fn cases() -> Vec<(&'static str, Value)> {
    let (bob, bundle) = receiver();
    let remote = bundle.devices()[0];
    let one_time = remote.one_time_prekey.unwrap();
    let secrets: Result<_, EngineError> = bob.store.read(|rows| {
        let signed = prekeys::signed_prekey(rows, remote.signed_prekey.id)?;
        Ok((
            signed.unwrap(),
            prekeys::one_time_prekey(rows, one_time.id)?.unwrap(),
        ))
    });
    let (signed, once) = secrets.unwrap();
    let secret = |id: u32, secret: &DhSecret| json!({ "id": id, "secret": hex(secret.to_bytes().as_bytes()) });
    let own = json!({
        "seed": hex(&[9; 32]),
        "device_id": bob.device.device_id,
        "signed_prekey": secret(remote.signed_prekey.id, &signed),
        "one_time_prekey": secret(one_time.id, &once),
    });
    all(&bob.device.public(), &remote)
        .into_iter()
        .map(|(name, envelopes)| {
            let envelopes: Vec<_> = envelopes.iter().map(|one| hex(one)).collect();
            (name, json!({ "own": own, "envelopes": envelopes }))
        })
        .collect()
}

/// What each envelope is told as.
pub(super) fn expected(input: &Value) -> Value {
    let (bob, _) = receiver();
    let envelopes = input["envelopes"].as_array().unwrap().iter();
    let each = envelopes.map(|encoded| {
        let envelope = Envelope::decode(&unhex(encoded)).unwrap();
        let outcomes = bob.at(0, |step| Ok(receive::receive(step, &envelope)?.outcomes));
        let told = outcomes
            .unwrap()
            .into_iter()
            .find_map(|outcome| match outcome {
                Outcome::Message(shown) => {
                    let from = hex(&shown.stored.author.to_bytes());
                    Some(json!({ "message": shown.stored.content.id.to_string(), "from": from }))
                }
                Outcome::Duplicate { id } => {
                    Some(json!({ "duplicate": id.map(|id| id.to_string()) }))
                }
                Outcome::Undecryptable { cause, from } => {
                    let from = from.map(|from| hex(&from.to_bytes()));
                    Some(json!({ "cause": words(&format!("{cause:?}")), "from": from }))
                }
                _ => None,
            });
        told.unwrap()
    });
    each.collect()
}
