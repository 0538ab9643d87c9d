//! The device that was linked last, and the token by which it may ask for the whole history (RFC windlass §8.5).

use crate::crypto::Secret;
use crate::engine::base::due;
use crate::engine::base::error::EngineError;
use crate::engine::base::rows::{get_row, put_row};
use crate::engine::base::singletons::PENDING_LINK;
use crate::engine::base::step::Step;
use crate::limits::LINK_LIFETIME_SECONDS;
use crate::link::LinkToken;
use crate::store::{RowsMut, Table};
use crate::wire::store::PendingLinkRow;

/// Makes the token by which a device that is linked now asks for the history.
pub(crate) fn begin(step: &mut Step<'_>) -> Result<LinkToken, EngineError> {
    let token = LinkToken::random(step.rng);
    let row = PendingLinkRow {
        token: token.as_bytes().to_vec(),
        expires_at: step.now + LINK_LIFETIME_SECONDS * 1000,
        device_id: 0,
    };
    put_row(step.rows, Table::Device, PENDING_LINK, &row)?;
    Ok(token)
}

/// Whether a request comes from the device that this one linked last: the first that has the token, which may ask again.
pub(crate) fn accepts(
    store: &mut dyn RowsMut,
    token: Option<&LinkToken>,
    device_id: u32,
    now: u64,
) -> Result<bool, EngineError> {
    let row: Option<PendingLinkRow> = get_row(store, Table::Device, PENDING_LINK)?;
    let (Some(mut row), Some(token)) = (row, token) else {
        return Ok(false);
    };
    let known = Secret::try_from_slice(&row.token);
    let theirs = row.device_id == 0 || row.device_id == device_id;
    let over = due::has_come(row.expires_at, LINK_LIFETIME_SECONDS * 1000, now);
    if over || !theirs || known.as_ref() != Some(token) {
        return Ok(false);
    }
    row.device_id = device_id;
    put_row(store, Table::Device, PENDING_LINK, &row)?;
    Ok(true)
}
