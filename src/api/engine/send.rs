//! Sending: ratchet, history and outbox in one transaction, before anything leaves (docs/store.md, promise 1).

use super::conversation::{self, ConversationId};
use super::outbox::Waiting;
use super::{
    Device, Moment, chat, contacts, devices, groups, heads, history, outbox, prekeys, sessions,
    trust, unacknowledged,
};
use crate::api::error::WindlassError;
use crate::bundle::{DeviceBundle, VerifiedBundle};
use crate::chat::{Body, Content, ContentError, Copy, GroupId, MessageId};
use crate::identity::PublicIdentity;
use crate::limits::MAX_CONTENT_LEN;
use crate::session::{Envelope, HintKey, Part, Session};
use crate::store::Writer;
use crate::wire::{self, v1::Payload};
use crate::x3dh::Party;
use contacts::Contact;

/// Which of somebody's devices an envelope is for, and how.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum To {
    /// Every device, each in its session.
    All,
    /// Every device, each in a session that nobody has answered yet: one that was begun lately, or is begun for it.
    AllAfresh,
    /// Every device, each in a session that is begun for it.
    AllAnew,
    /// One device.
    One(u32),
    /// One device, something that it may not have been able to read: a session that was begun with a one-time prekey and is not
    /// answered yet is left, for somebody else may have used the invitation before (RFC windlass §8.2.4).
    Again(u32),
    /// The same, in a session that nobody has answered yet, for they may have lost the one that there is.
    AgainAfresh(u32),
}

impl To {
    pub(super) fn takes(self, device_id: u32) -> bool {
        match self {
            Self::All | Self::AllAfresh | Self::AllAnew => true,
            Self::One(one) | Self::Again(one) | Self::AgainAfresh(one) => one == device_id,
        }
    }

    fn is_again(self) -> bool {
        matches!(self, Self::Again(_) | Self::AgainAfresh(_))
    }
}

/// Writes `body` into a conversation, and tells our other devices.
pub(in crate::api) fn send(
    store: &mut Writer<'_>,
    device: &Device,
    to: &ConversationId,
    body: Body,
    reply_to: Option<MessageId>,
    moment: &mut Moment,
) -> Result<(MessageId, Vec<Waiting>), WindlassError> {
    match to {
        ConversationId::Direct(peer) => {
            let mut contact = contacts::find(store, peer)?.ok_or(WindlassError::UnknownContact)?;
            trust::check_sending(store, device, &mut contact, moment)?;
            contact.bundle.as_ref().ok_or(WindlassError::NoBundle)?;
            post(store, device, to, &[*peer], body, reply_to, moment)
        }
        ConversationId::Group(group) => {
            let recipients = groups::recipients(store, device, group)?;
            trust::check_group(store, &recipients)?;
            post(store, device, to, &recipients, body, reply_to, moment)
        }
    }
}

