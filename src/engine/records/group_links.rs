//! Links to groups that this device made (RFC windlass §9.6.19). They are few and stand in one row; a token is compared with each as a secret is.

use crate::chat::{ContentError, GroupId, GroupLinkToken};
use crate::engine::base::due;
use crate::engine::base::error::EngineError;
use crate::engine::base::rows::{get_row, put_row};
use crate::engine::base::singletons::GROUP_LINKS;
use crate::limits::{GROUP_LINK_SECONDS, MAX_GROUP_LINKS};
use crate::store::{Rows, RowsMut, Table};
use crate::wire::store::{GroupLinkRow, GroupLinksRow};

/// How long a link may be of use at most, in milliseconds.
pub(crate) const LONGEST: u64 = GROUP_LINK_SECONDS * 1000;

/// Every way in which a link is of no use any more but that it was revoked: then it is not here.
fn is_open(link: &GroupLinkRow, now: u64) -> bool {
    link.uses_left != 0 && !due::has_come(link.expires_at, LONGEST, now)
}

fn rows(store: &dyn Rows) -> Result<GroupLinksRow, EngineError> {
    Ok(get_row(store, Table::Device, GROUP_LINKS)?.unwrap_or_default())
}

fn save(store: &mut dyn RowsMut, rows: &GroupLinksRow) -> Result<(), EngineError> {
    if rows.links.is_empty() {
        store.delete(Table::Device, GROUP_LINKS)?;
        return Ok(());
    }
    put_row(store, Table::Device, GROUP_LINKS, rows)
}

/// Keeps those that are to stay; whether another went.
fn retain(
    store: &mut dyn RowsMut,
    stays: impl Fn(&GroupLinkRow) -> bool,
) -> Result<bool, EngineError> {
    let mut rows = rows(store)?;
    let before = rows.links.len();
    rows.links.retain(stays);
    let went = rows.links.len() < before;
    if went {
        save(store, &rows)?;
    }
    Ok(went)
}

/// Adds one. Those that are over make room for it, and no other does: somebody may be about to follow it.
pub(crate) fn add(
    store: &mut dyn RowsMut,
    link: GroupLinkRow,
    now: u64,
) -> Result<(), EngineError> {
    erase_over(store, now)?;
    let mut rows = rows(store)?;
    if rows.links.len() >= MAX_GROUP_LINKS {
        return Err(ContentError::GroupLink.into());
    }
    rows.links.push(link);
    save(store, &rows)
}

/// The links to a group that are of use, the eldest first.
pub(crate) fn of_group(
    store: &dyn Rows,
    group: &GroupId,
    now: u64,
) -> Result<Vec<GroupLinkRow>, EngineError> {
    let mut rows = rows(store)?;
    rows.links
        .retain(|link| link.group_id == group.as_bytes() && is_open(link, now));
    Ok(rows.links)
}

/// The group that a token lets into, if its link is of use.
pub(crate) fn group_of(
    store: &dyn Rows,
    token: &GroupLinkToken,
    now: u64,
) -> Result<Option<GroupId>, EngineError> {
    let rows = rows(store)?;
    let mut links = rows.links.iter().filter(|link| is_open(link, now));
    let found = links.find(|link| is_of(link, token));
    Ok(found.and_then(|link| GroupId::from_bytes(&link.group_id).ok()))
}

fn is_of(link: &GroupLinkRow, token: &GroupLinkToken) -> bool {
    GroupLinkToken::from_bytes(&link.token).is_ok_and(|known| known == *token)
}

/// Whether anybody may ask to be let in.
pub(crate) fn is_any_open(store: &dyn Rows, now: u64) -> Result<bool, EngineError> {
    Ok(rows(store)?.links.iter().any(|link| is_open(link, now)))
}

/// Somebody was let in by a link.
pub(crate) fn use_one(store: &mut dyn RowsMut, token: &GroupLinkToken) -> Result<(), EngineError> {
    let mut rows = rows(store)?;
    for link in rows.links.iter_mut().filter(|link| is_of(link, token)) {
        link.uses_left = link.uses_left.saturating_sub(1);
    }
    rows.links.retain(|link| link.uses_left != 0);
    save(store, &rows)
}

/// The user takes a link back.
pub(crate) fn revoke(
    store: &mut dyn RowsMut,
    group: &GroupId,
    id: &[u8],
) -> Result<(), EngineError> {
    let is_it = |link: &GroupLinkRow| link.id == id && link.group_id == group.as_bytes();
    retain(store, |link| !is_it(link)).map(|_| ())
}

/// The user does not take part in a group any more.
pub(crate) fn erase_of(store: &mut dyn RowsMut, group: &GroupId) -> Result<(), EngineError> {
    retain(store, |link| link.group_id != group.as_bytes()).map(|_| ())
}

/// This is an older copy of the store: what it has may have been used or revoked since.
pub(crate) fn erase_all(store: &mut dyn RowsMut) -> Result<(), EngineError> {
    retain(store, |_| false).map(|_| ())
}

/// Erases those whose time is over; true if there were some.
pub(crate) fn erase_over(store: &mut dyn RowsMut, now: u64) -> Result<bool, EngineError> {
    retain(store, |link| is_open(link, now))
}
