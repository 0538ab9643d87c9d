//! What is deleted: by its author, by its time, with its conversation (RFC windlass §9.5.3, §9.7; docs/store.md, promise 5).

use crate::chat::Body;
use crate::engine::base::clock::Clock;
use crate::engine::base::error::EngineError;
use crate::engine::base::message_ref::MessageRef;
use crate::engine::history::message::{Stored, TOMBSTONE};
use crate::engine::history::{
    annotations, delivered, early, expiries, message, place, redating, unread,
};
use crate::engine::records::conversations::{self, ConversationId};
use crate::engine::records::floors;
use crate::limits::RESEND_RETENTION_SECONDS;
use crate::store::RowsMut;

/// What one step deletes at most; the next one goes on.
const MAX_EXPIRED_AT_ONCE: usize = 1_000;

/// Deletes what a message said, and what others said of it. Its name and place stay: a device that does not know that it was here would
/// get it again. False if it is not here.
pub(crate) fn delete(
    store: &mut dyn RowsMut,
    message: &MessageRef,
    deleted: u32,
    now: u64,
) -> Result<bool, EngineError> {
    if !clear_content(store, message, deleted, now)? {
        return Ok(false);
    }
    // A list, so that nobody who writes decides how deep it goes.
    let mut said = annotations::annotations_of(store, message)?;
    while let Some(annotation) = said.pop() {
        // The deletion itself goes on to devices that have not heard of it.
        let deletes = message::find(store, &annotation)?
            .is_some_and(|stored| matches!(stored.content.body, Body::Deletion { .. }));
        if !deletes && clear_content(store, &annotation, TOMBSTONE, now)? {
            said.extend(annotations::annotations_of(store, &annotation)?);
        }
    }
    Ok(true)
}

/// Deletes what one message said.
fn clear_content(
    store: &mut dyn RowsMut,
    message: &MessageRef,
    deleted: u32,
    now: u64,
) -> Result<bool, EngineError> {
    let Some(mut row) = message::row(store, message)? else {
        return Ok(false);
    };
    if row.deleted == TOMBSTONE || row.deleted == deleted {
        return Ok(false);
    }
    let stored = Stored::from_row(&row)?;
    early::forget(store, &stored)?;
    // A deletion says nothing that is to be deleted, and what it deletes may come later than it goes.
    if !matches!(stored.content.body, Body::Deletion { .. }) {
        annotations::unindex(
            store,
            &stored.conversation,
            &message.author,
            &stored.content,
        )?;
        let mut content = stored.content;
        content.body = Body::Unknown;
        content.reply_to = None;
        row.content = content.to_bytes().to_vec();
    }
    unread::forget(store, &Stored::from_row(&row)?)?;
    row.deleted = deleted;
    if deleted == TOMBSTONE {
        // As long as others may send it again, its name stays.
        let later = now.saturating_add(RESEND_RETENTION_SECONDS * 1000);
        expiries::reschedule(store, message, &mut row, later)?;
    }
    message::save(store, message, &row)?;
    Ok(true)
}

/// From now on a message goes when another does.
pub(crate) fn expire_with(
    store: &mut dyn RowsMut,
    message: &MessageRef,
    other: &Stored,
) -> Result<(), EngineError> {
    let Some(mut row) = message::row(store, message)?.filter(|row| row.deleted == 0) else {
        return Ok(());
    };
    expiries::reschedule(store, message, &mut row, other.expires_at)?;
    message::save(store, message, &row)
}

/// Deletes the messages whose time has come; how many.
pub(crate) fn expire(store: &mut dyn RowsMut, now: u64) -> Result<usize, EngineError> {
    let clock = Clock::read(store, now)?;
    // They are not shown any more, and not lost if the clock is wrong.
    if !clock.is_settled() {
        return Ok(0);
    }
    let due = expiries::due(store, now, MAX_EXPIRED_AT_ONCE)?;
    for (order, message) in &due {
        // One that was stored while the clock was behind has all its time.
        if redating::redate(store, message, &clock)?.is_some_and(|goes_at| goes_at > now) {
            continue;
        }
        // One that went with another just now has a later time already.
        if !expiries::take(store, order)? {
            continue;
        }
        if !delete(store, message, TOMBSTONE, now)?
            && let Some(stored) = erase(store, message)?
        {
            // Nobody sends it again unasked any more; whoever does all the same is not believed.
            let (which, content) = (stored.conversation.wire(), &stored.content);
            let said = (message, content.lamport, content.sent_at);
            floors::note(store, &which, said, false, now)?;
        }
    }
    Ok(due.len())
}

/// Erases the last trace of a message; what it was.
pub(crate) fn erase(
    store: &mut dyn RowsMut,
    message: &MessageRef,
) -> Result<Option<Stored>, EngineError> {
    let Some(mut row) = message::row(store, message)? else {
        return Ok(None);
    };
    let stored = Stored::from_row(&row)?;
    early::forget(store, &stored)?;
    unread::forget(store, &stored)?;
    annotations::unindex(
        store,
        &stored.conversation,
        &message.author,
        &stored.content,
    )?;
    annotations::erase_of(store, message)?;
    delivered::erase_of(store, message)?;
    expiries::reschedule(store, message, &mut row, 0)?;
    message::erase(store, message)?;
    place::unindex(store, &stored.conversation, message, &stored.content)?;
    Ok(Some(stored))
}

/// Erases a conversation with all its messages. It may come back.
pub(crate) fn erase_conversation(
    store: &mut dyn RowsMut,
    conversation: &ConversationId,
) -> Result<(), EngineError> {
    for place in place::latest(store, conversation, 0, usize::MAX)? {
        erase(store, &place.message)?;
    }
    conversations::erase(store, conversation)
}
