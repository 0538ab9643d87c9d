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

/// The devices that were linked last.
fn pending(store: &dyn Rows) -> Result<PendingLinksRow, EngineError> {
    Ok(get_row(store, Table::Device, PENDING_LINK)?.unwrap_or_default())
}

/// The one of them that has a token: the first that showed it, which may show it again.
fn of_token<'a>(
    pending: &'a mut PendingLinksRow,
    token: Option<&LinkToken>,
    device_id: u32,
) -> Option<&'a mut PendingLinkRow> {
    let mut links = pending.links.iter_mut();
    links.find(|link| {
        let theirs = link.device_id == 0 || link.device_id == device_id;
        theirs && token.is_some() && Secret::try_from_slice(&link.token).as_ref() == token
    })
}

/// Makes the token by which a device that is linked now asks for the history.
pub(crate) fn begin(step: &mut Step<'_>) -> Result<LinkToken, EngineError> {
    let token = LinkToken::random(step.rng);
    let mut pending = pending(step.rows)?;
    pending.links.push(PendingLinkRow {
        token: token.as_bytes().to_vec(),
        expires_at: step.now + LINK_LIFETIME_SECONDS * 1000,
        device_id: 0,
    });
    // One that is linked while another was not heard of yet does not take its place.
    let old = pending.links.len().saturating_sub(MAX_DEVICES);
    pending.links.drain(..old);
    put_row(step.rows, Table::Device, PENDING_LINK, &pending)?;
    Ok(token)
}

/// Whether a request comes from a device that this one linked, however late it is: it is told whom we know.
pub(crate) fn is_linked(
    store: &dyn Rows,
    token: Option<&LinkToken>,
    device_id: u32,
) -> Result<bool, EngineError> {
    Ok(of_token(&mut pending(store)?, token, device_id).is_some())
}

/// Whether a request comes from a device that this one linked lately: it may have the whole history.
pub(crate) fn accepts(
    store: &mut dyn RowsMut,
    token: Option<&LinkToken>,
    device_id: u32,
    now: u64,
) -> Result<bool, EngineError> {
    let mut pending = pending(store)?;
    let Some(link) = of_token(&mut pending, token, device_id) else {
        return Ok(false);
    };
    if due::has_come(link.expires_at, LINK_LIFETIME_SECONDS * 1000, now) {
        return Ok(false);
    }
    link.device_id = device_id;
    put_row(store, Table::Device, PENDING_LINK, &pending)?;
    Ok(true)
}
