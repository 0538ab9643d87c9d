//! The handshake, envelopes, and whole conversations of two devices.

use prost::Message;
use serde_json::{Value, json};
use windlass::bundle::PrekeySecrets;
use windlass::crypto::{DhSecret, KemSecret, Secret};
use windlass::link::{ExistingDevice, LinkAnswer, LinkCode, LinkError, LinkReply, NewDevice};
use windlass::ratchet::{CHAIN_TAG_LEN, HeaderKey};
use windlass::session::{Envelope, HealingRoot, Proved, SessionError};
use windlass::wire::v2;
use windlass::x3dh::{self, ResponderKeys, SealedHandshake};

use super::{bytes, error, hex, key_pair, number, public, wire_code};
use crate::support::sessions::{Channel, Device, Scripted, refusal, secret};

/// A device of an input, with its prekeys if it has some.
fn device(input: &Value) -> Device {
    let prekey = |field: &str| {
        let prekey = &input[field];
        (!prekey.is_null()).then(|| {
            let bytes = secret(&bytes(prekey, "secret"));
            (number(prekey, "id"), DhSecret::from_bytes(&bytes))
        })
    };
    let signed = prekey("signed_prekey").map(|(id, secret)| {
        let seed = bytes(&input["signed_prekey"], "kem_seed").try_into();
        let kem = KemSecret::from_bytes(Secret::new(seed.unwrap()));
        (id, PrekeySecrets::of(secret, kem))
    });
    let code_secret = input["one_time_prekey"]["code_secret"].as_str();
    Device {
        identity: key_pair(input, "seed"),
        device_id: number(input, "device_id"),
        signed_prekey: signed.unwrap_or_else(|| {
            let none = DhSecret::from_bytes(&Secret::zero());
            (
                1,
                PrekeySecrets::of(none, KemSecret::from_bytes(Secret::zero())),
            )
        }),
        one_time_prekey: prekey("one_time_prekey"),
        shows_kem_key: input["shows_kem_key"] != false,
        code_secret: code_secret.map(|_| secret(&bytes(&input["one_time_prekey"], "code_secret"))),
    }
}

pub fn agreement(input: &Value) -> Value {
    let (initiator, responder) = (device(&input["initiator"]), device(&input["responder"]));
    let mut script = Scripted::default();
    let ephemeral = bytes(input, "ephemeral_secret");
    script.secrets.push_back(ephemeral.try_into().unwrap());
    let coins = bytes(input, "kem_coins");
    script.secrets.push_back(coins.try_into().unwrap());
    let nonce = bytes(input, "handshake_nonce");
    script.nonces.push_back(nonce.try_into().unwrap());
    let (ours, message, sealed) = x3dh::initiate(
        &initiator.identity,
        initiator.device_id,
        &responder.public(),
        &responder.bundle(),
        responder.code_secret.as_ref(),
        &mut script,
    )
    .unwrap();
    let us = x3dh::Party {
        identity: responder.public(),
        device_id: responder.device_id,
    };
    let (_, kem_shared) = sealed.open(&us, &responder.signed_prekey.1).unwrap();
    let keys = ResponderKeys {
        identity: &responder.identity,
        device_id: responder.device_id,
        prekeys: &responder.signed_prekey.1,
        kem_shared: kem_shared.as_ref(),
        one_time_prekey: responder.one_time_prekey.as_ref().map(|(_, key)| key),
        secret: responder.code_secret.as_ref(),
    };
    let theirs = x3dh::respond(&keys, &message).unwrap();
    assert_eq!(ours.shared_secret, theirs.shared_secret);
    assert_eq!(ours.associated_data, theirs.associated_data);
    assert_eq!(ours.session_id, theirs.session_id);
    json!({
        "handshake": hex(&sealed.to_wire().encode_to_vec()),
        "shared_secret": hex(ours.shared_secret.as_bytes()),
        "associated_data": hex(&ours.associated_data),
        "session_id": hex(&ours.session_id),
    })
}

