//! `Conversation`.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::path::path_of;
use super::progress::ProgressListener;
use super::{Attachment, Body, Client, Message, Result, Sent, WindlassError, attachment};
use crate::chat::{self, MessageId};
use crate::engine::base::message_ref::MessageRef;
use crate::engine::history::message::{self, Stored};
use crate::engine::history::unread;
use crate::engine::history::view::{self, Search};
use crate::engine::records::conversations::{self, ConversationId};
use crate::engine::sync::{deletions, reading};
use crate::identity::PublicIdentity;
use crate::limits::{MAX_DISAPPEARING_SECONDS, MAX_SEARCHED_AT_ONCE};
use crate::store::Rows;
use crate::text;

/// The history with one contact, or of a group.
#[cfg_attr(feature = "uniffi", derive(uniffi::Object))]
pub struct Conversation {
    pub(super) client: Arc<Client>,
    pub(super) id: ConversationId,
}

/// A conversation in the list of them.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
pub struct ConversationSummary {
    /// Address of the other side, or of the group.
    pub address: String,
    /// The group's name; nothing for a conversation of two.
    pub group_name: Option<String>,
    /// When something was last written or received.
    pub last_activity: SystemTime,
    /// Messages of others since the user last read.
    pub unread: u64,
}

/// A part of a search.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
pub struct SearchPage {
    /// What was found, the latest first.
    pub messages: Vec<Message>,
    /// How many messages were opened for it.
    pub looked_at: u32,
    /// Where the next part begins, for `before`; nothing if this was the last.
    pub next: Option<Message>,
}

#[cfg_attr(feature = "uniffi", uniffi::export)]
impl Conversation {
    /// Address of the other side, or of the group.
    #[must_use]
    pub fn address(&self) -> String {
        self.id.address()
    }

    /// Messages of both sides are deleted this time after they were stored, from now on: five seconds to ten years; `None` or 0 keeps them,
    /// and a longer time becomes ten years. The
    /// others are told, and the latest word counts. In a group, for admins. Deleted means unreadable for good after the next shred, which is at most an hour later.
    pub fn set_disappearing(&self, after: Option<Duration>) -> Result<Sent> {
        let after = after.unwrap_or_default();
        // How the Swift package says a time that is negative, or no number.
        if after.as_secs() == u64::MAX {
            return Err(chat::ContentError::Time.into());
        }
        // What is shorter than a millisecond is too short, and not no time.
        let milliseconds = after.as_nanos().div_ceil(1_000_000);
        let most = MAX_DISAPPEARING_SECONDS * 1000;
        let milliseconds = u64::try_from(milliseconds).unwrap_or(most).min(most);
        let body = chat::Body::DisappearingTimer(milliseconds);
        self.client.write_chat(&self.id, body, None)
    }

    /// After which time messages are deleted.
    pub fn disappearing(&self) -> Result<Option<Duration>> {
        self.client.read(|reader| {
            Ok(conversations::disappearing(reader, &self.id)?.map(Duration::from_millis))
        })
    }

    /// A message by the address of its author and its id; nothing if it is not in this conversation, or not any more.
    pub fn message(&self, author: &str, message_id: &str) -> Result<Option<Message>> {
        let own = self.client.device.public();
        let author = PublicIdentity::from_address(author)?;
        let Ok(id) = message_id.parse() else {
            return Ok(None);
        };
        let name = MessageRef { author, id };
        let now = self.client.store.0.now();
        let found = self.client.read(|rows| Ok(view::shown(rows, &name)?))?;
        let here = found
            .filter(|shown| shown.stored.is_message_of(&self.id) && shown.stored.is_shown(now));
        Ok(here.map(|shown| Message::from_shown(shown, &own)))
    }

    /// Writes a text.
    pub fn send(&self, text: String) -> Result<Sent> {
        self.send_body(Body::Text { text }, None)
    }

    /// Reacts to a message with an emoji: one, of at most 64 bytes.
    pub fn react(&self, message: Message, emoji: String) -> Result<Sent> {
        self.reaction(&name_of(&message)?, &emoji, false)
    }

