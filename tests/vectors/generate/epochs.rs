//! The post-quantum side of the ratchet: derivations, what travels for it, and schedules of agreements.

use windlass::crypto::{KEM_CIPHERTEXT_LEN, KEM_PUBLIC_LEN, KemSecret};
use windlass::ratchet::scka::Message;

use super::*;

const DAY: u64 = 86_400_000;

pub fn first_epoch() -> Vec<Case> {
    let mut rng = rng(50);
    (0..4)
        .map(|i| {
            let input = json!({ "shared_secret": hex(&random::<32>(&mut rng)) });
            (format!("handshake {i}"), input)
        })
        .collect()
}

pub fn epoch_step() -> Vec<Case> {
    let mut rng = rng(51);
    (0..6)
        .map(|i| {
            let input = json!({
                "root_key": hex(&random::<32>(&mut rng)),
                "agreed_secret": hex(&random::<32>(&mut rng)),
            });
            (format!("step {i}"), input)
        })
        .collect()
}

fn key(epoch: u32, rng: &mut SeededRandom) -> Vec<u8> {
    let public = KemSecret::generate(rng).public();
    Message::Key(epoch, Box::new(*public.as_bytes()))
        .encode()
        .into_owned()
}

pub fn plaintext() -> Vec<Case> {
    let mut rng = rng(52);
    let key = key(1, &mut rng);
    let answer = Message::Ciphertext(9, Box::new(random(&mut rng)))
        .encode()
        .into_owned();
    let with = |front: &[u8], payload: &[u8]| [front, payload].concat();
    [
        ("nothing and a payload", with(&[0], b"payload")),
        ("nothing and no payload", vec![0]),
        ("no byte", Vec::new()),
        ("a key and a payload", with(&key, b"payload")),
        ("a key and no payload", key.clone()),
        ("a ciphertext and a payload", with(&answer, b"payload")),
        ("a ciphertext and no payload", answer.clone()),
        (
            "a key that is none, which the agreement passes over",
            with(&[1, 0, 0, 0, 1], &[0xff; KEM_PUBLIC_LEN]),
        ),
        (
            "a key of an epoch that cannot be",
            with(&[1, 0xff, 0xff, 0xff, 0xff], &key[5..]),
        ),
        ("a key cut short", key[..key.len() - 1].to_vec()),
        (
            "a ciphertext cut short",
            answer[..answer.len() - 1].to_vec(),
        ),
        ("an epoch cut short", vec![1, 0, 0, 0]),
        ("another kind", with(&[3], &key[1..])),
        ("the highest kind", with(&[255], &key[1..])),
    ]
    .into_iter()
    .map(|(name, plaintext)| (name.to_owned(), json!({ "plaintext": hex(&plaintext) })))
    .collect()
}

