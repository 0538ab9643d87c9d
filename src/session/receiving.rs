//! What of a session it takes to read what comes next (decision 0109).

use super::state::{body_data, header_data};
use super::{Part, Session, SessionError};
use crate::crypto::{SecretBytes, unpadded_len};
use crate::ratchet::scka::Message;
use crate::ratchet::{ChainTag, RatchetError, ReceivingRatchet};
use crate::wire::{self, store::ReceivingSessionRow};
use crate::x3dh::{AssociatedData, SessionId};

/// The receiving half of a session. It gives plaintexts and steps nothing.
#[derive(Debug)]
pub struct ReceivingSession {
    id: SessionId,
    associated_data: AssociatedData,
    ratchet: ReceivingRatchet,
}

impl Session {
    /// What of this session it takes to read what comes next; nothing if nothing can come. `person` is where its other end stands in a list.
    #[must_use]
    pub fn to_receiving_row(&self, person: u32) -> Option<ReceivingSessionRow> {
        Some(ReceivingSessionRow {
            person,
            session_id: self.id.to_vec(),
            associated_data: self.associated_data.to_vec(),
            ratchet: Some(self.ratchet.to_receiving_row()?),
        })
    }

    /// The tags of former chains of which everything came that was counted.
    #[must_use]
    pub fn settled_tags(&self) -> Vec<ChainTag> {
        self.ratchet.settled_tags()
    }
}

impl ReceivingSession {
    /// Of a row.
    pub fn from_row(row: &ReceivingSessionRow) -> Result<Self, SessionError> {
        let ratchet = row.ratchet.as_ref().ok_or(SessionError::Damaged)?;
        Ok(Self {
            id: wire::array("session id", &row.session_id)?,
            associated_data: wire::array("associated data", &row.associated_data)?,
            ratchet: ReceivingRatchet::from_row(ratchet)?,
        })
    }

    /// The tags of what can be read.
    #[must_use]
    pub fn expected_tags(&self) -> Vec<ChainTag> {
        self.ratchet.expected_tags()
    }

    /// The payload of a part of this session; nothing if it was taken in before. The same each time.
    pub fn peek(&self, part: &Part) -> Result<Option<SecretBytes>, SessionError> {
        let data = header_data(&self.associated_data, part);
        let (tag, sealed) = (&part.chain_tag, &part.sealed_header);
        let header = self.ratchet.open_header(tag, sealed, &data)?;
        let key = match self.ratchet.message_key(&header) {
            // All that stands in front of what can be read has come.
            Err(RatchetError::KeyGone(_)) if !self.ratchet.has_gaps() => return Ok(None),
            key => key?,
        };
        let data = body_data(&self.associated_data, &self.id, &header);
        let opened = key.open(&part.ciphertext, &data);
        let mut plaintext = opened.map_err(RatchetError::from)?;
        let len = unpadded_len(&plaintext).ok_or(SessionError::Damaged)?;
        plaintext.truncate(len);
        let (_, payload) = Message::split(&plaintext).ok_or(SessionError::Damaged)?;
        Ok(Some(SecretBytes::new(payload.to_vec())))
    }
}
