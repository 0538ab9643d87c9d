//! What the user deletes for themselves, on all their devices: a message, a conversation (RFC windlass §8.3.8). It does not come back.

use crate::chat::{Floor, FloorTimer};
use crate::engine::base::error::EngineError;
use crate::engine::base::message_ref::MessageRef;
use crate::engine::history::message::TOMBSTONE;
use crate::engine::history::place::Place;
use crate::engine::history::{deletion, message, place};
use crate::engine::records::conversations::{self, ConversationId};
use crate::engine::records::floors::{self, Gone};
use crate::limits::MAX_FLOOR_NAMES;
use crate::store::{Rows, RowsMut};
use crate::wire::store::ConversationRow;

/// Deletes a message for the user alone; what our other devices are told, nothing if it is not here.
pub(crate) fn delete_message(
    store: &mut dyn RowsMut,
    message: &MessageRef,
    now: u64,
) -> Result<Option<Floor>, EngineError> {
    let Some(stored) = message::find(store, message)? else {
        return Ok(None);
    };
    deletion::delete(store, message, TOMBSTONE, now)?;
    let (which, content) = (stored.conversation.wire(), &stored.content);
    let said = (message, content.lamport, content.sent_at);
    let gone = floors::note(store, &which, said, true, now)?;
    Ok(Some(gone.floor().clone()))
}

/// Deletes a conversation with all its messages; what our other devices are told, nothing if nothing was here.
pub(crate) fn delete_conversation(
    store: &mut dyn RowsMut,
    conversation: &ConversationId,
    now: u64,
) -> Result<Option<Floor>, EngineError> {
    let key = floors::key(store)?;
    let (side, group) = conversation.wire();
    let row = conversations::row(store, conversation)?;
    let mut floor = begun(
        &row,
        Floor {
            conversation: key.conversation(&side, group),
            ..Floor::default()
        },
    );
    for place in place::latest(store, conversation, 0, usize::MAX)? {
        let MessageRef { author, id } = place.message;
        if floor.messages.len() < MAX_FLOOR_NAMES {
            let name = key.message(place.lamport, &author.to_bytes(), &id);
            floor.messages.push(name);
        } else {
            // Of what is older than the names, nothing can be told from what never came.
            floor.lamport = floor.lamport.max(place.lamport);
        }
        if let Some(stored) = deletion::erase(store, &place.message)? {
            floor.until = floor.until.max(stored.content.sent_at.min(now));
        }
    }
    floor.messages.sort_unstable();
    conversations::erase(store, conversation)?;
    floors::merge(store, &floor, now)?;
    let gone = floors::find(store, &(side, group))?;
    Ok(gone.map(|gone| gone.floor().clone()))
}

/// What of a conversation's row outlives it.
fn begun(row: &ConversationRow, floor: Floor) -> Floor {
    Floor {
        clock: row.lamport,
        timer: FloorTimer {
            lamport: row.timer_lamport,
            message_id: row.timer_message_id.clone(),
            milliseconds: row.disappear_after,
        },
        ..floor
    }
}

/// Does here what another device of ours did; the messages that are not shown any more.
pub(crate) fn apply(
    store: &mut dyn RowsMut,
    conversation: &ConversationId,
    gone: &Gone,
    now: u64,
) -> Result<Vec<MessageRef>, EngineError> {
    let floor = gone.floor();
    let mut places = place::between(store, conversation, 0, floor.lamport)?;
    for clock in gone.named_clocks() {
        if clock > floor.lamport {
            places.extend(place::between(store, conversation, clock, clock)?);
        }
    }
    let mut deleted = Vec::new();
    for Place {
        lamport, message, ..
    } in places
    {
        let Some(stored) = message::find(store, &message)? else {
            continue;
        };
        if !gone.is_deleted(&message, lamport, stored.content.sent_at) {
            continue;
        }
        if stored.is_shown(now) {
            deleted.push(message);
        }
        if lamport <= floor.clock {
            deletion::erase(store, &message)?;
        } else {
            deletion::delete(store, &message, TOMBSTONE, now)?;
        }
    }
    let is_empty = place::latest(store, conversation, 0, 1)?.is_empty();
    if floor.clock != 0 && is_empty && conversations::is_here(store, conversation)? {
        let row = conversations::row(store, conversation)?;
        conversations::erase(store, conversation)?;
        let name = floor.conversation;
        let floor = Floor {
            conversation: name,
            ..Floor::default()
        };
        floors::merge(store, &begun(&row, floor), now)?;
    }
    Ok(deleted)
}

/// Whether a message that is not here is not taken in: it is gone, or older than all that is known of what is gone.
pub(crate) fn covers(
    store: &dyn Rows,
    conversation: &ConversationId,
    message: &MessageRef,
    lamport: u64,
    sent_at: u64,
) -> Result<bool, EngineError> {
    let gone = floors::find(store, &conversation.wire())?;
    Ok(gone.is_some_and(|gone| gone.covers(message, lamport, sent_at)))
}

/// Whether this very message is gone.
pub(crate) fn names(
    store: &dyn Rows,
    conversation: &ConversationId,
    message: &MessageRef,
) -> Result<bool, EngineError> {
    let gone = floors::find(store, &conversation.wire())?;
    Ok(gone.is_some_and(|gone| gone.names(message)))
}
