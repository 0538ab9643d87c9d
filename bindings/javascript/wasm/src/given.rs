//! What JavaScript hands over beside strings, numbers and bytes. The package has looked at it before: what does not fit is a mistake of the
//! package, and is refused as content all the same.

use std::sync::Arc;

use js_sys::{Array, Reflect, Uint8Array};
use wasm_bindgen::{JsCast, JsValue};
use windlass::crypto::Secret;
use windlass::store;
use windlass::{
    Body, Bytes, OutgoingFile, OutgoingMessage, RichText, StateChange, StateOwner, StoreKey,
    TrustPolicy, WindlassError,
};
use zeroize::Zeroizing;

use crate::attachments::Files;
use crate::rich_text::rich;

pub(crate) fn field(object: &JsValue, name: &str) -> JsValue {
    Reflect::get(object, &name.into()).unwrap_or(JsValue::UNDEFINED)
}

pub(crate) fn text(object: &JsValue, name: &str) -> String {
    field(object, name).as_string().unwrap_or_default()
}

fn bytes(object: &JsValue, name: &str) -> Bytes {
    let bytes = field(object, name).dyn_into::<Uint8Array>();
    bytes.map_or_else(|_| Bytes::default(), |bytes| bytes.to_vec().into())
}

/// Bytes that may be left out.
pub(crate) fn some_bytes(object: &JsValue, name: &str) -> Option<Bytes> {
    let bytes = field(object, name).dyn_into::<Uint8Array>();
    bytes.ok().map(|bytes| bytes.to_vec().into())
}

/// A body to send; of a kind that is not sent, [`WindlassError::BodyNotSendable`].
fn body(given: &JsValue) -> windlass::Result<Body> {
    Ok(match text(given, "type").as_str() {
        "text" => Body::Text {
            text: text(given, "text"),
        },
        "data" => Body::Data {
            media_type: text(given, "mediaType"),
            data: bytes(given, "data"),
        },
        "opaque" => Body::Opaque {
            data: bytes(given, "data"),
        },
        _ => return Err(WindlassError::BodyNotSendable),
    })
}

/// A body to send, or in its place a file that was encrypted, by its number.
pub(crate) fn said(
    files: &Files,
    given: &JsValue,
) -> windlass::Result<(Body, Option<OutgoingFile>)> {
    if text(given, "type") != "file" {
        return Ok((body(given)?, None));
    }
    let number = field(given, "number").as_f64().unwrap_or_default();
    let file = files.outgoing(number, text(given, "location"))?;
    let text = String::new();
    Ok((Body::Text { text }, Some(file)))
}

/// A text with what its parts mean, if there is one.
fn rich_text(given: &JsValue) -> Option<RichText> {
    given.is_object().then(|| rich(given))
}

/// Messages for `send_many` and `handled`.
pub(crate) fn messages(files: &Files, given: &Array) -> windlass::Result<Vec<OutgoingMessage>> {
    let message = |given: JsValue| {
        let (body, file) = said(files, &field(&given, "body"))?;
        Ok(OutgoingMessage {
            to: text(&given, "to"),
            body,
            reply_to: field(&given, "replyTo").as_string(),
            is_answer: field(&given, "isAnswer").is_truthy(),
            file,
            rich_text: rich_text(&field(&given, "richText")),
        })
    };
    given.iter().map(message).collect()
}

/// What a document is about: the one property of three that is there.
pub(crate) fn owner(given: &JsValue) -> StateOwner {
    if let Some(address) = field(given, "conversation").as_string() {
        StateOwner::Conversation { address }
    } else if let Some(address) = field(given, "person").as_string() {
        StateOwner::Person { address }
    } else {
        let area = text(given, "program");
        StateOwner::Program { area }
    }
}

/// Documents that change.
pub(crate) fn changes(given: &Array) -> Vec<StateChange> {
    let change = |change: JsValue| StateChange {
        owner: owner(&field(&change, "owner")),
        name: text(&change, "name"),
        before: some_bytes(&change, "before"),
        after: some_bytes(&change, "after"),
    };
    given.iter().map(change).collect()
}

/// Numbers of the outbox. One that is none is of no envelope.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
pub(crate) fn numbers(given: &[f64]) -> Vec<u64> {
    given.iter().map(|number| *number as u64).collect()
}

/// A policy by its name, the strictest if it has none.
pub(crate) fn policy(given: &str) -> TrustPolicy {
    match given {
        "firstUse" => TrustPolicy::FirstUse,
        "acceptAll" => TrustPolicy::AcceptAll,
        _ => TrustPolicy::VerifiedOnly,
    }
}

/// What opens a store: a passphrase, or what a file or a variable holds, or 32 bytes. JavaScript's copy is not ours to erase.
pub(crate) fn key(kind: &str, given: Vec<u8>) -> windlass::Result<store::StoreKey> {
    let given = Zeroizing::new(given);
    Ok(match kind {
        "passphrase" => store::StoreKey::passphrase(&passphrase(&given)?)?,
        "content" => store::StoreKey::from_content(&given)?,
        _ => {
            let secret = Secret::try_from_slice(&given);
            let length = WindlassError::InvalidKeyLength { got: given.len() };
            store::StoreKey::Raw(secret.ok_or(length)?)
        }
    })
}

/// The same, for a client that is open.
pub(crate) fn new_key(kind: &str, given: Vec<u8>) -> windlass::Result<Arc<StoreKey>> {
    let given = Zeroizing::new(given);
    match kind {
        "passphrase" => StoreKey::from_passphrase(passphrase(&given)?.to_string()),
        "content" => StoreKey::from_content(given.as_slice().into()),
        _ => StoreKey::from_bytes(given.as_slice().into()),
    }
}

/// The package writes it as UTF-8.
fn passphrase(given: &[u8]) -> windlass::Result<Zeroizing<String>> {
    let text = str::from_utf8(given).map_err(|_| store::StoreError::EmptyPassphrase)?;
    Ok(Zeroizing::new(text.to_owned()))
}