/// The key that a device gives another for a day, and what its request proves that day by.
pub fn healing_proof(input: &Value) -> Value {
    let party = |input: &Value| x3dh::Party {
        identity: public(input, "identity"),
        device_id: number(input, "device_id"),
    };
    let (asker, answerer) = (party(&input["asker"]), party(&input["answerer"]));
    let [root_day, day] = ["root_day", "day"].map(|name| number(input, name));
    let root = HealingRoot::from_bytes(&bytes(input, "root"), root_day).unwrap();
    let Some(root) = root.at(day) else {
        return error("erased");
    };
    let key = root.key_for(&answerer);
    let proof = key.prove(&Proved {
        session_id: &bytes(input, "session_id").try_into().unwrap(),
        asker: &asker,
        answerer: &answerer,
        day,
        content: &bytes(input, "content"),
    });
    json!({
        "root": hex(root.as_bytes()),
        "key": hex(key.as_bytes()),
        "proof": hex(proof.as_bytes()),
    })
}

/// Opens a header with the key of its chain.
pub fn header(input: &Value) -> Value {
    let mut key = bytes(input, "header_key");
    key.extend([0; CHAIN_TAG_LEN]);
    let key = HeaderKey::from_bytes(&key).unwrap();
    match key.open(&bytes(input, "sealed"), &bytes(input, "associated_data")) {
        Ok(header) => json!({
            "ratchet_key": hex(header.ratchet_key.as_bytes()),
            "previous_chain_length": header.previous_chain_length,
            "message_number": header.message_number,
            "epoch": header.epoch,
        }),
        Err(refused) => error(refusal(&SessionError::Ratchet(refused))),
    }
}

/// Opens the sealed part of a handshake with the signed prekey that it names.
pub fn handshake(input: &Value) -> Value {
    let device = device(&input["responder"]);
    let us = x3dh::Party {
        identity: device.public(),
        device_id: device.device_id,
    };
    let read = v2::Handshake::decode(&bytes(input, "encoded")[..]).unwrap();
    let opened = SealedHandshake::from_wire(&read)
        .and_then(|sealed| sealed.open(&us, &device.signed_prekey.1));
    match opened {
        Ok((handshake, shared)) => json!({
            "identity_key": hex(&handshake.initiator.identity.to_bytes()),
            "device_id": handshake.initiator.device_id,
            "one_time_prekey_id": handshake.one_time_prekey_id.unwrap_or(0),
            "mode": handshake.mode().byte(),
            "kem_shared": shared.map(|shared| hex(shared.as_bytes())),
        }),
        Err(refused) => error(wire_code(&refused)),
    }
}

pub fn envelope(input: &Value) -> Value {
    let envelope = match Envelope::decode(&bytes(input, "encoded")) {
        Ok(envelope) => envelope,
        Err(refused) => return error(wire_code(&refused)),
    };
    let messages: Vec<_> = envelope
        .parts
        .iter()
        .map(|part| {
            let handshake = part.handshake.as_ref().map(|handshake| {
                json!({
                    "ephemeral_key": hex(handshake.ephemeral_key.as_bytes()),
                    "signed_prekey_id": handshake.signed_prekey_id,
                    "sealed_initiator": hex(&handshake.sealed_initiator),
                    "kem_ciphertext": hex(handshake.kem_ciphertext.as_ref().map_or(&[], |bytes| &bytes[..])),
                })
            });
            json!({
                "device_id": part.device_id,
                "handshake": handshake,
                "chain_tag": hex(&part.chain_tag),
                "sender_hint": hex(&part.sender_hint),
                "sealed_header": hex(&part.sealed_header),
                "ciphertext": hex(&part.ciphertext),
            })
        })
        .collect();
    json!({ "messages": messages })
}

/// Opens a device transfer with the secret of the code that it was made for.
/// What both sides show, and what they compare.
pub fn device_link(input: &Value) -> Value {
    let uri = |field: &str| input[field].as_str().unwrap();
    let new = NewDevice::from_bytes(&secret(&bytes(input, "new_secret")));
    let read = LinkCode::from_uri(uri("code_uri")).and_then(|code| {
        let own = public(input, "identity");
        let secret = secret(&bytes(input, "existing_secret"));
        let existing = ExistingDevice::from_bytes(&secret, code, own);
        let agreed = existing.agree(&LinkReply::from_uri(uri("reply_uri"))?)?;
        Ok((existing.answer(), agreed))
    });
    match read {
        Ok((answer, agreed)) => json!({
            "code_uri": new.code().to_uri(),
            "answer_uri": answer.to_uri(),
            "reply_uri": new.reply().to_uri(),
            "address": agreed.identity().address(),
            "existing_digits": agreed.digits(),
            "new_digits": new.agree(&answer).unwrap().digits(),
        }),
        Err(LinkError::OtherDevice) => error("other device"),
        Err(LinkError::Text(_)) => error("text"),
        Err(_) => error("code"),
    }
}

