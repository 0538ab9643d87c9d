//! What messages say of another: reactions, edits, deletions. They are folded when the other is read, in the conversation's order; so it
//! does not matter in which order they came (RFC windlass §9.5).

use super::{damaged, history, put_row};
use crate::api::error::WindlassError;
use crate::chat::{Body, Content, MessageId};
use crate::identity::PublicIdentity;
use crate::store::{Direction, Key, Rows, Table, WHOLE_GROUP, Writer};
use crate::wire::store::TimelineRow;

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
    let order = [
        content.lamport.to_be_bytes().as_slice(),
        content.id.as_bytes(),
        &author.to_bytes(),
    ]
    .concat();
    let row = TimelineRow {
        author_identity_key: author.to_bytes().to_vec(),
        message_id: content.id.as_bytes().to_vec(),
    };
    let group = history::message_key(&target_author, &target);
    put_row(
        store,
        Table::Annotations,
        Key::ordered(&group, &order),
        &row,
    )?;
    Ok(Some((target_author, target)))
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
    rows.iter()
        .map(|(_, bytes)| history::named(Table::Annotations, bytes))
        .collect()
}

/// All that is said of a message.
pub(super) fn fold(
    store: &impl Rows,
    author: &PublicIdentity,
    id: &MessageId,
) -> Result<Annotations, WindlassError> {
    let mut all = Annotations::default();
    for (annotator, annotation) in of(store, author, id)? {
        let found = history::find(store, &annotator, &annotation)?;
        let found = found.ok_or_else(|| damaged(Table::Annotations))?;
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
