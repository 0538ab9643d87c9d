//! Reads what a push brought with what was handed over, in a process that does not own the store (decision 0109). Nothing is stepped, acknowledged
//! or stored: the same bytes are told the same way each time, and the application receives them later as new.

use std::collections::{BTreeMap, BTreeSet};

use crate::chat::{Body, Content, GroupId};
use crate::crypto::{Secret, open, unpad};
use crate::due;
use crate::engine::base::error::EngineError;
use crate::engine::records::conversations::ConversationId;
use crate::engine::sync::hand_over::{HEAD_LEN, KEPT_SECONDS, MAX_LEN, VERSION, sealing_key};
use crate::identity::PublicIdentity;
use crate::ratchet::{CHAIN_TAG_LEN, ChainTag};
use crate::session::{Envelope, Part, ReceivingSession};
use crate::wire;
use crate::wire::store::{HandOverBody, HandedOverGroup, HandedOverPerson};
use crate::wire::v2::Payload;

/// Why bytes are not read as a hand-over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum HandOverError {
    /// Another key, bytes that were changed or cut, or something else altogether.
    #[error("this is no hand-over, or not of this key, or it was changed or cut")]
    Unreadable,
    /// Made longer ago than it may be used, or dated ahead of now by a clock that was wrong.
    #[error("the hand-over is older than 7 days")]
    TooOld,
    /// Made by a later version.
    #[error("hand-over of version {0}, this side reads up to {VERSION}")]
    Newer(u8),
}

/// What somebody says.
pub(crate) struct PeekedMessage {
    pub(crate) conversation: ConversationId,
    /// The name of the group, or of who writes; empty for none.
    pub(crate) conversation_name: String,
    pub(crate) author: PublicIdentity,
    pub(crate) author_name: String,
    /// Milliseconds since the epoch; 0 if it is not mute.
    pub(crate) muted_until: u64,
    pub(crate) content: Content,
}

/// What an envelope brings.
pub(crate) enum Peeked {
    /// Words for the user.
    Message(Box<PeekedMessage>),
    /// Nothing that is shown.
    Quiet,
    /// The application has to look.
    Unreadable,
}

/// What was handed over, opened.
pub(crate) struct Opened {
    own: PublicIdentity,
    device_id: u32,
    people: Vec<(PublicIdentity, HandedOverPerson)>,
    groups: BTreeMap<GroupId, HandedOverGroup>,
    sessions: Vec<(usize, ReceivingSession)>,
    tags: BTreeMap<ChainTag, usize>,
    quiet: BTreeSet<ChainTag>,
}

impl Opened {
    /// Opens what [`super::hand_over::HandedOver::seal`] made.
    pub(crate) fn open(bytes: &[u8], key: &Secret<32>, now: u64) -> Result<Self, HandOverError> {
        let unreadable = HandOverError::Unreadable;
        let (head, sealed) = bytes.split_at_checked(HEAD_LEN).ok_or(unreadable)?;
        let (version, date) = head.split_first().ok_or(unreadable)?;
        if *version > VERSION {
            return Err(HandOverError::Newer(*version));
        }
        if *version < VERSION || bytes.len() > MAX_LEN {
            return Err(unreadable);
        }
        let padded = open(&sealing_key(key), sealed, head).map_err(|_| unreadable)?;
        // Only what the key sealed says how old it is.
        let date = u64::from_be_bytes(date.try_into().map_err(|_| unreadable)?);
        if due::is_over(date, KEPT_SECONDS * 1000, now) {
            return Err(HandOverError::TooOld);
        }
        let body = unpad(&padded).ok_or(unreadable)?;
        let body: HandOverBody = wire::decode("hand-over", &body).map_err(|_| unreadable)?;
        Self::of(body).ok_or(unreadable)
    }

    /// Nothing if the body is not what was made of a store.
    fn of(body: HandOverBody) -> Option<Self> {
        let people = body.people.into_iter().map(|person| {
            let identity = PublicIdentity::from_stored(&person.identity_key)?;
            Some((identity, person))
        });
        let groups = body.groups.into_iter().map(|group| {
            let id = GroupId::from_bytes(&group.group_id).ok()?;
            Some((id, group))
        });
        let sessions = body.sessions.iter().map(|row| {
            let session = ReceivingSession::from_row(row).ok()?;
            Some((row.person as usize, session))
        });
        let sessions: Vec<_> = sessions.collect::<Option<_>>()?;
        let tags = sessions.iter().enumerate().flat_map(|(at, (_, session))| {
            let tags = session.expected_tags();
            tags.into_iter().map(move |tag| (tag, at))
        });
        let (quiet, rest) = body.quiet_tags.as_chunks::<CHAIN_TAG_LEN>();
        rest.is_empty().then_some(())?;
        Some(Self {
            own: PublicIdentity::from_stored(&body.identity_key)?,
            device_id: body.device_id,
            people: people.collect::<Option<_>>()?,
            groups: groups.collect::<Option<_>>()?,
            tags: tags.collect(),
            sessions,
            quiet: quiet.iter().copied().collect(),
        })
    }

    /// Whose device this is.
    pub(crate) fn own(&self) -> PublicIdentity {
        self.own
    }

    /// Looks into an envelope.
    pub(crate) fn peek(&self, envelope: &Envelope) -> Result<Peeked, EngineError> {
        let part = envelope.part_for(self.device_id);
        let part = part.ok_or(EngineError::NotForThisDevice)?;
        if self.quiet.contains(&part.chain_tag) {
            return Ok(Peeked::Quiet);
        }
        Ok(self.read(part).unwrap_or(Peeked::Unreadable))
    }

    /// Nothing for what cannot be read.
    fn read(&self, part: &Part) -> Option<Peeked> {
        let (person, session) = self.sessions.get(*self.tags.get(&part.chain_tag)?)?;
        let (author, person) = self.people.get(*person)?;
        let Some(payload) = session.peek(part).ok()? else {
            return Some(Peeked::Quiet);
        };
        let payload: Payload = wire::decode("payload", &payload).ok()?;
        let content = Content::from_bytes(&payload.content).ok()?;
        match &content.body {
            Body::Text(_)
            | Body::Data { .. }
            | Body::Opaque(_)
            | Body::Attachment(_)
            | Body::Unknown => self.show(*author, person, content),
            // The application has to do something about it, and knows whether it is to be shown.
            Body::IdentityChange(_) => None,
            Body::GroupEvents { .. } => {
                self.groups.get(content.group.as_ref()?)?;
                Some(Peeked::Quiet)
            }
            _ => Some(Peeked::Quiet),
        }
    }

    fn show(
        &self,
        author: PublicIdentity,
        person: &HandedOverPerson,
        content: Content,
    ) -> Option<Peeked> {
        let (conversation_name, muted_until) = match &content.group {
            // The user was asked about them, and hears nothing else before they answer.
            None if person.waits && person.requested => return Some(Peeked::Quiet),
            None if person.waits => return None,
            None => (&person.name, person.muted_until),
            Some(group) => {
                let group = self.groups.get(group)?;
                if group.quiet {
                    return Some(Peeked::Quiet);
                }
                let mut writers = group.writers.iter();
                writers.find(|place| {
                    let writer = self.people.get(**place as usize);
                    writer.is_some_and(|(writer, _)| *writer == author)
                })?;
                (&group.name, group.muted_until)
            }
        };
        Some(Peeked::Message(Box::new(PeekedMessage {
            conversation: ConversationId::of(&content, &author),
            conversation_name: conversation_name.clone(),
            author,
            author_name: person.name.clone(),
            muted_until,
            content,
        })))
    }
}
