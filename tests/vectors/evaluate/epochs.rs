//! The post-quantum side of the ratchet.

use serde_json::{Value, json};
use windlass::ratchet::scka::{Message, Scka};
use windlass::ratchet::{ChainKey, EpochRoot};

use super::{bytes, error, hex, number};
use crate::support::sessions::{Scripted, secret};

fn show((root, initiator, responder): (EpochRoot, ChainKey, ChainKey)) -> Value {
    json!({
        "root_key": hex(root.as_bytes()),
        "initiator_chain_key": hex(initiator.as_bytes()),
        "responder_chain_key": hex(responder.as_bytes()),
    })
}

pub fn first_epoch(input: &Value) -> Value {
    show(EpochRoot::first(&secret(&bytes(input, "shared_secret"))))
}

pub fn epoch_step(input: &Value) -> Value {
    let root = EpochRoot::new(secret(&bytes(input, "root_key")));
    show(root.step(&secret(&bytes(input, "agreed_secret"))))
}

/// What stands in front of a payload.
pub fn plaintext(input: &Value) -> Value {
    let plaintext = bytes(input, "plaintext");
    let Some((message, payload)) = Message::split(&plaintext) else {
        return error("content");
    };
    let (kind, epoch, body) = match &message {
        Message::Nothing => (0, 0, String::new()),
        Message::Key(epoch, key) => (1, *epoch, hex(key.as_slice())),
        Message::Ciphertext(epoch, bytes) => (2, *epoch, hex(bytes.as_slice())),
    };
    json!({ "kind": kind, "epoch": epoch, "bytes": body, "payload": hex(payload) })
}

/// Plays a schedule of the agreement alone.
pub fn scka(input: &Value) -> Value {
    let at_once = input["at_once"].as_bool().unwrap();
    let (mut initiator, mut responder) = (Scka::initiate(at_once), Scka::respond());
    let mut sent: Vec<Message> = Vec::new();
    let mut results = Vec::new();
    for step in input["steps"].as_array().unwrap() {
        let side = if step["by"] == "initiator" {
            &mut initiator
        } else {
            &mut responder
        };
        if step["confirmed"].as_bool().is_some() {
            side.confirm();
            results.push(json!({ "is_shared": side.is_shared() }));
        } else if step["send"].is_null() {
            let message = match step["receive"].as_u64() {
                Some(at) => sent[usize::try_from(at).unwrap()].clone(),
                None => Message::split(&bytes(step, "take")).unwrap().0,
            };
            let secret = side.receive(&message);
            results.push(json!({ "secret": secret.map(|key| hex(key.as_bytes())) }));
        } else {
            let mut script = Scripted::default();
            let [seed, coins] = ["kem_seed", "kem_coins"].map(|name| bytes(step, name));
            script.seeds.push_back(seed.try_into().unwrap());
            script.secrets.push_back(coins.try_into().unwrap());
            let now = step["now"].as_u64().unwrap();
            let (mut places, mut agreed) = (Vec::new(), None);
            for place in 0..number(step, "send") {
                let (message, secret) = side.send(now, &mut script);
                agreed = agreed.or(secret);
                if message != Message::Nothing {
                    places.push(json!([place, hex(&message.encode())]));
                    sent.push(message);
                }
            }
            let agreed = agreed.map(|key| hex(key.as_bytes()));
            results.push(json!({ "sent": places, "secret": agreed }));
        }
    }
    Value::Array(results)
}
