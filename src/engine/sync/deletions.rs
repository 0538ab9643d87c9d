//! What the user deletes on one device is gone on all of them (RFC windlass §8.3.8).

use crate::chat::{Decision, Floor};
use crate::engine::base::error::EngineError;
use crate::engine::base::message_ref::MessageRef;
use crate::engine::base::step::Step;
use crate::engine::history::{gone, message};
use crate::engine::records::conversations::{self, ConversationId};
use crate::engine::records::{contacts, decisions, floors};
use crate::engine::sync::outcome::{ConversationNews, Outcome};
use crate::engine::sync::{feed, people, updates};

/// Deletes a message for the user alone. False if it is not here.
pub(crate) fn delete_message(step: &mut Step<'_>, name: &MessageRef) -> Result<bool, EngineError> {
    let before = message::find(step.rows, name)?;
    let floor = gone::delete_message(step.rows, name, step.now)?;
    let was_here = floor.is_some();
    if let Some(stored) = before {
        feed::note_in(step, &stored.conversation, ConversationNews::Deleted(*name));
    }
    updates::share_floor(step, floor)?;
    Ok(was_here)
}

/// Deletes a conversation for the user alone.
pub(crate) fn delete_conversation(
    step: &mut Step<'_>,
    id: &ConversationId,
) -> Result<(), EngineError> {
    let floor = gone::delete_conversation(step.rows, id, step.now)?;
    feed::note_in(step, id, ConversationNews::ConversationDeleted);
    updates::share_floor(step, floor)
}

/// What another device of ours deleted.
pub(crate) fn receive(step: &mut Step<'_>, floors: &[Floor]) -> Result<Vec<Outcome>, EngineError> {
    let mut outcomes = Vec::new();
    let mut known = None;
    for floor in floors {
        let Some(gone) = floors::merge(step.rows, floor, step.now)? else {
            continue;
        };
        let known = match &known {
            Some(known) => known,
            None => &*known.insert(conversations_here(step)?),
        };
        let named = |(name, _): &&(_, ConversationId)| *name == floor.conversation;
        let Some((_, id)) = known.iter().find(named) else {
            continue;
        };
        remove_contact(step, id, gone.floor().removed)?;
        let deleted = gone::apply(step.rows, id, &gone, step.now)?;
        let whole = gone.floor().clock != 0 && !conversations::is_here(step.rows, id)?;
        if whole {
            let news = ConversationNews::ConversationDeleted;
            outcomes.push(Outcome::InConversation(*id, news));
        } else {
            let news = deleted.into_iter().map(ConversationNews::Deleted);
            outcomes.extend(news.map(|news| Outcome::InConversation(*id, news)));
        }
    }
    Ok(outcomes)
}

/// The conversations that there are or may be, by the names that floors have for them.
fn conversations_here(step: &Step<'_>) -> Result<Vec<([u8; 16], ConversationId)>, EngineError> {
    let key = floors::key(step.rows)?;
    let all = conversations::all(step.rows)?.into_iter();
    let mut ids: Vec<_> = all.map(|summary| summary.id).collect();
    for contact in contacts::all(step.rows)? {
        ids.push(ConversationId::Direct(contact.identity));
    }
    let named = |id: ConversationId| {
        let (side, group) = id.wire();
        (key.conversation(&side, group), id)
    };
    Ok(ids.into_iter().map(named).collect())
}

/// Somebody was removed from the contacts on another device, unless something was decided about them later.
fn remove_contact(
    step: &mut Step<'_>,
    id: &ConversationId,
    removed: Decision,
) -> Result<(), EngineError> {
    let ConversationId::Direct(identity) = id else {
        return Ok(());
    };
    let Some(mut contact) = contacts::find(step.rows, identity)? else {
        return Ok(());
    };
    if removed > decisions::standing(&contact.row) {
        people::forget(step.rows, &mut contact)?;
    }
    Ok(())
}
