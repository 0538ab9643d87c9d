//! The content of a message, its fields checked.

use core::fmt;
use core::str::FromStr;

use data_encoding::HEXLOWER;
use prost::Message;

use super::control::{self, Copy, DeviceUpdate, HealingRequest};
use crate::crypto::{CryptoRng, SecretBytes};
use crate::limits::{
    MAX_BUNDLE_LEN, MAX_CONTENT_LEN, MAX_DATA_LEN, MAX_LAMPORT, MAX_MEDIA_TYPE_LEN,
    MAX_RECEIPT_IDS, MAX_TEXT_LEN,
};
use crate::wire::{self, WireError, malformed, v1};

/// Names a message, together with its author: 16 random bytes, shown as 32 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MessageId([u8; 16]);

/// Why a content is refused before it is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ContentError {
    /// Longer than `limits` allows.
    #[error("{what} of {got} bytes, at most {max} are allowed; send larger things as attachments")]
    TooLarge {
        /// The part.
        what: &'static str,
        /// Its length in bytes.
        got: usize,
        /// The bound.
        max: usize,
    },
    /// Not a media type.
    #[error("a media type looks like image/png")]
    MediaType,
}

/// What a message says.
#[derive(Clone, PartialEq, Eq)]
pub enum Body {
    /// For a person.
    Text(String),
    /// Bytes of a stated kind.
    Data {
        /// The kind (RFC 6838).
        media_type: String,
        /// The bytes.
        data: Vec<u8>,
    },
    /// The receiver has these messages.
    DeliveryReceipt(Vec<MessageId>),
    /// A format of the application's own.
    Opaque(Vec<u8>),
    /// Asks for what is not there.
    HealingRequest(HealingRequest),
    /// A request has come.
    HealingAnswer {
        /// How many messages follow.
        messages: u64,
    },
    /// A message for a device that it was not encrypted for.
    Copy(Copy),
    /// Between devices of one identity.
    DeviceUpdate(DeviceUpdate),
    /// Its author goes on as the identity of this encoded bundle.
    IdentityChange(Vec<u8>),
    /// A body of a later version; the message is kept as it came.
    Unknown,
}

/// A message as its author wrote it.
#[derive(Clone, PartialEq, Eq)]
pub struct Content {
    /// Its name.
    pub id: MessageId,
    /// Orders the conversation, with the id between equals.
    pub lamport: u64,
    /// The author's wall clock, milliseconds since the epoch.
    pub sent_at: u64,
    /// The message that it answers.
    pub reply_to: Option<MessageId>,
    /// What it says.
    pub body: Body,
}

impl MessageId {
    /// A new name.
    #[must_use]
    pub fn random(rng: &mut dyn CryptoRng) -> Self {
        let mut id = [0; 16];
        rng.fill_bytes(&mut id);
        Self(id)
    }

    /// From 16 bytes.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, WireError> {
        wire::array("message id", bytes).map(Self)
    }

    /// The 16 bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

impl fmt::Display for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&HEXLOWER.encode(&self.0))
    }
}

impl fmt::Debug for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for MessageId {
    type Err = WireError;

    fn from_str(text: &str) -> Result<Self, WireError> {
        let bytes = HEXLOWER
            .decode(text.as_bytes())
            .map_err(|_| malformed("message id"))?;
        Self::from_bytes(&bytes)
    }
}

impl Body {
    /// Whether it is something that people wrote, and so has a place in a history.
    #[must_use]
    pub fn is_message(&self) -> bool {
        !matches!(
            self,
            Self::DeliveryReceipt(_)
                | Self::HealingRequest(_)
                | Self::HealingAnswer { .. }
                | Self::Copy(_)
                | Self::DeviceUpdate(_)
        )
    }

