//! Writing a message: ratchet, history and outbox in one transaction, before anything leaves (docs/store.md, promise 1).

use crate::bundle::VerifiedBundle;
use crate::chat::{Body, GroupEventError, MessageId};
use crate::engine::base::error::EngineError;
use crate::engine::base::step::Step;
use crate::engine::delivery::{post, protection};
use crate::engine::records::conversations::ConversationId;
use crate::engine::records::outbox::QueuedEnvelope;
use crate::engine::records::{contacts, conversations, groups, trust};
use crate::engine::steps::group;
use crate::engine::sync::{healing, people, profiles, reading};
use crate::identity::PublicIdentity;

/// Writes `body` into a conversation, and tells our other devices.
pub(crate) fn write(
    step: &mut Step<'_>,
    to: &ConversationId,
    body: Body,
    reply_to: Option<MessageId>,
) -> Result<(MessageId, Vec<QueuedEnvelope>), EngineError> {
    write_as(step, None, to, body, reply_to)
}

/// The same, under a name that was given before, if one was.
pub(crate) fn write_as(
    step: &mut Step<'_>,
    id: Option<MessageId>,
    to: &ConversationId,
    body: Body,
    reply_to: Option<MessageId>,
) -> Result<(MessageId, Vec<QueuedEnvelope>), EngineError> {
    let unread = conversations::unread(step.rows, to)?;
    let written = put(step, id, to, body, reply_to)?;
    // Whoever writes has read what is here: no more, and no less. Whoever reacts to one message has not.
    if unread != 0 && !step.unattended && conversations::unread(step.rows, to)? != unread {
        reading::share(step, to)?;
    }
    Ok(written)
}

fn put(
    step: &mut Step<'_>,
    id: Option<MessageId>,
    to: &ConversationId,
    body: Body,
    reply_to: Option<MessageId>,
) -> Result<(MessageId, Vec<QueuedEnvelope>), EngineError> {
    let recipients = match to {
        ConversationId::Direct(peer) if *peer == step.device.public() => {
            return Err(EngineError::OwnAddress);
        }
        ConversationId::Direct(peer) => {
            people::check_sending(step, peer)?;
            vec![*peer]
        }
        ConversationId::Group(group_id) => {
            let recipients = groups::recipients(step.rows, step.device, group_id)?;
            let own = step.device.public();
            if !group::may_say(&groups::listed(step.rows, group_id)?, &own, &body) {
                return Err(GroupEventError::NotAnAdmin.into());
            }
            trust::check_group(step.rows, &recipients)?;
            recipients
        }
    };
    let id = id.unwrap_or_else(|| MessageId::random(step.rng));
    let posted = post::post(step, id, to, &recipients, body, reply_to)?;
    if let ConversationId::Direct(peer) = to {
        profiles::tell(step, peer)?;
    }
    if protection::is_required(step.rows)? {
        ask_those_held_back(step, &recipients)?;
    }
    Ok(posted)
}

/// Asks the devices to which nothing of the user goes before a session withstands a quantum computer: their answers bring that.
fn ask_those_held_back(
    step: &mut Step<'_>,
    recipients: &[PublicIdentity],
) -> Result<(), EngineError> {
    for peer in recipients {
        if let Some(contact) = contacts::find(step.rows, peer)? {
            let held = protection::held_back(step.rows, &contact)?;
            healing::probe(step, &held)?;
        }
    }
    Ok(())
}

/// Tells all accepted contacts that we go on as the identity of this bundle, in messages of their conversations; how many they are.
pub(crate) fn announce_identity(
    step: &mut Step<'_>,
    bundle: &VerifiedBundle,
) -> Result<u32, EngineError> {
    let new = bundle.identity();
    if *new == step.device.public() {
        return Err(EngineError::OwnBundle);
    }
    bundle.check_time(step.seconds())?;
    let mut announced = 0;
    for contact in contacts::all(step.rows)? {
        if !contact.is_accepted() || contact.row.blocked || contact.identity == *new {
            continue;
        }
        let body = Body::IdentityChange(bundle.without_code_secret().encoded().to_vec());
        match write(step, &ConversationId::Direct(contact.identity), body, None) {
            Ok(_) => announced += 1,
            // They cannot be written to, and hear of it another way.
            Err(EngineError::ContactNotVerified) => {}
            Err(error) if error.lacks_usable_bundle() => {}
            Err(error) => return Err(error),
        }
    }
    Ok(announced)
}
