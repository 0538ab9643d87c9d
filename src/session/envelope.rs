//! The envelope: one message to one identity, a part for each of its devices (RFC windlass §7.1).

use prost::Message;
use prost::encoding::{
    DecodeContext, WireType, decode_key, decode_varint, encode_varint, skip_field,
};

use super::{SENDER_HINT_LEN, SenderHint};
use crate::crypto::{labels, sha256};
use crate::limits::{MAX_DEVICES, MAX_ENVELOPE_LEN, PROTOCOL_VERSION};
use crate::ratchet::{CHAIN_TAG_LEN, ChainTag, SEALED_HEADER_LEN};
use crate::wire::{self, WireError, malformed};
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

/// The fields of the messages, as `proto/windlass/v2/envelope.proto` numbers them.
mod field {
    pub(super) const VERSION: u32 = 1;
    pub(super) const MESSAGES: u32 = 2;
    pub(super) const DEVICE_ID: u32 = 1;
    pub(super) const HANDSHAKE: u32 = 2;
    pub(super) const CHAIN_TAG: u32 = 3;
    pub(super) const SENDER_HINT: u32 = 4;
    pub(super) const SEALED_HEADER: u32 = 5;
    pub(super) const CIPHERTEXT: u32 = 6;
}

// Read and written here, and not by the generated types, which ask for memory for each field: every message has an envelope. A test holds that both
// say the same.
impl Envelope {
    /// Reads an envelope strictly: any byte that is changed outside the ciphertexts is noticed here or makes them fail.
    pub fn decode(bytes: &[u8]) -> Result<Self, WireError> {
        wire::check_version("envelope", bytes, MAX_ENVELOPE_LEN)?;
        let envelope = Self {
            parts: read_parts(bytes)?,
        };
        // What was passed over is missing here, and what has another encoding differs.
        if !envelope.is_encoded_as(bytes) {
            return Err(malformed("envelope"));
        }
        // So few that a set of them would cost more.
        let is_first = |(at, part): (usize, &Part)| {
            let mut before = envelope.parts.iter().take(at);
            before.all(|other| other.device_id != part.device_id)
        };
        if envelope.parts.is_empty() || !envelope.parts.iter().enumerate().all(is_first) {
            return Err(malformed("list of receiving devices"));
        }
        Ok(envelope)
    }

    /// The bytes for the transport.
    #[must_use]
    pub fn encode(self) -> Vec<u8> {
        let mut len = 0;
        self.write(&mut |bytes| len += bytes.len());
        let mut encoded = Vec::with_capacity(len);
        self.write(&mut |bytes| encoded.extend_from_slice(bytes));
        encoded
    }

    fn is_encoded_as(&self, bytes: &[u8]) -> bool {
        let mut rest = Some(bytes);
        self.write(&mut |bytes| rest = rest.and_then(|rest| rest.strip_prefix(bytes)));
        rest.is_some_and(<[u8]>::is_empty)
    }

    /// The one encoding (RFC windlass §4.2), in pieces.
    fn write(&self, to: Sink<'_>) {
        write_key(to, field::VERSION, WireType::Varint);
        write_number(to, PROTOCOL_VERSION.into());
        for part in &self.parts {
            part.write(to);
        }
    }

    /// The part for one device.
    #[must_use]
    pub fn part_for(&self, device_id: u32) -> Option<&Part> {
        self.parts.iter().find(|part| part.device_id == device_id)
    }
}

/// Takes bytes, one piece after the other.
type Sink<'a> = &'a mut dyn FnMut(&[u8]);

fn write_key(to: Sink<'_>, field: u32, kind: WireType) {
    write_number(to, u64::from((field << 3) | kind as u32));
}

fn write_number(to: Sink<'_>, number: u64) {
    let mut bytes = [0; 10];
    let mut rest = bytes.as_mut_slice();
    encode_varint(number, &mut rest);
    let left = rest.len();
    to(bytes.split_at(bytes.len() - left).0);
}

fn write_bytes(to: Sink<'_>, field: u32, bytes: &[u8]) {
    if !bytes.is_empty() {
        write_key(to, field, WireType::LengthDelimited);
        write_number(to, bytes.len() as u64);
        to(bytes);
    }
}

