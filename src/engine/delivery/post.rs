//! What is written once: messages of conversations, and what is in no history.

use crate::chat::{Body, Content, ContentError, Copy, GroupId, MessageId, MessageOrigin};
use crate::engine::base::error::EngineError;
use crate::engine::base::message_ref::MessageRef;
use crate::engine::base::step::Step;
use crate::engine::delivery::envelopes;
use crate::engine::delivery::recipients::Recipients;
use crate::engine::history::message::Incoming;
use crate::engine::history::{changes, follows, message, record};
use crate::engine::records::contacts::Contact;
use crate::engine::records::conversations::ConversationId;
use crate::engine::records::outbox::QueuedEnvelope;
use crate::engine::records::{
    contacts, conversations, groups, outbox, own_devices, own_words, trust, unacknowledged,
};
use crate::identity::PublicIdentity;
use crate::limits::MAX_CONTENT_LEN;
use crate::wire::store::ConversationRow;
use crate::x3dh::Party;

/// Puts `body` into a conversation and sends it to `recipients`, and to our other devices. Members of a group who cannot be written
/// to now get it as soon as that changes, from what they have not acknowledged; with one recipient it is an error.
pub(crate) fn post(
    step: &mut Step<'_>,
    id: MessageId,
    conversation: &ConversationId,
    recipients: &[PublicIdentity],
    body: Body,
    reply_to: Option<MessageId>,
) -> Result<(MessageId, Vec<QueuedEnvelope>), EngineError> {
    body.check()?;
    let row = conversations::row(step.rows, conversation)?;
    let content = compose(step, id, conversation, &row, body, reply_to)?;
    let author = step.device.public();
    let message = MessageRef::new(&author, &content);
    let (name, group) = conversation.wire();
    let encoded = own_words::today(step)?.prove(&name, group, &content.to_bytes());
    if encoded.len() > MAX_CONTENT_LEN {
        let (what, got, max) = ("message", encoded.len(), MAX_CONTENT_LEN);
        return Err(ContentError::TooLarge { what, got, max }.into());
    }
    let direct = matches!(conversation, ConversationId::Direct(_));
    let written = Incoming {
        author,
        conversation: *conversation,
        content,
        encoded: &encoded,
        copied_from: None,
    };
    let (mut waiting, sent_to) = send_to_contacts(step, recipients, &written)?;
    let recorded = record::record(step, &written, row)?;
    changes::note(step, &written, &recorded);
    if !direct {
        message::note_sent_to(step.rows, &message, sent_to)?;
    }
    let copy = Copy {
        author: author.to_bytes(),
        conversation: name,
        content: encoded,
    };
    waiting.extend(send_to_siblings(step, &message, copy)?);
    Ok((message.id, waiting))
}

/// The next message of a conversation.
fn compose(
    step: &Step<'_>,
    id: MessageId,
    conversation: &ConversationId,
    row: &ConversationRow,
    body: Body,
    reply_to: Option<MessageId>,
) -> Result<Content, EngineError> {
    Ok(Content {
        id,
        lamport: conversations::next_lamport(row),
        sent_at: step.now,
        reply_to,
        group: match conversation {
            ConversationId::Direct(_) => None,
            ConversationId::Group(group) => Some(*group),
        },
        view: match conversation {
            ConversationId::Direct(_) => None,
            ConversationId::Group(group) => {
                groups::member_list(step.rows, group)?.and_then(|list| list.view())
            }
        },
        follows: follows::ids(row)?,
        origin: step.origin,
        body,
    })
}

/// The envelopes of a message, and who was written to: all but those who are not known or blocked.
fn send_to_contacts(
    step: &mut Step<'_>,
    recipients: &[PublicIdentity],
    written: &Incoming<'_>,
) -> Result<(Vec<QueuedEnvelope>, Vec<Vec<u8>>), EngineError> {
    let (mut waiting, mut sent_to) = (Vec::new(), Vec::new());
    let (message, encoded) = (&written.name(), written.encoded);
    let direct = matches!(written.conversation, ConversationId::Direct(_));
    // Whoever does not want to hear of a member wants to know the group's members all the same.
    let passes_blocks = written.content.body.passes_blocks();
    for peer in recipients.iter().filter(|peer| **peer != message.author) {
        let Some(mut contact) = contacts::find(step.rows, peer)? else {
            continue;
        };
        if contact.row.blocked && !passes_blocks {
            continue;
        }
        let mut outbox_id = 0;
        match envelopes::to_contact(step, &mut contact, Recipients::ALL, encoded) {
            Ok(Some(envelope)) => {
                let queued = outbox::push(step.rows, *peer, envelope, Some(message.id))?;
                outbox_id = queued.id;
                waiting.push(queued);
            }
            Ok(None) if direct => return Err(EngineError::NoBundle),
            // It waits until a session is as good as asked.
            Err(EngineError::PostQuantumRequired) => {}
            Err(error) if !direct && error.lacks_usable_bundle() => {}
            Ok(None) => {}
            Err(error) => return Err(error),
        }
        for party in contact.parties() {
            unacknowledged::schedule_sent(step.rows, &party, message, outbox_id, step.now)?;
        }
        sent_to.push(peer.to_bytes().to_vec());
    }
    Ok((waiting, sent_to))
}