/// Puts `body` into a conversation and sends it to `recipients`, and to our other devices. Members of a group who cannot be written to
/// now get it as soon as that changes, from what they have not acknowledged; with one recipient it is an error.
pub(super) fn post(
    store: &mut Writer<'_>,
    device: &Device,
    conversation: &ConversationId,
    recipients: &[PublicIdentity],
    body: Body,
    reply_to: Option<MessageId>,
    moment: &mut Moment,
) -> Result<(MessageId, Vec<Waiting>), WindlassError> {
    body.check()?;
    let content = Content {
        id: MessageId::random(&mut moment.rng),
        lamport: conversation::next_lamport(store, conversation)?,
        sent_at: moment.now,
        reply_to,
        group: match conversation {
            ConversationId::Direct(_) => None,
            ConversationId::Group(group) => Some(*group),
        },
        follows: heads::followed(store, conversation)?,
        body,
    };
    let (id, own) = (content.id, device.public());
    let encoded = content.to_bytes();
    if encoded.len() > MAX_CONTENT_LEN {
        let (what, got, max) = ("message", encoded.len(), MAX_CONTENT_LEN);
        return Err(ContentError::TooLarge { what, got, max }.into());
    }
    let direct = matches!(conversation, ConversationId::Direct(_));
    let mut waiting = Vec::new();
    for peer in recipients.iter().filter(|peer| **peer != own) {
        let Some(mut contact) = contacts::find(store, peer)? else {
            continue;
        };
        if contact.row.blocked {
            continue;
        }
        match to_contact(store, device, &mut contact, To::All, &encoded, moment) {
            Ok(Some(envelope)) => waiting.push(outbox::push(store, *peer, envelope, Some(id))?),
            Ok(None) if direct => return Err(WindlassError::NoBundle),
            Err(WindlassError::BundleExpired(_) | WindlassError::NoBundle) if !direct => {}
            Ok(None) => {}
            Err(error) => return Err(error),
        }
        for party in contact.parties() {
            unacknowledged::note(store, &party, &own, &id, moment.now)?;
        }
    }
    chat::take(
        store,
        device,
        &own,
        conversation,
        content,
        &encoded,
        None,
        moment,
    )?;
    let copy = Body::Copy(Copy {
        author: own.to_bytes(),
        conversation: conversation.wire().0,
        content: encoded.to_vec(),
    });
    let copy = control(copy, None, moment).to_bytes();
    if let Some(envelope) = to_siblings(store, device, To::All, &copy, moment)? {
        for sibling in devices::siblings(store)? {
            let party = Party {
                identity: own,
                device_id: sibling.remote.device_id,
            };
            unacknowledged::note(store, &party, &own, &id, moment.now)?;
        }
        waiting.push(outbox::push(store, own, envelope, Some(id))?);
    }
    Ok((id, waiting))
}

/// Tells whoever it came from that messages are stored. Receipts are in no history and get no receipts.
pub(super) fn send_receipt(
    store: &mut Writer<'_>,
    device: &Device,
    to: &PublicIdentity,
    ids: &[MessageId],
    moment: &mut Moment,
) -> Result<(), WindlassError> {
    let body = Body::DeliveryReceipt(ids.to_vec());
    send_control(store, device, to, To::All, body, moment)?;
    Ok(())
}

/// Sends what is in no history, as far as somebody is known and wants to hear of us. The id it has, if it was sent.
pub(super) fn send_control(
    store: &mut Writer<'_>,
    device: &Device,
    identity: &PublicIdentity,
    to: To,
    body: Body,
    moment: &mut Moment,
) -> Result<Option<MessageId>, WindlassError> {
    let conversation = ConversationId::Direct(*identity);
    send_control_in(store, device, identity, &conversation, to, body, moment)
}

/// The same, about a conversation.
pub(super) fn send_control_in(
    store: &mut Writer<'_>,
    device: &Device,
    identity: &PublicIdentity,
    conversation: &ConversationId,
    to: To,
    body: Body,
    moment: &mut Moment,
) -> Result<Option<MessageId>, WindlassError> {
    let group = match conversation {
        ConversationId::Direct(_) => None,
        ConversationId::Group(group) => Some(*group),
    };
    let content = control(body, group, moment);
    let (id, encoded) = (content.id, content.to_bytes());
    let envelope = if *identity == device.public() {
        to_siblings(store, device, to, &encoded, moment)?
    } else {
        let Some(mut contact) = contacts::find(store, identity)? else {
            return Ok(None);
        };
        if !trust::answers(store, &contact)? {
            return Ok(None);
        }
        to_contact(store, device, &mut contact, to, &encoded, moment)?
    };
    let Some(envelope) = envelope else {
        return Ok(None);
    };
    outbox::push(store, *identity, envelope, None)?;
    Ok(Some(id))
}

