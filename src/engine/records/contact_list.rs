//! The contacts in the order in which they came: read a page at a time, and looked through for whoever wrote in a chain that is not known. Its
//! rows are small, a contact's own row holds a bundle of some kilobytes.

use std::ops::Bound;

use crate::engine::base::error::EngineError;
use crate::engine::base::rows::{damaged, decode, highest, put_row};
use crate::identity::PublicIdentity;
use crate::ratchet::ChainTag;
use crate::session::{HintKey, SenderHint};
use crate::store::{Direction, Key, OrderedRow, Rows, RowsMut, Table};
use crate::wire::store::{ContactListRow, ContactRow};

const LIST: &[u8] = b"contacts";

/// A contact comes in: behind all others, or where it stood in the store that it comes from. Its row is the caller's to save.
pub(crate) fn enter(store: &mut dyn RowsMut, row: &mut ContactRow) -> Result<(), EngineError> {
    if row.place == 0 {
        row.place = highest(store, Table::ContactList, LIST)?.saturating_add(1);
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

/// Who is in the list behind a place, at most `limit`.
pub(super) fn page(
    store: &dyn Rows,
    after: u64,
    limit: usize,
) -> Result<Vec<PublicIdentity>, EngineError> {
    let low = after.to_be_bytes();
    let bounds = (Bound::Excluded(low.as_slice()), Bound::Unbounded);
    let forward = Direction::Forward;
    let rows = store.range(Table::ContactList, LIST, bounds, forward, limit)?;
    let identity = |(_, bytes): &OrderedRow| {
        let row: ContactListRow = decode(Table::ContactList, bytes)?;
        let identity = PublicIdentity::from_stored(&row.identity_key);
        identity.ok_or_else(|| damaged(Table::ContactList))
    };
    rows.iter().map(identity).collect()
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
