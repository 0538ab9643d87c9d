//! What the user sets for a conversation, and what others are told of the user.

use std::time::{Duration, UNIX_EPOCH};

use wasm_bindgen::prelude::*;

use crate::client::Client;
use crate::failure::{Answer, answer};

#[wasm_bindgen]
impl Client {
    /// What the user set for a conversation.
    #[wasm_bindgen(js_name = chatSettings)]
    pub fn chat_settings(&self, address: String) -> Answer {
        answer(self.chat(address).and_then(|chat| chat.settings()))
    }

    /// Until when it is mute, in milliseconds since the epoch; nothing if it is not.
    #[wasm_bindgen(js_name = setMutedUntil)]
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    pub fn set_muted_until(&self, address: String, until: Option<f64>) -> Answer {
        let until = until.map(|until| Duration::from_millis(until as u64));
        let until = until.and_then(|until| UNIX_EPOCH.checked_add(until));
        let chat = self.chat(address);
        answer(chat.and_then(|chat| chat.set_muted_until(until)))
    }

    /// Puts it into the archive, or takes it out.
    #[wasm_bindgen(js_name = setArchived)]
    pub fn set_archived(&self, address: String, archived: bool) -> Answer {
        let chat = self.chat(address);
        answer(chat.and_then(|chat| chat.set_archived(archived)))
    }

    /// Puts it at the top, or takes it from there.
    #[wasm_bindgen(js_name = setPinned)]
    pub fn set_pinned(&self, address: String, pinned: bool) -> Answer {
        answer(self.chat(address).and_then(|chat| chat.set_pinned(pinned)))
    }

    /// Marks it as unread.
    #[wasm_bindgen(js_name = markUnread)]
    pub fn mark_unread(&self, address: String) -> Answer {
        answer(self.chat(address).and_then(|chat| chat.mark_unread()))
    }

    /// The user's own name for it; nothing takes it away.
    #[wasm_bindgen(js_name = setNickname)]
    pub fn set_nickname(&self, address: String, nickname: Option<String>) -> Answer {
        let chat = self.chat(address);
        answer(chat.and_then(|chat| chat.set_nickname(nickname)))
    }

    /// Tells the others whether the user is writing.
    #[wasm_bindgen(js_name = setTyping)]
    pub fn set_typing(&self, address: String, active: bool) -> Answer {
        answer(self.chat(address).and_then(|chat| chat.set_typing(active)))
    }

    /// Tells a contact whether the user is there.
    #[wasm_bindgen(js_name = setAvailable)]
    pub fn set_available(&self, address: String, available: bool) -> Answer {
        let chat = self.chat(address);
        answer(chat.and_then(|chat| chat.set_available(available)))
    }

    /// Whether others are told what the user has read.
    #[wasm_bindgen(js_name = sendsReadReceipts)]
    pub fn sends_read_receipts(&self) -> Answer {
        answer(self.client.sends_read_receipts())
    }

    /// Sets that.
    #[wasm_bindgen(js_name = setSendsReadReceipts)]
    pub fn set_sends_read_receipts(&self, sends: bool) -> Answer {
        answer(self.client.set_sends_read_receipts(sends))
    }
}
