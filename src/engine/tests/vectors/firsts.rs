//! First messages with their payload, to a device that knows nobody.

use prost::Message as _;
use serde_json::{Value, json};

use super::super::annotated::id;
use super::*;
use crate::bundle::{self, DeviceBundle, Prekey, PrekeySecrets};
use crate::crypto::{DhSecret, seeded};
use crate::session::{HintKey, Part, Session};
use crate::wire::v2::Payload;

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
            receipts: crate::engine::base::step::Receipts::default(),
            changes: Vec::new(),
            unattended: false,
            origin: crate::chat::MessageOrigin::Person,
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
    pub(super) device_id: u32,
    pub(super) prekeys: PrekeySecrets,
}

impl Writer {
    pub(super) fn new(seed: u8, device_id: u32) -> Self {
        Self {
            identity: IdentityKeyPair::from_seed(&Secret::new([seed; 32])),
            device_id,
            prekeys: PrekeySecrets::generate(&mut seeded(&Secret::new([seed; 32]))),
        }
    }

    /// A bundle with these devices.
    pub(super) fn bundle(&self, devices: &[u32], issued_at: u64) -> Vec<u8> {
        let device = |id: &u32| self.prekeys.device(*id, 1);
        let devices: Vec<_> = devices.iter().map(device).collect();
        let issued_at = START / 1000 + issued_at;
        let built = bundle::build(&self.identity, &devices, None, issued_at);
        built.unwrap().encoded().to_vec()
    }

    fn begin(
        &self,
        to: &PublicIdentity,
        remote: &DeviceBundle,
        secret: Option<&Secret<32>>,
        random: u8,
    ) -> Session {
        let hint_key = HintKey::between(&self.identity, to).unwrap();
        let rng = &mut seeded(&Secret::new([random; 32]));
        let (identity, id) = (&self.identity, self.device_id);
        Session::initiate(identity, id, to, remote, secret, hint_key, START, rng).unwrap()
    }

    fn send(&self, session: Session, payload: &[u8]) -> (Session, Part) {
        let rng = &mut seeded(&Secret::new([self.device_id.to_le_bytes()[0]; 32]));
        let sent = session.send(&self.identity.public(), payload, START, rng);
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
        origin: crate::chat::MessageOrigin::Person,
        body: text("ahoy"),
    };
    Payload {
        content: content.to_bytes().to_vec(),
        sender_bundle,
        pair: None,
        receipt: Vec::new(),
    }
    .encode_to_vec()
}

fn envelope(part: Part) -> Vec<u8> {
    Envelope { parts: vec![part] }.encode()
}

/// Envelopes with what a single-use bundle brings beside the signature, or without.
fn of_parts(to: &PublicIdentity, bundle: &VerifiedBundle) -> Vec<(&'static str, Vec<Vec<u8>>)> {
    let single = &bundle.devices()[0];
    let mut without_kem = single.clone();
    without_kem.kem_prekey.key = None;
    let mut other_commitment = without_kem.clone();
    other_commitment.kem_prekey.commitment[7] ^= 1;
    let alice = Writer::new(1, 11);
    let payload = payload(1, alice.bundle(&[11], 10));
    let given = bundle.code_secret().unwrap();
    let wrong = Secret::new([3; 32]);
    let sent = |remote: &DeviceBundle, secret: Option<&Secret<32>>| {
        let session = alice.begin(to, remote, secret, 1);
        vec![envelope(alice.send(session, &payload).1)]
    };
    let mut taken_away = Envelope::decode(&sent(single, None)[0]).unwrap();
    taken_away.parts[0]
        .handshake
        .as_mut()
        .unwrap()
        .kem_ciphertext = None;
    vec![
        ("with ML-KEM and the secret", sent(single, Some(&given))),
        (
            "with the secret, without ML-KEM",
            sent(&without_kem, Some(&given)),
        ),
        ("without the secret and ML-KEM", sent(&without_kem, None)),
        (
            "with a secret that is not the one given",
            sent(single, Some(&wrong)),
        ),
        (
            "a ciphertext that was taken away",
            vec![taken_away.encode()],
        ),
        (
            "another commitment than the bundle's",
            sent(&other_commitment, None),
        ),
    ]
}