    /// Removes the reaction.
    pub fn unreact(&self, message: Message, emoji: String) -> Result<Sent> {
        self.reaction(&name_of(&message)?, &emoji, true)
    }

    /// Replaces the text of a message of ours. Who received the former text has it; here it stays on the disk until the message is deleted.
    pub fn edit(&self, message: Message, text: String) -> Result<Sent> {
        self.edit_named(&name_of(&message)?, text.into())
    }

    /// Deletes a message of ours here and asks the others to. After the next shred nothing of it can be read here.
    pub fn delete(&self, message: Message) -> Result<Sent> {
        self.delete_named(&name_of(&message)?)
    }

    /// Messages of others since the user last read.
    pub fn unread(&self) -> Result<u64> {
        let now = self.client.store.0.now();
        self.client
            .read(|rows| Ok(unread::at(rows, &self.id, now)?.messages))
    }

    /// Those of them that mention the user, by what they say now.
    pub fn unread_mentions(&self) -> Result<u64> {
        let now = self.client.store.0.now();
        self.client
            .read(|rows| Ok(unread::at(rows, &self.id, now)?.mentions))
    }

    /// Deletes a message, of anybody's, for the user alone: here, and on our other devices. It does not come back, and after the next
    /// shred nothing of it can be read.
    pub fn delete_for_me(&self, message: Message) -> Result<()> {
        self.delete_named_for_me(&name_of(&message)?)
    }

    /// Sends an attachment whose encrypted file is at `location` now: a URL, a path, whatever the receivers' application understands; at
    /// most 4,096 bytes.
    pub fn send_attachment(&self, attachment: &Attachment, location: String) -> Result<Sent> {
        self.client
            .write_chat(&self.id, attachment.body(location), None)
    }
}

exported! {
impl Conversation {
    /// The latest `limit` messages, or the latest before the message `before`; oldest first.
    #[uniffi::method(default(limit = 50, before = None))]
    pub fn messages(&self, limit: u32, before: Option<Message>) -> Result<Vec<Message>> {
        let own = self.client.device.public();
        self.client.read(|reader| {
            let before = self.stored(reader, before.as_ref())?;
            let (limit, now) = (limit as usize, self.client.store.0.now());
            let page = view::page(reader, &self.id, limit, before.as_ref(), now)?;
            Ok(page
                .into_iter()
                .map(|shown| Message::from_shown(shown, &own))
                .collect())
        })
    }

    /// The latest messages whose text contains `text`, in any case and form: accents composed or not, ß and SS, full width, invisible marks, digits
    /// of any script are the same, and accents that `text` lacks may be there. Everything is sealed, so every message has to be opened: the time grows
    /// with their number, some microseconds each. One call opens 10,000 at most; `next` goes on.
    #[uniffi::method(default(limit = 50, before = None))]
    pub fn search(&self, text: String, limit: u32, before: Option<Message>) -> Result<SearchPage> {
        let own = self.client.device.public();
        self.client.read(|reader| {
            let before = self.stored(reader, before.as_ref())?;
            let now = self.client.store.0.now();
            let search = Search {
                text: &text,
                limit: limit.max(1) as usize,
                before: before.as_ref(),
                look: MAX_SEARCHED_AT_ONCE,
            };
            let found = view::search(reader, &self.id, &search, now)?;
            let message = |shown| Message::from_shown(shown, &own);
            Ok(SearchPage {
                messages: found.messages.into_iter().map(message).collect(),
                looked_at: u32::try_from(found.looked_at).unwrap_or(u32::MAX),
                next: found.next.map(message),
            })
        })
    }

    /// Writes anything, perhaps in answer to a message.
    #[uniffi::method(default(reply_to = None))]
    pub fn send_body(&self, body: Body, reply_to: Option<String>) -> Result<Sent> {
        self.client.write_message(&self.id, body, reply_to)
    }

    /// The user has read everything: nothing is unread, also on our other devices. With `receipt` the others are told.
    #[uniffi::method(default(receipt = true))]
    pub fn mark_read(&self, receipt: bool) -> Result<()> {
        self.client
            .write(|step| Ok(reading::read_all(step, &self.id, receipt).map(|_| ())?))
    }

    /// Decrypts the attachment of a message from its encrypted file to a new file at `path`. Each part is checked before it is written, and
    /// the file has its name only when it is whole and the one that the message means. A call that was stopped leaves a file that ends in `.partial` beside it; the next
    /// call for the same attachment and `path` goes on from there.
    #[uniffi::method(default(progress = None))]
    pub fn save_attachment(
        &self,
        message: Message,
        encrypted: String,
        path: String,
        progress: Option<Arc<dyn ProgressListener>>,
    ) -> Result<()> {
        let sealed = self.sealed_file(message)?;
        let (encrypted, path) = (path_of(&encrypted), path_of(&path));
        attachment::open(&sealed, &encrypted, &path, progress.as_deref())
    }
}
}

