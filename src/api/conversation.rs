//! `Conversation`.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::engine::history;
use super::{Body, Client, Message, Result, Sent, WindlassError};
use crate::chat::MessageId;
use crate::identity::PublicIdentity;

/// The history with one contact.
#[derive(uniffi::Object)]
pub struct Conversation {
    pub(super) client: Arc<Client>,
    pub(super) peer: PublicIdentity,
}

/// A conversation in the list of them.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct ConversationSummary {
    /// Address of the other side.
    pub address: String,
    /// When something was last written or received.
    pub last_activity: SystemTime,
}

#[uniffi::export]
impl Conversation {
    /// Address of the other side.
    #[must_use]
    pub fn address(&self) -> String {
        self.peer.address()
    }

    /// The latest `limit` messages, or the latest before the message `before`; oldest first.
    #[uniffi::method(default(limit = 50, before = None))]
    pub fn messages(&self, limit: u32, before: Option<Message>) -> Result<Vec<Message>> {
        let own = self.client.device.public();
        self.client.store.0.read(|reader| {
            let before = match before {
                None => None,
                Some(message) => {
                    let id: MessageId = message
                        .id
                        .parse()
                        .map_err(|_| WindlassError::UnknownMessage)?;
                    let author = PublicIdentity::from_address(&message.author)?;
                    let stored = history::find(reader, &author, &id)?;
                    Some(stored.ok_or(WindlassError::UnknownMessage)?)
                }
            };
            let page = history::page(
                reader,
                &self.peer,
                limit as usize,
                before.as_ref(),
                self.client.store.0.now(),
            )?;
            Ok(page
                .into_iter()
                .map(|stored| Message::from_stored(stored, &own))
                .collect())
        })
    }

    /// Messages that are stored from now on, written or received, are deleted here after this time; `None` keeps them. The other
    /// side keeps what it has. Deleted means unreadable for good after the next shred, which is at most an hour later.
    pub fn set_disappearing(&self, after: Option<Duration>) -> Result<()> {
        let after = after.map(|after| u64::try_from(after.as_millis()).unwrap_or(u64::MAX).max(1));
        self.client
            .write(|writer, _| history::set_disappearing(writer, &self.peer, after))
    }

    /// After which time messages are deleted.
    pub fn disappearing(&self) -> Result<Option<Duration>> {
        self.client.store.0.read(|reader| {
            Ok(history::disappearing(reader, &self.peer)?.map(Duration::from_millis))
        })
    }

    /// Writes a text.
    pub fn send(&self, text: String) -> Result<Sent> {
        self.client
            .write_message(&self.peer, Body::Text { text }, None)
    }
}
