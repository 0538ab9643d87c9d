//! What stays of what is said of a message (RFC windlass §9.5.2): of each author only what counts, and of all the last word of whether it is at
//! the top, so that nobody makes a message slow to read; and of what is said of messages that have not come only so much.

use crate::chat::Body;
use crate::engine::base::error::EngineError;
use crate::engine::base::message_ref::MessageRef;
use crate::engine::history::message::{Stored, TOMBSTONE};
use crate::engine::history::{annotations, deletion, early, expiries, message};
use crate::limits::{EARLY_ANNOTATION_RETENTION_SECONDS, MAX_REACTIONS_BY_ONE};
use crate::store::RowsMut;

/// Something was said of a message: of what its author said of it, or of pins all said, what counts no more is dropped, itself too if it came
/// late. What is dropped keeps its name, as everything that is deleted does.
pub(crate) fn fold(
    store: &mut dyn RowsMut,
    said: &Stored,
    target: &MessageRef,
    now: u64,
) -> Result<(), EngineError> {
    let mut theirs = annotations::annotations_of(store, target)?;
    // Whether a message is at the top all of them say together; of all else each has their own.
    let is_pin = matches!(said.content.body, Body::Pin { .. });
    theirs.retain(|annotation| is_pin || annotation.author == said.author);
    let (mut edited, mut deleted, mut pinned) = (false, false, false);
    let mut reactions: Vec<String> = Vec::new();
    // The last one first.
    for annotation in theirs.iter().rev() {
        let Some(found) = message::find(store, annotation)? else {
            continue;
        };
        let counts = match &found.content.body {
            // One of another conversation than the message's is dropped when that comes, and has no say until then.
            Body::Pin { .. } if found.conversation != said.conversation => true,
            Body::Pin { .. } => !core::mem::replace(&mut pinned, true),
            _ if found.author != said.author => true,
            Body::Edit { .. } => !core::mem::replace(&mut edited, true),
            Body::Deletion { .. } => !core::mem::replace(&mut deleted, true),
            Body::Reaction { emoji, .. } => {
                let new = !reactions.contains(emoji) && reactions.len() < MAX_REACTIONS_BY_ONE;
                if new {
                    reactions.push(emoji.clone());
                }
                new
            }
            _ => true,
        };
        if !counts {
            drop_annotation(store, &found, now)?;
        }
    }
    Ok(())
}

fn drop_annotation(store: &mut dyn RowsMut, said: &Stored, now: u64) -> Result<(), EngineError> {
    deletion::delete(store, &said.name(), TOMBSTONE, now)?;
    // Of a deletion that is left.
    annotations::unindex(store, &said.conversation, &said.author, &said.content)
}

/// Something was said of a message that is not here: it waits for it, not for ever, and for a few of an author.
pub(crate) fn keep_early(
    store: &mut dyn RowsMut,
    said: &Stored,
    now: u64,
) -> Result<(), EngineError> {
    let name = said.name();
    let Some(mut row) = message::row(store, &name)?.filter(|row| row.deleted == 0) else {
        return Ok(());
    };
    let latest = now.saturating_add(EARLY_ANNOTATION_RETENTION_SECONDS * 1000);
    if row.expires_at == 0 || row.expires_at > latest {
        expiries::reschedule(store, &name, &mut row, latest)?;
        message::save(store, &name, &row)?;
    }
    early::note(store, said)?;
    if let Some(oldest) = early::too_many(store, said)?
        && let Some(found) = message::find(store, &oldest)?
    {
        drop_annotation(store, &found, now)?;
    }
    Ok(())
}
