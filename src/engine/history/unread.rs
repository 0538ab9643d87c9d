//! Messages of others that the user has not seen, as far as the user's devices know.

use crate::engine::base::error::EngineError;
use crate::engine::history::message::Stored;
use crate::engine::history::{message, place};
use crate::engine::records::conversations::ConversationId;
use crate::identity::PublicIdentity;
use crate::limits::MAX_LAMPORT_JUMP;
use crate::store::Rows;
use crate::wire::store::ConversationRow;

/// The user has read what is here, and all of it has the clock of the conversation at most.
pub(crate) fn read_here(row: &mut ConversationRow) {
    row.read_lamport = row.read_lamport.max(row.lamport);
    row.unread = 0;
}

/// A message came that is shown by itself, or was written here. The conversation's row is the caller's to save.
pub(crate) fn count(
    store: &dyn Rows,
    row: &mut ConversationRow,
    own: &PublicIdentity,
    stored: &Stored,
    now: u64,
) -> Result<(), EngineError> {
    let lamport = stored.content.lamport;
    if stored.author != *own {
        // A message of theirs that crossed one of ours has the same clock, and was seen by nobody.
        row.unread += u64::from(lamport > row.read_elsewhere_lamport);
    } else if stored.copied {
        // A user who answers has read what the other device had: everything before the answer.
        let conversation = stored.conversation;
        let before = lamport.saturating_sub(1);
        read_elsewhere(store, &conversation, row, own, before, now)?;
    } else {
        read_here(row);
    }
    Ok(())
}

/// The user has read, on another device, what that one had up to a clock. What this device has beyond it stays unread. The conversation's
/// row is the caller's to save.
pub(crate) fn read_elsewhere(
    store: &dyn Rows,
    id: &ConversationId,
    row: &mut ConversationRow,
    own: &PublicIdentity,
    lamport: u64,
    now: u64,
) -> Result<(), EngineError> {
    // The message it is about may come later.
    let lamport = lamport.min(row.lamport.saturating_add(MAX_LAMPORT_JUMP));
    row.read_elsewhere_lamport = row.read_elsewhere_lamport.max(lamport);
    let mut beyond = 0;
    for place in place::latest(store, id, lamport.saturating_add(1), usize::MAX)? {
        if beyond >= row.unread {
            break;
        }
        if place.message.author == *own {
            continue;
        }
        let stored = message::find(store, &place.message)?;
        beyond += u64::from(stored.is_some_and(|one| one.is_shown(now) && !one.deleted));
    }
    row.unread = row.unread.min(beyond);
    Ok(())
}
