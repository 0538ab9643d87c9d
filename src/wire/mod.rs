//! The messages of `proto/`, and how strictly their bytes are read.
//!
//! The generated types hold raw fields. Each upper layer turns them into types of its own whose values are checked, so nothing
//! above this module handles a field of a length it did not check.

mod found;
mod frames;
mod rows;
mod uri;

pub use found::{Found, from_uri, parse, parse_shared, words};
pub use frames::{Frames, Progress, frames};
pub use uri::{GROUP_LINK_KIND, INVITATION_KIND, URI_SCHEME, UriFault, to_uri};

use prost::Message;
use prost::bytes::Bytes;

/// Messages that travel (`proto/windlass/v2`).
#[allow(missing_docs, clippy::all, clippy::pedantic)]
pub mod v2 {
    include!(concat!(env!("OUT_DIR"), "/windlass.v2.rs"));
}

/// Rows of the store (`proto/windlass/store/v1`).
#[allow(missing_docs, clippy::all, clippy::pedantic)]
pub mod store {
    include!(concat!(env!("OUT_DIR"), "/windlass.store.v1.rs"));
}

use crate::crypto::SecretBytes;
use crate::limits::PROTOCOL_VERSION;

/// Why bytes are no message of this protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WireError {
    /// More bytes than the kind of message may have.
    #[error("{what} of {got} bytes, at most {max} are allowed")]
    TooLong {
        /// The kind of message.
        what: &'static str,
        /// Its length in bytes.
        got: usize,
        /// The bound of `limits`.
        max: usize,
    },
    /// Not an encoding of the message, or a field that is missing, too much, or of the wrong length.
    #[error("not a valid {what}")]
    Malformed {
        /// The message or field.
        what: &'static str,
    },
    /// Made by a newer version of the protocol.
    #[error("{what} of protocol version {got}, this side speaks up to {max}")]
    UnsupportedVersion {
        /// The kind of message.
        what: &'static str,
        /// The version it names.
        got: u32,
        /// The newest version known here.
        max: u32,
    },
}

/// Shorthand for [`WireError::Malformed`].
#[must_use]
pub fn malformed(what: &'static str) -> WireError {
    WireError::Malformed { what }
}

/// The one field that every version of a versioned message begins with.
#[derive(Clone, PartialEq, Message)]
struct Versioned {
    #[prost(uint32, tag = "1")]
    version: u32,
}

/// Checks length and version before anything else is looked at, so that a newer message is named as such and not as malformed.
pub fn check_version(what: &'static str, bytes: &[u8], max_len: usize) -> Result<(), WireError> {
    check_len(what, bytes.len(), max_len)?;
    let version = Versioned::decode(bytes)
        .map_err(|_| malformed(what))?
        .version;
    if version > PROTOCOL_VERSION {
        return Err(WireError::UnsupportedVersion {
            what,
            got: version,
            max: PROTOCOL_VERSION,
        });
    }
    if version < PROTOCOL_VERSION {
        return Err(malformed(what));
    }
    Ok(())
}

/// Refuses what is longer than `max`.
pub fn check_len(what: &'static str, got: usize, max: usize) -> Result<(), WireError> {
    if got > max {
        return Err(WireError::TooLong { what, got, max });
    }
    Ok(())
}

/// Decodes leniently: fields that are not known here are passed over.
///
/// A field of bytes is copied twice on its way into a message. The copy in between is a part of one of the whole, which is wiped: nothing stays
/// behind, and memory is asked for once and not for each field.
pub fn decode<M: Message + Default>(what: &'static str, bytes: &[u8]) -> Result<M, WireError> {
    let wiped = Bytes::from_owner(SecretBytes::new(bytes.to_vec()));
    M::decode(wiped).map_err(|_| malformed(what))
}

/// Decodes strictly: the message has exactly one encoding, the given one (RFC windlass §4.2).
///
/// For what nothing authenticates as a whole: no byte of it can be changed or added without notice.
pub fn decode_strict<M: Message + Default>(
    what: &'static str,
    bytes: &[u8],
) -> Result<M, WireError> {
    let message = decode(what, bytes)?;
    if *encode_secret(&message) == bytes {
        Ok(message)
    } else {
        Err(malformed(what))
    }
}

/// Encodes what may hold secrets; the buffer is zeroised when dropped and never grows, so no copy stays behind.
#[must_use]
pub fn encode_secret<M: Message>(message: &M) -> SecretBytes {
    let mut buffer = Vec::with_capacity(message.encoded_len());
    // Encoding into a vector of sufficient capacity does not fail.
    let _ = message.encode(&mut buffer);
    SecretBytes::new(buffer)
}

/// A field of exactly `N` bytes.
pub fn array<const N: usize>(what: &'static str, bytes: &[u8]) -> Result<[u8; N], WireError> {
    bytes.try_into().map_err(|_| malformed(what))
}

/// A number that is not 0.
pub fn non_zero(what: &'static str, number: u32) -> Result<u32, WireError> {
    if number == 0 {
        return Err(malformed(what));
    }
    Ok(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_newer_version_is_named() {
        let bytes = v2::Envelope {
            version: 7,
            messages: vec![],
        }
        .encode_to_vec();
        assert_eq!(
            check_version("envelope", &bytes, 100),
            Err(WireError::UnsupportedVersion {
                what: "envelope",
                got: 7,
                max: 2
            })
        );
        for lower in [0, 1] {
            let bytes = [&[8, lower], &bytes[2..]].concat();
            assert_eq!(
                check_version("envelope", &bytes, 100),
                Err(malformed("envelope"))
            );
        }
        assert!(check_version("envelope", &[], 100).is_err());
        assert!(check_version("envelope", &bytes, 1).is_err());
    }

    #[test]
    fn strict_decoding_refuses_a_second_encoding() {
        let handshake = v2::Handshake {
            signed_prekey_id: 3,
            ..Default::default()
        };
        let mut bytes = handshake.encode_to_vec();
        let decoded = decode_strict::<v2::Handshake>("handshake", &bytes);
        assert_eq!(decoded, Ok(handshake));
        // Field 1 spelt out although it has its default.
        bytes.extend_from_slice(&[0x0a, 0x00]);
        assert!(decode_strict::<v2::Handshake>("handshake", &bytes).is_err());
        assert!(decode::<v2::Handshake>("handshake", &bytes).is_ok());
    }
}
