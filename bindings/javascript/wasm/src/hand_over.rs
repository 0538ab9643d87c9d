//! What a service worker reads a push with.

use std::time::{Duration, UNIX_EPOCH};

use wasm_bindgen::prelude::*;

use crate::client::Client;
use crate::failure::{Answer, answer, thrown};
use crate::given;

#[wasm_bindgen]
impl Client {
    /// What a service worker needs.
    #[wasm_bindgen(js_name = handOver)]
    pub fn hand_over(&self, kind: &str, key: Vec<u8>) -> Answer {
        let key = given::new_key(kind, key);
        answer(key.and_then(|key| self.client.hand_over(&key)))
    }
}

/// The same, opened. It holds no file and no lock.
#[wasm_bindgen]
pub struct HandOver(windlass::HandOver);

#[wasm_bindgen]
impl HandOver {
    /// Opens it, as of now.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    pub fn open(handed_over: &[u8], kind: &str, key: Vec<u8>) -> Result<HandOver, JsValue> {
        let now = UNIX_EPOCH + Duration::from_millis(js_sys::Date::now() as u64);
        let key = given::new_key(kind, key);
        let opened = key.and_then(|key| windlass::HandOver::open_at(handed_over, &key, now));
        opened.map(Self).map_err(thrown)
    }

    /// Looks into an envelope.
    pub fn peek(&self, envelope: Vec<u8>) -> Answer {
        answer(self.0.peek(envelope.into()))
    }
}
