//! What two devices have of a conversation (RFC windlass §8.4.2).

use std::collections::BTreeSet;

use crate::chat::{ConversationState, HealingRequest, MessageId, MessageName};
use crate::engine::base::clock::Clock;
use crate::engine::base::error::EngineError;
use crate::engine::base::message_ref::MessageRef;
use crate::engine::history::message::Stored;
use crate::engine::history::place::Place;
use crate::engine::history::{delivered, message, place};
use crate::engine::records::conversations::ConversationId;
use crate::engine::records::floors;
use crate::engine::records::pairs::FirstWords;
use crate::identity::PublicIdentity;
use crate::limits::MAX_COMPARED;
use crate::store::Rows;

/// So many messages in a row that are older than what a request is answered with.
const MAX_STALE: usize = 500;

/// A message as a request for healing names it.
fn name(place: &Place, salt: &[u8; 16]) -> MessageName {
    let MessageRef { author, id } = place.message;
    HealingRequest::name(salt, &author.to_bytes(), &id)
}

/// What is here of a conversation, for a request for healing: with the names of the latest `names` messages at most. Nothing older is asked for.
pub(crate) fn state(
    store: &dyn Rows,
    conversation: &ConversationId,
    salt: &[u8; 16],
    names: usize,
) -> Result<ConversationState, EngineError> {
    let mut places = place::latest(store, conversation, 0, names + 1)?;
    // Of what was deleted here nothing is asked for.
    let gone = floors::find(store, &conversation.wire())?;
    let mut from_lamport = gone.map_or(0, |gone| gone.asked_from());
    places.retain(|place| place.lamport >= from_lamport);
    if places.len() > names {
        // Below the oldest clock that is told whole, nothing is asked for.
        from_lamport = places.last().map_or(0, |place| place.lamport + 1);
        places.retain(|place| place.lamport >= from_lamport);
    }
    let mut have: Vec<_> = places.iter().map(|place| name(place, salt)).collect();
    have.sort_unstable();
    let (conversation, group) = conversation.wire();
    Ok(ConversationState {
        conversation,
        group,
        from_lamport,
        have,
    })
}

/// What the other side has of a conversation, and what of ours may be compared with it.
pub(crate) struct Comparison<'a> {
    pub(crate) theirs: &'a ConversationState,
    pub(crate) salt: &'a [u8; 16],
    /// Only what came from this time on.
    pub(crate) since: u64,
    /// And what was written when whoever asks was known: nothing of before is a new device's, whenever another one acknowledged it.
    pub(crate) known_since: u64,
    /// But for the first words of these sessions, which whoever asks wrote.
    pub(crate) first_words: Option<FirstWords>,
    /// By which dates are read.
    pub(crate) clock: &'a Clock,
    /// The latest so many.
    pub(crate) limit: usize,
    /// Who asks.
    pub(crate) asker: &'a PublicIdentity,
}

/// When a message came, to whoever asks for it: it is not of a later time because somebody lost it and was sent it again, or because a
/// device is new. What we wrote to them came when they acknowledged it.
fn came_at(
    store: &dyn Rows,
    stored: &Stored,
    asker: &PublicIdentity,
    clock: &Clock,
) -> Result<u64, EngineError> {
    let (stored_at, sent_at) = (stored.stored_at, stored.content.sent_at);
    let written = clock.real(stored_at).min(clock.real(sent_at));
    Ok(match stored.conversation {
        ConversationId::Direct(peer) if peer == *asker && stored.author != peer => {
            let delivered = delivered::at(store, &stored.name(), asker)?;
            written.max(delivered.map_or(0, |at| clock.real(at)))
        }
        _ => written,
    })
}

/// What the other side does not have of ours, as far as `may` allows it, oldest first. And how much of what it names is not here.
pub(crate) fn compare(
    store: &dyn Rows,
    conversation: &ConversationId,
    comparison: &Comparison<'_>,
    may: impl Fn(&Stored) -> bool,
) -> Result<(Vec<MessageRef>, usize), EngineError> {
    let Comparison {
        theirs,
        salt,
        since,
        known_since,
        first_words,
        clock,
        limit,
        asker,
    } = *comparison;
    // What was lost is nearly always newer, and a request must not cost as much as the history is long.
    let look = if since == 0 { usize::MAX } else { MAX_COMPARED };
    let ours = place::latest(store, conversation, theirs.from_lamport, look)?;
    let there: BTreeSet<_> = theirs.have.iter().collect();
    let mut met = BTreeSet::new();
    let mut lacking = Vec::new();
    let mut stale = 0;
    for place in ours {
        let name = name(&place, salt);
        if there.contains(&name) {
            met.insert(name);
            continue;
        }
        // Behind so many that are too old, nothing is recent, and opening them costs more the longer the history is.
        if lacking.len() == limit || stale >= MAX_STALE {
            continue;
        }
        let Some(found) = message::find(store, &place.message)? else {
            continue;
        };
        let dates = [found.stored_at, found.content.sent_at];
        let known = || dates.iter().all(|date| clock.was_by(known_since, *date));
        // Nobody but whoever asks can have written the first words of sessions of theirs.
        let first = first_words
            .filter(|first| found.author == *asker && found.began(&first.sessions))
            .map(|first| first.since);
        // What lies ahead of now would be given for years.
        if since != 0
            && (clock.is_ahead(found.stored_at)
                || !(first.is_some() || known())
                || came_at(store, &found, asker, clock)? < first.unwrap_or(since))
        {
            stale += 1;
            continue;
        }
        stale = 0;
        // What was deleted is not sent, so nobody is told to wait for it.
        if may(&found) && !found.is_deleted() {
            lacking.push(place.message);
        }
    }
    lacking.reverse();
    Ok((lacking, there.len() - met.len()))
}

/// The ids of what somebody wrote in a conversation, the latest first.
pub(crate) fn ids_by(
    store: &dyn Rows,
    author: &PublicIdentity,
    conversation: &ConversationId,
) -> Result<Vec<MessageId>, EngineError> {
    let places = place::latest(store, conversation, 0, MAX_COMPARED)?;
    let messages = places.iter().map(|place| place.message);
    let theirs = messages.filter(|message| message.author == *author);
    Ok(theirs.map(|message| message.id).collect())
}