    /// Whether the body is within its bounds. Asked before anything is sent.
    pub fn check(&self) -> Result<(), ContentError> {
        let fits = |what, got: usize, max| {
            if got > max {
                return Err(ContentError::TooLarge { what, got, max });
            }
            Ok(())
        };
        match self {
            Self::Text(text) => fits("text", text.len(), MAX_TEXT_LEN),
            Self::Data { media_type, data } => {
                let parts: Vec<_> = media_type.split('/').collect();
                let plausible = parts.len() == 2
                    && parts.iter().all(|part| !part.is_empty())
                    && media_type.len() <= MAX_MEDIA_TYPE_LEN
                    && media_type
                        .bytes()
                        .all(|byte| byte.is_ascii_graphic() || byte == b' ');
                if !plausible {
                    return Err(ContentError::MediaType);
                }
                fits("data", data.len(), MAX_DATA_LEN)
            }
            Self::Opaque(data) => fits("message", data.len(), MAX_DATA_LEN),
            Self::DeliveryReceipt(ids) => fits("receipt", ids.len(), MAX_RECEIPT_IDS),
            Self::IdentityChange(bundle) => fits("bundle", bundle.len(), MAX_BUNDLE_LEN),
            Self::Copy(copy) => fits("copy", copy.content.len(), MAX_CONTENT_LEN),
            Self::HealingRequest(_)
            | Self::HealingAnswer { .. }
            | Self::DeviceUpdate(_)
            | Self::Unknown => Ok(()),
        }
    }
}

