//! The header of a message: what finds the session, and what the ratchet needs (RFC windlass §7.3).

use prost::Message;

use super::{SENDER_HINT_LEN, SenderHint};
use crate::crypto::DhPublic;
use crate::ratchet::RatchetHeader;
use crate::wire::{self, WireError, malformed, v1};
use crate::x3dh::SessionId;

/// A header, its fields checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// Which session.
    pub session_id: SessionId,
    /// Whom to ask when the session is not there.
    pub sender_hint: SenderHint,
    /// The ratchet's fields.
    pub ratchet: RatchetHeader,
}

impl Header {
    /// Reads the bytes of a header strictly: it has one encoding.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, WireError> {
        let header: v1::Header = wire::decode_strict("header", bytes)?;
        Ok(Self {
            session_id: wire::array("session id", &header.session_id)?,
            sender_hint: wire::array::<SENDER_HINT_LEN>("sender hint", &header.sender_hint)?,
            ratchet: RatchetHeader {
                ratchet_key: DhPublic::from_bytes(&header.ratchet_key)
                    .map_err(|_| malformed("ratchet key"))?,
                previous_chain_length: header.previous_chain_length,
                message_number: header.message_number,
            },
        })
    }

    /// The bytes that travel, and that the AEAD authenticates.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        v1::Header {
            session_id: self.session_id.to_vec(),
            sender_hint: self.sender_hint.to_vec(),
            ratchet_key: self.ratchet.ratchet_key.as_bytes().to_vec(),
            previous_chain_length: self.ratchet.previous_chain_length,
            message_number: self.ratchet.message_number,
        }
        .encode_to_vec()
    }
}
