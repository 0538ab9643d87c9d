//! Messages that are sent at a time.

use std::time::{SystemTime, UNIX_EPOCH};

use super::clock::time;
use super::{Conversation, Result, RichText, WindlassError};
use crate::chat::{self, MessageId};
use crate::engine::steps::scheduled::{self, Scheduled};

/// A message that is to be sent at a time, or was to be.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
pub struct ScheduledMessage {
    /// The id that the message has when it is sent.
    pub id: String,
    /// Address of the other side of the conversation, or of the group.
    pub conversation: String,
    /// What it says.
    pub text: RichText,
    /// Id of the message that it answers.
    pub reply_to: Option<String>,
    /// When it is to be sent.
    pub send_at: SystemTime,
    /// The code of the error with which it was not sent when its time came; nothing as long as it is to be sent. Nothing is tried again by itself: it stays
    /// until `cancel_scheduled`.
    pub failed: Option<String>,
}

impl ScheduledMessage {
    fn of(scheduled: Scheduled) -> Self {
        let content = scheduled.content;
        let text = match content.body {
            chat::Body::Text(text) => text,
            _ => chat::Text::default(),
        };
        Self {
            id: content.id.to_string(),
            conversation: scheduled.conversation.address(),
            text: RichText::from_chat(&text, text.forward),
            reply_to: content.reply_to.map(|id| id.to_string()),
            send_at: time(scheduled.send_at),
            failed: Some(scheduled.failed).filter(|code| !code.is_empty()),
        }
    }
}

exported! {
impl Conversation {
    /// Writes a text that is sent at a time, at most a year ahead: kept in this store, and sent by it alone, by whichever call comes first when it is
    /// time (`Client.next_due`), once, whenever the process dies. Until then nobody is told. Writing it reads nothing.
    ///
    /// A time that is over is now. What cannot be sent now is refused, and so is one above 1,000 in all. It goes with the conversation when that is
    /// deleted; if it is refused when its time comes, `scheduled` says why (`contact_blocked`, `unknown_contact`, `not_a_member`, ...). A clock that
    /// leaps ahead sends nothing for a day.
    #[uniffi::method(default(reply_to = None))]
    pub fn send_at(
        &self,
        at: SystemTime,
        text: String,
        reply_to: Option<String>,
    ) -> Result<ScheduledMessage> {
        self.schedule(at, text.into(), reply_to)
    }

    /// The same of a text with mentions, looks and suggestions.
    #[uniffi::method(default(reply_to = None))]
    pub fn send_rich_at(
        &self,
        at: SystemTime,
        text: RichText,
        reply_to: Option<String>,
    ) -> Result<ScheduledMessage> {
        self.schedule(at, text.into_chat()?, reply_to)
    }
}
}

#[cfg_attr(feature = "uniffi", uniffi::export)]
impl Conversation {
    /// What is to be sent to this conversation, and what could not be; what goes first in front.
    pub fn scheduled(&self) -> Result<Vec<ScheduledMessage>> {
        self.client.maintain_if_due()?;
        let found = self
            .client
            .read(|rows| Ok(scheduled::of(rows, &self.id)?))?;
        Ok(found.into_iter().map(ScheduledMessage::of).collect())
    }

    /// Takes a message back that is to be sent, or was not; false if there is none of this id, for it was sent or taken back before.
    pub fn cancel_scheduled(&self, message_id: &str) -> Result<bool> {
        let Ok(id) = message_id.parse() else {
            return Ok(false);
        };
        let name = (self.id, id);
        let taken =
            (self.client).write(|step| Ok::<_, WindlassError>(scheduled::cancel(step, &name)?))?;
        if taken {
            // The next call sees what is next now.
            self.client.note_scheduled(0);
        }
        Ok(taken)
    }
}

impl Conversation {
    fn schedule(
        &self,
        at: SystemTime,
        text: chat::Text,
        reply_to: Option<String>,
    ) -> Result<ScheduledMessage> {
        let at = at.duration_since(UNIX_EPOCH).unwrap_or_default();
        let at = u64::try_from(at.as_millis()).unwrap_or(u64::MAX);
        let reply_to: Option<MessageId> = reply_to
            .map(|id| id.parse())
            .transpose()
            .map_err(|_| WindlassError::UnknownMessage)?;
        let body = chat::Body::Text(text);
        let written = self.client.write(|step| {
            let body = body.clone();
            Ok::<_, WindlassError>(scheduled::schedule(step, &self.id, body, reply_to, at)?)
        })?;
        self.client.note_scheduled(at);
        Ok(ScheduledMessage::of(written))
    }
}