impl Content {
    /// Reads the bytes that the AEAD accepted. Unknown fields and bodies are passed over; wrong known ones are an error.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, WireError> {
        wire::check_len("content", bytes.len(), MAX_CONTENT_LEN)?;
        let content: v1::Content = wire::decode("content", bytes)?;
        if content.lamport > MAX_LAMPORT {
            return Err(malformed("Lamport clock"));
        }
        let reply_to = match content.reply_to.as_slice() {
            [] => None,
            bytes => Some(MessageId::from_bytes(bytes)?),
        };
        let body = match content.body {
            None => Body::Unknown,
            Some(v1::content::Body::Text(text)) => Body::Text(text.text),
            Some(v1::content::Body::Data(data)) => Body::Data {
                media_type: data.media_type,
                data: data.data,
            },
            Some(v1::content::Body::DeliveryReceipt(receipt)) if receipt.message_ids.is_empty() => {
                return Err(malformed("receipt"));
            }
            Some(v1::content::Body::DeliveryReceipt(receipt)) => Body::DeliveryReceipt(
                receipt
                    .message_ids
                    .iter()
                    .map(|id| MessageId::from_bytes(id))
                    .collect::<Result<_, _>>()?,
            ),
            Some(v1::content::Body::Opaque(opaque)) => Body::Opaque(opaque.data),
            Some(v1::content::Body::HealingRequest(request)) => {
                Body::HealingRequest(control::request_from_wire(request)?)
            }
            Some(v1::content::Body::HealingAnswer(answer)) => Body::HealingAnswer {
                messages: answer.messages,
            },
            Some(v1::content::Body::Copy(copy)) => Body::Copy(Copy::from_wire(copy)?),
            Some(v1::content::Body::DeviceUpdate(update)) => {
                Body::DeviceUpdate(DeviceUpdate::from_wire(update)?)
            }
            Some(v1::content::Body::IdentityChange(change)) => Body::IdentityChange(change.bundle),
        };
        body.check().map_err(|_| malformed("body"))?;
        Ok(Self {
            id: MessageId::from_bytes(&content.message_id)?,
            lamport: content.lamport,
            sent_at: content.sent_at,
            reply_to,
            body,
        })
    }

    /// The bytes to encrypt.
    #[must_use]
    pub fn to_bytes(&self) -> SecretBytes {
        let body = match &self.body {
            Body::Text(text) => Some(v1::content::Body::Text(v1::Text { text: text.clone() })),
            Body::Data { media_type, data } => Some(v1::content::Body::Data(v1::Data {
                media_type: media_type.clone(),
                data: data.clone(),
            })),
            Body::DeliveryReceipt(ids) => {
                Some(v1::content::Body::DeliveryReceipt(v1::DeliveryReceipt {
                    message_ids: ids.iter().map(|id| id.as_bytes().to_vec()).collect(),
                }))
            }
            Body::Opaque(data) => {
                Some(v1::content::Body::Opaque(v1::Opaque { data: data.clone() }))
            }
            Body::HealingRequest(request) => Some(v1::content::Body::HealingRequest(
                control::request_to_wire(request),
            )),
            Body::HealingAnswer { messages } => {
                Some(v1::content::Body::HealingAnswer(v1::HealingAnswer {
                    messages: *messages,
                }))
            }
            Body::Copy(copy) => Some(v1::content::Body::Copy(copy.to_wire())),
            Body::DeviceUpdate(update) => Some(v1::content::Body::DeviceUpdate(update.to_wire())),
            Body::IdentityChange(bundle) => {
                Some(v1::content::Body::IdentityChange(v1::IdentityChange {
                    bundle: bundle.clone(),
                }))
            }
            Body::Unknown => None,
        };
        SecretBytes::new(
            v1::Content {
                message_id: self.id.as_bytes().to_vec(),
                lamport: self.lamport,
                sent_at: self.sent_at,
                reply_to: self
                    .reply_to
                    .map(|id| id.as_bytes().to_vec())
                    .unwrap_or_default(),
                body,
            }
            .encode_to_vec(),
        )
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn content(body: Body) -> Content {
        Content {
            id: MessageId([3; 16]),
            lamport: 7,
            sent_at: 1_800_000_000_000,
            reply_to: Some(MessageId([4; 16])),
            body,
        }
    }

    #[test]
    fn every_body_comes_back_from_its_bytes() {
        for body in [
            Body::Text("ahoy ⚓".into()),
            Body::Data {
                media_type: "image/png".into(),
                data: vec![1, 2, 3],
            },
            Body::DeliveryReceipt(vec![MessageId([5; 16])]),
            Body::Opaque(vec![0; 10]),
            Body::HealingRequest(HealingRequest {
                conversations: vec![control::ConversationState {
                    conversation: [6; 32],
                    from_lamport: 5,
                    have: vec![[1; 8], [2; 8]],
                }],
                went_back: true,
                link_token: Some([9; 16]),
            }),
            Body::Copy(Copy {
                author: [6; 32],
                conversation: [7; 32],
                content: vec![8; 9],
            }),
            Body::DeviceUpdate(DeviceUpdate {
                removed: vec![3],
                contacts: Vec::new(),
            }),
            Body::HealingAnswer { messages: 4 },
            Body::Unknown,
        ] {
            let content = content(body);
            assert!(Content::from_bytes(&content.to_bytes()).unwrap() == content);
        }
    }

    #[test]
    fn a_body_of_a_later_version_is_unknown_and_not_an_error() {
        let mut bytes = content(Body::Unknown).to_bytes().to_vec();
        // Field 200, length-delimited, two bytes.
        bytes.extend_from_slice(&[0xc2, 0x0c, 0x02, b'h', b'i']);
        assert!(Content::from_bytes(&bytes).unwrap().body == Body::Unknown);
    }

    #[test]
    fn bodies_over_their_bounds_are_refused() {
        assert!(Body::Text("x".repeat(MAX_TEXT_LEN)).check().is_ok());
        assert!(Body::Text("x".repeat(MAX_TEXT_LEN + 1)).check().is_err());
        for media_type in ["", "png", "image/", "a/b/c", "image/p\ng"] {
            let body = Body::Data {
                media_type: media_type.into(),
                data: vec![],
            };
            assert_eq!(body.check(), Err(ContentError::MediaType), "{media_type:?}");
        }
    }

    #[test]
    fn a_clock_at_the_end_of_its_range_is_refused() {
        let mut content = content(Body::Unknown);
        content.lamport = u64::MAX;
        assert!(Content::from_bytes(&content.to_bytes()).is_err());
    }
}
