//! Small documents that a program keeps, and the transaction in which they change.

use js_sys::Array;
use wasm_bindgen::prelude::*;

use crate::client::Client;
use crate::failure::{Answer, answer};
use crate::given;

#[wasm_bindgen]
impl Client {
    /// A document.
    pub fn state(&self, owner: &JsValue, name: String) -> Answer {
        answer(self.client.state(given::owner(owner), name))
    }

    /// All documents of an owner.
    pub fn states(&self, owner: &JsValue) -> Answer {
        answer(self.client.states(given::owner(owner)))
    }

    /// What comes of one event, in one transaction.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    pub fn commit(&self, handled: Option<f64>, messages: &Array, changes: &Array) -> Answer {
        let handled = handled.map(|number| number as u64);
        let changes = given::changes(changes);
        let messages = given::messages(&self.files, messages);
        answer(messages.and_then(|messages| self.client.commit(handled, messages, changes)))
    }
}
