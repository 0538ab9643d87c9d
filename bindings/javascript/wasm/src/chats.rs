//! Conversations and groups, by their address.

use std::sync::Arc;
use std::time::Duration;

use wasm_bindgen::prelude::*;
use windlass::{Conversation, Message, Sent, WindlassError};

use crate::client::Client;
use crate::failure::{Answer, answer};

impl Client {
    pub(crate) fn chat(&self, address: String) -> windlass::Result<Arc<Conversation>> {
        self.client.clone().conversation(address)
    }

    /// A message of a conversation, by its author and id.
    pub(crate) fn at(
        &self,
        address: String,
        author: &str,
        id: &str,
    ) -> windlass::Result<(Arc<Conversation>, Message)> {
        let chat = self.chat(address)?;
        let message = chat.message(author, id)?;
        Ok((chat, message.ok_or(WindlassError::UnknownMessage)?))
    }

    /// The message before which a page ends, of which both are given or none.
    fn before(
        &self,
        address: String,
        author: Option<String>,
        id: Option<String>,
    ) -> windlass::Result<(Arc<Conversation>, Option<Message>)> {
        let (Some(author), Some(id)) = (author, id) else {
            return Ok((self.chat(address)?, None));
        };
        let (chat, message) = self.at(address, &author, &id)?;
        Ok((chat, Some(message)))
    }

    fn on_message(
        &self,
        (address, author, id): (String, &str, &str),
        done: impl FnOnce(Arc<Conversation>, Message) -> windlass::Result<Sent>,
    ) -> Answer {
        let found = self.at(address, author, id);
        answer(found.and_then(|(chat, message)| done(chat, message)))
    }
}

#[wasm_bindgen]
impl Client {
    /// The conversations.
    pub fn conversations(&self) -> Answer {
        answer(self.client.conversations())
    }

    /// A page of them, the latest first.
    #[wasm_bindgen(js_name = conversationPage)]
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    pub fn conversation_page(&self, limit: u32, after: Option<f64>) -> Answer {
        let after = after.map(|after| after as u64);
        answer(self.client.conversation_page(limit, after))
    }

    /// How many messages are unread in all of them.
    #[wasm_bindgen(js_name = unreadInAll)]
    pub fn unread_in_all(&self) -> Answer {
        answer(self.client.unread())
    }

    /// How many of them mention the user.
    #[wasm_bindgen(js_name = unreadMentionsInAll)]
    pub fn unread_mentions_in_all(&self) -> Answer {
        answer(self.client.unread_mentions())
    }

    /// Deletes a conversation for the user alone.
    #[wasm_bindgen(js_name = deleteConversation)]
    pub fn delete_conversation(&self, address: String) -> Answer {
        answer(self.client.delete_conversation(address))
    }

    /// A page of a conversation.
    pub fn messages(
        &self,
        address: String,
        limit: u32,
        author: Option<String>,
        id: Option<String>,
    ) -> Answer {
        let before = self.before(address, author, id);
        answer(before.and_then(|(chat, before)| chat.messages(limit, before)))
    }

    /// Messages that contain a text.
    pub fn search(
        &self,
        address: String,
        text: String,
        limit: u32,
        author: Option<String>,
        id: Option<String>,
    ) -> Answer {
        let before = self.before(address, author, id);
        answer(before.and_then(|(chat, before)| chat.search(text, limit, before)))
    }

    /// Messages of all conversations that contain a text; those behind a message, of which all is given or nothing.
    #[wasm_bindgen(js_name = searchInAll)]
    pub fn search_in_all(
        &self,
        text: String,
        limit: u32,
        address: Option<String>,
        author: Option<String>,
        id: Option<String>,
    ) -> Answer {
        let before = address.map(|address| self.before(address, author, id));
        let before = before.transpose();
        let before = before.map(|before| before.and_then(|(_, message)| message));
        answer(before.and_then(|before| self.client.search(text, limit, before)))
    }

