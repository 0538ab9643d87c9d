//! Which message of a conversation of two follows which, so that it shows when one is missing, on either side (RFC windlass §9.3.4).

use crate::chat::{Content, MessageId};
use crate::engine::base::error::EngineError;
use crate::engine::base::message_ref::MessageRef;
use crate::engine::base::rows::damaged;
use crate::engine::base::step::Step;
use crate::engine::history::message;
use crate::engine::records::conversations::{self, ConversationId};
use crate::engine::records::{doubts, floors};
use crate::identity::PublicIdentity;
use crate::limits::{MAX_FOLLOWED, MAX_MISSING};
use crate::store::{Rows, Table};
use crate::wire::store::{ConversationRow, FollowedRow};

/// What the next message follows. In a group nothing is said of it: a member who joined later has not what was before.
pub(crate) fn ids(conversation: &ConversationRow) -> Result<Vec<MessageId>, EngineError> {
    let ids = conversation.follows.iter().map(|followed| {
        MessageId::from_bytes(&followed.message_id).map_err(|_| damaged(Table::Conversations))
    });
    ids.collect()
}

/// A message of the conversation with `peer` comes in, or is written: it takes the place of those that it follows. One that is not here
/// is missing on this side. One by the same author that it does not follow is missing on theirs, or was on the way between two devices
/// of theirs. The conversation's row is the caller's to save.
pub(crate) fn record(
    step: &mut Step<'_>,
    row: &mut ConversationRow,
    peer: &PublicIdentity,
    author: &PublicIdentity,
    content: &Content,
) -> Result<(), EngineError> {
    let own = step.device.public();
    let mut is_gap = false;
    for id in &content.follows {
        let known = row.follows.len();
        row.follows
            .retain(|followed| followed.message_id != id.as_bytes());
        let by = |author| MessageRef { author, id: *id };
        if row.follows.len() == known
            && !row.missing.iter().any(|missing| missing == id.as_bytes())
            && !message::contains(step.rows, &by(own))?
            && !message::contains(step.rows, &by(*peer))?
            && !is_gone(step.rows, peer, &[by(own), by(*peer)])?
        {
            row.missing.push(id.as_bytes().to_vec());
            is_gap = true;
        }
    }
    let theirs = author == peer;
    let missing = row.missing.len();
    row.missing.retain(|id| id != content.id.as_bytes());
    let mut is_forgotten = false;
    // Something follows it if it was missing.
    if row.missing.len() == missing {
        // A first message follows nothing. Another one that names nothing is of a peer that leaves this out.
        let names = !content.follows.is_empty() || content.lamport <= 1;
        is_forgotten = theirs && names && row.follows.iter().any(|followed| followed.theirs);
        row.follows.push(FollowedRow {
            message_id: content.id.as_bytes().to_vec(),
            theirs,
        });
    }
    keep_last(&mut row.follows, MAX_FOLLOWED);
    keep_last(&mut row.missing, MAX_MISSING);
    if is_gap {
        doubts::note_gap(step.rows, peer, step.now)?;
    }
    if is_forgotten {
        doubts::note_missing(step.rows, peer, step.now)?;
    }
    Ok(())
}

/// Whether one of these was deleted here, and so is not missing.
fn is_gone(
    store: &dyn Rows,
    peer: &PublicIdentity,
    messages: &[MessageRef],
) -> Result<bool, EngineError> {
    let gone = floors::find(store, &(peer.to_bytes(), false))?;
    Ok(gone.is_some_and(|gone| messages.iter().any(|message| gone.names(message))))
}

fn keep_last<T>(list: &mut Vec<T>, bound: usize) {
    list.drain(..list.len().saturating_sub(bound));
}

/// Whether a message is known to be missing here.
pub(crate) fn is_missing_some(
    store: &dyn Rows,
    conversation: &ConversationId,
) -> Result<bool, EngineError> {
    Ok(!conversations::row(store, conversation)?.missing.is_empty())
}
