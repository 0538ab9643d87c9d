//! Reading a conversation: messages with what others say of them, pages, and a search (RFC windlass §9.3, §9.5).

use crate::chat::{Body, Forward, Text};
use crate::engine::base::error::EngineError;
use crate::engine::base::message_ref::MessageRef;
use crate::engine::base::rows::damaged;
use crate::engine::history::delivered::Delivered;
use crate::engine::history::message::Stored;
use crate::engine::history::place::Place;
use crate::engine::history::{annotations, delivered, message, place};
use crate::engine::records::conversations::{self, ConversationId};
use crate::engine::records::{former_members, groups};
use crate::identity::PublicIdentity;
use crate::store::{Rows, Table};
use crate::text::Sought;
use crate::wire::store::ConversationRow;

/// A message as people see it.
pub(crate) struct Shown {
    pub(crate) stored: Stored,
    /// Its text after the last edit, if there was one.
    pub(crate) edited: Option<Text>,
    /// Who reacted how, in the conversation's order.
    pub(crate) reactions: Vec<(PublicIdentity, String)>,
    /// Who has it, of what we wrote.
    pub(crate) delivered: Vec<Delivered>,
    /// Who has read it.
    pub(crate) read_by: Vec<PublicIdentity>,
}

impl Shown {
    /// What it says in words, or with its attachment, as it is now.
    pub(crate) fn text(&self) -> Option<&Text> {
        let text = self.stored.content.body.text()?;
        Some(self.edited.as_ref().unwrap_or(text))
    }

    /// The words of that.
    pub(crate) fn words(&self) -> Option<&str> {
        self.text().map(|text| text.text.as_str())
    }

    /// Whether it mentions somebody, as it is now.
    pub(crate) fn mentions(&self, who: &PublicIdentity) -> bool {
        let key = who.to_bytes();
        self.text().is_some_and(|text| text.mentions(&key))
    }

    /// Whether it says another's words, and whose. An edit changes nothing of that (RFC windlass §9.9.5).
    pub(crate) fn forward(&self) -> Option<Forward> {
        self.stored.content.body.text()?.forward
    }