    /// The messages before one.
    #[wasm_bindgen(js_name = messagesBefore)]
    pub fn messages_before(&self, address: String, author: &str, id: &str, limit: u32) -> Answer {
        let chat = self.chat(address);
        answer(chat.and_then(|chat| chat.messages_before(author, id, limit)))
    }

    /// The messages behind one.
    #[wasm_bindgen(js_name = messagesAfter)]
    pub fn messages_after(&self, address: String, author: &str, id: &str, limit: u32) -> Answer {
        let chat = self.chat(address);
        answer(chat.and_then(|chat| chat.messages_after(author, id, limit)))
    }

    /// A message with those before and behind it.
    #[wasm_bindgen(js_name = messagesAround)]
    pub fn messages_around(
        &self,
        address: String,
        author: &str,
        id: &str,
        before: u32,
        after: u32,
    ) -> Answer {
        let chat = self.chat(address);
        answer(chat.and_then(|chat| chat.messages_around(author, id, before, after)))
    }

    /// The message that a message answers.
    pub fn answered(&self, address: String, author: &str, id: &str) -> Answer {
        let chat = self.chat(address);
        answer(chat.and_then(|chat| chat.answered(author, id)))
    }

    /// One message.
    pub fn message(&self, address: String, author: &str, id: &str) -> Answer {
        answer(self.chat(address).and_then(|chat| chat.message(author, id)))
    }

    /// How many are unread.
    pub fn unread(&self, address: String) -> Answer {
        answer(self.chat(address).and_then(|chat| chat.unread()))
    }

    /// How many of them mention the user.
    #[wasm_bindgen(js_name = unreadMentions)]
    pub fn unread_mentions(&self, address: String) -> Answer {
        answer(self.chat(address).and_then(|chat| chat.unread_mentions()))
    }

    /// The user has read everything.
    #[wasm_bindgen(js_name = markRead)]
    pub fn mark_read(&self, address: String, receipt: bool) -> Answer {
        let chat = self.chat(address);
        answer(chat.and_then(|chat| chat.mark_read(receipt)))
    }

    /// The user has read up to a message.
    #[wasm_bindgen(js_name = markReadUpTo)]
    pub fn mark_read_up_to(
        &self,
        address: String,
        author: &str,
        id: &str,
        receipt: bool,
    ) -> Answer {
        let chat = self.chat(address);
        answer(chat.and_then(|chat| chat.mark_read_up_to(author, id, receipt)))
    }

    /// What became of a message of ours.
    pub fn receipts(&self, address: String, id: &str) -> Answer {
        answer(self.chat(address).and_then(|chat| chat.receipts(id)))
    }

    /// Reacts to a message.
    pub fn react(&self, address: String, author: &str, id: &str, emoji: String) -> Answer {
        let chat = self.chat(address);
        answer(chat.and_then(|chat| chat.react_to(author, id, &emoji)))
    }

    /// Removes a reaction.
    pub fn unreact(&self, address: String, author: &str, id: &str, emoji: String) -> Answer {
        let chat = self.chat(address);
        answer(chat.and_then(|chat| chat.unreact_to(author, id, &emoji)))
    }

    /// Replaces the text of a message of ours.
    pub fn edit(&self, address: String, author: &str, id: &str, text: String) -> Answer {
        self.on_message((address, author, id), |chat, message| {
            chat.edit(message, text)
        })
    }

    /// Deletes a message of ours, everywhere.
    #[wasm_bindgen(js_name = deleteMessage)]
    pub fn delete_message(&self, address: String, author: &str, id: &str) -> Answer {
        self.on_message((address, author, id), |chat, message| chat.delete(message))
    }

    /// Deletes a message for the user alone.
    #[wasm_bindgen(js_name = deleteForMe)]
    pub fn delete_for_me(&self, address: String, author: &str, id: &str) -> Answer {
        let chat = self.chat(address);
        answer(chat.and_then(|chat| chat.delete_message_for_me(author, id)))
    }