/// Sends a message again to one device, as its author encoded it: as it is to whom we wrote it, else as a copy.
pub(super) fn resend(
    store: &mut Writer<'_>,
    device: &Device,
    to: &Party,
    author: &PublicIdentity,
    id: &MessageId,
    afresh: bool,
    moment: &mut Moment,
) -> Result<bool, WindlassError> {
    let own = device.public();
    // What was deleted here is not brought back anywhere.
    let Some((conversation, mut encoded)) = history::encoded(store, author, id)? else {
        return Ok(false);
    };
    let one = if afresh {
        To::AgainAfresh(to.device_id)
    } else {
        To::Again(to.device_id)
    };
    let envelope = if to.identity == own {
        let copy = Body::Copy(Copy {
            author: author.to_bytes(),
            conversation: conversation.wire().0,
            content: core::mem::take(&mut encoded),
        });
        let content = control(copy, None, moment).to_bytes();
        to_siblings(store, device, one, &content, moment)?
    } else {
        let Some(mut contact) = contacts::find(store, &to.identity)? else {
            return Ok(false);
        };
        let theirs = match conversation {
            ConversationId::Direct(peer) => peer == to.identity,
            // Whoever was sent a message of a group keeps it, also after they left.
            ConversationId::Group(_) => true,
        };
        if !theirs || !trust::answers(store, &contact)? {
            return Ok(false);
        }
        if *author == own {
            to_contact(store, device, &mut contact, one, &encoded, moment)?
        } else {
            let name = match conversation {
                ConversationId::Direct(_) => own.to_bytes(),
                ConversationId::Group(group) => *group.as_bytes(),
            };
            let copy = Body::Copy(Copy {
                author: author.to_bytes(),
                conversation: name,
                content: core::mem::take(&mut encoded),
            });
            let content = control(copy, None, moment).to_bytes();
            to_contact(store, device, &mut contact, one, &content, moment)?
        }
    };
    let Some(envelope) = envelope else {
        return Ok(false);
    };
    outbox::push(store, to.identity, envelope, Some(*id))?;
    Ok(true)
}

/// A content that is in no conversation.
fn control(body: Body, group: Option<GroupId>, moment: &mut Moment) -> Content {
    Content {
        id: MessageId::random(&mut moment.rng),
        lamport: 0,
        sent_at: moment.now,
        reply_to: None,
        group,
        follows: Vec::new(),
        body,
    }
}

/// One envelope with a ciphertext for each of a contact's devices that it is for; none if there is no such device.
pub(super) fn to_contact(
    store: &mut Writer<'_>,
    device: &Device,
    contact: &mut Contact,
    to: To,
    content: &[u8],
    moment: &mut Moment,
) -> Result<Option<Vec<u8>>, WindlassError> {
    let bundle = contact.bundle.clone().ok_or(WindlassError::NoBundle)?;
    let own_bundle = prekeys::own_bundle(store, device, moment)?;
    let told = contact.row.own_bundle_told >= own_bundle.issued_at();
    let mut parts = Vec::with_capacity(bundle.devices().len());
    for remote in bundle.devices().iter().filter(|r| to.takes(r.device_id)) {
        let peer = Party {
            identity: contact.identity,
            device_id: remote.device_id,
        };
        let session = match known_session(store, &peer, to)? {
            Some(session) => session,
            None => initiate(store, device, contact, remote, moment)?,
        };
        // What is sent again may have been what told them.
        let tells = !told || to.is_again() || session.is_pending();
        let bundle = tells.then_some(&own_bundle);
        parts.push(seal(store, device, session, content, bundle, moment)?);
    }
    Ok((!parts.is_empty()).then(|| Envelope { parts }.encode()))
}

