//! What a message does to its conversation, whoever wrote it and however it came (RFC windlass §9).

use crate::chat::Body;
use crate::engine::base::error::EngineError;
use crate::engine::base::message_ref::MessageRef;
use crate::engine::base::step::Step;
use crate::engine::history::message::{DELETED, Incoming, Stored, TOMBSTONE};
use crate::engine::history::view::Shown;
use crate::engine::history::{
    annotations, deletion, early, folding, follows, gone, message, unhandled, unread, view,
};
use crate::engine::records::conversations::{self, ConversationId};
use crate::engine::records::{groups, listed};
use crate::store::{Rows, RowsMut};
use crate::wire::store::ConversationRow;

/// What came of a message that was put into its conversation.
pub(crate) enum Recorded {
    /// It is shown by itself.
    Shown(Box<Shown>),
    /// It changed the text of another: as that one is now.
    Edited(Box<Shown>),
    /// It deleted another.
    Deleted(MessageRef),
    /// It is a reaction to another, or takes one back.
    Reacted {
        to: MessageRef,
        emoji: String,
        removed: bool,
    },
    /// It put another at the top of the conversation, or took it from there.
    Pinned { to: MessageRef, removed: bool },
    /// Messages stay for another time from now on, in milliseconds; 0 for ever.
    TimerChanged(u64),
    /// Nothing that is told.
    Nothing,
}

/// Puts a message into its conversation, and does what it says. `row` is the conversation's, as it was just read.
pub(crate) fn record(
    step: &mut Step<'_>,
    incoming: &Incoming<'_>,
    mut row: ConversationRow,
) -> Result<Recorded, EngineError> {
    let (author, content) = (&incoming.author, &incoming.content);
    if let ConversationId::Direct(peer) = &incoming.conversation {
        follows::record(step, &mut row, peer, author, content)?;
    }
    let target = annotations::index(step.rows, &incoming.conversation, author, content)?;
    let mut recorded = Recorded::Nothing;
    if let Body::DisappearingTimer(after) = content.body
        && conversations::set_timer(&mut row, author, content, after)
    {
        recorded = Recorded::TimerChanged(after);
    }
    let expires_at = expires_at(step, &row, incoming);
    let stored = message::append(step.rows, incoming, expires_at, step.now)?;
    row.lamport = row.lamport.max(content.lamport);
    row.last_activity = step.now;
    listed::touch(step.rows, &mut row)?;
    // What is deleted below is taken off the count of what is unread.
    conversations::save(step.rows, &incoming.conversation, &row)?;
    note_readers_of_copy(step, incoming)?;
    if expires_at != 0 && expires_at <= step.now {
        // Its time was over before it came.
        deletion::delete(step.rows, &stored.name(), TOMBSTONE, step.now)?;
        return Ok(Recorded::Nothing);
    }
    if let Some(target) = target {
        recorded = apply_annotation(step, &stored, &target)?;
    } else if is_shown_by_itself(&content.body) {
        // What is said of it may have been quicker.
        reconcile_annotations(step.rows, &stored, step.now)?;
        let message = stored.name();
        if is_deleted_by_author(step.rows, &message)? {
            deletion::delete(step.rows, &message, DELETED, step.now)?;
        } else {
            let mut row = conversations::row(step.rows, &incoming.conversation)?;
            let own = step.device.public();
            let shown = view::show(step.rows, &row, stored)?;
            if !(step.unattended && *author == own) {
                unread::count(step.rows, &mut row, &own, &shown)?;
            }
            conversations::save(step.rows, &incoming.conversation, &row)?;
            let bytes = incoming.encoded.len();
            unhandled::enqueue(step, &shown.stored, bytes)?;
            recorded = Recorded::Shown(Box::new(shown));
        }
    }
    Ok(recorded)
}

/// When a message goes; 0 for never. Of what somebody gives back to us the time began when we wrote it.
fn expires_at(step: &Step<'_>, row: &ConversationRow, incoming: &Incoming<'_>) -> u64 {
    let own = step.device.public();
    let given_back =
        incoming.author == own && incoming.copied_from.is_some_and(|giver| giver != own);
    let since = if given_back {
        incoming.content.sent_at.min(step.now)
    } else {
        step.now
    };
    match conversations::timer_for(row, &incoming.author, &incoming.content) {
        0 => 0,
        after => since.saturating_add(after),
    }
}