    /// After how many milliseconds messages are deleted; nothing or 0 keeps them.
    #[wasm_bindgen(js_name = setDisappearing)]
    pub fn set_disappearing(&self, address: String, after: Option<f64>) -> Answer {
        let after = after.and_then(|after| Duration::try_from_secs_f64(after / 1000.0).ok());
        let chat = self.chat(address);
        answer(chat.and_then(|chat| chat.set_disappearing(after)))
    }

    /// After how many milliseconds messages are deleted.
    pub fn disappearing(&self, address: String) -> Answer {
        answer(self.chat(address).and_then(|chat| chat.disappearing()))
    }

    /// Makes a group; its address.
    #[wasm_bindgen(js_name = createGroup)]
    pub fn create_group(&self, name: String, members: Vec<String>) -> Answer {
        let group = self.client.clone().create_group(name, members);
        answer(group.map(|group| group.address()))
    }

    /// Whether it is a group's.
    #[wasm_bindgen(js_name = isGroup)]
    pub fn is_group(&self, address: String) -> Answer {
        answer(self.chat(address).map(|chat| chat.is_group()))
    }

    /// The name of a group.
    #[wasm_bindgen(js_name = groupName)]
    pub fn group_name(&self, group: String) -> Answer {
        answer(self.chat(group).and_then(|chat| chat.name()))
    }

    /// The members of a group.
    pub fn members(&self, group: String) -> Answer {
        answer(self.chat(group).and_then(|chat| chat.members()))
    }

    /// Whether we take part.
    #[wasm_bindgen(js_name = isJoined)]
    pub fn is_joined(&self, group: String) -> Answer {
        answer(self.chat(group).and_then(|chat| chat.is_joined()))
    }

    /// Whether something is known to be missing here.
    #[wasm_bindgen(js_name = isIncomplete)]
    pub fn is_incomplete(&self, group: String) -> Answer {
        answer(self.chat(group).and_then(|chat| chat.is_incomplete()))
    }

    /// Who invited us.
    #[wasm_bindgen(js_name = invitedBy)]
    pub fn invited_by(&self, group: String) -> Answer {
        answer(self.chat(group).and_then(|chat| chat.invited_by()))
    }

    /// Takes part.
    pub fn join(&self, group: String) -> Answer {
        answer(self.chat(group).and_then(|chat| chat.join()))
    }

    /// Leaves.
    pub fn leave(&self, group: String) -> Answer {
        answer(self.chat(group).and_then(|chat| chat.leave()))
    }

    /// Deletes a group, and leaves it.
    #[wasm_bindgen(js_name = deleteGroup)]
    pub fn delete_group(&self, group: String) -> Answer {
        answer(self.chat(group).and_then(|chat| chat.delete_group()))
    }

    /// Gives a group another name.
    pub fn rename(&self, group: String, name: String) -> Answer {
        answer(self.chat(group).and_then(|chat| chat.rename(name)))
    }

    /// Invites contacts.
    #[wasm_bindgen(js_name = addMembers)]
    pub fn add_members(&self, group: String, addresses: Vec<String>) -> Answer {
        answer(
            self.chat(group)
                .and_then(|chat| chat.add_members(addresses)),
        )
    }

    /// Puts members out.
    #[wasm_bindgen(js_name = removeMembers)]
    pub fn remove_members(&self, group: String, addresses: Vec<String>) -> Answer {
        let chat = self.chat(group);
        answer(chat.and_then(|chat| chat.remove_members(addresses)))
    }

    /// Makes members admins.
    #[wasm_bindgen(js_name = addAdmins)]
    pub fn add_admins(&self, group: String, addresses: Vec<String>) -> Answer {
        answer(self.chat(group).and_then(|chat| chat.add_admins(addresses)))
    }

    /// Makes admins members like others.
    #[wasm_bindgen(js_name = removeAdmins)]
    pub fn remove_admins(&self, group: String, addresses: Vec<String>) -> Answer {
        let chat = self.chat(group);
        answer(chat.and_then(|chat| chat.remove_admins(addresses)))
    }
}
