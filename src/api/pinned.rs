//! Messages at the top of a conversation, for everybody in it.

use super::conversation::named;
use super::{Conversation, Message, Result, Sent, WindlassError};
use crate::chat;
use crate::engine::history::pinned;

#[cfg_attr(feature = "uniffi", uniffi::export)]
impl Conversation {
    /// Puts the message of this author and id at the top of the conversation, for everybody in it and on all our devices. Everybody in a
    /// conversation or group may; whoever does it last decides. `UnknownMessage` if it is not here.
    pub fn pin_message(&self, author: &str, message_id: &str) -> Result<Sent> {
        self.pin(author, message_id, false)
    }

    /// Takes the message from the top again, whoever put it there.
    pub fn unpin_message(&self, author: &str, message_id: &str) -> Result<Sent> {
        self.pin(author, message_id, true)
    }

    /// The messages at the top, the one that was put there last first: at most 64. What is deleted is not there any more. A chat that the user
    /// wants at the top of the list of chats is another thing: `set_pinned`.
    pub fn pinned(&self) -> Result<Vec<Message>> {
        let (own, now) = (self.client.device.public(), self.client.store.0.now());
        let found = self
            .client
            .read(|rows| Ok(pinned::of(rows, &self.id, now)?))?;
        let messages = found.into_iter();
        Ok(messages
            .map(|shown| Message::from_shown(shown, &own))
            .collect())
    }
}

impl Conversation {
    fn pin(&self, author: &str, message_id: &str, removed: bool) -> Result<Sent> {
        let name = named(author, message_id)?;
        let now = self.client.store.0.now();
        let found = self.client.read(|rows| self.named(rows, &name))?;
        if !found.is_shown(now) || found.is_deleted() {
            return Err(WindlassError::UnknownMessage);
        }
        let body = chat::Body::Pin {
            author: name.author.to_bytes(),
            target: name.id,
            removed,
        };
        self.client.write_chat(&self.id, body, None)
    }
}
