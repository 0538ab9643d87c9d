//! What a group is about, what its admins keep for themselves, and links to it.

use std::time::Duration;

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

    /// Makes a link by which so many people ask to be let in, for so many milliseconds. A time that is none is no time.
    #[wasm_bindgen(js_name = createInvitationLink)]
    pub fn create_invitation_link(&self, group: String, uses: u32, expires_in: f64) -> Answer {
        let expires_in = Duration::try_from_secs_f64(expires_in / 1000.0).unwrap_or_default();
        let chat = self.chat(group);
        answer(chat.and_then(|chat| chat.create_invitation_link(uses, expires_in)))
    }

    /// The links that this device made.
    #[wasm_bindgen(js_name = invitationLinks)]
    pub fn invitation_links(&self, group: String) -> Answer {
        answer(self.chat(group).and_then(|chat| chat.invitation_links()))
    }

    /// A link lets nobody in any more.
    #[wasm_bindgen(js_name = revokeInvitationLink)]
    pub fn revoke_invitation_link(&self, group: String, id: &str) -> Answer {
        let chat = self.chat(group);
        answer(chat.and_then(|chat| chat.revoke_invitation_link(id)))
    }

    /// Follows a link to a group.
    #[wasm_bindgen(js_name = joinByLink)]
    pub fn join_by_link(&self, link: &str) -> Answer {
        answer(self.client.join_by_link(link))
    }

    /// The groups that we asked to be let into.
    #[wasm_bindgen(js_name = pendingJoins)]
    pub fn pending_joins(&self) -> Answer {
        answer(self.client.pending_joins())
    }

    /// We want to be let into no group any more by an address.
    #[wasm_bindgen(js_name = cancelJoin)]
    pub fn cancel_join(&self, address: &str) -> Answer {
        answer(self.client.cancel_join(address))
    }
}
