//! Groups that the user asked to be let into by a link, as long as they have not come (RFC windlass §9.6.20).

use crate::chat::{ContentError, GroupId, GroupLinkToken};
use crate::engine::base::due;
use crate::engine::base::error::EngineError;
use crate::engine::base::rows::{all_rows, damaged, get_row, put_row};
use crate::engine::base::singletons::GROUP_JOINS;
use crate::engine::records::unacknowledged::resend_wait;
use crate::identity::PublicIdentity;
use crate::limits::{GROUP_LINK_SECONDS, MAX_GROUP_JOINS, MAX_RESENDS};
use crate::store::{Rows, RowsMut, Table};
use crate::wire::store::{GroupJoinRow, GroupJoinsRow, GroupRow};

/// How long the group is waited for, in milliseconds.
pub(crate) const WAITS: u64 = GROUP_LINK_SECONDS * 1000;

fn is_waiting(join: &GroupJoinRow, now: u64) -> bool {
    !due::is_over(join.asked_at, WAITS, now)
}

/// Whether somebody is asked again: as often, and after as long, as a message is sent again that nobody acknowledges.
fn is_due(join: &GroupJoinRow, now: u64) -> bool {
    let waited = |tries: u32| due::is_over(join.sent_at, resend_wait(tries), now);
    let again = join.tries.checked_sub(1);
    is_waiting(join, now) && again.is_none_or(|tries| tries < MAX_RESENDS && waited(tries))
}

/// Whether a group is the one that a link is of.
fn is_of(join: &GroupJoinRow, group: &GroupId) -> bool {
    let token = GroupLinkToken::from_bytes(&join.token);
    token.is_ok_and(|token| join.group_tag == token.tag_of(group))
}

fn rows(store: &dyn Rows) -> Result<Vec<GroupJoinRow>, EngineError> {
    let rows: Option<GroupJoinsRow> = get_row(store, Table::Device, GROUP_JOINS)?;
    Ok(rows.unwrap_or_default().joins)
}

fn save(store: &mut dyn RowsMut, joins: Vec<GroupJoinRow>) -> Result<(), EngineError> {
    if joins.is_empty() {
        store.delete(Table::Device, GROUP_JOINS)?;
        return Ok(());
    }
    put_row(store, Table::Device, GROUP_JOINS, &GroupJoinsRow { joins })
}

/// Keeps those that are to stay; whether another went.
fn retain(
    store: &mut dyn RowsMut,
    stays: impl Fn(&GroupJoinRow) -> bool,
) -> Result<bool, EngineError> {
    let mut joins = rows(store)?;
    let before = joins.len();
    joins.retain(stays);
    let went = joins.len() < before;
    if went {
        save(store, joins)?;
    }
    Ok(went)
}

/// The user asks, anew if they did before.
pub(crate) fn begin(
    store: &mut dyn RowsMut,
    join: GroupJoinRow,
    now: u64,
) -> Result<(), EngineError> {
    retain(store, |one| one.token != join.token && is_waiting(one, now))?;
    let mut joins = rows(store)?;
    if joins.len() >= MAX_GROUP_JOINS {
        return Err(ContentError::GroupLink.into());
    }
    joins.push(join);
    save(store, joins)
}

/// Those that are waited for.
pub(crate) fn waiting(store: &dyn Rows, now: u64) -> Result<Vec<GroupJoinRow>, EngineError> {
    let mut joins = rows(store)?;
    joins.retain(|join| is_waiting(join, now));
    Ok(joins)
}

/// Whether the user asked to be let into a group.
pub(crate) fn is_asked_for(
    store: &dyn Rows,
    group: &GroupId,
    now: u64,
) -> Result<bool, EngineError> {
    Ok(waiting(store, now)?.iter().any(|join| is_of(join, group)))
}

/// The group that a link is of, if it is known here.
pub(crate) fn known_group(
    store: &dyn Rows,
    join: &GroupJoinRow,
) -> Result<Option<GroupId>, EngineError> {
    for row in all_rows::<GroupRow>(store, Table::Groups)? {
        let id = GroupId::from_bytes(&row.group_id).map_err(|_| damaged(Table::Groups))?;
        if is_of(join, &id) {
            return Ok(Some(id));
        }
    }
    Ok(None)
}

/// A group is here, or is not wanted: it is waited for no more.
pub(crate) fn end(store: &mut dyn RowsMut, group: &GroupId) -> Result<(), EngineError> {
    retain(store, |join| !is_of(join, group)).map(|_| ())
}

/// Somebody is asked for nothing any more.
pub(crate) fn end_with(store: &mut dyn RowsMut, whom: &PublicIdentity) -> Result<(), EngineError> {
    retain(store, |join| join.identity_key != whom.to_bytes()).map(|_| ())
}

/// This is an older copy of the store: the user may have been let in since, and have left.
pub(crate) fn end_all(store: &mut dyn RowsMut) -> Result<(), EngineError> {
    retain(store, |_| false).map(|_| ())
}

/// Those of which somebody is to be asked again.
pub(crate) fn due(store: &dyn Rows, now: u64) -> Result<Vec<GroupJoinRow>, EngineError> {
    let mut joins = rows(store)?;
    joins.retain(|join| is_due(join, now));
    Ok(joins)
}

/// Somebody is asked now.
pub(crate) fn note_sent(
    store: &mut dyn RowsMut,
    asked: &GroupJoinRow,
    now: u64,
) -> Result<(), EngineError> {
    let mut joins = rows(store)?;
    for join in joins.iter_mut().filter(|join| join.token == asked.token) {
        join.tries = join.tries.saturating_add(1);
        join.sent_at = now;
    }
    save(store, joins)
}

/// Forgets those that are waited for no more; true if there were some.
pub(crate) fn erase_over(store: &mut dyn RowsMut, now: u64) -> Result<bool, EngineError> {
    retain(store, |join| is_waiting(join, now))
}
