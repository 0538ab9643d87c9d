//! The channel to one address: what to compare, and bare bytes.

use std::sync::Arc;

use wasm_bindgen::prelude::*;
use windlass::Session;

use crate::client::Client;
use crate::failure::{Answer, answer};

impl Client {
    fn session(&self, address: String) -> windlass::Result<Arc<Session>> {
        self.client.clone().session(address)
    }
}

#[wasm_bindgen]
impl Client {
    /// The number to compare with a contact.
    #[wasm_bindgen(js_name = safetyNumber)]
    pub fn safety_number(&self, address: String) -> Answer {
        answer(self.session(address).map(|session| session.safety_number()))
    }

    /// The same as pictures.
    #[wasm_bindgen(js_name = safetyEmoji)]
    pub fn safety_emoji(&self, address: String) -> Answer {
        answer(self.session(address).map(|session| session.safety_emoji()))
    }

    /// The same as a code to scan.
    #[wasm_bindgen(js_name = safetyCode)]
    pub fn safety_code(&self, address: String) -> Answer {
        answer(self.session(address).map(|session| session.safety_code()))
    }

    /// Marks a contact verified by the number that the user typed.
    pub fn verify(&self, address: String, number: String) -> Answer {
        let session = self.session(address);
        answer(session.and_then(|session| session.verify(number)))
    }

    /// Marks a contact verified by the code on their screen.
    #[wasm_bindgen(js_name = verifyCode)]
    pub fn verify_code(&self, address: String, code: String) -> Answer {
        let session = self.session(address);
        answer(session.and_then(|session| session.verify_code(code)))
    }

    /// How far the session with a contact has come.
    #[wasm_bindgen(js_name = sessionStatus)]
    pub fn session_status(&self, address: String) -> Answer {
        answer(self.session(address).and_then(|session| session.status()))
    }

    /// What keeps the next message from whoever breaks X25519 later.
    #[wasm_bindgen(js_name = postQuantum)]
    pub fn post_quantum(&self, address: String) -> Answer {
        let session = self.session(address);
        answer(session.and_then(|session| session.post_quantum()))
    }

    /// Begins a new session.
    #[wasm_bindgen(js_name = resetSession)]
    pub fn reset_session(&self, address: String) -> Answer {
        answer(self.session(address).and_then(|session| session.reset()))
    }

    /// Encrypts bytes.
    pub fn encrypt(&self, address: String, data: Vec<u8>) -> Answer {
        let session = self.session(address);
        answer(session.and_then(|session| session.encrypt(data.into())))
    }

    /// Decrypts an envelope of the other side's `encrypt`.
    pub fn decrypt(&self, address: String, envelope: Vec<u8>) -> Answer {
        let session = self.session(address);
        answer(session.and_then(|session| session.decrypt(envelope.into())))
    }
}
