//! Who belonged to a group and does not any more, a row for each: they are many where people come and go (RFC windlass §9.6.10).

use crate::chat::GroupId;
use crate::engine::base::due;
use crate::engine::base::error::EngineError;
use crate::engine::base::rows::{damaged, decode, get_row, put_row};
use crate::identity::PublicIdentity;
use crate::limits::{FORMER_MEMBER_SECONDS, MAX_GROUP_EVENTS};
use crate::store::{Direction, Key, OrderedRow, Rows, RowsMut, Table, WHOLE_GROUP};
use crate::wire::store::FormerMemberRow;

const TABLE: Table = Table::FormerMembers;

fn find(
    store: &dyn Rows,
    id: &GroupId,
    who: &PublicIdentity,
) -> Result<Option<FormerMemberRow>, EngineError> {
    get_row(
        store,
        TABLE,
        Key::named(id.as_bytes(), &[], &who.to_bytes()),
    )
}

/// Whether somebody belonged to a group, and does not any more.
pub(super) fn is_former(
    store: &dyn Rows,
    id: &GroupId,
    who: &PublicIdentity,
) -> Result<bool, EngineError> {
    Ok(find(store, id, who)?.is_some())
}

/// The same of who belonged to it a short while ago, as far as that is known here.
pub(super) fn was_lately(
    store: &dyn Rows,
    id: &GroupId,
    who: &PublicIdentity,
    now: u64,
) -> Result<bool, EngineError> {
    let found = find(store, id, who)?;
    Ok(found.is_some_and(|row| !due::is_over(row.since, FORMER_MEMBER_SECONDS * 1000, now)))
}

/// Those who belonged to a group and do not any more, in no order.
pub(crate) fn of(store: &dyn Rows, id: &GroupId) -> Result<Vec<PublicIdentity>, EngineError> {
    let forward = Direction::Forward;
    let rows = store.range(TABLE, id.as_bytes(), WHOLE_GROUP, forward, MAX_GROUP_EVENTS)?;
    let read = |(_, bytes): &OrderedRow| {
        let row: FormerMemberRow = decode(TABLE, bytes)?;
        PublicIdentity::from_stored(&row.identity_key).ok_or_else(|| damaged(TABLE))
    };
    rows.iter().map(read).collect()
}

/// Somebody does not belong to a group any more; since when that is known stays what it was.
pub(super) fn note(
    store: &mut dyn RowsMut,
    id: &GroupId,
    who: &PublicIdentity,
    now: u64,
) -> Result<(), EngineError> {
    if is_former(store, id, who)? {
        return Ok(());
    }
    restore(
        store,
        &FormerMemberRow {
            group_id: id.as_bytes().to_vec(),
            identity_key: who.to_bytes().to_vec(),
            since: now,
        },
    )
}

/// Somebody belongs to a group again.
pub(super) fn forget(
    store: &mut dyn RowsMut,
    id: &GroupId,
    who: &PublicIdentity,
) -> Result<(), EngineError> {
    store.delete(TABLE, Key::named(id.as_bytes(), &[], &who.to_bytes()))?;
    Ok(())
}

/// Nothing is known of a group any more.
pub(super) fn erase_of(store: &mut dyn RowsMut, id: &GroupId) -> Result<(), EngineError> {
    store.delete_range(TABLE, id.as_bytes(), WHOLE_GROUP, usize::MAX)?;
    Ok(())
}

/// Puts a row of a backup back.
pub(crate) fn restore(store: &mut dyn RowsMut, row: &FormerMemberRow) -> Result<(), EngineError> {
    let id = GroupId::from_bytes(&row.group_id).map_err(|_| damaged(TABLE))?;
    let key = Key::named(id.as_bytes(), &[], &row.identity_key);
    put_row(store, TABLE, key, row)
}
