//! The envelope: one message to one identity, a part for each of its devices (RFC windlass §7.1).

use prost::Message;

use super::{SENDER_HINT_LEN, SenderHint};
use crate::crypto::{labels, sha256};
use crate::limits::{MAX_DEVICES, MAX_ENVELOPE_LEN, PROTOCOL_VERSION};
use crate::ratchet::{CHAIN_TAG_LEN, ChainTag, SEALED_HEADER_LEN};
use crate::wire::{self, WireError, malformed, v2};
use crate::x3dh::SealedHandshake;

/// A decoded envelope. Nothing in it is authenticated yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Envelope {
    /// One for each receiving device.
    pub parts: Vec<Part>,
}

/// The message for one device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// The receiving device.
    pub device_id: u32,
    /// The handshake, until the first reply.
    pub handshake: Option<SealedHandshake>,
    /// The sending chain.
    pub chain_tag: ChainTag,
    /// Whom to ask if the chain is not known.
    pub sender_hint: SenderHint,
    /// Nonce, sealed header and tag.
    pub sealed_header: [u8; SEALED_HEADER_LEN],
    /// Nonce, ciphertext and tag.
    pub ciphertext: Vec<u8>,
}

impl Envelope {
    /// Reads an envelope strictly: any byte that is changed outside the ciphertexts is noticed here or makes them fail.
    pub fn decode(bytes: &[u8]) -> Result<Self, WireError> {
        wire::check_version("envelope", bytes, MAX_ENVELOPE_LEN)?;
        wire::check_repeated("list of receiving devices", bytes, 2, MAX_DEVICES)?;
        let envelope: v2::Envelope = wire::decode_strict_public("envelope", bytes)?;
        let parts = envelope
            .messages
            .into_iter()
            .map(Part::from_wire)
            .collect::<Result<Vec<_>, _>>()?;
        // So few that a set of them would cost more.
        let is_first = |(at, part): (usize, &Part)| {
            let mut before = parts.iter().take(at);
            before.all(|other| other.device_id != part.device_id)
        };
        let differ = parts.len() <= MAX_DEVICES && parts.iter().enumerate().all(is_first);
        if parts.is_empty() || !differ {
            return Err(malformed("list of receiving devices"));
        }
        Ok(Self { parts })
    }

    /// The bytes for the transport.
    #[must_use]
    pub fn encode(self) -> Vec<u8> {
        v2::Envelope {
            version: PROTOCOL_VERSION,
            messages: self.parts.into_iter().map(Part::into_wire).collect(),
        }
        .encode_to_vec()
    }

    /// The part for one device.
    #[must_use]
    pub fn part_for(&self, device_id: u32) -> Option<&Part> {
        self.parts.iter().find(|part| part.device_id == device_id)
    }
}

impl Part {
    fn from_wire(message: v2::DeviceMessage) -> Result<Self, WireError> {
        Ok(Self {
            device_id: wire::non_zero("receiving device id", message.device_id)?,
            handshake: message
                .handshake
                .as_ref()
                .map(SealedHandshake::from_wire)
                .transpose()?,
            chain_tag: wire::array::<CHAIN_TAG_LEN>("chain tag", &message.chain_tag)?,
            sender_hint: wire::array::<SENDER_HINT_LEN>("sender hint", &message.sender_hint)?,
            sealed_header: wire::array("sealed header", &message.sealed_header)?,
            ciphertext: message.ciphertext,
        })
    }

    fn into_wire(self) -> v2::DeviceMessage {
        v2::DeviceMessage {
            device_id: self.device_id,
            handshake: self.handshake.as_ref().map(SealedHandshake::to_wire),
            chain_tag: self.chain_tag.to_vec(),
            sender_hint: self.sender_hint.to_vec(),
            sealed_header: self.sealed_header.to_vec(),
            ciphertext: self.ciphertext,
        }
    }
}

/// A short hash of a part as it came: the same number with the same digest is a duplicate, with another digest it is a sign that
/// the sender went back in time (RFC windlass §7.7). Public values only.
#[must_use]
pub fn accepted_digest(part: &Part) -> [u8; 16] {
    let hash = sha256(&[
        labels::ACCEPTED_DIGEST,
        &part.sealed_header,
        &part.ciphertext,
    ]);
    let mut digest = [0; 16];
    for (to, from) in digest.iter_mut().zip(hash) {
        *to = from;
    }
    digest
}
