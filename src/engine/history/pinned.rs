//! Messages at the top of their conversation, for everybody in it (RFC windlass §9.5.6).

use crate::engine::base::error::EngineError;
use crate::engine::base::message_ref::MessageRef;
use crate::engine::history::message::Stored;
use crate::engine::history::view::{self, Shown};
use crate::engine::history::{annotations, message, place};
use crate::engine::records::conversations::{self, ConversationId};
use crate::limits::MAX_PINNED;
use crate::store::{Rows, Table};

/// The message that one puts to the top of their conversation, if that is here and shown.
fn target(store: &dyn Rows, pin: &MessageRef, now: u64) -> Result<Option<Stored>, EngineError> {
    let Some(said) = message::find(store, pin)? else {
        return Ok(None);
    };
    let Some(target) = annotations::target(&said.author, &said.content) else {
        return Ok(None);
    };
    let found = message::find(store, &target)?;
    Ok(found.filter(|found| {
        found.is_message_of(&said.conversation) && found.is_shown(now) && !found.is_deleted()
    }))
}

/// The messages at the top of a conversation, the one that was put there last first; at most [`MAX_PINNED`].
pub(crate) fn of(
    store: &dyn Rows,
    id: &ConversationId,
    now: u64,
) -> Result<Vec<Shown>, EngineError> {
    let row = conversations::row(store, id)?;
    let (mut pinned, mut end) = (Vec::new(), None);
    while pinned.len() < MAX_PINNED {
        let places = place::before_in(store, Table::Pins, id, end.as_ref(), MAX_PINNED)?;
        for place in &places {
            if pinned.len() < MAX_PINNED
                && let Some(stored) = target(store, &place.message, now)?
            {
                pinned.push(view::show(store, &row, stored)?);
            }
        }
        end = places.last().copied();
        if places.len() < MAX_PINNED {
            break;
        }
    }
    Ok(pinned)
}
