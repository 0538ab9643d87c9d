//! `Session`.

use std::sync::Arc;

use super::error::of_envelope;
use super::{
    Body, Bytes, Client, Event, Identity, PostQuantum, Result, Sent, UndecryptableCause,
    WindlassError,
};
use crate::chat;
use crate::engine::base::message_ref::MessageRef;
use crate::engine::delivery::{envelopes, protection};
use crate::engine::history::message;
use crate::engine::records::conversations::ConversationId;
use crate::engine::records::{contacts, doubts, sessions};
use crate::engine::sync::outcome::{Outcome, PeerNews};
use crate::identity::PublicIdentity;
use crate::limits::MAX_HEALING_ATTEMPTS;
use crate::session::Envelope;
use crate::store::Rows;
use crate::x3dh::Party;

/// The secure channel with one contact, for those who bring their own message format.
#[cfg_attr(feature = "uniffi", derive(uniffi::Object))]
pub struct Session {
    pub(super) client: Arc<Client>,
    pub(super) peer: PublicIdentity,
}

/// How far a session has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Enum))]
pub enum SessionState {
    /// Nothing was sent or received yet.
    Fresh,
    /// We wrote, and no answer came yet.
    Pending,
    /// Both sides have it.
    Established,
    /// Something could not be read, and asking for it has come to its bounds for today: it goes on when the other side writes
    /// again, or by `reset`.
    Desynced,
    /// Something could not be read or is missing, and was asked for.
    Healing,
    /// As healing, but no session can be begun: the contact's bundle is not valid any more. Add a newer one.
    NeedsBundle,
}

/// How it stands with a session, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
pub struct SessionStatus {
    /// In one word.
    pub state: SessionState,
    /// Why it is desynced or healing; nothing if messages are missing for another reason.
    pub cause: Option<UndecryptableCause>,
    /// How often what is missing was asked for since it last came.
    pub attempts: u32,
}

#[cfg_attr(feature = "uniffi", uniffi::export)]
impl Client {
    /// The bare secure channel with an address, for those who bring their own message format.
    pub fn session(self: Arc<Self>, address: String) -> Result<Arc<Session>> {
        let peer = PublicIdentity::from_address(&address)?;
        Ok(Arc::new(Session { client: self, peer }))
    }
}

#[cfg_attr(feature = "uniffi", uniffi::export)]
impl Session {
    /// The other side, its public half.
    #[must_use]
    pub fn peer(&self) -> Arc<Identity> {
        Arc::new(Identity::from_public(self.peer))
    }

    /// Encrypts up to 1,048,576 bytes. When this returns, the advanced ratchet and the envelope in the outbox are durable.
    pub fn encrypt(&self, data: Bytes) -> Result<Sent> {
        self.client.write_message(
            &ConversationId::Direct(self.peer),
            Body::Opaque { data },
            None,
        )
    }

    /// Decrypts an envelope of the other side's `encrypt`. The same envelope again gives the same bytes again, also after a crash,
    /// so no message is lost between this library and its user.
    ///
    /// An envelope with anything else inside is refused, nothing has happened, and `Client.receive` takes it. A device or a person that
    /// came with the bytes is reported by the next `Client.receive`.
    pub fn decrypt(&self, envelope: Bytes) -> Result<Bytes> {
        let envelope = Envelope::decode(&envelope).map_err(of_envelope)?;
        let events = self
            .client
            .receive_one(&envelope, |outcomes| self.check(outcomes))?;
        let (about_people, events): (Vec<_>, Vec<_>) = events.into_iter().partition(|event| {
            matches!(
                event,
                Event::ContactRequest { .. } | Event::DevicesChanged { .. }
            )
        });
        self.client.tell_later(about_people);
        for event in events {
            match event {
                Event::Message { message } => {
                    if let Body::Opaque { data } = message.body {
                        return Ok(data);
                    }
                }
                Event::Duplicate {
                    message_id: Some(id),
                } => return self.stored(&id),
                Event::Undecryptable { cause, .. } => {
                    return Err(WindlassError::Undecryptable(cause.sentence().to_owned()));
                }
                _ => {}
            }
        }
        Err(WindlassError::NotForThisSession)
    }