fn read_parts(bytes: &[u8]) -> Result<Vec<Part>, WireError> {
    let (mut rest, mut parts) = (bytes, Vec::new());
    while !rest.is_empty() {
        match read_key(&mut rest)? {
            // Before anything is allocated for them: two bytes can make one of a hundred.
            (field::MESSAGES, _) if parts.len() >= MAX_DEVICES => {
                return Err(malformed("list of receiving devices"));
            }
            (field::MESSAGES, WireType::LengthDelimited) => {
                parts.push(Part::read(read_bytes(&mut rest)?)?);
            }
            other => pass_over(&mut rest, other)?,
        }
    }
    Ok(parts)
}

fn read_key(rest: &mut &[u8]) -> Result<(u32, WireType), WireError> {
    decode_key(rest).map_err(|_| malformed("envelope"))
}

fn read_bytes<'a>(rest: &mut &'a [u8]) -> Result<&'a [u8], WireError> {
    let len = decode_varint(rest).map_err(|_| malformed("envelope"))?;
    let (all, len): (&'a [u8], _) = (rest, usize::try_from(len).ok());
    let split = len.and_then(|len| all.split_at_checked(len));
    let (bytes, later) = split.ok_or(malformed("envelope"))?;
    *rest = later;
    Ok(bytes)
}

fn pass_over(rest: &mut &[u8], (field, kind): (u32, WireType)) -> Result<(), WireError> {
    let context = DecodeContext::default();
    skip_field(kind, field, rest, context).map_err(|_| malformed("envelope"))
}

impl Part {
    fn read(mut rest: &[u8]) -> Result<Self, WireError> {
        let (mut device_id, mut handshake) = (0, None);
        let [mut tag, mut hint, mut header, mut ciphertext] = [[].as_slice(); 4];
        while !rest.is_empty() {
            let key = read_key(&mut rest)?;
            let bytes = match key {
                (field::DEVICE_ID, WireType::ThirtyTwoBit) => {
                    let split = rest.split_first_chunk().ok_or(malformed("envelope"))?;
                    (device_id, rest) = (u32::from_le_bytes(*split.0), split.1);
                    continue;
                }
                (_, WireType::LengthDelimited) => read_bytes(&mut rest)?,
                other => {
                    pass_over(&mut rest, other)?;
                    continue;
                }
            };
            match key.0 {
                field::HANDSHAKE => handshake = Some(bytes),
                field::CHAIN_TAG => tag = bytes,
                field::SENDER_HINT => hint = bytes,
                field::SEALED_HEADER => header = bytes,
                field::CIPHERTEXT => ciphertext = bytes,
                _ => {}
            }
        }
        let handshake = handshake.map(|bytes| {
            let handshake = wire::decode("handshake", bytes)?;
            SealedHandshake::from_wire(&handshake)
        });
        Ok(Self {
            device_id: wire::non_zero("receiving device id", device_id)?,
            handshake: handshake.transpose()?,
            chain_tag: wire::array::<CHAIN_TAG_LEN>("chain tag", tag)?,
            sender_hint: wire::array::<SENDER_HINT_LEN>("sender hint", hint)?,
            sealed_header: wire::array("sealed header", header)?,
            ciphertext: ciphertext.to_vec(),
        })
    }

    fn write(&self, to: Sink<'_>) {
        let handshake = self.handshake.as_ref();
        let handshake = handshake.map(|handshake| handshake.to_wire().encode_to_vec());
        let handshake = handshake.as_deref().unwrap_or_default();
        let mut len = 0;
        self.write_fields(handshake, &mut |bytes| len += bytes.len());
        write_key(to, field::MESSAGES, WireType::LengthDelimited);
        write_number(to, len as u64);
        self.write_fields(handshake, to);
    }

    fn write_fields(&self, handshake: &[u8], to: Sink<'_>) {
        write_key(to, field::DEVICE_ID, WireType::ThirtyTwoBit);
        to(&self.device_id.to_le_bytes());
        write_bytes(to, field::HANDSHAKE, handshake);
        write_bytes(to, field::CHAIN_TAG, &self.chain_tag);
        write_bytes(to, field::SENDER_HINT, &self.sender_hint);
        write_bytes(to, field::SEALED_HEADER, &self.sealed_header);
        write_bytes(to, field::CIPHERTEXT, &self.ciphertext);
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
