//! From keys, seeds and secrets: identities, agreements, chains, padding.

use serde_json::{Value, json};
use windlass::chat::{FloorKey, HealingRequest, MessageId, OwnWordsKey};
use windlass::crypto::{self, DhPublic, DhSecret, KemPublic, KemSecret, Secret};
use windlass::identity::{AddressError, PublicIdentity, safety_code, safety_emoji, safety_number};
use windlass::ratchet::{ChainKey, HalfKey, HeaderKey, MessageKey, RootKey};
use windlass::session::HintKey;
use windlass::wire::v2;

use super::{bytes, error, hex, key_pair, number, public};
use crate::support::sessions::{Scripted, secret};

pub fn identity(input: &Value) -> Value {
    let pair = key_pair(input, "seed");
    let public = pair.public();
    json!({
        "public_key": hex(&public.to_bytes()),
        "address": public.address(),
        "x25519_secret": hex(pair.to_dh().to_bytes().as_bytes()),
        "x25519_public": hex(public.to_dh().as_bytes()),
    })
}

pub fn address(input: &Value) -> Value {
    match PublicIdentity::from_address(input["address"].as_str().unwrap()) {
        Ok(identity) => json!({ "public_key": hex(&identity.to_bytes()) }),
        Err(AddressError::Encoding) => error("encoding"),
        Err(AddressError::Prefix) => error("prefix"),
        Err(AddressError::Key(_)) => error("key"),
    }
}

/// A key of its seed, what is encapsulated to a key, or what a seed opens.
pub fn ml_kem(input: &Value) -> Value {
    if input["key"].is_string() {
        let Ok(key) = KemPublic::from_bytes(&bytes(input, "key")) else {
            return error("key");
        };
        let mut script = Scripted::default();
        let coins = bytes(input, "coins").try_into().unwrap();
        script.secrets.push_back(coins);
        let (ciphertext, shared) = key.encapsulate(&mut script).unwrap();
        return json!({ "ciphertext": hex(&ciphertext[..]), "shared_secret": hex(shared.as_bytes()) });
    }
    let seed = bytes(input, "seed").try_into().unwrap();
    let ours = KemSecret::from_bytes(Secret::new(seed));
    if !input["ciphertext"].is_string() {
        return json!({ "key": hex(ours.public().as_bytes()) });
    }
    match bytes(input, "ciphertext").try_into() {
        Ok(ciphertext) => {
            json!({ "shared_secret": hex(ours.decapsulate(&ciphertext).as_bytes()) })
        }
        Err(_) => error("ciphertext"),
    }
}

pub fn ed25519_key(input: &Value) -> Value {
    match PublicIdentity::from_bytes(&bytes(input, "public_key")) {
        Ok(identity) => json!({ "x25519_public": hex(identity.to_dh().as_bytes()) }),
        Err(_) => error("key"),
    }
}

pub fn x25519(input: &Value) -> Value {
    let Ok(public) = DhPublic::from_bytes(&bytes(input, "public_key")) else {
        return error("key");
    };
    let ours = DhSecret::from_bytes(&secret(&bytes(input, "secret")));
    match ours.agree(&public) {
        Ok(shared) => json!({ "shared_secret": hex(shared.as_bytes()) }),
        Err(_) => error("agreement"),
    }
}

pub fn safety(input: &Value) -> Value {
    let (a, b) = (public(input, "a"), public(input, "b"));
    let digits = safety_number(&a, &b);
    let emoji = safety_emoji(&digits)
        .into_iter()
        .map(|(picture, _)| picture);
    json!({ "digits": digits, "emoji": emoji.collect::<String>(), "code_shown_by_a": safety_code(&a, &b) })
}

pub fn root_step(input: &Value) -> Value {
    let root = RootKey::new(secret(&bytes(input, "root_key")));
    let (root, chain, header) = root.step(&secret(&bytes(input, "dh_output")));
    json!({
        "root_key": hex(root.as_bytes()),
        "chain_key": hex(chain.as_bytes()),
        "next_header_key": hex(&header.to_bytes().as_bytes()[..32]),
        "next_chain_tag": hex(&header.tag()),
    })
}

pub fn first_header_keys(input: &Value) -> Value {
    let (initiator, responder) = HeaderKey::first(&secret(&bytes(input, "shared_secret")));
    let show = |key: &HeaderKey| {
        json!({
            "header_key": hex(&key.to_bytes().as_bytes()[..32]),
            "chain_tag": hex(&key.tag()),
        })
    };
    json!({ "initiator": show(&initiator), "responder": show(&responder) })
}

