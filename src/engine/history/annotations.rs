//! Which messages say something of which other: reactions, pins, edits, deletions, in the conversation's order, so that it does not matter in
//! which order they came (RFC windlass §9.5).

use crate::chat::Content;
use crate::engine::base::error::EngineError;
use crate::engine::base::message_ref::MessageRef;
use crate::engine::base::rows::put_row;
use crate::engine::history::pins;
use crate::engine::history::place::{Place, order_of};
use crate::engine::records::conversations::ConversationId;
use crate::identity::PublicIdentity;
use crate::store::{Direction, Key, Rows, RowsMut, Table, WHOLE_GROUP};

/// The message of which a content says something.
pub(super) fn target(author: &PublicIdentity, content: &Content) -> Option<MessageRef> {
    let (author, id) = content.body.target(author.to_bytes())?;
    let author = PublicIdentity::from_bytes(&author).ok()?;
    Some(MessageRef { author, id })
}

/// Notes of which message a content says something, if it does.
pub(crate) fn index(
    store: &mut dyn RowsMut,
    conversation: &ConversationId,
    author: &PublicIdentity,
    content: &Content,
) -> Result<Option<MessageRef>, EngineError> {
    let Some(target) = target(author, content) else {
        return Ok(None);
    };
    let (group, order, by) = (target.key(), order_of(content), author.to_bytes());
    let row = MessageRef::new(author, content).to_row();
    let key = Key::named(&group, &order, &by);
    put_row(store, Table::Annotations, key, &row)?;
    pins::index(store, conversation, author, content)?;
    Ok(Some(target))
}

/// A content says nothing of another message any more.
pub(crate) fn unindex(
    store: &mut dyn RowsMut,
    conversation: &ConversationId,
    author: &PublicIdentity,
    content: &Content,
) -> Result<(), EngineError> {
    let Some(target) = target(author, content) else {
        return Ok(());
    };
    let (group, order, by) = (target.key(), order_of(content), author.to_bytes());
    store.delete(Table::Annotations, Key::named(&group, &order, &by))?;
    pins::unindex(store, conversation, author, content)
}

/// The messages that say something of this one, in the conversation's order.
pub(crate) fn annotations_of(
    store: &dyn Rows,
    message: &MessageRef,
) -> Result<Vec<MessageRef>, EngineError> {
    let rows = store.range(
        Table::Annotations,
        &message.key(),
        WHOLE_GROUP,
        Direction::Forward,
        usize::MAX,
    )?;
    let places = rows
        .iter()
        .map(|row| Place::from_row(Table::Annotations, row));
    let mut places = places.collect::<Result<Vec<_>, _>>()?;
    places.sort_by_key(Place::rank);
    Ok(places.iter().map(|place| place.message).collect())
}

/// Nothing is said of a message any more.
pub(crate) fn erase_of(store: &mut dyn RowsMut, message: &MessageRef) -> Result<(), EngineError> {
    let group = message.key();
    store.delete_range(Table::Annotations, &group, WHOLE_GROUP, usize::MAX)?;
    Ok(())
}
