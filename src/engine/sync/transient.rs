//! Who is writing and who is there just now: told at once or not at all, and in no history (RFC windlass §9.4.5, §9.4.6).

use crate::chat::{Body, Content, GroupEventError, GroupPermission};
use crate::engine::base::error::EngineError;
use crate::engine::base::step::Step;
use crate::engine::delivery::post;
use crate::engine::delivery::recipients::Recipients;
use crate::engine::records::conversations::ConversationId;
use crate::engine::records::outbox::QueuedEnvelope;
use crate::engine::records::{contacts, groups, outbox};
use crate::engine::sync::outcome::{ConversationNews, Outcome, PeerNews};
use crate::identity::PublicIdentity;
use crate::limits::TRANSIENT_SECONDS;
use crate::store::Rows;

/// The user writes to a conversation, or does not any more.
pub(crate) fn tell_typing(
    step: &mut Step<'_>,
    id: &ConversationId,
    active: bool,
) -> Result<Vec<QueuedEnvelope>, EngineError> {
    tell(step, id, &Body::Typing { active })
}

/// The user is there for a contact, or is not any more. To a group it is not told: its members are not all people whom the user accepted.
pub(crate) fn tell_presence(
    step: &mut Step<'_>,
    id: &ConversationId,
    available: bool,
) -> Result<Vec<QueuedEnvelope>, EngineError> {
    match id {
        ConversationId::Direct(_) => tell(step, id, &Body::Presence { available }),
        ConversationId::Group(_) => Err(EngineError::UnknownContact),
    }
}

/// Nobody is told who has not answered yet, nor while an earlier one waits, of whichever kind.
fn tell(
    step: &mut Step<'_>,
    id: &ConversationId,
    body: &Body,
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
        let all = Recipients::ALL;
        let envelope = post::control_envelope(step, &mut contact, id, all, body.clone())?;
        if let Some(envelope) = envelope {
            queued.push(outbox::push_transient(step.rows, *peer, envelope)?);
        }
    }
    Ok(queued)
}

/// What the user is told of what somebody says by it; nothing if they do not want to hear it, or it is late.
pub(crate) fn receive(
    step: &Step<'_>,
    by: &PublicIdentity,
    content: &Content,
) -> Result<Option<Outcome>, EngineError> {
    let id = ConversationId::of(content, by);
    if !is_heard(step.rows, &id, by, content.sent_at, step.now)? {
        return Ok(None);
    }
    Ok(match (&content.body, &id) {
        (Body::Typing { active }, _) => {
            let (by, active) = (*by, *active);
            let news = ConversationNews::Typing { by, active };
            Some(Outcome::InConversation(id, news))
        }
        (Body::Presence { available }, ConversationId::Direct(_)) => {
            let available = *available;
            Some(Outcome::Peer(*by, PeerNews::Presence { available }))
        }
        _ => None,
    })
}

/// Whether the user is told: of people whom they want to hear, and of what is not long ago.
fn is_heard(
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
