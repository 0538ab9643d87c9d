//! `MessageRef`: by what a message is found.

use crate::chat::{Content, MessageId};
use crate::engine::base::error::EngineError;
use crate::engine::base::rows::{damaged, decode};
use crate::identity::PublicIdentity;
use crate::store::Table;
use crate::wire::store::TimelineRow;

/// A message is named by its author and its id: a stranger cannot take the name of someone else's message (RFC windlass §9.1.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct MessageRef {
    /// Who wrote it.
    pub(crate) author: PublicIdentity,
    /// The id that its author gave it.
    pub(crate) id: MessageId,
}

impl MessageRef {
    /// Of a content and who wrote it.
    pub(crate) fn new(author: &PublicIdentity, content: &Content) -> Self {
        Self {
            author: *author,
            id: content.id,
        }
    }

    /// The key of its row, and of the group of what is said of it: 32 and 16 bytes.
    pub(crate) fn key(&self) -> Vec<u8> {
        [self.author.to_bytes().as_slice(), self.id.as_bytes()].concat()
    }

    /// From two columns of a row.
    pub(crate) fn from_columns(
        table: Table,
        author: &[u8],
        id: &[u8],
    ) -> Result<Self, EngineError> {
        Ok(Self {
            author: PublicIdentity::from_stored(author).ok_or_else(|| damaged(table))?,
            id: MessageId::from_bytes(id).map_err(|_| damaged(table))?,
        })
    }

    /// From a row that names a message and says nothing else.
    pub(crate) fn from_row(table: Table, bytes: &[u8]) -> Result<Self, EngineError> {
        let row: TimelineRow = decode(table, bytes)?;
        Self::from_columns(table, &row.author_identity_key, &row.message_id)
    }

    /// The row that names it.
    pub(crate) fn to_row(self) -> TimelineRow {
        TimelineRow {
            author_identity_key: self.author.to_bytes().to_vec(),
            message_id: self.id.as_bytes().to_vec(),
            unread: false,
            mentions: false,
        }
    }
}
