//! The contacts in the order in which they came: read a page at a time, and looked through for whoever wrote in a chain that is not known. Its
//! rows are small, a contact's own row holds a bundle of some kilobytes.

use std::ops::Bound;

use crate::engine::base::error::EngineError;
use crate::engine::base::rows::{damaged, decode, put_row};
use crate::identity::PublicIdentity;
use crate::ratchet::ChainTag;
use crate::session::{HintKey, SenderHint};
use crate::store::{Direction, Key, Rows, RowsMut, Table, WHOLE_GROUP};
use crate::wire::store::{ContactListRow, ContactRow};

const LIST: &[u8] = b"contacts";

/// A contact comes in: behind all others, or where it stood in the store that it comes from. Its row is the caller's to save.
pub(crate) fn enter(store: &mut dyn RowsMut, row: &mut ContactRow) -> Result<(), EngineError> {
    if row.place == 0 {
        let backward = Direction::Backward;
        let last = store.range(Table::ContactList, LIST, WHOLE_GROUP, backward, 1)?;
        let last = last.first().map(|(order, _)| place_of(order)).transpose()?;
        row.place = last.unwrap_or(0).saturating_add(1);
    }
    let listed = ContactListRow {
        identity_key: row.identity_key.clone(),
        hint_key: row.hint_key.clone(),
    };
    let order = row.place.to_be_bytes();
    put_row(
        store,
        Table::ContactList,
        Key::ordered(LIST, &order),
        &listed,
    )
}

/// A contact goes.
pub(super) fn forget(store: &mut dyn RowsMut, row: &ContactRow) -> Result<(), EngineError> {
    let order = row.place.to_be_bytes();
    store.delete(Table::ContactList, Key::ordered(LIST, &order))?;
    Ok(())
}

fn place_of(order: &[u8]) -> Result<u64, EngineError> {
    let place = order.first_chunk().map(|place| u64::from_be_bytes(*place));
    place.ok_or_else(|| damaged(Table::ContactList))
}

/// What is in the list behind a place, at most `limit`.
pub(super) fn page(
    store: &dyn Rows,
    after: u64,
    limit: usize,
) -> Result<Vec<ContactListRow>, EngineError> {
    let low = after.to_be_bytes();
    let bounds = (Bound::Excluded(low.as_slice()), Bound::Unbounded);
    let forward = Direction::Forward;
    let rows = store.range(Table::ContactList, LIST, bounds, forward, limit)?;
    rows.iter()
        .map(|(_, bytes)| decode(Table::ContactList, bytes))
        .collect()
}

/// Whose message it is whose chain we do not know (RFC windlass §7.3); and how many contacts were looked at.
pub(crate) fn by_hint(
    store: &dyn Rows,
    chain: &ChainTag,
    hint: &SenderHint,
) -> Result<(Option<PublicIdentity>, u64), EngineError> {
    let (mut found, mut looked_at) = (None, 0);
    store.visit(Table::ContactList, &mut |bytes| {
        looked_at += 1;
        let row: Option<ContactListRow> = decode(Table::ContactList, &bytes).ok();
        let identity = row
            .as_ref()
            .and_then(|row| PublicIdentity::from_stored(&row.identity_key));
        let key = row
            .as_ref()
            .and_then(|row| HintKey::from_bytes(&row.hint_key));
        if let (Some(identity), Some(key)) = (identity, key)
            && key.hint(&identity, chain) == *hint
        {
            found = Some(identity);
        }
        Ok(())
    })?;
    Ok((found, looked_at))
}
