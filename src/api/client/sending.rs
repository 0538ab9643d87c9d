//! Writing messages, and what waits for the transport.

use std::sync::{Arc, PoisonError};

use super::Client;
use crate::api::{Attachment, Body, Bytes, OutboxListener, Result, RichText, WindlassError};
use crate::chat::{self, MessageId, MessageOrigin};
use crate::engine::base::step::Step;
use crate::engine::records::conversations::ConversationId;
use crate::engine::records::{group_views, outbox};
use crate::engine::steps::write;
use crate::engine::sync::receipts;

/// How many waiting envelopes `outbox` answers at a time.
const OUTBOX_PAGE: u32 = 1_000;

/// An envelope for the transport.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
pub struct OutgoingEnvelope {
    /// Its number in the outbox, for `mark_sent`.
    pub id: u64,
    /// The address that it goes to.
    pub to: String,
    /// The bytes to deliver.
    pub bytes: Bytes,
}

/// A message that was sent: it is in the history, and its envelopes are in the outbox until `mark_sent`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
pub struct Sent {
    /// Its id: 32 hexadecimal digits.
    pub message_id: String,
    /// What to hand to the transport: one for the recipient, and one for our own other devices if there are any.
    pub envelopes: Vec<OutgoingEnvelope>,
    /// True in a group of which something is known to be missing here: somebody may read this who was put out. See
    /// `Conversation.is_incomplete`.
    pub group_incomplete: bool,
}

/// A file that is sent, when its encrypted file is where the others can fetch it.
#[derive(Clone)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
pub struct OutgoingFile {
    /// What was encrypted.
    pub attachment: Arc<Attachment>,
    /// Where the encrypted file is, for the application on the other side.
    pub location: String,
}

impl core::fmt::Debug for OutgoingFile {
    fn fmt(&self, formatter: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        formatter
            .debug_struct("OutgoingFile")
            .finish_non_exhaustive()
    }
}

impl PartialEq for OutgoingFile {
    /// Files that were encrypted apart are never the same.
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.attachment, &other.attachment) && self.location == other.location
    }
}

impl Eq for OutgoingFile {}

/// A message to send, for `send_many`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
pub struct OutgoingMessage {
    /// Address of a contact.
    pub to: String,
    /// What it says.
    pub body: Body,
    /// The id of the message that it answers.
    #[cfg_attr(feature = "uniffi", uniffi(default = None))]
    pub reply_to: Option<String>,
    /// Whether a program says so because of what somebody wrote. Only with `set_bot` that is told to the others.
    #[cfg_attr(feature = "uniffi", uniffi(default = false))]
    pub is_answer: bool,
    /// The file that it is; then `body` is not looked at.
    #[cfg_attr(feature = "uniffi", uniffi(default = None))]
    pub file: Option<OutgoingFile>,
    /// The text that it is, with what its parts mean and which answers it suggests; then `body` is not looked at. With a file, what goes with it.
    #[cfg_attr(feature = "uniffi", uniffi(default = None))]
    pub rich_text: Option<RichText>,
}

#[cfg_attr(feature = "uniffi", uniffi::export)]
impl Client {
    /// Writes a text to a contact. When this returns, the message and its envelopes are durable.
    pub fn send(&self, to: String, text: String) -> Result<Sent> {
        self.send_body(to, Body::Text { text }, None)
    }

    /// Writes several messages in one transaction: all of them or none.
    pub fn send_many(&self, messages: Vec<OutgoingMessage>) -> Result<Vec<Sent>> {
        let messages: Vec<_> = messages.iter().map(|one| (one, one.is_answer)).collect();
        self.write(|step| self.send_all(step, &messages))
    }

    /// Removes what the transport took over for good. Numbers that are not there any more are no error.
    ///
    /// `outbox` does not answer it any more. It is written with the next call that writes, at the latest when the store is shredded or closed;
    /// if the machine stops before that it waits again, and whoever gets it a second time drops it. What waited already when the store was
    /// opened is written at once.
    pub fn mark_sent(&self, ids: Vec<u64>) -> Result<()> {
        self.maintain_if_due()?;
        let there = self.read(|rows| Ok(outbox::there(rows, &ids)?))?;
        // Others who send what waits do not know what this process remembers.
        if self.store.1.add(there) || self.store.0.is_shared() {
            self.store.delete_handed_over()?;
        }
        Ok(())
    }
}

