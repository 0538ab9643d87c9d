//! Reading a conversation: pages of it, and a search (RFC windlass §9.3).

use super::conversation::{self, ConversationId};
use super::timeline::{self, Place};
use super::{annotations, damaged, history};
use crate::api::error::WindlassError;
use crate::chat::{Body, MessageId};
use crate::identity::PublicIdentity;
use crate::store::{Rows, Table};

/// One message, with what others said of it.
pub(in crate::api) fn shown(
    store: &impl Rows,
    author: &PublicIdentity,
    id: &MessageId,
) -> Result<Option<history::Stored>, WindlassError> {
    let mut found = history::find(store, author, id)?;
    if let Some(stored) = &mut found {
        annotate(store, stored)?;
    }
    Ok(found)
}

fn annotate(store: &impl Rows, stored: &mut history::Stored) -> Result<(), WindlassError> {
    if !stored.deleted {
        stored.annotations = annotations::fold(store, &stored.author, &stored.content.id)?;
    }
    let conversation = conversation::row(store, &stored.conversation)?;
    let read = conversation.read_by.iter().filter(|mark| {
        mark.lamport >= stored.content.lamport && mark.identity_key != stored.author.to_bytes()
    });
    stored.read_by = read
        .filter_map(|mark| PublicIdentity::from_stored(&mark.identity_key))
        .collect();
    Ok(())
}

/// The latest `limit` messages of a conversation, or the latest before `before`; oldest first.
pub(in crate::api) fn page(
    store: &impl Rows,
    conversation: &ConversationId,
    limit: usize,
    before: Option<&history::Stored>,
    now: u64,
) -> Result<Vec<history::Stored>, WindlassError> {
    let mut end = before.map(Place::of);
    let mut messages = Vec::new();
    // What is not shown by itself stands between the messages, so there may be more to read than to show.
    while messages.len() < limit {
        let wanted = limit - messages.len();
        let places = timeline::before(store, conversation, end.as_ref(), wanted)?;
        let last = places.len() < wanted;
        end = places.last().copied();
        for place in &places {
            let stored = history::find(store, &place.author, &place.id)?
                .ok_or_else(|| damaged(Table::Timeline))?;
            if stored.is_shown(now) {
                messages.push(stored);
            }
        }
        if last {
            break;
        }
    }
    messages.reverse();
    for stored in &mut messages {
        annotate(store, stored)?;
    }
    Ok(messages)
}

/// A part of a search: what was found, how many messages were looked at, and where the next part begins.
pub(in crate::api) struct Found {
    pub(in crate::api) messages: Vec<history::Stored>,
    pub(in crate::api) looked_at: usize,
    pub(in crate::api) next: Option<history::Stored>,
}

/// The latest messages of a conversation that contain a text, in any case. Every message has to be opened for it.
pub(in crate::api) fn search(
    store: &impl Rows,
    conversation: &ConversationId,
    text: &str,
    limit: usize,
    before: Option<&history::Stored>,
    look: usize,
    now: u64,
) -> Result<Found, WindlassError> {
    let wanted = text.to_lowercase();
    let end = before.map(Place::of);
    let places = timeline::before(store, conversation, end.as_ref(), look)?;
    let mut found = Found {
        messages: Vec::new(),
        looked_at: 0,
        next: None,
    };
    let more = places.len() == look;
    let count = places.len();
    for (place, Place { id, author, .. }) in places.iter().enumerate() {
        found.looked_at += 1;
        let Some(mut stored) =
            history::find(store, author, id)?.filter(|stored| stored.is_shown(now))
        else {
            if more && place + 1 == count {
                found.next = history::find(store, author, id)?;
            }
            continue;
        };
        annotate(store, &mut stored)?;
        let matches = stored
            .text()
            .is_some_and(|text| text.to_lowercase().contains(&wanted));
        let last = (more && place + 1 == count) || (matches && found.messages.len() + 1 == limit);
        if last {
            found.next = history::find(store, author, id)?;
        }
        if matches {
            found.messages.push(stored);
        }
        if last {
            break;
        }
    }
    Ok(found)
}

impl history::Stored {
    /// The text as it is now.
    pub(in crate::api) fn text(&self) -> Option<&str> {
        match (&self.annotations.text, &self.content.body) {
            (Some(edited), Body::Text(_)) => Some(edited),
            (None, Body::Text(text)) => Some(text),
            _ => None,
        }
    }
}
