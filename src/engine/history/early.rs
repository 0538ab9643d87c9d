//! What is said of messages that have not come: it waits for them, and only so much of each author (RFC windlass §9.5.2).

use crate::engine::base::error::EngineError;
use crate::engine::base::message_ref::MessageRef;
use crate::engine::base::rows::put_row;
use crate::engine::history::message::Stored;
use crate::engine::history::place::{Place, order_of};
use crate::limits::MAX_EARLY_ANNOTATIONS;
use crate::store::{Direction, Key, Rows, RowsMut, Table, WHOLE_GROUP};

/// What one author says in one conversation of messages that are not there.
fn group(said: &Stored) -> Vec<u8> {
    let author = said.author.to_bytes();
    [said.conversation.key().as_slice(), &author].concat()
}

/// It waits.
pub(crate) fn note(store: &mut dyn RowsMut, said: &Stored) -> Result<(), EngineError> {
    let (group, order, by) = (group(said), order_of(&said.content), said.author.to_bytes());
    let key = Key::named(&group, &order, &by);
    put_row(store, Table::EarlyAnnotations, key, &said.name().to_row())
}

/// If more of its author wait than may: the first of them in the conversation's order.
pub(crate) fn too_many(store: &dyn Rows, said: &Stored) -> Result<Option<MessageRef>, EngineError> {
    let (table, limit) = (Table::EarlyAnnotations, MAX_EARLY_ANNOTATIONS + 1);
    let (group, forward) = (group(said), Direction::Forward);
    let early = store.range(table, &group, WHOLE_GROUP, forward, limit)?;
    let first = early.first().filter(|_| early.len() == limit);
    let place = first.map(|row| Place::from_row(table, row)).transpose()?;
    Ok(place.map(|place| place.message))
}

/// It does not wait any more: what it is about has come, or it goes itself.
pub(crate) fn forget(store: &mut dyn RowsMut, said: &Stored) -> Result<(), EngineError> {
    let by = said.author.to_bytes();
    if said.content.body.target(by).is_none() {
        return Ok(());
    }
    let (group, order) = (group(said), order_of(&said.content));
    store.delete(Table::EarlyAnnotations, Key::named(&group, &order, &by))?;
    Ok(())
}
