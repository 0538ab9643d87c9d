//! Sending: ratchet, history and outbox in one transaction, before anything leaves (docs/store.md, promise 1).

use super::conversation::{self, ConversationId};
use super::envelopes::{To, to_contact, to_siblings};
use super::outbox::Waiting;
use super::{
    Device, Moment, chat, contacts, devices, groups, heads, history, outbox, trust, unacknowledged,
};
use crate::api::error::WindlassError;
use crate::chat::{Body, Content, ContentError, Copy, GroupId, MessageId, ProofKey};
use crate::identity::PublicIdentity;
use crate::limits::MAX_CONTENT_LEN;
use crate::store::Writer;
use crate::x3dh::Party;

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
    let (name, group) = conversation.wire();
    let encoded = ProofKey::of(&device.identity).prove(&name, group, &content.to_bytes());
    if encoded.len() > MAX_CONTENT_LEN {
        let (what, got, max) = ("message", encoded.len(), MAX_CONTENT_LEN);
        return Err(ContentError::TooLarge { what, got, max }.into());
    }
    let direct = matches!(conversation, ConversationId::Direct(_));
    let (mut waiting, mut sent_to) = (Vec::new(), Vec::new());
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
            Err(error) if !direct && error.is_want_of_bundle() => {}
            Ok(None) => {}
            Err(error) => return Err(error),
        }
        for party in contact.parties() {
            unacknowledged::note(store, &party, &own, &id, moment.now)?;
        }
        sent_to.push(peer.to_bytes().to_vec());
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
    if !direct {
        history::note_sent_to(store, &own, &id, sent_to)?;
    }
    let copy = Body::Copy(Copy {
        author: own.to_bytes(),
        conversation: conversation.wire().0,
        content: encoded,
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

/// Sends a message again to one device, as its author encoded it: as it is to whom we wrote it, else as a copy. How many bytes the envelope
/// has; nothing if it is not to be sent.
pub(super) fn resend(
    store: &mut Writer<'_>,
    device: &Device,
    to: &Party,
    author: &PublicIdentity,
    id: &MessageId,
    afresh: bool,
    moment: &mut Moment,
) -> Result<Option<usize>, WindlassError> {
    let own = device.public();
    // What was deleted here is not brought back anywhere.
    let Some((conversation, encoded)) = history::encoded(store, author, id)? else {
        return Ok(None);
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
            content: encoded,
        });
        let content = control(copy, None, moment).to_bytes();
        to_siblings(store, device, one, &content, moment)?
    } else {
        let Some(mut contact) = contacts::find(store, &to.identity)? else {
            return Ok(None);
        };
        let theirs = match conversation {
            ConversationId::Direct(peer) => peer == to.identity,
            // Whoever wrote a message of a group, or was sent it, keeps it, also after they left; who came later does not get it.
            ConversationId::Group(_) => {
                *author == to.identity
                    || history::find(store, author, id)?
                        .is_some_and(|stored| stored.was_sent_to(&to.identity))
            }
        };
        if !theirs || !trust::answers(store, &contact)? {
            return Ok(None);
        }
        if *author == own {
            to_contact(store, device, &mut contact, one, &encoded, moment)?
        } else {
            let copy = Body::Copy(Copy {
                author: author.to_bytes(),
                conversation: match conversation {
                    ConversationId::Direct(_) => own.to_bytes(),
                    ConversationId::Group(group) => *group.as_bytes(),
                },
                content: encoded,
            });
            let content = control(copy, None, moment).to_bytes();
            to_contact(store, device, &mut contact, one, &content, moment)?
        }
    };
    let Some(envelope) = envelope else {
        return Ok(None);
    };
    let bytes = envelope.len();
    outbox::push(store, to.identity, envelope, Some(*id))?;
    Ok(Some(bytes))
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
