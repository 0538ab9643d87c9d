//! What is sent again: messages that a device has not acknowledged, or asked for (RFC windlass §8.2.3, §8.4).

use std::collections::BTreeMap;

use crate::chat::{Body, Copy};
use crate::crypto::SecretBytes;
use crate::engine::base::error::EngineError;
use crate::engine::base::message_ref::MessageRef;
use crate::engine::base::step::Step;
use crate::engine::delivery::recipients::Recipients;
use crate::engine::delivery::{budget, envelopes, post};
use crate::engine::history::message::{self, Incoming};
use crate::engine::records::contacts::Contact;
use crate::engine::records::conversations::ConversationId;
use crate::engine::records::unacknowledged::{self, Unacknowledged};
use crate::engine::records::{asked, contacts, groups, outbox, own_devices, trust, turns};
use crate::limits::{MAX_RESENT_BYTES_AT_ONCE, MAX_RESENT_BYTES_TO_ONE};
use crate::x3dh::Party;

/// A message that was sent again.
pub(crate) struct Resent {
    /// Of the envelope.
    pub(crate) bytes: usize,
    /// Where it waits for the transport.
    pub(crate) outbox_id: u64,
}

/// Sends messages again, as many as one transaction should hold, and to nobody more than their share; the rest stays due. The devices that
/// may have lost the session with us, or of which it is not known whether they are who was written to: they are to be asked, in a session
/// begun for it.
pub(crate) fn resend_some(
    step: &mut Step<'_>,
    messages: Vec<Unacknowledged>,
) -> Result<Vec<Party>, EngineError> {
    send_in_turn(step, messages, None)
}

/// Sends a device again what it has not acknowledged, since it asks: as much as may be under way at once, and as its identity may ask for within a
/// day. The rest goes on as receipts come.
pub(crate) fn answer(step: &mut Step<'_>, to: &Party) -> Result<(), EngineError> {
    let room = asked::room(step.rows, to, step.now)?;
    if room.is_none() {
        return Ok(());
    }
    let messages = turns::for_answer(step.rows, to, room.messages, step.now)?;
    send_in_turn(step, messages, Some(room.under_way)).map(|_| ())
}

/// A device acknowledged something that it asked for: as much as that goes on, in its turn.
pub(crate) fn go_on(step: &mut Step<'_>, to: &Party) -> Result<(), EngineError> {
    let room = asked::room(step.rows, to, step.now)?;
    if room.is_none() || !budget::has_room(step.rows, &to.identity, step.now)? {
        return Ok(());
    }
    let messages = unacknowledged::asked_by(step.rows, to, room.messages)?;
    send_in_turn(step, messages, Some(room.under_way)).map(|_| ())
}

/// Hands a message on to devices of our own that its author did not write to: to one that the user may not have linked, nothing that was
/// written before it was here (RFC windlass §8.3.5).
pub(crate) fn relay(
    step: &mut Step<'_>,
    device_ids: Vec<u32>,
    message: &MessageRef,
) -> Result<(), EngineError> {
    let sent_at = message::find(step.rows, message)?.map_or(0, |stored| stored.content.sent_at);
    for device_id in device_ids {
        if !own_devices::may_have(step.rows, device_id, sent_at)? {
            continue;
        }
        let to = Party {
            identity: step.device.public(),
            device_id,
        };
        let sent = resend(step, &to, Recipients::one(device_id).again(), message)?;
        let outbox_id = sent.map_or(0, |sent| sent.outbox_id);
        unacknowledged::schedule_sent(step.rows, &to, message, outbox_id, step.now)?;
    }
    Ok(())
}

/// Of what one device asked for, `under_way` bytes were sent before and are not acknowledged.
fn send_in_turn(
    step: &mut Step<'_>,
    messages: Vec<Unacknowledged>,
    under_way: Option<usize>,
) -> Result<Vec<Party>, EngineError> {
    let mut room = MAX_RESENT_BYTES_AT_ONCE;
    let mut to_each: BTreeMap<[u8; 32], usize> = BTreeMap::new();
    let mut doubtful = Vec::new();
    for message in messages {
        if room == 0 {
            break;
        }
        let peer = message.to.identity;
        let to_one = to_each
            .entry(peer.to_bytes())
            .or_insert(under_way.unwrap_or_default());
        if *to_one >= MAX_RESENT_BYTES_TO_ONE {
            continue;
        }
        let counts = under_way.is_some() || message.is_requested();
        if counts && !budget::has_room(step.rows, &peer, step.now)? {
            continue;
        }
        let (to, lost) = (message.to, message.session_may_be_lost());
        let sent = resend_waiting(step, message)?;
        if (lost || sent.is_none()) && !doubtful.contains(&to) {
            doubtful.push(to);
        }
        let bytes = sent.unwrap_or_default();
        if counts && bytes != 0 {
            budget::charge(step, &peer, bytes)?;
        }
        room = room.saturating_sub(bytes);
        *to_one += bytes;
    }
    Ok(doubtful)
}

