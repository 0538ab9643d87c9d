//! Which days a request for healing proves.

use serde_json::{Value, json};

use super::answers::{NOW, friend, party};
use super::firsts::receiver;
use super::*;
use crate::crypto::seeded;
use crate::engine::records::{pair_rows, pairs};
use crate::limits::HEALING_KEY_DAYS;
use crate::session::{HealingKey, HintKey, Proved, Session};
use crate::wire::store::{HealingKeyRow, PairRow};
use crate::wire::v2::Pair;
use crate::x3dh;

/// Keys that are kept of who asks, and what is proved with others.
struct Proves {
    name: &'static str,
    /// Day, key and since when the giver is known.
    kept: Vec<(u32, u8, u64)>,
    /// The first day, and the keys of it and of those that follow; 0 for none.
    from: u32,
    keys: Vec<u8>,
    /// Whether the content is another than the one that was proved.
    changed: bool,
}

fn proofs() -> Vec<Proves> {
    let today = 20_020;
    let proves = |name, kept: &[(u32, u8, u64)], from, keys: Vec<u8>| Proves {
        name,
        kept: kept.to_vec(),
        from,
        keys,
        changed: false,
    };
    let days = HEALING_KEY_DAYS as usize;
    let old = u64::from(today - 30) * DAY;
    let later = u64::from(today - 2) * DAY + 5;
    vec![
        proves("today", &[(today, 1, old)], today, vec![1]),
        proves(
            "the first of three days",
            &[(today - 2, 1, old), (today, 3, old)],
            today - 2,
            vec![1, 2, 3],
        ),
        proves(
            "a day whose key is not here",
            &[(today, 3, old)],
            today - 2,
            vec![1, 2, 3],
        ),
        proves(
            "a key of another",
            &[(today - 1, 9, old), (today, 3, old)],
            today - 1,
            vec![2, 3],
        ),
        proves("none", &[(today - 1, 9, old)], today - 1, vec![2, 3]),
        proves(
            "a day without a key",
            &[(today - 1, 0, old), (today, 3, old)],
            today - 1,
            vec![0, 3],
        ),
        proves(
            "known later than the day began",
            &[(today - 2, 1, later)],
            today - 2,
            vec![1],
        ),
        proves(
            "of two keys of a day the one that holds",
            &[(today, 8, later), (today, 3, old)],
            today,
            vec![3],
        ),
        Proves {
            changed: true,
            ..proves("another request", &[(today, 1, old)], today, vec![1])
        },
        proves(
            "the seventeenth day of a proof",
            &[(today, 5, old)],
            today - HEALING_KEY_DAYS,
            vec![5; days + 1],
        ),
        proves(
            "the eighteenth day of a proof",
            &[(today, 5, old)],
            today - HEALING_KEY_DAYS - 1,
            vec![5; days + 2],
        ),
    ]
}

/// The session in which it is asked: its other end is the friend.
fn session(own: &Party) -> Session {
    let friend = friend();
    let bundle = VerifiedBundle::decode(&friend.bundle(&[21], 10)).unwrap();
    let hint = HintKey::between(&own.device.identity, bundle.identity()).unwrap();
    let rng = &mut seeded(&Secret::new([4; 32]));
    let (identity, id) = (&own.device.identity, own.device.device_id);
    let remote = &bundle.devices()[0];
    Session::initiate(
        identity,
        id,
        bundle.identity(),
        remote,
        None,
        hint,
        NOW,
        rng,
    )
    .unwrap()
}

pub(super) fn cases() -> Vec<(&'static str, Value)> {
    let (own, _) = receiver();
    let session = session(&own);
    let asker = party(&friend());
    let answerer = own.end();
    let input = |proves: Proves| {
        let content = b"the encoded request".to_vec();
        let mac = |(place, key): (usize, &u8)| {
            if *key == 0 {
                return [0; 16].to_vec();
            }
            let day = proves.from + u32::try_from(place).unwrap();
            let key = HealingKey::from_bytes(&[*key; 32]).unwrap();
            let proved = Proved {
                session_id: &session.id(),
                asker: &asker,
                answerer: &answerer,
                day,
                content: &content,
            };
            key.prove(&proved).as_bytes().to_vec()
        };
        let proof: Vec<u8> = proves.keys.iter().enumerate().flat_map(mac).collect();
        let kept = proves.kept.iter().map(
            |(day, key, since)| json!({ "day": day, "key": hex(&[*key; 32]), "since": since }),
        );
        let party = |party: &x3dh::Party| json!({ "identity": hex(&party.identity.to_bytes()), "device_id": party.device_id });
        let input = json!({
            "session_id": hex(&session.id()),
            "asker": party(&asker),
            "answerer": party(&answerer),
            "kept": kept.collect::<Vec<_>>(),
            "proof_day": proves.from,
            "proof": hex(&proof),
            "content": hex(if proves.changed { b"another request" } else { &content }),
        });
        (proves.name, input)
    };
    proofs().into_iter().map(input).collect()
}

/// From when on the one who asks may ask, in milliseconds; nothing if nothing is proved.
pub(super) fn expected(input: &Value) -> Value {
    let (own, _) = receiver();
    let peer = party(&friend());
    let key = |kept: &Value| HealingKeyRow {
        day: u32::try_from(kept["day"].as_u64().unwrap()).unwrap(),
        key: unhex(&kept["key"]),
        since: kept["since"].as_u64().unwrap(),
        session_ids: Vec::new(),
    };
    let row = PairRow {
        identity_key: peer.identity.to_bytes().to_vec(),
        device_id: peer.device_id,
        keys: input["kept"].as_array().unwrap().iter().map(key).collect(),
        ..PairRow::default()
    };
    let mut pair = Pair::default();
    pair.proof_day = u32::try_from(input["proof_day"].as_u64().unwrap()).unwrap();
    pair.proof = unhex(&input["proof"]);
    let content = unhex(&input["content"]);
    let since = own.at_time(NOW, |step| {
        pair_rows::save(step.rows, &peer, &row)?;
        let beside = pairs::Beside {
            content: &content,
            pair: Some(&pair),
            bundle_issued_at: 0,
            anew: true,
        };
        pairs::receive(step, &mut session(&own), &beside)
    });
    let since = since.unwrap().map(|proven| proven.since);
    json!({ "proved_since": since })
}
