//! Messages by their names: an application that keeps author and id of a message needs no message to say something of it.

use super::conversation::named;
use super::{Conversation, Message, Result, Sent, WindlassError};
use crate::engine::base::message_ref::MessageRef;
use crate::engine::history::view::{self, Shown};
use crate::engine::sync::reading;

#[cfg_attr(feature = "uniffi", uniffi::export)]
impl Conversation {
    /// Reacts to the message of this author and id with an emoji.
    pub fn react_to(&self, author: &str, message_id: &str, emoji: &str) -> Result<Sent> {
        self.reaction(&named(author, message_id)?, emoji, false)
    }

    /// Removes the reaction.
    pub fn unreact_to(&self, author: &str, message_id: &str, emoji: &str) -> Result<Sent> {
        self.reaction(&named(author, message_id)?, emoji, true)
    }

    /// Replaces the text of the message of ours that has this id.
    pub fn edit_message(&self, message_id: &str, text: String) -> Result<Sent> {
        self.edit_named(&self.ours(message_id)?, text.into())
    }

    /// Deletes the message of ours that has this id, here and at the others.
    pub fn delete_message(&self, message_id: &str) -> Result<Sent> {
        self.delete_named(&self.ours(message_id)?)
    }

    /// Deletes the message of this author and id for the user alone.
    pub fn delete_message_for_me(&self, author: &str, message_id: &str) -> Result<()> {
        self.delete_named_for_me(&named(author, message_id)?)
    }

    /// The message that a message answers; nothing if it answers none, or one that is not here any more. A message names the other by its id
    /// alone: should two authors have given the same one, it is the one that stands first.
    pub fn answered(&self, author: &str, message_id: &str) -> Result<Option<Message>> {
        let (own, now) = (self.client.device.public(), self.client.store.0.now());
        let name = named(author, message_id)?;
        self.client.read(|rows| {
            let answer = self.named(rows, &name)?;
            let found = view::answered(rows, &own, &answer, now)?;
            Ok(found.map(|shown| Message::from_shown(shown, &own)))
        })
    }
}

exported! {
impl Conversation {
    /// The latest `limit` messages before the one of this author and id; oldest first.
    #[uniffi::method(default(limit = 50))]
    pub fn messages_before(
        &self,
        author: &str,
        message_id: &str,
        limit: u32,
    ) -> Result<Vec<Message>> {
        self.page_at(author, message_id, limit, 0, false)
    }

    /// The next `limit` messages behind the one of this author and id; oldest first.
    #[uniffi::method(default(limit = 50))]
    pub fn messages_after(
        &self,
        author: &str,
        message_id: &str,
        limit: u32,
    ) -> Result<Vec<Message>> {
        self.page_at(author, message_id, 0, limit, false)
    }

    /// The message of this author and id with the `before` messages before it and the `after` behind it; oldest first. What a jump to a
    /// message that was found shows.
    #[uniffi::method(default(before = 25, after = 25))]
    pub fn messages_around(
        &self,
        author: &str,
        message_id: &str,
        before: u32,
        after: u32,
    ) -> Result<Vec<Message>> {
        self.page_at(author, message_id, before, after, true)
    }

    /// The user has read up to the message of this author and id, and what comes behind it stays unread; also on our other devices. With
    /// `receipt` the others are told. Nothing that was read becomes unread by it.
    #[uniffi::method(default(receipt = true))]
    pub fn mark_read_up_to(&self, author: &str, message_id: &str, receipt: bool) -> Result<()> {
        let name = named(author, message_id)?;
        self.client.write(|step| {
            let last = self.named(step.rows, &name)?.place();
            reading::read_up_to(step, &self.id, &last, receipt)?;
            Ok::<_, WindlassError>(())
        })
    }
}
}

impl Conversation {
    pub(super) fn ours(&self, message_id: &str) -> Result<MessageRef> {
        let id = message_id.parse();
        Ok(MessageRef {
            author: self.client.device.public(),
            id: id.map_err(|_| WindlassError::UnknownMessage)?,
        })
    }

    /// Messages around one that is here.
    fn page_at(
        &self,
        author: &str,
        message_id: &str,
        before: u32,
        after: u32,
        with_itself: bool,
    ) -> Result<Vec<Message>> {
        let (own, now) = (self.client.device.public(), self.client.store.0.now());
        let name = named(author, message_id)?;
        self.client.read(|rows| {
            let middle = self.named(rows, &name)?;
            let mut shown = view::page(rows, &self.id, before as usize, Some(&middle), now)?;
            if with_itself && middle.is_shown(now) {
                shown.extend(view::shown(rows, &name)?);
            }
            shown.extend(view::page_after(
                rows,
                &self.id,
                after as usize,
                &middle,
                now,
            )?);
            let message = |shown: Shown| Message::from_shown(shown, &own);
            Ok(shown.into_iter().map(message).collect())
        })
    }
}
