//! The device that is being linked; and the one that was last, with the token by which it may ask for the whole history (RFC windlass
//! §8.5).

use crate::crypto::Secret;
use crate::engine::base::due;
use crate::engine::base::error::EngineError;
use crate::engine::base::rows::{damaged, get_row, put_row};
use crate::engine::base::singletons::{LINKING, PENDING_LINK};
use crate::engine::base::step::Step;
use crate::identity::PublicIdentity;
use crate::limits::{LINK_LIFETIME_SECONDS, MAX_DEVICES};
use crate::link::{ExistingDevice, LinkCode, LinkReply, LinkToken};
use crate::store::{Rows, RowsMut, Table};
use crate::wire::store::{LinkingRow, PendingLinkRow, PendingLinksRow};

/// The existing device's side, and what the new one showed.
pub(crate) struct Linking {
    pub(crate) existing: ExistingDevice,
    pub(crate) code: LinkCode,
    pub(crate) reply: Option<LinkReply>,
    pub(crate) begun_at: u64,
}

/// What was begun, unless that is over.
pub(crate) fn find(
    store: &dyn Rows,
    own: PublicIdentity,
    now: u64,
) -> Result<Option<Linking>, EngineError> {
    let row: Option<LinkingRow> = get_row(store, Table::Device, LINKING)?;
    let Some(row) = row.filter(|row| !is_over(row.begun_at, now)) else {
        return Ok(None);
    };
    let secret = Secret::try_from_slice(&row.secret).ok_or_else(|| damaged(Table::Device))?;
    let code = LinkCode::from_bytes(&row.code)?;
    let reply = match row.reply.as_slice() {
        [] => None,
        bytes => Some(LinkReply::from_bytes(bytes)?),
    };
    Ok(Some(Linking {
        existing: ExistingDevice::from_bytes(&secret, code, own),
        code,
        reply,
        begun_at: row.begun_at,
    }))
}

pub(crate) fn save(store: &mut dyn RowsMut, linking: &Linking) -> Result<(), EngineError> {
    let row = LinkingRow {
        code: linking.code.as_bytes().to_vec(),
        secret: linking.existing.to_bytes().as_bytes().to_vec(),
        reply: linking
            .reply
            .map_or_else(Vec::new, |reply| reply.as_bytes().to_vec()),
        begun_at: linking.begun_at,
    };
    put_row(store, Table::Device, LINKING, &row)
}

/// The key is of no more use: it is finished, or not wanted.
pub(crate) fn erase(store: &mut dyn RowsMut) -> Result<(), EngineError> {
    store.delete(Table::Device, LINKING)?;
    Ok(())
}

/// The same for what was begun too long ago; true if there was something.
pub(crate) fn erase_over(store: &mut dyn RowsMut, now: u64) -> Result<bool, EngineError> {
    let row: Option<LinkingRow> = get_row(store, Table::Device, LINKING)?;
    let over = row.is_some_and(|row| is_over(row.begun_at, now));
    if over {
        erase(store)?;
    }
    Ok(over)
}

/// Linking takes minutes.
pub(crate) fn is_over(begun_at: u64, now: u64) -> bool {
    due::is_over(begun_at, LINK_LIFETIME_SECONDS * 1000, now)
}

/// The tokens of the devices that were linked last.
pub(super) fn pending(store: &dyn Rows) -> Result<PendingLinksRow, EngineError> {
    Ok(get_row(store, Table::Device, PENDING_LINK)?.unwrap_or_default())
}

pub(super) fn save_pending(
    store: &mut dyn RowsMut,
    pending: &PendingLinksRow,
) -> Result<(), EngineError> {
    put_row(store, Table::Device, PENDING_LINK, pending)
}

/// Adds one. Those that one device tells of are bounded, and push out none of another's: one that is linked while another was not heard
/// of yet does not take its place.
pub(super) fn add(pending: &mut PendingLinksRow, link: PendingLinkRow) {
    let by = link.by;
    let is_of = |one: &PendingLinkRow| one.by == by;
    while pending.links.iter().filter(|one| is_of(one)).count() >= MAX_DEVICES {
        let Some(oldest) = pending.links.iter().position(is_of) else {
            break;
        };
        pending.links.remove(oldest);
    }
    pending.links.push(link);
}

/// Makes the token by which a device that is linked now asks for the history.
pub(crate) fn begin(step: &mut Step<'_>) -> Result<LinkToken, EngineError> {
    let token = LinkToken::random(step.rng);
    let mut pending = pending(step.rows)?;
    let link = PendingLinkRow {
        token: token.as_bytes().to_vec(),
        expires_at: step.now + LINK_LIFETIME_SECONDS * 1000,
        device_id: 0,
        by: step.device.device_id,
        closed_at: 0,
    };
    add(&mut pending, link);
    save_pending(step.rows, &pending)?;
    Ok(token)
}

/// A device of ours is removed. It links nobody any more, nor does its word: whoever has it may have told of devices that are to turn up later.
pub(super) fn close(store: &mut dyn RowsMut, removed: u32, now: u64) -> Result<(), EngineError> {
    let mut pending = pending(store)?;
    let before = pending.clone();
    pending.links.retain(|link| link.device_id != removed);
    let told = pending.links.iter_mut().filter(|link| link.by == removed);
    for link in told.filter(|link| link.closed_at == 0) {
        link.closed_at = now.max(1);
    }
    if pending == before {
        return Ok(());
    }
    save_pending(store, &pending)
}