exported! {
impl Client {
    /// Writes anything to a contact.
    #[uniffi::method(default(reply_to = None))]
    pub fn send_body(&self, to: String, body: Body, reply_to: Option<String>) -> Result<Sent> {
        let to = self.addresses.read(&to)?;
        self.write_message(&to, body, reply_to)
    }

    /// The oldest envelopes that wait for the transport, at most 1,000; after the one numbered `after`. Beside messages there are
    /// receipts, requests for what is missing, and messages that are sent again; so look here after every `receive`, and now and
    /// then.
    #[uniffi::method(default(after = 0))]
    pub fn outbox(&self, after: u64) -> Result<Vec<OutgoingEnvelope>> {
        self.maintain_if_due()?;
        self.send_receipts_if_due()?;
        // Before the snapshot: what is deleted meanwhile is in neither.
        let handed_over = self.store.1.ids();
        let limit = OUTBOX_PAGE as usize;
        self.read(|reader| {
            Ok(outbox::queued(reader, after, limit + handed_over.len())?
                .into_iter()
                .filter(|envelope| handed_over.binary_search(&envelope.id).is_err())
                .take(limit)
                .map(OutgoingEnvelope::from_queued)
                .collect())
        })
    }
}
}

impl Client {
    pub(super) fn send_all(
        &self,
        step: &mut Step<'_>,
        messages: &[(&OutgoingMessage, bool)],
    ) -> Result<Vec<Sent>> {
        let own = step.origin;
        let sent = messages
            .iter()
            .map(|(message, is_answer)| {
                let to = self.addresses.read(&message.to)?;
                let body = body_of(message)?;
                step.origin = match own {
                    MessageOrigin::Bot if *is_answer => MessageOrigin::BotAnswer,
                    origin => origin,
                };
                send(step, &to, &body, message.reply_to.as_deref())
            })
            .collect::<Result<_>>()?;
        receipts::send_rest(step)?;
        Ok(sent)
    }

    /// Writes one message in a step of its own.
    pub(in crate::api) fn write_message(
        &self,
        to: &ConversationId,
        body: Body,
        reply_to: Option<String>,
    ) -> Result<Sent> {
        let body = body.into_chat().ok_or(WindlassError::BodyNotSendable)?;
        self.write_chat(to, body, reply_to)
    }

    /// The same, with a body that only the library makes.
    pub(in crate::api) fn write_chat(
        &self,
        to: &ConversationId,
        body: chat::Body,
        reply_to: Option<String>,
    ) -> Result<Sent> {
        self.write(|step| send(step, to, &body, reply_to.as_deref()))
    }
}

impl OutgoingEnvelope {
    fn from_queued(queued: outbox::QueuedEnvelope) -> Self {
        Self {
            id: queued.id,
            to: queued.recipient.address(),
            bytes: queued.envelope.into(),
        }
    }
}

/// What a message says, by whichever of its fields.
fn body_of(message: &OutgoingMessage) -> Result<chat::Body> {
    let text = message.rich_text.clone().map(RichText::into_chat);
    let text = text.transpose()?;
    match (&message.file, text) {
        (Some(file), caption) => {
            let caption = caption.unwrap_or_default();
            Ok(file.attachment.captioned(file.location.clone(), caption))
        }
        (None, Some(text)) => Ok(chat::Body::Text(text)),
        (None, None) => {
            let body = message.body.clone().into_chat();
            body.ok_or(WindlassError::BodyNotSendable)
        }
    }
}

fn send(
    step: &mut Step<'_>,
    to: &ConversationId,
    body: &chat::Body,
    reply_to: Option<&str>,
) -> Result<Sent> {
    let reply_to = reply_to
        .map(str::parse::<MessageId>)
        .transpose()
        .map_err(|_| WindlassError::UnknownMessage)?;
    let (id, queued) = write::write(step, to, body.clone(), reply_to)?;
    let group_incomplete = match to {
        ConversationId::Direct(_) => false,
        ConversationId::Group(group) => {
            group_views::load(step.rows, group)?.is_incomplete(step.now)
        }
    };
    Ok(Sent {
        group_incomplete,
        message_id: id.to_string(),
        envelopes: queued
            .into_iter()
            .map(OutgoingEnvelope::from_queued)
            .collect(),
    })
}

#[cfg_attr(feature = "uniffi", uniffi::export)]
impl Client {
    /// Who is told from now on when something was put into the outbox, by whatever call; nobody any more without a listener.
    pub fn set_outbox_listener(&self, listener: Option<Arc<dyn OutboxListener>>) {
        let current = self.outbox_listener.lock();
        *current.unwrap_or_else(PoisonError::into_inner) = listener;
    }
}

impl Client {
    pub(super) fn tell_of_outbox(&self) {
        let listener = self.outbox_listener.lock();
        // Not within the lock: it may set another one.
        let listener = listener.unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(listener) = listener {
            listener.on_outbox();
        }
    }
}
