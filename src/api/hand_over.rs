//! `HandOver`: what a second process reads a push with.

use core::fmt;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use super::clock::time;
use super::error::of_envelope;
use super::{Body, Bytes, Client, Result, RichText, StoreKey, WindlassError};
use crate::crypto::Secret;
use crate::engine::records::conversations::ConversationId;
use crate::engine::sync::hand_over::HandedOver;
use crate::engine::sync::peek::{self, Opened};
use crate::session::Envelope;
use crate::store::{self, Rows, StoreError};

#[cfg_attr(feature = "uniffi", uniffi::export)]
impl Client {
    /// What a second process of the application needs to show what a push brought: the receiving keys of the sessions as they are now, who writes
    /// in them, and what is mute; never more than 4,096 sessions, those of the latest conversations first. No seed, no prekey, nothing to send with, no
    /// history, nothing of other devices of the user. `key` seals it: 32 bytes that the application shares with that process, never the store's. A passphrase is
    /// refused.
    ///
    /// To be written where that process finds it, under another name first and then renamed; anew after each `receive` and each send, or at the latest when the
    /// application leaves the foreground. It is read for 7 days. The cost grows with the sessions: a few look-ups and some 500 bytes each.
    pub fn hand_over(&self, key: &StoreKey) -> Result<Bytes> {
        let secret = raw(key)?;
        let now = self.store.0.now();
        let read = |rows: &dyn Rows| HandedOver::of(rows, &self.device).map_err(Into::into);
        let handed_over = self.read(read)?;
        let mut rng = self.store.0.random()?;
        Ok(handed_over.seal(secret, now, &mut rng)?.into())
    }
}

/// What `Client.hand_over` gave, opened by a process that does not own the store.
///
/// It acknowledges nothing, stores nothing and holds no file: the same envelope is told the same way each time, and the application receives it later as
/// new.
#[cfg_attr(feature = "uniffi", derive(uniffi::Object))]
pub struct HandOver {
    opened: Opened,
    /// Milliseconds since the epoch.
    now: u64,
}

/// What an envelope brings, as a second process sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Enum))]
#[allow(clippy::large_enum_variant)] // One is made for a push, and UniFFI knows no box.
pub enum Peeked {
    /// Words for the user. They may be shown, unless their conversation is mute.
    Message {
        /// What they say, and who.
        message: PeekedMessage,
    },
    /// Nothing to show: receipts, typing, reactions, edits, what devices of the user tell each other, somebody who is blocked, or what the application had taken
    /// in already when it handed over.
    Quiet,
    /// Only the application can read it: the first message of a session, an answer to what was sent after the handing over, an invitation to a
    /// group, somebody who is not known. Say that there may be something new, or wake the application.
    Unreadable,
}

/// A message that was looked at, and not received.
#[derive(Clone, PartialEq, Eq)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
pub struct PeekedMessage {
    /// Its id: 32 hexadecimal digits, the same that the application will see. What was sent again under way has the id of what it repeats.
    pub id: String,
    /// Address of the other side of the conversation, or of the group.
    pub conversation: String,
    /// The user's own name for the conversation, or the name of the group or of the person; nothing if there is none.
    pub conversation_name: Option<String>,
    /// Address of who wrote it.
    pub author: String,
    /// The user's own name for them, or the one that they gave themselves; nothing if there is none.
    pub author_name: Option<String>,
    /// True in a group.
    pub in_group: bool,
    /// What it says.
    pub body: Body,
    /// The text of a text body, for short programs.
    pub text: Option<String>,
    /// As of `Message`: captions, spoilers, mentions.
    pub rich_text: Option<RichText>,
    /// True when that mentions the user.
    pub mentions_me: bool,
    /// The author's clock when it was written.
    pub sent_at: SystemTime,
    /// Until when its conversation is mute, as it was handed over; nothing if it is not.
    pub muted_until: Option<SystemTime>,
    /// True if it was mute when the hand-over was opened.
    pub muted: bool,
}

/// Which, and nothing that anybody said.
impl fmt::Debug for PeekedMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PeekedMessage")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

#[cfg(not(target_arch = "wasm32"))]
#[cfg_attr(feature = "uniffi", uniffi::export)]
impl HandOver {
    /// Opens what `Client.hand_over` gave for this key. `HandOverUnreadable`, `HandOverTooOld` and `HandOverNewer` say why it is not: show then that there may be
    /// something new, and no more.
    #[cfg_attr(feature = "uniffi", uniffi::constructor)]
    pub fn open(handed_over: Bytes, key: &StoreKey) -> Result<Arc<Self>> {
        Self::open_at(&handed_over, key, SystemTime::now()).map(Arc::new)
    }
}

#[cfg_attr(feature = "uniffi", uniffi::export)]
impl HandOver {
    /// Looks into an envelope that a push brought. Whatever it finds, nothing has changed.
    pub fn peek(&self, envelope: Bytes) -> Result<Peeked> {
        let envelope = Envelope::decode(&envelope).map_err(of_envelope)?;
        let peeked = self.opened.peek(&envelope);
        Ok(match peeked.map_err(WindlassError::from)? {
            peek::Peeked::Message(message) => Peeked::Message {
                message: self.message(*message),
            },
            peek::Peeked::Quiet => Peeked::Quiet,
            peek::Peeked::Unreadable => Peeked::Unreadable,
        })
    }
}

impl HandOver {
    /// As `open`, at a time that is given: where there is no clock, and for tests.
    pub fn open_at(bytes: &[u8], key: &StoreKey, now: SystemTime) -> Result<Self> {
        let since = now.duration_since(UNIX_EPOCH).unwrap_or_default();
        let now = u64::try_from(since.as_millis()).unwrap_or(u64::MAX);
        Ok(Self {
            opened: Opened::open(bytes, raw(key)?, now)?,
            now,
        })
    }

    fn message(&self, message: peek::PeekedMessage) -> PeekedMessage {
        let content = message.content;
        let rich_text = RichText::of_body(&content.body);
        let own = self.opened.own().to_bytes();
        let mentions_me = (content.body.text()).is_some_and(|text| text.mentions(&own));
        let body = Body::from_chat(content.body);
        let name = |name: String| Some(name).filter(|name| !name.is_empty());
        PeekedMessage {
            id: content.id.to_string(),
            conversation: message.conversation.address(),
            conversation_name: name(message.conversation_name),
            author: message.author.address(),
            author_name: name(message.author_name),
            in_group: matches!(message.conversation, ConversationId::Group(_)),
            text: match &body {
                Body::Text { text } => Some(text.clone()),
                _ => None,
            },
            body,
            mentions_me,
            rich_text,
            sent_at: time(content.sent_at),
            muted_until: (message.muted_until != 0).then(|| time(message.muted_until)),
            muted: message.muted_until > self.now,
        }
    }
}

/// The 32 bytes of a key. From a passphrase each opening would take 64 MiB, which an extension has not.
fn raw(key: &StoreKey) -> Result<&Secret<32>> {
    match &key.0 {
        store::StoreKey::Raw(key) => Ok(key),
        store::StoreKey::Passphrase(..) => Err(StoreError::KeyUnreadable {
            place: "the key of a hand-over".into(),
            why: "has to be 32 bytes, not a passphrase",
        }
        .into()),
    }
}
