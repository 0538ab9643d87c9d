//! A session as the store keeps it, and back.

use prost::Message;

use super::state::Phase;
use super::{HintKey, Session, SessionError};
use crate::crypto::SecretBytes;
use crate::identity::PublicIdentity;
use crate::ratchet::Ratchet;
use crate::wire::{self, store::SessionRow, v2};
use crate::x3dh::{Mode, Party, SealedHandshake};

/// What is asked of a session that is not used now: two fields of its row, read without its keys.
#[derive(Clone, Copy, PartialEq, Eq, Message)]
pub struct SessionStanding {
    /// As [`Session::known_since`].
    #[prost(uint64, tag = "9")]
    pub known_since: u64,
    /// As [`Session::is_probe`].
    #[prost(bool, tag = "10")]
    pub probe: bool,
}

impl SessionStanding {
    /// Of the row of a session.
    pub fn from_row(bytes: &[u8]) -> Result<Self, SessionError> {
        Self::decode(bytes).map_err(|_| SessionError::Damaged)
    }
}

impl Session {
    /// The encoded row.
    #[must_use]
    pub fn to_row(&self) -> SecretBytes {
        wire::encode_secret(&SessionRow {
            session_id: self.id.to_vec(),
            peer_identity_key: self.peer.identity.to_bytes().to_vec(),
            peer_device_id: self.peer.device_id,
            associated_data: self.associated_data.to_vec(),
            hint_key: self.hint_key.as_bytes().to_vec(),
            handshake: match &self.phase {
                Phase::Pending(handshake) => handshake.to_wire().encode_to_vec(),
                Phase::Established => Vec::new(),
            },
            mode: self.mode.byte().into(),
            ratchet: Some(self.ratchet.to_row()),
            created_at: self.created_at,
            known_since: self.known_since,
            probe: self.probe,
        })
    }

    /// The session of a row. The store authenticated the row, so an error is a fault of ours or another version's doing.
    pub fn from_row(bytes: &[u8]) -> Result<Self, SessionError> {
        let row: SessionRow = wire::decode("session row", bytes)?;
        let ratchet = row.ratchet.as_ref().ok_or(SessionError::Damaged)?;
        let phase = if row.handshake.is_empty() {
            Phase::Established
        } else {
            let handshake: v2::Handshake = wire::decode("handshake", &row.handshake)?;
            Phase::Pending(Box::new(SealedHandshake::from_wire(&handshake)?))
        };
        let mode = u8::try_from(row.mode).ok().and_then(Mode::from_byte);
        Ok(Self {
            id: wire::array("session id", &row.session_id)?,
            peer: Party {
                identity: PublicIdentity::from_stored(&row.peer_identity_key)
                    .ok_or(SessionError::Damaged)?,
                device_id: row.peer_device_id,
            },
            associated_data: wire::array("associated data", &row.associated_data)?,
            hint_key: HintKey::from_bytes(&row.hint_key).ok_or(SessionError::Damaged)?,
            phase,
            mode: mode.ok_or(SessionError::Damaged)?,
            ratchet: Ratchet::from_row(ratchet)?,
            created_at: row.created_at,
            known_since: row.known_since,
            probe: row.probe,
        })
    }
}
