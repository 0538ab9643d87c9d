//! Which contents put a message to the top of its conversation, in the conversation's order (RFC windlass §9.5.6).

use crate::chat::{Body, Content};
use crate::engine::base::error::EngineError;
use crate::engine::base::message_ref::MessageRef;
use crate::engine::base::rows::put_row;
use crate::engine::history::place::order_of;
use crate::engine::records::conversations::ConversationId;
use crate::identity::PublicIdentity;
use crate::store::{Key, RowsMut, Table};

/// Notes that a content puts a message to the top, if it does. Whether that message is here is asked when they are read.
pub(crate) fn index(
    store: &mut dyn RowsMut,
    conversation: &ConversationId,
    author: &PublicIdentity,
    content: &Content,
) -> Result<(), EngineError> {
    if !matches!(content.body, Body::Pin { removed: false, .. }) {
        return Ok(());
    }
    let (group, order, by) = (conversation.key(), order_of(content), author.to_bytes());
    let key = Key::named(&group, &order, &by);
    let row = MessageRef::new(author, content).to_row();
    put_row(store, Table::Pins, key, &row)
}

/// A content puts nothing to the top any more.
pub(crate) fn unindex(
    store: &mut dyn RowsMut,
    conversation: &ConversationId,
    author: &PublicIdentity,
    content: &Content,
) -> Result<(), EngineError> {
    if matches!(content.body, Body::Pin { removed: false, .. }) {
        let (group, order, by) = (conversation.key(), order_of(content), author.to_bytes());
        store.delete(Table::Pins, Key::named(&group, &order, &by))?;
    }
    Ok(())
}