/// What happens in a schedule: I and R send, i and r receive what was sent as that number (from 0, counting what brought something alone). Behind `*`
/// is how often, behind `@` on which day, in hours behind `h`. `!` says that the other side has begun to send in the latest epoch. Behind `=` stands one
/// of the messages made up below.
const AGREEMENTS: [(&str, bool, &str); 20] = [
    ("one epoch", true, "I r0 R i1 r! i! I"),
    ("the initiator has time", false, "I*25 I r0 R i1"),
    (
        "each in turn",
        true,
        "I r0 R i1 r! R*26 i2 I r3 i! I*26 r4 R i5",
    ),
    (
        "each eighth message until the answer",
        true,
        "I*24 r0 I*8 r3 R i4 I*9",
    ),
    (
        "each eighth message until the new epoch",
        true,
        "I r0 R*17 r0 i1 i2 i3 r! R*25 R",
    ),
    ("the key comes late", true, "I*9 r1 R i2 r0"),
    ("the key comes twice", true, "I*9 r0 r1 R r0 r1 R i2"),
    ("the answer comes twice", true, "I r0 R*9 i1 i2 I"),
    (
        "the answer of another epoch",
        true,
        "I i=ciphertext0 i=ciphertext2 r0 R i1",
    ),
    (
        "an answer to no key",
        false,
        "i=ciphertext1 r=ciphertext1 I*26 r0 R i1",
    ),
    ("a key for who makes it", true, "i=key1 I i=key1 r0 R i1"),
    (
        "keys of other epochs",
        true,
        "r=key0 r=key2 r=keymax I r0 R i1",
    ),
    ("a key that is none, then one", true, "r=invalid I r0 R i1"),
    (
        "a key that is none where none is awaited",
        true,
        "I r0 R r=invalid i1",
    ),
    ("an answer to another key", true, "I r0 R i=ciphertext1 i1"),
    (
        "it is not repeated that the other side sends",
        true,
        "r! i! I r0 R i1 i! r! r! R*26 i2",
    ),
    ("a day of use", false, "I@100 I@100h23 I@101 r0 R@101 i1"),
    (
        "who does not write makes no key",
        false,
        "I@100 R@300 I@300 r0 R@300 i1 r! R@900 R@900 R@901 i2",
    ),
    (
        "a clock put back by an hour",
        false,
        "I@100 I@99h23 I@100h23 I@101",
    ),
    ("a clock put back by years", false, "I@9000 I@100"),
];

pub fn scka() -> Vec<Case> {
    let mut rng = rng(53);
    let valid = key(1, &mut rng);
    AGREEMENTS
        .into_iter()
        .map(|(name, at_once, schedule)| {
            let steps: Vec<_> = schedule
                .split(' ')
                .map(|step| agreement(step, &valid, &mut rng))
                .collect();
            let input = json!({ "at_once": at_once, "steps": steps });
            (name.to_owned(), input)
        })
        .collect()
}

fn agreement(step: &str, valid: &[u8], rng: &mut SeededRandom) -> Value {
    let (who, what) = step.split_at(1);
    let by = if who.eq_ignore_ascii_case("i") {
        "initiator"
    } else {
        "responder"
    };
    if what == "!" {
        return json!({ "by": by, "confirmed": true });
    }
    if let Some(made_up) = what.strip_prefix('=') {
        return json!({ "by": by, "take": hex(&of_name(made_up, valid)) });
    }
    if who == who.to_lowercase() {
        return json!({ "by": by, "receive": what.parse::<u32>().unwrap() });
    }
    let (times, now) = if let Some(times) = what.strip_prefix('*') {
        (times.parse().unwrap(), 0)
    } else if let Some(day) = what.strip_prefix('@') {
        let (day, hours) = day.split_once('h').unwrap_or((day, "0"));
        let [day, hours] = [day, hours].map(|number| number.parse::<u64>().unwrap());
        (1, day * DAY + hours * 3_600_000)
    } else {
        (1, 0)
    };
    json!({
        "by": by,
        "send": times,
        "now": now,
        "kem_seed": hex(&random::<64>(rng)),
        "kem_coins": hex(&random::<32>(rng)),
    })
}

/// Messages that an honest side would not send then.
fn of_name(name: &str, valid: &[u8]) -> Vec<u8> {
    let of = |kind: u8, epoch: u32, bytes: &[u8]| {
        [&[kind], epoch.to_be_bytes().as_slice(), bytes].concat()
    };
    let epoch = |prefix: &str| match name.strip_prefix(prefix) {
        Some("max") => Some(u32::MAX),
        Some(number) => number.parse().ok(),
        None => None,
    };
    if let Some(epoch) = epoch("ciphertext") {
        of(2, epoch, &[7; KEM_CIPHERTEXT_LEN])
    } else if let Some(epoch) = epoch("key") {
        of(1, epoch, &valid[5..])
    } else {
        // A coefficient that is not reduced (FIPS 203 §7.2).
        let mut key = of(1, 1, &valid[5..]);
        key[5..7].copy_from_slice(&[0xff, 0xff]);
        key
    }
}
