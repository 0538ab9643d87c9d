//! For programs that answer: each message is handled once, and the answer is part of it.

use super::Client;
use crate::api::{Message, OutgoingMessage, Result, Sent, WindlassError};
use crate::engine::history::unhandled;

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

#[cfg_attr(feature = "uniffi", uniffi::export)]
impl Client {
    /// Whether messages that come from now on wait until `handled` is called for them; kept in the store. Off, what waited is
    /// forgotten.
    pub fn keep_unhandled(&self, keep: bool) -> Result<()> {
        self.write(|step| Ok(unhandled::set_kept(step.rows, keep)?))
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
            if !unhandled::handled(step.rows, number)? {
                return Err(WindlassError::UnknownMessage);
            }
            self.send_all(step, &answers)
        })
    }
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
            .map(|one| UnhandledMessage {
                number: one.number,
                attempts: one.attempts,
                message: Message::from_shown(one.message, &own),
            })
            .collect())
    }
}
}
