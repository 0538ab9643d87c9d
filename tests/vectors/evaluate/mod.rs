//! From the input of a case to what has to come out, by kind.

mod bundles;
mod contents;
mod epochs;
mod groups;
mod keys;
mod sessions;

use serde_json::{Value, json};
use windlass::bundle::BundleError;
use windlass::identity::{IdentityKeyPair, PublicIdentity};
use windlass::wire::WireError;

use crate::support::sessions::secret;

/// What a case of `kind` gives for `input`.
pub fn evaluate(kind: &str, input: &Value) -> Value {
    match kind {
        "identity" => keys::identity(input),
        "address" => keys::address(input),
        "ed25519-key" => keys::ed25519_key(input),
        "x25519" => keys::x25519(input),
        "ml-kem" => keys::ml_kem(input),
        "safety-number" => keys::safety(input),
        "code-frames" => bundles::code_frames(input),
        "group-link" => bundles::group_link(input),
        "group" => groups::group(input),
        "attachment" => keys::attachment(input),
        "bundle" => bundles::bundle(input),
        "bundle-build" => bundles::bundle_build(input),
        "uri" => bundles::uri(input),
        "pqxdh" => sessions::agreement(input),
        "root-step" => keys::root_step(input),
        "first-header-keys" => keys::first_header_keys(input),
        "chain-steps" => keys::chain_steps(input),
        "message-key" => keys::message_key(input),
        "first-epoch" => epochs::first_epoch(input),
        "epoch-step" => epochs::epoch_step(input),
        "plaintext" => epochs::plaintext(input),
        "scka" => epochs::scka(input),
        "sender-hint" => keys::sender_hint(input),
        "own-words" => keys::own_words(input),
        "healing-proof" => sessions::healing_proof(input),
        "message-name" => keys::message_name(input),
        "floor-name" => keys::floor_name(input),
        "padding" => keys::padding(input),
        "unpadding" => keys::unpadding(input),
        "header" => sessions::header(input),
        "handshake" => sessions::handshake(input),
        "envelope" => sessions::envelope(input),
        "content" => contents::content(input),
        "bounds" => contents::bounds(input),
        "conversation" => sessions::conversation(input),
        "device-link" => sessions::device_link(input),
        "device-transfer" => sessions::device_transfer(input),
        _ => unreachable!("no vectors of kind {kind}"),
    }
}

pub fn hex(bytes: &[u8]) -> String {
    data_encoding::HEXLOWER.encode(bytes)
}

fn bytes(input: &Value, field: &str) -> Vec<u8> {
    let text = input[field].as_str().unwrap();
    data_encoding::HEXLOWER.decode(text.as_bytes()).unwrap()
}

fn number(input: &Value, field: &str) -> u32 {
    u32::try_from(input[field].as_u64().unwrap()).unwrap()
}

fn key_pair(input: &Value, field: &str) -> IdentityKeyPair {
    IdentityKeyPair::from_seed(&secret(&bytes(input, field)))
}

fn public(input: &Value, field: &str) -> PublicIdentity {
    PublicIdentity::from_bytes(&bytes(input, field)).unwrap()
}

fn error(code: &str) -> Value {
    json!({ "error": code })
}

fn wire_code(error: &WireError) -> &'static str {
    match error {
        WireError::TooLong { .. } => "too long",
        WireError::Malformed { .. } => "malformed",
        WireError::UnsupportedVersion { .. } => "version",
    }
}

fn bundle_code(error: &BundleError) -> &'static str {
    match error {
        BundleError::Wire(error) => wire_code(error),
        BundleError::InvalidKey => "key",
        BundleError::InvalidSignature => "signature",
        BundleError::Expired { .. } => "expired",
        BundleError::FromTheFuture { .. } => "future",
    }
}