pub fn chain_steps(input: &Value) -> Value {
    let mut chain = ChainKey::new(secret(&bytes(input, "chain_key")));
    let mut keys = Vec::new();
    for _ in 0..number(input, "steps") {
        let key = chain.step();
        keys.push(hex(key.as_bytes()));
    }
    json!({ "message_keys": keys, "chain_key": hex(chain.as_bytes()) })
}

pub fn message_key(input: &Value) -> Value {
    let mut script = Scripted::default();
    let nonce = bytes(input, "nonce");
    script.nonces.push_back(nonce.try_into().unwrap());
    let half = |name| HalfKey::new(secret(&bytes(input, name)));
    let key = MessageKey::hybrid(half("classical_key"), &half("post_quantum_key"));
    let shown = hex(key.as_bytes());
    let (plaintext, data) = (bytes(input, "plaintext"), bytes(input, "associated_data"));
    let sealed = key.seal(&plaintext, &data, &mut script).unwrap();
    json!({ "key": shown, "sealed": hex(&sealed) })
}

pub fn sender_hint(input: &Value) -> Value {
    let ours = key_pair(input, "seed");
    let key = HintKey::between(&ours, &public(input, "other")).unwrap();
    let chain_tag = bytes(input, "chain_tag").try_into().unwrap();
    json!({
        "hint_key": hex(key.as_bytes()),
        "sent_by_us": hex(&key.hint(&ours.public(), &chain_tag)),
        "sent_by_other": hex(&key.hint(&public(input, "other"), &chain_tag)),
    })
}

pub fn own_words(input: &Value) -> Value {
    let conversation = bytes(input, "conversation").try_into().unwrap();
    let group = input["group"].as_bool().unwrap();
    let [kept, day] = ["kept_day", "day"].map(|name| number(input, name));
    let kept = v2::OwnWords {
        day: kept,
        key: bytes(input, "kept_key"),
    };
    let Some(key) = OwnWordsKey::from_wire(&kept).unwrap().on(day) else {
        return error("erased");
    };
    json!({
        "key": hex(&key.to_wire().key),
        "proved": hex(&key.prove(&conversation, group, &bytes(input, "content"))),
    })
}

pub fn message_name(input: &Value) -> Value {
    let [salt, id] = ["salt", "id"].map(|field| bytes(input, field));
    let id = MessageId::from_bytes(&id).unwrap();
    let author = public(input, "author").to_bytes();
    let name = HealingRequest::name(&salt.try_into().unwrap(), &author, &id);
    json!({ "name": hex(&name) })
}

pub fn floor_name(input: &Value) -> Value {
    let key = FloorKey::of_seed(&bytes(input, "seed"));
    let [side, author] = ["conversation", "author"].map(|field| bytes(input, field));
    let group = input["group"].as_bool().unwrap();
    let id = MessageId::from_bytes(&bytes(input, "id")).unwrap();
    let lamport = input["lamport"].as_u64().unwrap();
    json!({
        "conversation": hex(&key.conversation(&side.try_into().unwrap(), group)),
        "message": hex(&key.message(lamport, &author.try_into().unwrap(), &id)),
    })
}

pub fn padding(input: &Value) -> Value {
    json!({ "padded": hex(&crypto::pad(&bytes(input, "plaintext"))) })
}

pub fn unpadding(input: &Value) -> Value {
    match crypto::unpad(&bytes(input, "padded")) {
        Some(plaintext) => json!({ "plaintext": hex(&plaintext) }),
        None => error("padding"),
    }
}

/// Seals the chunks of a file.
pub fn attachment(input: &Value) -> Value {
    let cipher = crypto::ChunkCipher::new(&secret(&bytes(input, "key")));
    let chunks = input["chunks"].as_array().unwrap();
    let sealed: Vec<u8> = (0..)
        .zip(chunks)
        .flat_map(|(number, chunk)| {
            let chunk = data_encoding::HEXLOWER
                .decode(chunk.as_str().unwrap().as_bytes())
                .unwrap();
            cipher
                .seal(number, number as usize + 1 == chunks.len(), &chunk)
                .unwrap()
        })
        .collect();
    json!({ "sealed": hex(&sealed), "digest": hex(&crypto::sha256(&[&sealed])) })
}