/// Sends a message again; how many bytes that are. Nothing as long as no session leads to the device that it was written to.
fn resend_waiting(
    step: &mut Step<'_>,
    waiting: Unacknowledged,
) -> Result<Option<usize>, EngineError> {
    let one = Recipients::one(waiting.to.device_id).again();
    let to = one.known_by(waiting.known_by(), step.now);
    if !envelopes::is_reachable(step, &waiting.to, to)? {
        return unacknowledged::put_off(step.rows, waiting, step.now).map(|()| None);
    }
    let bytes = match resend(step, &waiting.to, to, &waiting.message) {
        Ok(Some(sent)) => {
            unacknowledged::resent(step.rows, waiting, (sent.outbox_id, sent.bytes), step.now)?;
            Ok(sent.bytes)
        }
        Ok(None) => unacknowledged::give_up(step.rows, &waiting).map(|()| 0),
        // Until there is a bundle that is valid.
        Err(error) if error.lacks_usable_bundle() => {
            unacknowledged::postpone(step.rows, waiting, step.now).map(|()| 0)
        }
        Err(error) => Err(error),
    };
    bytes.map(Some)
}

/// Sends a message again to one device, as its author encoded it: as it is to the people it was written to, else as a copy. Nothing
/// if it is not to be sent.
pub(crate) fn resend(
    step: &mut Step<'_>,
    party: &Party,
    to: Recipients,
    message: &MessageRef,
) -> Result<Option<Resent>, EngineError> {
    let own = step.device.public();
    // What was deleted here is not brought back anywhere.
    let Some((conversation, encoded)) = message::encoded(step.rows, message)? else {
        return Ok(None);
    };
    let envelope = if party.identity == own {
        let copy = copy(step, message, conversation.wire().0, encoded);
        envelopes::to_siblings(step, to, &copy)?
    } else {
        let Some(mut contact) = contacts::find(step.rows, &party.identity)? else {
            return Ok(None);
        };
        if !may_have(step, &contact, &conversation, message)? {
            return Ok(None);
        }
        if message.author == own {
            envelopes::to_contact(step, &mut contact, to, &encoded)?
        } else {
            // A conversation of two has the name of its other side: for them that is we.
            let name = match conversation {
                ConversationId::Direct(_) => own.to_bytes(),
                ConversationId::Group(group) => *group.as_bytes(),
            };
            let copy = copy(step, message, name, encoded);
            envelopes::to_contact(step, &mut contact, to, &copy)?
        }
    };
    let Some(envelope) = envelope else {
        return Ok(None);
    };
    let bytes = envelope.len();
    let queued = outbox::push(step.rows, party.identity, envelope, Some(message.id))?;
    let outbox_id = queued.id;
    Ok(Some(Resent { bytes, outbox_id }))
}

/// Whether a message goes to a contact again.
fn may_have(
    step: &Step<'_>,
    contact: &Contact,
    conversation: &ConversationId,
    message: &MessageRef,
) -> Result<bool, EngineError> {
    let theirs = match conversation {
        ConversationId::Direct(peer) => *peer == contact.identity,
        // A member who wrote a message of a group, or was sent it, keeps it, also after leaving; one who came later does not get it.
        ConversationId::Group(_) => {
            message.author == contact.identity
                || message::find(step.rows, message)?
                    .is_some_and(|stored| stored.was_sent_to(&contact.identity))
        }
    };
    if !theirs || trust::answers(step.rows, contact)? {
        return Ok(theirs);
    }
    let found = message::find(step.rows, message)?;
    let passes_blocks = found.is_some_and(|stored| stored.content.body.passes_blocks());
    Ok(passes_blocks && trust::may_reach(step.rows, contact)?)
}

/// A message as somebody else than its author hands it on.
fn copy(
    step: &mut Step<'_>,
    message: &MessageRef,
    conversation: [u8; 32],
    content: SecretBytes,
) -> SecretBytes {
    let copy = Body::Copy(Copy {
        author: message.author.to_bytes(),
        conversation,
        content,
    });
    post::control(step, copy, None).to_bytes()
}

/// Should the device of ours that wrote a message not be there any more, this one sees to it that it arrives.
pub(crate) fn take_over(step: &mut Step<'_>, incoming: &Incoming<'_>) -> Result<(), EngineError> {
    let own = step.device.public();
    let to = match &incoming.conversation {
        ConversationId::Direct(peer) => vec![*peer],
        ConversationId::Group(group) => {
            groups::recipients(step.rows, step.device, group).unwrap_or_default()
        }
    };
    for peer in to.iter().filter(|peer| **peer != own) {
        let Some(contact) = contacts::find(step.rows, peer)? else {
            continue;
        };
        for party in contact.parties() {
            let sent_at = incoming.content.sent_at;
            unacknowledged::schedule_late(step.rows, &party, &incoming.name(), sent_at, step.now)?;
        }
    }
    Ok(())
}