    /// Folds what is said of it. They are in the conversation's order, so the last edit counts.
    fn fold(&mut self, store: &dyn Rows) -> Result<(), EngineError> {
        for annotation in annotations::annotations_of(store, &self.stored.name())? {
            // An annotation that is lost is no reason not to show the message.
            let Some(found) = message::find(store, &annotation)? else {
                continue;
            };
            match found.content.body {
                Body::Edit { text, .. } => self.edited = Some(text),
                Body::Reaction { emoji, removed, .. } => {
                    let same = |(by, with): &(PublicIdentity, String)| {
                        *by == annotation.author && *with == emoji
                    };
                    self.reactions.retain(|reaction| !same(reaction));
                    if !removed {
                        self.reactions.push((annotation.author, emoji));
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }
}

/// A message of a conversation, with what others said of it.
pub(crate) fn show(
    store: &dyn Rows,
    conversation: &ConversationRow,
    stored: Stored,
) -> Result<Shown, EngineError> {
    let author = stored.author.to_bytes();
    let read = conversation
        .read_by
        .iter()
        .filter(|mark| mark.lamport >= stored.content.lamport && mark.identity_key != author);
    let read_by = read
        .filter_map(|mark| PublicIdentity::from_stored(&mark.identity_key))
        .collect();
    let mut shown = Shown {
        delivered: delivered::of(store, &stored)?,
        stored,
        edited: None,
        reactions: Vec::new(),
        read_by,
    };
    if !shown.stored.deleted {
        shown.fold(store)?;
    }
    Ok(shown)
}

/// One message, with what others said of it.
pub(crate) fn shown(store: &dyn Rows, message: &MessageRef) -> Result<Option<Shown>, EngineError> {
    let Some(stored) = message::find(store, message)? else {
        return Ok(None);
    };
    let conversation = conversations::row(store, &stored.conversation)?;
    show(store, &conversation, stored).map(Some)
}

/// The latest `limit` messages of a conversation, or the latest before `before`; oldest first.
pub(crate) fn page(
    store: &dyn Rows,
    id: &ConversationId,
    limit: usize,
    before: Option<&Stored>,
    now: u64,
) -> Result<Vec<Shown>, EngineError> {
    let mut end = before.map(Stored::place);
    let mut messages = Vec::new();
    // What is not shown by itself stands between the messages, so there may be more to read than to show.
    while messages.len() < limit {
        let wanted = limit - messages.len();
        let places = place::before(store, id, end.as_ref(), wanted)?;
        let last = places.len() < wanted;
        end = places.last().copied();
        for place in &places {
            let stored = at(store, place)?;
            if stored.is_shown(now) {
                messages.push(stored);
            }
        }
        if last {
            break;
        }
    }
    let conversation = conversations::row(store, id)?;
    let messages = messages.into_iter().rev();
    messages
        .map(|stored| show(store, &conversation, stored))
        .collect()
}

/// The next `limit` messages behind one; oldest first.
pub(crate) fn page_after(
    store: &dyn Rows,
    id: &ConversationId,
    limit: usize,
    start: &Stored,
    now: u64,
) -> Result<Vec<Shown>, EngineError> {
    let mut begin = start.place();
    let mut messages = Vec::new();
    while messages.len() < limit {
        let wanted = limit - messages.len();
        let places = place::after(store, id, &begin, wanted)?;
        let last = places.len() < wanted;
        for place in &places {
            let stored = at(store, place)?;
            if stored.is_shown(now) {
                messages.push(stored);
            }
        }
        match places.last() {
            Some(end) if !last => begin = *end,
            _ => break,
        }
    }
    let conversation = conversations::row(store, id)?;
    let messages = messages.into_iter();
    messages
        .map(|stored| show(store, &conversation, stored))
        .collect()
}

/// The message that another answers, by whichever of those who may have written it: of several, which have the same id, the first in the
/// conversation.
pub(crate) fn answered(
    store: &dyn Rows,
    own: &PublicIdentity,
    answer: &Stored,
    now: u64,
) -> Result<Option<Shown>, EngineError> {
    let Some(id) = answer.content.reply_to else {
        return Ok(None);
    };
    let authors = match answer.conversation {
        ConversationId::Direct(peer) => vec![*own, peer],
        ConversationId::Group(group) => {
            let list = groups::member_list(store, &group)?;
            let members = list.iter().flat_map(|list| list.listed());
            let members = members.map(|member| member.identity);
            let former = former_members::of(store, &group)?;
            members.chain(former).chain([*own]).collect()
        }
    };
    let mut found: Option<Stored> = None;
    for author in authors {
        let stored = message::find(store, &MessageRef { author, id })?;
        let stored = stored.filter(|one| one.is_message_of(&answer.conversation));
        let Some(stored) = stored.filter(|one| one.is_shown(now)) else {
            continue;
        };
        let first = |known: &Stored| stored.place().rank() < known.place().rank();
        if found.as_ref().is_none_or(first) {
            found = Some(stored);
        }
    }
    let conversation = conversations::row(store, &answer.conversation)?;
    found
        .map(|stored| show(store, &conversation, stored))
        .transpose()
}

/// The message of a place. What has a place is stored.
fn at(store: &dyn Rows, place: &Place) -> Result<Stored, EngineError> {
    message::find(store, &place.message)?.ok_or_else(|| damaged(Table::Timeline))
}

/// What is searched for.
pub(crate) struct Search<'a> {
    /// The text, in any form ([`Sought`]).
    pub(crate) text: &'a str,
    /// How many messages are found at most.
    pub(crate) limit: usize,
    /// Where it begins: before this message.
    pub(crate) before: Option<&'a Stored>,
    /// How many messages are opened at most.
    pub(crate) look: usize,
}

/// A part of a search: what was found, how many messages were opened, and where the next part begins.
pub(crate) struct Found {
    pub(crate) messages: Vec<Shown>,
    pub(crate) looked_at: usize,
    pub(crate) next: Option<Shown>,
}

/// The latest messages of a conversation that contain a text. Every message has to be opened for it.
pub(crate) fn search(
    store: &dyn Rows,
    id: &ConversationId,
    search: &Search<'_>,
    now: u64,
) -> Result<Found, EngineError> {
    let sought = Sought::new(search.text);
    let end = search.before.map(Stored::place);
    let places = place::before(store, id, end.as_ref(), search.look)?;
    let conversation = conversations::row(store, id)?;
    let mut found = Found {
        messages: Vec::new(),
        looked_at: 0,
        next: None,
    };
    for place in &places {
        found.looked_at += 1;
        let stored = at(store, place)?;
        if stored.is_shown(now) {
            let shown = show(store, &conversation, stored)?;
            if shown.words().is_some_and(|words| sought.is_in(words)) {
                found.messages.push(shown);
            }
        }
        let is_last = found.looked_at == search.look || found.messages.len() == search.limit;
        if is_last {
            found.next = self::shown(store, &place.message)?;
            break;
        }
    }
    Ok(found)
}