pub fn device_transfer(input: &Value) -> Value {
    let new = NewDevice::from_bytes(&secret(&bytes(input, "new_secret")));
    let answer = LinkAnswer::from_uri(input["answer_uri"].as_str().unwrap()).unwrap();
    match new.agree(&answer).unwrap().open(&bytes(input, "encoded")) {
        Ok(transfer) => json!({
            "identity_seed": hex(transfer.identity.seed().as_bytes()),
            "bundle": hex(transfer.bundle.encoded()),
            "link_token": hex(transfer.token.as_bytes()),
            "own_words": hex(&transfer.own_words.encode()),
            "linked_devices": transfer.linked,
        }),
        Err(LinkError::Wire(refused)) => error(wire_code(&refused)),
        Err(LinkError::Key(_)) => error("key"),
        Err(LinkError::Sealed) => error("authentication"),
        Err(_) => error("contradiction"),
    }
}

/// Plays a schedule between two devices. A sent message is named by its place among all that were sent.
pub fn conversation(input: &Value) -> Value {
    let (alice, bob) = (device(&input["alice"]), device(&input["bob"]));
    let mut script = Scripted::default();
    let ephemeral = bytes(input, "ephemeral_secret");
    script.secrets.push_back(ephemeral.try_into().unwrap());
    let coins = bytes(input, "kem_coins");
    script.secrets.push_back(coins.try_into().unwrap());
    let nonce = bytes(input, "handshake_nonce");
    script.nonces.push_back(nonce.try_into().unwrap());
    let mut alice_end = alice.initiate(&bob, &mut script);
    let mut bob_end: Option<Channel> = None;

    let mut sent: Vec<Vec<u8>> = Vec::new();
    let mut results = Vec::new();
    for step in input["steps"].as_array().unwrap() {
        let by_alice = step["by"] == "alice";
        if !step["send"].is_null() {
            let end = if by_alice {
                &mut alice_end
            } else {
                bob_end.as_mut().unwrap()
            };
            let mut script = Scripted::default();
            if end.session.begins_chain() {
                let ratchet_secret = bytes(step, "ratchet_secret").try_into().unwrap();
                script.secrets.push_back(ratchet_secret);
            }
            let coins = bytes(step, "kem_coins").try_into().unwrap();
            script.secrets.push_back(coins);
            let seed = bytes(step, "kem_seed").try_into().unwrap();
            script.seeds.push_back(seed);
            for nonce in ["nonce", "header_nonce"] {
                let nonce = bytes(step, nonce).try_into().unwrap();
                script.nonces.push_back(nonce);
            }
            let now = step["now"].as_u64().unwrap_or_default();
            let claimed = step["claims_epoch"].as_u64();
            let real = claimed.map(|epoch| end.claim_epoch(u32::try_from(epoch).unwrap()));
            let envelope = end.send_at(now, &bytes(step, "send"), &mut script);
            if let Some(real) = real {
                end.claim_epoch(real);
            }
            results.push(json!({ "envelope": hex(&envelope) }));
            sent.push(envelope);
            continue;
        }
        if let Some(lost) = step["lose"].as_u64() {
            let end = if by_alice {
                &mut alice_end
            } else {
                bob_end.as_mut().unwrap()
            };
            end.lose(lost);
            results.push(json!({ "lost": lost }));
            continue;
        }
        let mut envelope = sent[number(step, "receive") as usize].clone();
        if let Some(at) = step["flip_byte_from_end"].as_u64() {
            let at = envelope.len() - usize::try_from(at).unwrap();
            envelope[at] ^= 1;
        }
        let received = if by_alice {
            alice_end.receive(&envelope)
        } else if let Some(end) = &mut bob_end {
            end.receive(&envelope)
        } else {
            // A session that received nothing yet is not kept.
            bob.respond(&envelope).and_then(|mut end| {
                let payload = end.receive(&envelope)?;
                bob_end = Some(end);
                Ok(payload)
            })
        };
        results.push(match received {
            Ok(payload) => json!({ "payload": hex(&payload) }),
            Err(refused) => error(refusal(&refused)),
        });
    }
    Value::Array(results)
}