/// Envelopes, by what they are about.
fn all(to: &PublicIdentity, single: &DeviceBundle) -> Vec<(&'static str, Vec<Vec<u8>>)> {
    let reusable = DeviceBundle {
        one_time_prekey: None,
        ..single.clone()
    };
    let alice = Writer::new(1, 11);
    let other = Writer::new(1, 12);
    let mallory = Writer::new(2, 21);
    let good = alice.bundle(&[11], 10);
    // One first message of somebody, in a session of its own.
    let one = |by: &Writer, remote: &DeviceBundle, random: u8, payload: &[u8]| {
        let session = by.begin(to, remote, None, random);
        by.send(session, payload).1
    };
    let sent = |by: &Writer, remote: &DeviceBundle, random: u8, payload: &[u8]| {
        envelope(one(by, remote, random, payload))
    };
    let first = sent(&alice, single, 1, &payload(1, good.clone()));
    let (session, earlier) =
        alice.send(alice.begin(to, single, None, 1), &payload(1, good.clone()));
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
        ..single.clone()
    };
    let wrong_one_time = DeviceBundle {
        one_time_prekey: single.one_time_prekey.map(|of| prekey(9, of)),
        ..single.clone()
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

/// What the user does about somebody between two envelopes.
fn user(does: &str, whom: &Writer) -> Value {
    json!({ "user": does, "whom": hex(&whom.identity.public().to_bytes()) })
}

/// Of people whom the user knows or does not want to know, and of what strangers may cost.
fn of_people(
    to: &PublicIdentity,
    own_device: u32,
    single: &DeviceBundle,
) -> Vec<(&'static str, Vec<Value>)> {
    let reusable = DeviceBundle {
        one_time_prekey: None,
        ..single.clone()
    };
    let alice = Writer::new(1, 11);
    let good = alice.bundle(&[11], 10);
    let in_turn = |random: u8, count: u32| {
        let mut session = alice.begin(to, &reusable, None, random);
        let mut sent = Vec::new();
        for number in 1..=count {
            let (next, part) = alice.send(session, &payload(number, good.clone()));
            session = next;
            sent.push(json!(hex(&envelope(part))));
        }
        sent
    };
    let one = |random| in_turn(random, 1).remove(0);
    let two = in_turn(1, 2);
    let many = in_turn(1, 22);
    let private = DeviceBundle {
        one_time_prekey: single
            .one_time_prekey
            .map(|of| Prekey { id: 1 << 31, ..of }),
        ..single.clone()
    };
    let own = Writer::new(9, own_device);
    let of_own = |writer: &Writer, remote: &DeviceBundle| {
        let bundle = writer.bundle(&[writer.device_id], 10);
        let session = writer.begin(to, remote, None, 1);
        let (_, part) = writer.send(session, &payload(1, bundle));
        json!(hex(&envelope(part)))
    };
    vec![
        (
            "somebody who is blocked, in a session and in a new one",
            vec![
                two[0].clone(),
                user("block", &alice),
                two[1].clone(),
                one(2),
            ],
        ),
        (
            "a stranger who was removed",
            vec![one(1), user("remove", &alice), one(2)],
        ),
        (
            "a contact who was removed sends again what was deleted with them",
            vec![
                one(1),
                user("accept", &alice),
                user("remove", &alice),
                one(2),
            ],
        ),
        (
            "a first message that is repeated when its session is gone",
            vec![
                one(1),
                user("accept", &alice),
                user("remove", &alice),
                one(1),
            ],
        ),
        ("twenty before it are missing", vec![many[20].clone()]),
        ("twenty-one before it are missing", vec![many[21].clone()]),
        (
            "a stranger's fourth session within an hour",
            vec![one(1), one(2), one(3), one(4)],
        ),
        (
            "the fourth session of somebody who is accepted",
            vec![one(1), user("accept", &alice), one(2), one(3), one(4)],
        ),
        (
            "a private one-time prekey that never was",
            vec![of_own(&alice, &private)],
        ),
        ("the device's own name", vec![of_own(&own, &reusable)]),
    ]
}

/// The cases, with the device that is written to.
pub(super) fn cases() -> Vec<(&'static str, Value)> {
    let (bob, bundle) = receiver();
    let remote = bundle.devices()[0].clone();
    let one_time = remote.one_time_prekey.unwrap();
    let secrets: Result<_, EngineError> = bob.store.read(|rows| {
        let signed = prekeys::signed_prekey(rows, remote.signed_prekey.id)?;
        Ok((
            signed.unwrap(),
            prekeys::one_time_prekey(rows, one_time.id)?.unwrap(),
        ))
    });
    let (signed, once) = secrets.unwrap();
    let bytes = |secret: &DhSecret| hex(secret.to_bytes().as_bytes());
    let own = json!({
        "seed": hex(&[9; 32]),
        "device_id": bob.device.device_id,
        "signed_prekey": {
            "id": remote.signed_prekey.id,
            "secret": bytes(&signed.signed_prekey),
            "kem_seed": hex(signed.kem_prekey.to_bytes().as_bytes()),
        },
        "one_time_prekey": {
            "id": one_time.id,
            "secret": bytes(&once.key),
            "code_secret": hex(once.code_secret.as_bytes()),
        },
    });
    let encoded = |envelopes: &Vec<Vec<u8>>| envelopes.iter().map(|one| json!(hex(one))).collect();
    let all = all(&bob.device.public(), &remote).into_iter();
    let all = all.chain(of_parts(&bob.device.public(), &bundle));
    let all = all.map(|(name, envelopes)| (name, encoded(&envelopes)));
    let of_people = of_people(&bob.device.public(), bob.device.device_id, &remote);
    let input =
        |(name, envelopes): (_, Vec<Value>)| (name, json!({ "own": own, "envelopes": envelopes }));
    all.chain(of_people).map(input).collect()
}

/// What each envelope is told as.
pub(super) fn expected(input: &Value) -> Value {
    let (bob, _) = receiver();
    let envelopes = input["envelopes"].as_array().unwrap().iter();
    let each = envelopes.filter_map(|encoded| {
        if let Some(does) = encoded["user"].as_str() {
            let whom = PublicIdentity::from_bytes(&unhex(&encoded["whom"])).unwrap();
            let done = bob.at(0, |step| {
                let mut contact = contacts::find(step.rows, &whom)?.unwrap();
                match does {
                    "block" => people::block(step.rows, &mut contact),
                    "accept" => people::accept(step, &mut contact),
                    _ => people::remove(step, &mut contact),
                }
            });
            done.unwrap();
            return None;
        }
        let envelope = Envelope::decode(&unhex(encoded)).unwrap();
        let outcomes = bob.at(0, |step| Ok(receive::receive(step, &envelope)?.outcomes));
        let mut outcomes = outcomes.unwrap().into_iter();
        let told = outcomes.find_map(|outcome| match outcome {
            Outcome::Message(shown) => {
                let from = hex(&shown.stored.author.to_bytes());
                Some(json!({ "message": shown.stored.content.id.to_string(), "from": from }))
            }
            Outcome::Duplicate { id } => Some(json!({ "duplicate": id.map(|id| id.to_string()) })),
            Outcome::InConversation(_, ConversationNews::Refused { reason, .. }) => {
                Some(json!({ "refused": words(&format!("{reason:?}")) }))
            }
            Outcome::Peer(from, PeerNews::Blocked) => {
                Some(json!({ "blocked": hex(&from.to_bytes()) }))
            }
            Outcome::Undecryptable { cause, from } => {
                let from = from.map(|from| hex(&from.to_bytes()));
                Some(json!({ "cause": words(&format!("{cause:?}")), "from": from }))
            }
            _ => None,
        });
        Some(told.unwrap())
    });
    each.collect()
}