/// A change of a group is told by its log, one of the timer by what it changed.
fn is_shown_by_itself(body: &Body) -> bool {
    !matches!(body, Body::GroupEvents { .. } | Body::DisappearingTimer(_))
}

/// What another device of ours wrote to a group went to those who were members then, as far as it is known here.
fn note_readers_of_copy(step: &mut Step<'_>, incoming: &Incoming<'_>) -> Result<(), EngineError> {
    if let ConversationId::Group(group) = &incoming.conversation
        && incoming.author == step.device.public()
        && incoming.copied_from.is_some()
        && let Some(list) = groups::member_list(step.rows, group)?
    {
        let members = list.members_at(incoming.content.sent_at, step.now);
        message::note_sent_to(step.rows, &incoming.name(), members)?;
    }
    Ok(())
}

/// A message that says something of another came, and is stored and indexed: does what it says. What it waits for may come later.
fn apply_annotation(
    step: &mut Step<'_>,
    stored: &Stored,
    target: &MessageRef,
) -> Result<Recorded, EngineError> {
    let (own, now) = (step.device.public(), step.now);
    let store = &mut *step.rows;
    reconcile_annotations(store, stored, now)?;
    folding::fold(store, stored, target, now)?;
    let Some(found) = message::find(store, target)? else {
        // It may still come, unless it is gone for good.
        if gone::names(store, &stored.conversation, target)? {
            deletion::delete(store, &stored.name(), TOMBSTONE, now)?;
        } else {
            folding::keep_early(store, stored, now)?;
        }
        return Ok(Recorded::Nothing);
    };
    let deletes = matches!(stored.content.body, Body::Deletion { .. });
    if !deletes && found.is_deleted() {
        // Of what is deleted nothing is kept, whenever it was said (RFC windlass §9.5.3).
        deletion::delete(store, &stored.name(), TOMBSTONE, now)?;
        return Ok(Recorded::Nothing);
    }
    deletion::expire_with(store, &stored.name(), &found)?;
    Ok(match &stored.content.body {
        Body::Edit { .. } => match view::shown(store, target)? {
            Some(edited) => {
                unread::edited(store, &own, &edited)?;
                Recorded::Edited(Box::new(edited))
            }
            None => Recorded::Nothing,
        },
        Body::Deletion { .. } => {
            let own = MessageRef {
                author: stored.author,
                id: target.id,
            };
            if deletion::delete(store, &own, DELETED, now)? {
                Recorded::Deleted(*target)
            } else {
                Recorded::Nothing
            }
        }
        Body::Reaction { emoji, removed, .. } => Recorded::Reacted {
            to: *target,
            emoji: emoji.clone(),
            removed: *removed,
        },
        // What was said before by another, and comes late, changes nothing.
        Body::Pin { removed, .. } if still_counts(store, stored)? => Recorded::Pinned {
            to: *target,
            removed: *removed,
        },
        _ => Recorded::Nothing,
    })
}

/// Whether what was just said of a message is there still, and not folded away by what was said after it.
fn still_counts(store: &dyn Rows, said: &Stored) -> Result<bool, EngineError> {
    let found = message::find(store, &said.name())?;
    Ok(found.is_some_and(|found| !found.is_deleted()))
}

/// A message came of which something was said before: what may not be said of it is dropped (RFC windlass §9.5.4), the rest goes when it
/// goes.
fn reconcile_annotations(
    store: &mut dyn RowsMut,
    stored: &Stored,
    now: u64,
) -> Result<(), EngineError> {
    for annotation in annotations::annotations_of(store, &stored.name())? {
        let Some(said) = message::find(store, &annotation)? else {
            continue;
        };
        early::forget(store, &said)?;
        if stored.is_message_of(&said.conversation) {
            deletion::expire_with(store, &annotation, stored)?;
        } else {
            let by = &annotation.author;
            annotations::unindex(store, &said.conversation, by, &said.content)?;
            deletion::delete(store, &annotation, TOMBSTONE, now)?;
        }
    }
    Ok(())
}

/// Whether its author deleted a message before it came.
fn is_deleted_by_author(store: &dyn Rows, message: &MessageRef) -> Result<bool, EngineError> {
    for annotation in annotations::annotations_of(store, message)? {
        let found = message::find(store, &annotation)?;
        if found.is_some_and(|stored| matches!(stored.content.body, Body::Deletion { .. })) {
            return Ok(true);
        }
    }
    Ok(false)
}
