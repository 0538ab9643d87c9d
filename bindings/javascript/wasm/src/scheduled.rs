//! Messages that are sent at a time.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use wasm_bindgen::prelude::*;

use crate::client::Client;
use crate::failure::{Answer, answer};
use crate::rich_text::rich;

/// A time, from milliseconds since the epoch.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
fn time(at: f64) -> SystemTime {
    UNIX_EPOCH + Duration::from_millis(at as u64)
}

#[wasm_bindgen]
impl Client {
    /// Writes a text that is sent at a time.
    #[wasm_bindgen(js_name = sendAt)]
    pub fn send_at(
        &self,
        address: String,
        at: f64,
        text: String,
        reply_to: Option<String>,
    ) -> Answer {
        let chat = self.chat(address);
        answer(chat.and_then(|chat| chat.send_at(time(at), text, reply_to)))
    }

    /// The same of a text whose parts mean something.
    #[wasm_bindgen(js_name = sendRichAt)]
    pub fn send_rich_at(
        &self,
        address: String,
        at: f64,
        given: &JsValue,
        reply_to: Option<String>,
    ) -> Answer {
        let chat = self.chat(address);
        answer(chat.and_then(|chat| chat.send_rich_at(time(at), rich(given), reply_to)))
    }

    /// What is to be sent.
    pub fn scheduled(&self, address: String) -> Answer {
        answer(self.chat(address).and_then(|chat| chat.scheduled()))
    }

    /// Takes one back.
    #[wasm_bindgen(js_name = cancelScheduled)]
    pub fn cancel_scheduled(&self, address: String, id: &str) -> Answer {
        let chat = self.chat(address);
        answer(chat.and_then(|chat| chat.cancel_scheduled(id)))
    }
}
