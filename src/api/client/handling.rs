//! For programs that answer: each message is handled once, and the answer is part of it.

use std::sync::atomic::Ordering;

use super::Client;
use crate::api::{Message, OutgoingMessage, Result, Sent, WindlassError};
use crate::engine::base::step::Step;
use crate::engine::history::unhandled::PendingMessage;
use crate::engine::history::{backlog, unhandled};
use crate::engine::records::conversations::ConversationId;
use crate::engine::sync::receipts;
use crate::identity::PublicIdentity;

/// A message that waits to be handled.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
pub struct UnhandledMessage {
    /// By which `handled` is told which it is.
    pub number: u64,
    /// How often handling it was begun, as `set_attempts` noted.
    pub attempts: u32,
    /// The message.
    pub message: Message,
}

/// A message that waits to be handled, without what it says: a queue of these is small whatever the messages are.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
pub struct WaitingMessage {
    /// By which `handled` is told which it is.
    pub number: u64,
    /// How often handling it was begun, as `set_attempts` noted.
    pub attempts: u32,
    /// Address of who wrote it.
    pub author: String,
    /// Address of the conversation that it is in.
    pub conversation: String,
}

/// What waits of somebody to be handled.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
pub struct Backlog {
    /// Their address.
    pub address: String,
    /// How many messages wait.
    pub messages: u64,
    /// How many bytes these have.
    pub bytes: u64,
}

#[cfg_attr(feature = "uniffi", uniffi::export)]
impl Client {
    /// Whether messages that come from now on wait until `handled` is called for them; kept in the store. Off, what waited is
    /// forgotten.
    pub fn keep_unhandled(&self, keep: bool) -> Result<()> {
        self.send_held_receipts()?;
        self.write(|step| Ok(unhandled::set_kept(step.rows, keep)?))
    }

    /// Whether a program writes with this client, and not a person. Then its messages say so, and what goes by `handled` says that it is an answer:
    /// `Message.origin` on the other side. And the receipt of a message that waits to be handled goes with its answer, if that comes within a second;
    /// else with the next look at the outbox, so look again then. Not kept in the store.
    pub fn set_bot(&self, bot: bool) {
        self.is_bot.store(bot, Ordering::Relaxed);
    }

    /// One that waits; nothing if it was handled, or deleted meanwhile.
    pub fn unhandled_message(&self, number: u64) -> Result<Option<UnhandledMessage>> {
        let own = self.device.public();
        let found = self.read(|rows| Ok(unhandled::one(rows, number)?))?;
        Ok(found.map(|one| UnhandledMessage::from_pending(one, &own)))
    }

    /// What somebody wrote and that waits counts as handled, unanswered; how many messages that were. It stays in the history.
    pub fn drop_backlog(&self, address: String) -> Result<u64> {
        let author = PublicIdentity::from_address(&address)?;
        self.send_held_receipts()?;
        self.write(|step| Ok(unhandled::drop_of(step.rows, &author)?))
    }

    /// Notes how often handling a message was begun. Told before each attempt, it shows after a crash which message the process does
    /// not survive, so that it can be set aside instead of being tried for ever. `UnknownMessage` if it was handled before.
    pub fn set_attempts(&self, number: u64, attempts: u32) -> Result<()> {
        self.write(|step| {
            if unhandled::set_attempts(step.rows, number, attempts)? {
                Ok(())
            } else {
                Err(WindlassError::UnknownMessage)
            }
        })
    }

    /// A message was handled, and these are the answers: both become durable together, or neither. So whenever the process dies, each
    /// message is answered once. `UnknownMessage` if it was handled before; nothing is sent then.
    pub fn handled(&self, number: u64, answers: Vec<OutgoingMessage>) -> Result<Vec<Sent>> {
        self.write(|step| {
            count_as_handled(step, number)?;
            let answers: Vec<_> = answers.iter().map(|answer| (answer, true)).collect();
            self.send_all(step, &answers)
        })
    }
}

/// It was handled. Should its author still have to be told that it is here, what this step writes to them says so: `send_all`.
pub(super) fn count_as_handled(step: &mut Step<'_>, number: u64) -> Result<()> {
    let handled = unhandled::handled(step.rows, number)?;
    let handled = handled.ok_or(WindlassError::UnknownMessage)?;
    if let Some(message) = handled.receipt_due {
        receipts::ride(step, message)?;
    }
    Ok(())
}

exported! {
impl Client {
    /// The messages of others that wait to be handled, in the order they came, at most `limit`. After a crash the same ones again.
    #[uniffi::method(default(limit = 100))]
    pub fn unhandled(&self, limit: u32) -> Result<Vec<UnhandledMessage>> {
        let own = self.device.public();
        let found = self.read(|rows| Ok(unhandled::oldest(rows, limit as usize)?))?;
        Ok(found
            .into_iter()
            .map(|one| UnhandledMessage::from_pending(one, &own))
            .collect())
    }

    /// The same messages by name, those with a number above `after`.
    #[uniffi::method(default(after = 0, limit = 1000))]
    pub fn waiting(&self, after: u64, limit: u32) -> Result<Vec<WaitingMessage>> {
        let found = self.read(|rows| Ok(unhandled::waiting(rows, after, limit as usize)?))?;
        Ok(found
            .into_iter()
            .map(|one| WaitingMessage {
                number: one.number,
                attempts: one.attempts,
                author: one.author.address(),
                conversation: ConversationId::address(&one.conversation),
            })
            .collect())
    }

    /// Of whom how much waits to be handled, the most first, at most `limit`. In all that are 20,000 messages and 64 MiB at most: over it
    /// `receive` takes nothing in (`BacklogFull`). Of one author a quarter of what is free; what they send beyond it is refused with the cause
    /// `BacklogLimit`, and sent again by their program.
    #[uniffi::method(default(limit = 100))]
    pub fn backlog(&self, limit: u32) -> Result<Vec<Backlog>> {
        let found = self.read(|rows| Ok(backlog::largest(rows, limit as usize)?))?;
        Ok(found
            .into_iter()
            .map(|one| Backlog {
                address: one.author.address(),
                messages: one.messages,
                bytes: one.bytes,
            })
            .collect())
    }
}
}

impl UnhandledMessage {
    fn from_pending(one: PendingMessage, own: &PublicIdentity) -> Self {
        Self {
            number: one.number,
            attempts: one.attempts,
            message: Message::from_shown(one.message, own),
        }
    }
}