/// The envelope with a message of ours for our other devices, if there are any.
fn send_to_siblings(
    step: &mut Step<'_>,
    message: &MessageRef,
    copy: Copy,
) -> Result<Option<QueuedEnvelope>, EngineError> {
    let encoded = control(step, Body::Copy(copy), None).to_bytes();
    let Some(envelope) = envelopes::to_siblings(step, Recipients::ALL, &encoded)? else {
        return Ok(None);
    };
    let own = message.author;
    let queued = outbox::push(step.rows, own, envelope, Some(message.id))?;
    for sibling in own_devices::siblings(step.rows)? {
        let party = Party {
            identity: own,
            device_id: sibling.remote.device_id,
        };
        unacknowledged::schedule_sent(step.rows, &party, message, queued.id, step.now)?;
    }
    Ok(Some(queued))
}

/// Tells the sender of messages that they are stored. Receipts are in no history and get no receipts.
pub(crate) fn send_receipt(
    step: &mut Step<'_>,
    to: &PublicIdentity,
    ids: &[MessageId],
) -> Result<(), EngineError> {
    let body = Body::DeliveryReceipt(ids.to_vec());
    send_control(step, to, Recipients::ALL, body)?;
    Ok(())
}

/// Sends what is in no history, as far as somebody is known and wants to hear of us. The id it has, if it was sent.
pub(crate) fn send_control(
    step: &mut Step<'_>,
    identity: &PublicIdentity,
    to: Recipients,
    body: Body,
) -> Result<Option<MessageId>, EngineError> {
    let conversation = ConversationId::Direct(*identity);
    send_control_in(step, identity, &conversation, to, body)
}

/// The same, about a conversation.
pub(crate) fn send_control_in(
    step: &mut Step<'_>,
    identity: &PublicIdentity,
    conversation: &ConversationId,
    to: Recipients,
    body: Body,
) -> Result<Option<MessageId>, EngineError> {
    let queued = queue_control(step, identity, conversation, to, body)?;
    Ok(queued.map(|(id, _)| id))
}

/// The same; the id it has, and the number of its envelope in the outbox.
pub(crate) fn queue_control(
    step: &mut Step<'_>,
    identity: &PublicIdentity,
    conversation: &ConversationId,
    to: Recipients,
    body: Body,
) -> Result<Option<(MessageId, u64)>, EngineError> {
    let content = control(step, body, group_of(conversation));
    queue(step, identity, to, &content)
}

/// The same of a content that is made.
pub(crate) fn queue(
    step: &mut Step<'_>,
    identity: &PublicIdentity,
    to: Recipients,
    content: &Content,
) -> Result<Option<(MessageId, u64)>, EngineError> {
    let (id, encoded) = (content.id, content.to_bytes());
    let envelope = if *identity == step.device.public() {
        envelopes::to_siblings(step, to, &encoded)?
    } else {
        let Some(mut contact) = contacts::find(step.rows, identity)? else {
            return Ok(None);
        };
        to_contact(step, &mut contact, to, &encoded)?
    };
    let Some(envelope) = envelope else {
        return Ok(None);
    };
    let queued = outbox::push(step.rows, *identity, envelope, None)?;
    Ok(Some((id, queued.id)))
}

/// The envelope with what is in no history, for a contact.
pub(crate) fn control_envelope(
    step: &mut Step<'_>,
    contact: &mut Contact,
    conversation: &ConversationId,
    to: Recipients,
    body: Body,
) -> Result<Option<Vec<u8>>, EngineError> {
    let encoded = control(step, body, group_of(conversation)).to_bytes();
    match to_contact(step, contact, to, &encoded) {
        Err(error) if error.lacks_usable_bundle() => Ok(None),
        envelope => envelope,
    }
}

/// An envelope for a contact who wants to hear of us.
fn to_contact(
    step: &mut Step<'_>,
    contact: &mut Contact,
    to: Recipients,
    encoded: &[u8],
) -> Result<Option<Vec<u8>>, EngineError> {
    if !trust::answers(step.rows, contact)? {
        return Ok(None);
    }
    envelopes::to_contact(step, contact, to, encoded)
}

fn group_of(conversation: &ConversationId) -> Option<GroupId> {
    match conversation {
        ConversationId::Direct(_) => None,
        ConversationId::Group(group) => Some(*group),
    }
}

/// A content that is in no conversation.
pub(crate) fn control(step: &mut Step<'_>, body: Body, group: Option<GroupId>) -> Content {
    Content {
        id: MessageId::random(step.rng),
        lamport: 0,
        sent_at: step.now,
        reply_to: None,
        group,
        view: None,
        follows: Vec::new(),
        origin: MessageOrigin::Person,
        body,
    }
}

/// How many of some things fit into `room` bytes of a message; one at least, if there is one.
pub(crate) fn fitting<T>(things: &[T], mut room: usize, len: impl Fn(&T) -> usize) -> usize {
    let fit = things.iter().take_while(|thing| {
        let left = room.checked_sub(len(thing));
        room = left.unwrap_or_default();
        left.is_some()
    });
    fit.count().max(usize::from(!things.is_empty()))
}