/// One envelope for our other devices; none if there is none.
pub(super) fn to_siblings(
    store: &mut Writer<'_>,
    device: &Device,
    to: To,
    content: &[u8],
    moment: &mut Moment,
) -> Result<Option<Vec<u8>>, WindlassError> {
    let siblings = devices::siblings(store)?;
    if !siblings.iter().any(|s| to.takes(s.remote.device_id)) {
        return Ok(None);
    }
    let own_bundle = prekeys::own_bundle(store, device, moment)?;
    let hint_key = devices::hint_key(device)?;
    let mut parts = Vec::new();
    for sibling in siblings {
        let remote = sibling.remote;
        if !to.takes(remote.device_id) {
            continue;
        }
        let peer = Party {
            identity: device.public(),
            device_id: remote.device_id,
        };
        let session = match known_session(store, &peer, to)? {
            Some(session) => session,
            None => {
                let hint_key = hint_key.duplicate();
                begin(store, device, &peer.identity, &remote, hint_key, moment)?
            }
        };
        let told = sibling.row.own_bundle_told >= own_bundle.issued_at();
        // What is sent again may have been what told them.
        let tells = !told || to.is_again() || session.is_pending();
        let bundle = tells.then_some(&own_bundle);
        parts.push(seal(store, device, session, content, bundle, moment)?);
        if !told {
            devices::told(store, remote.device_id, own_bundle.issued_at())?;
        }
    }
    Ok(Some(Envelope { parts }.encode()))
}

fn known_session(
    store: &mut Writer<'_>,
    peer: &Party,
    to: To,
) -> Result<Option<Session>, WindlassError> {
    let active = sessions::active(store, peer)?;
    Ok(match to {
        To::AllAnew => None,
        To::AllAfresh => active.filter(Session::is_pending),
        To::All | To::One(_) => active,
        To::Again(_) => active.filter(|session| !session.awaits_one_time_prekey()),
        To::AgainAfresh(_) => {
            active.filter(|session| session.is_pending() && !session.awaits_one_time_prekey())
        }
    })
}

/// Begins a session with one device of a contact. Only here the bundle's time counts: it must not be used once it is over.
pub(in crate::api) fn initiate(
    store: &mut Writer<'_>,
    device: &Device,
    contact: &mut Contact,
    remote: &DeviceBundle,
    moment: &mut Moment,
) -> Result<Session, WindlassError> {
    let bundle = contact.bundle.as_ref().ok_or(WindlassError::NoBundle)?;
    bundle.check_time(moment.seconds())?;
    let mut remote = *remote;
    if contact.row.one_time_prekeys_used {
        remote.one_time_prekey = None;
    } else if bundle.single_use() {
        contact.row.one_time_prekeys_used = true;
        contact.row.used_invitation = contacts::fingerprint(bundle).to_vec();
        contact.save(store)?;
    }
    let (identity, hint_key) = (contact.identity, contact.hint_key()?);
    begin(store, device, &identity, &remote, hint_key, moment)
}

fn begin(
    store: &mut Writer<'_>,
    device: &Device,
    identity: &PublicIdentity,
    remote: &DeviceBundle,
    hint_key: HintKey,
    moment: &mut Moment,
) -> Result<Session, WindlassError> {
    let session = Session::initiate(
        &device.identity,
        device.device_id,
        identity,
        remote,
        hint_key,
        moment.now,
        &mut moment.rng,
    )
    .map_err(|_| WindlassError::InvalidKey)?;
    sessions::save(store, &session)?;
    sessions::promote(store, &session)?;
    Ok(session)
}

fn seal(
    store: &mut Writer<'_>,
    device: &Device,
    session: Session,
    content: &[u8],
    sender_bundle: Option<&VerifiedBundle>,
    moment: &mut Moment,
) -> Result<Part, WindlassError> {
    let payload = wire::encode_secret(&Payload {
        content: content.to_vec(),
        sender_bundle: sender_bundle
            .map(|bundle| bundle.encoded().to_vec())
            .unwrap_or_default(),
    });
    let (next, part) = session
        .send(&device.public(), &payload, &mut moment.rng)
        .map_err(|_| super::damaged(crate::store::Table::Sessions))?;
    sessions::save(store, &next)?;
    Ok(part)
}
