//! Which message of a conversation of two follows which, so that it shows when one is missing, on either side (RFC windlass §9.3.4).

use super::conversation::{self, ConversationId};
use super::{healing, history};
use crate::api::error::WindlassError;
use crate::chat::{Content, MessageId};
use crate::identity::PublicIdentity;
use crate::limits::{MAX_AWAITED, MAX_FOLLOWED};
use crate::store::{Rows, Writer};
use crate::wire::store::FollowedRow;

/// What the next message follows. In a group nothing is said of it: who joined later has not what was before.
pub(super) fn followed(
    store: &impl Rows,
    conversation: &ConversationId,
) -> Result<Vec<MessageId>, WindlassError> {
    let heads = conversation::row(store, conversation)?.follows;
    let ids = heads
        .iter()
        .map(|followed| MessageId::from_bytes(&followed.message_id));
    ids.collect::<Result<_, _>>()
        .map_err(|_| super::damaged(crate::store::Table::Conversations))
}

/// A message of the conversation with `peer` comes in, or is written: it takes the place of those that it follows. One that is not here
/// is missing on this side. One by the same author that it does not follow is missing on theirs, or was on the way between two devices
/// of theirs.
pub(super) fn take_in(
    store: &mut Writer<'_>,
    peer: &PublicIdentity,
    author: &PublicIdentity,
    own: &PublicIdentity,
    content: &Content,
    now: u64,
) -> Result<(), WindlassError> {
    let conversation = ConversationId::Direct(*peer);
    let mut row = conversation::row(store, &conversation)?;
    let mut missing = false;
    for id in &content.follows {
        let heads = row.follows.len();
        row.follows
            .retain(|followed| followed.message_id != id.as_bytes());
        if row.follows.len() == heads
            && !row.missing.iter().any(|awaited| awaited == id.as_bytes())
            && !history::contains(store, own, id)?
            && !history::contains(store, peer, id)?
        {
            row.missing.push(id.as_bytes().to_vec());
            missing = true;
        }
    }
    let theirs = author == peer;
    let awaited = row.missing.len();
    row.missing.retain(|id| id != content.id.as_bytes());
    let mut forgotten = false;
    // Something follows it if it was awaited.
    if row.missing.len() == awaited {
        // A first message follows nothing. Another one that names nothing is of a peer who leaves that out.
        let names = !content.follows.is_empty() || content.lamport <= 1;
        forgotten = theirs && names && row.follows.iter().any(|followed| followed.theirs);
        row.follows.push(FollowedRow {
            message_id: content.id.as_bytes().to_vec(),
            theirs,
        });
    }
    keep_last(&mut row.follows, MAX_FOLLOWED);
    keep_last(&mut row.missing, MAX_AWAITED);
    conversation::save(store, &conversation, &row)?;
    if missing {
        healing::suspect_hole(store, peer, now)?;
    }
    if forgotten {
        healing::suspect(store, peer, now)?;
    }
    Ok(())
}

fn keep_last<T>(list: &mut Vec<T>, bound: usize) {
    list.drain(..list.len().saturating_sub(bound));
}

/// Whether a message is known to be missing here.
pub(super) fn is_missing_some(
    store: &impl Rows,
    conversation: &ConversationId,
) -> Result<bool, WindlassError> {
    Ok(!conversation::row(store, conversation)?.missing.is_empty())
}