    /// How far the session with the other side has come, in one word.
    pub fn state(&self) -> Result<SessionState> {
        Ok(self.status()?.state)
    }

    /// How far the session with the other side has come, and why.
    pub fn status(&self) -> Result<SessionStatus> {
        self.client.read(|reader| {
            let healing = doubts::row(reader, &self.peer)?.unwrap_or_default();
            let state = if healing.needs_bundle {
                SessionState::NeedsBundle
            } else if healing.waiting && healing.attempts >= MAX_HEALING_ATTEMPTS {
                SessionState::Desynced
            } else if healing.waiting {
                SessionState::Healing
            } else {
                match self.active(reader)? {
                    None => SessionState::Fresh,
                    Some(session) if session.is_pending() => SessionState::Pending,
                    Some(_) => SessionState::Established,
                }
            };
            Ok(SessionStatus {
                state,
                cause: UndecryptableCause::of_number(healing.cause),
                attempts: healing.attempts,
            })
        })
    }

    /// What keeps the next message from whoever records it now and breaks X25519 later. Of several devices, the least that one of them has.
    pub fn post_quantum(&self) -> Result<PostQuantum> {
        self.client.read(|reader| {
            let contact = contacts::find(reader, &self.peer)?;
            let contact = contact.ok_or(WindlassError::UnknownContact)?;
            Ok(protection::of_contact(reader, &contact)?)
        })
    }

    /// Begins a new session from the contact's bundle; the next message uses it. Messages under way in the former one still open.
    pub fn reset(&self) -> Result<()> {
        self.client.write(|step| {
            let mut contact =
                contacts::find(step.rows, &self.peer)?.ok_or(WindlassError::UnknownContact)?;
            let bundle = contact.bundle.clone().ok_or(WindlassError::NoBundle)?;
            for remote in bundle.devices() {
                envelopes::initiate(step, &mut contact, remote)?;
            }
            Ok(())
        })
    }
}

impl Session {
    /// Only opaque bytes of this peer, or a failure, may come through a bare session; nothing else that only an event would tell.
    fn check(&self, outcomes: &[Outcome]) -> Result<()> {
        let ours = outcomes.iter().all(|outcome| match outcome {
            Outcome::Message(shown) => {
                let stored = &shown.stored;
                stored.author == self.peer && matches!(stored.content.body, chat::Body::Opaque(_))
            }
            Outcome::Peer(_, news) => matches!(
                news,
                PeerNews::SessionEstablished { .. }
                    | PeerNews::SessionHealed { .. }
                    | PeerNews::Healing { .. }
                    | PeerNews::ContactRequest
                    | PeerNews::DevicesChanged(_)
            ),
            Outcome::Duplicate { .. } | Outcome::Undecryptable { .. } => true,
            _ => false,
        });
        if ours {
            Ok(())
        } else {
            Err(WindlassError::NotForThisSession)
        }
    }

    /// The bytes of a message that came before.
    fn stored(&self, id: &str) -> Result<Bytes> {
        let id = id.parse().map_err(|_| WindlassError::UnknownMessage)?;
        let message = MessageRef {
            author: self.peer,
            id,
        };
        let stored = self
            .client
            .read(|rows| Ok(message::find(rows, &message)?))?;
        match stored.map(|stored| stored.content.body) {
            Some(chat::Body::Opaque(data)) => Ok(data.into()),
            _ => Err(WindlassError::NotForThisSession),
        }
    }

    fn active(&self, store: &dyn Rows) -> Result<Option<crate::session::Session>> {
        let Some(contact) = contacts::find(store, &self.peer)? else {
            return Ok(None);
        };
        let first = contact
            .bundle
            .as_ref()
            .and_then(|bundle| bundle.devices().first());
        match first {
            Some(remote) => Ok(sessions::active(
                store,
                &Party {
                    identity: self.peer,
                    device_id: remote.device_id,
                },
            )?),
            None => Ok(None),
        }
    }
}
