//! What a group is about, and what its admins keep for themselves.

use wasm_bindgen::prelude::*;
use windlass::GroupPermission;

use crate::client::Client;
use crate::failure::{Answer, answer};

/// What is not known is what members may least.
fn permission(given: &str) -> GroupPermission {
    match given {
        "write" => GroupPermission::Write,
        "addMembers" => GroupPermission::AddMembers,
        _ => GroupPermission::ChangeDetails,
    }
}

#[wasm_bindgen]
impl Client {
    /// What a group is about.
    pub fn description(&self, group: String) -> Answer {
        answer(self.chat(group).and_then(|chat| chat.description()))
    }

    /// Says what a group is about.
    #[wasm_bindgen(js_name = setDescription)]
    pub fn set_description(&self, group: String, description: String) -> Answer {
        let chat = self.chat(group);
        answer(chat.and_then(|chat| chat.set_description(description)))
    }

    /// The picture of a group.
    pub fn picture(&self, group: String) -> Answer {
        answer(self.chat(group).and_then(|chat| chat.picture()))
    }

    /// Gives a group a picture, or none.
    #[wasm_bindgen(js_name = setPicture)]
    pub fn set_picture(&self, group: String, picture: Option<Vec<u8>>) -> Answer {
        let chat = self.chat(group);
        answer(chat.and_then(|chat| chat.set_picture(picture.map(Into::into))))
    }

    /// Whether admins alone may do something.
    #[wasm_bindgen(js_name = isForAdmins)]
    pub fn is_for_admins(&self, group: String, what: &str) -> Answer {
        let chat = self.chat(group);
        answer(chat.and_then(|chat| chat.is_for_admins(permission(what))))
    }

    /// Keeps something for admins, or leaves it to everybody.
    #[wasm_bindgen(js_name = setForAdmins)]
    pub fn set_for_admins(&self, group: String, what: &str, admins_only: bool) -> Answer {
        let chat = self.chat(group);
        answer(chat.and_then(|chat| chat.set_for_admins(permission(what), admins_only)))
    }

    /// Whether we may do something.
    pub fn may(&self, group: String, what: &str) -> Answer {
        let chat = self.chat(group);
        answer(chat.and_then(|chat| chat.may(permission(what))))
    }
}