impl Conversation {
    /// What a message says of its attachment, with the key.
    pub(super) fn sealed_file(&self, message: Message) -> Result<chat::Attachment> {
        let stored = self.client.read(|rows| self.stored(rows, Some(&message)))?;
        match stored.map(|stored| stored.content.body) {
            Some(chat::Body::Attachment(sealed)) => Ok(sealed),
            _ => Err(WindlassError::UnknownMessage),
        }
    }

    /// A message of the history as it is stored.
    fn stored(&self, rows: &dyn Rows, message: Option<&Message>) -> Result<Option<Stored>> {
        let name = message.map(name_of).transpose()?;
        name.map(|name| self.named(rows, &name)).transpose()
    }

    /// The same, by its name.
    pub(super) fn named(&self, rows: &dyn Rows, name: &MessageRef) -> Result<Stored> {
        let stored = message::find(rows, name)?;
        let here = stored.filter(|stored| stored.is_message_of(&self.id));
        here.ok_or(WindlassError::UnknownMessage)
    }

    fn check_here(&self, name: &MessageRef) -> Result<()> {
        self.client.read(|rows| self.named(rows, name).map(|_| ()))
    }

    fn own_message(&self, name: &MessageRef) -> Result<MessageId> {
        if name.author != self.client.device.public() {
            return Err(WindlassError::NotTheAuthor);
        }
        self.check_here(name)?;
        Ok(name.id)
    }

    pub(super) fn edit_named(&self, name: &MessageRef, text: chat::Text) -> Result<Sent> {
        let target = self.own_message(name)?;
        self.client
            .write_chat(&self.id, chat::Body::Edit { target, text }, None)
    }

    pub(super) fn delete_named(&self, name: &MessageRef) -> Result<Sent> {
        let target = self.own_message(name)?;
        self.client
            .write_chat(&self.id, chat::Body::Deletion { target }, None)
    }

    pub(super) fn delete_named_for_me(&self, name: &MessageRef) -> Result<()> {
        self.client.write(|step| {
            self.named(step.rows, name)?;
            Ok::<_, WindlassError>(deletions::delete_message(step, name).map(|_| ())?)
        })
    }

    pub(super) fn reaction(&self, name: &MessageRef, emoji: &str, removed: bool) -> Result<Sent> {
        let emoji = text::emoji(emoji).ok_or(chat::ContentError::Reaction)?;
        self.check_here(name)?;
        let body = chat::Body::Reaction {
            author: name.author.to_bytes(),
            target: name.id,
            emoji,
            removed,
        };
        self.client.write_chat(&self.id, body, None)
    }
}

/// By which a message is found: its author and its id.
fn name_of(message: &Message) -> Result<MessageRef> {
    named(&message.author, &message.id)
}

/// The same, as an application has them.
pub(super) fn named(author: &str, id: &str) -> Result<MessageRef> {
    let author = PublicIdentity::from_address(author)?;
    let id = id.parse().map_err(|_| WindlassError::UnknownMessage)?;
    Ok(MessageRef { author, id })
}
