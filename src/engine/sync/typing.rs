//! Who is writing just now: told at once or not at all, and in no history (RFC windlass §9.4.5).

use crate::chat::{Body, GroupEventError, GroupPermission};
use crate::engine::base::error::EngineError;
use crate::engine::base::step::Step;
use crate::engine::delivery::post;
use crate::engine::delivery::recipients::Recipients;
use crate::engine::records::conversations::ConversationId;
use crate::engine::records::outbox::QueuedEnvelope;
use crate::engine::records::{contacts, groups, outbox};
use crate::identity::PublicIdentity;
use crate::limits::TRANSIENT_SECONDS;
use crate::store::Rows;

/// The user writes to a conversation, or does not any more. Nobody is told who has not answered yet, nor while an earlier one waits.
pub(crate) fn tell(
    step: &mut Step<'_>,
    id: &ConversationId,
    active: bool,
) -> Result<Vec<QueuedEnvelope>, EngineError> {
    let own = step.device.public();
    let to = match id {
        ConversationId::Direct(peer) => vec![*peer],
        ConversationId::Group(group) => {
            let to = groups::recipients(step.rows, step.device, group)?;
            if !groups::listed(step.rows, group)?.may(&own, GroupPermission::Write) {
                return Err(GroupEventError::NotAnAdmin.into());
            }
            to
        }
    };
    let mut queued = Vec::new();
    for peer in to.iter().filter(|peer| **peer != own) {
        let contact = contacts::find(step.rows, peer)?;
        let direct = matches!(id, ConversationId::Direct(_));
        let Some(mut contact) = contact.filter(|one| !one.row.blocked) else {
            continue;
        };
        let wanted = contact.is_accepted() || !direct;
        if !wanted || !contact.has_answered(step.rows)? || outbox::has_transient(step.rows, peer)? {
            continue;
        }
        let body = Body::Typing { active };
        let envelope = post::control_envelope(step, &mut contact, id, Recipients::ALL, body)?;
        if let Some(envelope) = envelope {
            queued.push(outbox::push_transient(step.rows, *peer, envelope)?);
        }
    }
    Ok(queued)
}

/// Whether the user is told that somebody writes: of people whom they want to hear, and of what is not long ago.
pub(crate) fn is_heard(
    store: &dyn Rows,
    id: &ConversationId,
    by: &PublicIdentity,
    sent_at: u64,
    now: u64,
) -> Result<bool, EngineError> {
    if sent_at.abs_diff(now) > TRANSIENT_SECONDS * 1000 {
        return Ok(false);
    }
    match id {
        ConversationId::Direct(_) => {
            let contact = contacts::find(store, by)?;
            Ok(contact.is_some_and(|one| one.is_accepted() && !one.row.blocked))
        }
        ConversationId::Group(group) => {
            let list = groups::member_list(store, group)?;
            Ok(list.is_some_and(|list| list.is_joined() && list.may(by, GroupPermission::Write)))
        }
    }
}
