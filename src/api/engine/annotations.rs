//! What messages say of another: reactions, edits, deletions. They are folded when the other is read, in the conversation's order; so it
//! does not matter in which order they came (RFC windlass §9.5).

use super::receive::Outcome;
use super::timeline::Place;
use super::{history, pages, put_row};
use crate::api::error::WindlassError;
use crate::chat::{Body, Content, MessageId};
use crate::identity::PublicIdentity;
use crate::store::{Direction, Key, Rows, Table, WHOLE_GROUP, Writer};

/// What is said of a message, all together.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::api) struct Annotations {
    /// Its text after the last edit.
    pub(in crate::api) text: Option<String>,
    /// Who put which sign to it.
    pub(in crate::api) reactions: Vec<(PublicIdentity, String)>,
}

/// Notes of which message a content says something, if it does.
pub(super) fn note(
    store: &mut Writer<'_>,
    author: &PublicIdentity,
    content: &Content,
) -> Result<Option<(PublicIdentity, MessageId)>, WindlassError> {
    let Some((target_author, target)) = content.body.target(author.to_bytes()) else {
        return Ok(None);
    };
    let Ok(target_author) = PublicIdentity::from_bytes(&target_author) else {
        return Ok(None);
    };
    let (group, by) = (
        history::message_key(&target_author, &target),
        author.to_bytes(),
    );
    put_row(
        store,
        Table::Annotations,
        Key::named(&group, &history::timeline_order(content), &by),
        &history::timeline_row(author, &content.id),
    )?;
    Ok(Some((target_author, target)))
}

/// A content says nothing of another message any more.
pub(super) fn forget(
    store: &mut Writer<'_>,
    author: &PublicIdentity,
    content: &Content,
) -> Result<(), WindlassError> {
    let by = author.to_bytes();
    let Some((target_author, target)) = content.body.target(by) else {
        return Ok(());
    };
    let group = [target_author.as_slice(), target.as_bytes()].concat();
    let order = history::timeline_order(content);
    store.delete(Table::Annotations, Key::named(&group, &order, &by))?;
    Ok(())
}

/// A message that says something of another came, and is stored and noted: does what it says. What it waits for may come later.
pub(super) fn take(
    store: &mut Writer<'_>,
    author: &PublicIdentity,
    stored: &history::Stored,
    (target_author, target): (PublicIdentity, MessageId),
    now: u64,
) -> Result<Option<Outcome>, WindlassError> {
    settle(store, stored, now)?;
    let Some(found) = history::find(store, &target_author, &target)? else {
        return Ok(None);
    };
    let deletes = matches!(stored.content.body, Body::Deletion { .. });
    if !deletes && (found.deleted || found.is_gone()) {
        // Of what is deleted nothing is kept, whenever it was said (RFC windlass §9.5.3).
        history::delete(store, author, &stored.content.id, history::GONE, now)?;
        return Ok(None);
    }
    history::go_with(store, author, &stored.content.id, &found)?;
    let conversation = stored.conversation;
    Ok(match &stored.content.body {
        Body::Edit { .. } => pages::shown(store, &target_author, &target)?
            .map(|edited| Outcome::Edited(Box::new(edited))),
        Body::Deletion { .. } => history::delete(store, author, &target, history::DELETED, now)?
            .then_some(Outcome::Deleted {
                conversation,
                author: target_author,
                id: target,
            }),
        Body::Reaction { emoji, removed, .. } => Some(Outcome::Reacted {
            conversation,
            author: target_author,
            id: target,
            by: *author,
            emoji: emoji.clone(),
            removed: *removed,
        }),
        _ => None,
    })
}

/// A message came of which something was said before: what may not be said of it is dropped (RFC windlass §9.5.4), the rest goes when it
/// goes.
pub(super) fn settle(
    store: &mut Writer<'_>,
    stored: &history::Stored,
    now: u64,
) -> Result<(), WindlassError> {
    for (annotator, annotation) in of(store, &stored.author, &stored.content.id)? {
        let Some(said) = history::find(store, &annotator, &annotation)? else {
            continue;
        };
        if stored.is_message_of(&said.conversation) {
            history::go_with(store, &annotator, &annotation, stored)?;
        } else {
            forget(store, &annotator, &said.content)?;
            history::delete(store, &annotator, &annotation, history::GONE, now)?;
        }
    }
    Ok(())
}

/// The messages that say something of this one, in the conversation's order.
pub(super) fn of(
    store: &impl Rows,
    author: &PublicIdentity,
    id: &MessageId,
) -> Result<Vec<(PublicIdentity, MessageId)>, WindlassError> {
    let group = history::message_key(author, id);
    let rows = store.range(
        Table::Annotations,
        &group,
        WHOLE_GROUP,
        Direction::Forward,
        usize::MAX,
    )?;
    let places = rows
        .iter()
        .map(|row| Place::from_row(Table::Annotations, row));
    let mut places = places.collect::<Result<Vec<_>, _>>()?;
    places.sort_by_key(Place::rank);
    Ok(places
        .iter()
        .map(|place| (place.author, place.id))
        .collect())
}

/// All that is said of a message.
pub(super) fn fold(
    store: &impl Rows,
    author: &PublicIdentity,
    id: &MessageId,
) -> Result<Annotations, WindlassError> {
    let mut all = Annotations::default();
    for (annotator, annotation) in of(store, author, id)? {
        // A mark that is lost is no reason not to show the message.
        let Some(found) = history::find(store, &annotator, &annotation)? else {
            continue;
        };
        match found.content.body {
            Body::Edit { text, .. } => all.text = Some(text),
            Body::Reaction { emoji, removed, .. } => {
                all.reactions
                    .retain(|(by, sign)| *by != annotator || *sign != emoji);
                if !removed {
                    all.reactions.push((annotator, emoji));
                }
            }
            _ => {}
        }
    }
    Ok(all)
}

/// Whether its author deleted a message before it came.
pub(super) fn deletes(
    store: &impl Rows,
    author: &PublicIdentity,
    id: &MessageId,
) -> Result<bool, WindlassError> {
    for (annotator, annotation) in of(store, author, id)? {
        let found = history::find(store, &annotator, &annotation)?;
        if found.is_some_and(|stored| matches!(stored.content.body, Body::Deletion { .. })) {
            return Ok(true);
        }
    }
    Ok(false)
}
