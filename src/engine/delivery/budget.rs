//! What somebody's requests may bring within a day (RFC windlass §8.4.9): a few bytes must not bring megabytes again and again.

use crate::engine::base::error::EngineError;
use crate::engine::base::step::Step;
use crate::engine::records::doubts;
use crate::identity::PublicIdentity;
use crate::limits::{MAX_ANSWERED_BYTES_PER_DAY, MAX_OWN_ANSWERED_BYTES_PER_DAY};
use crate::store::Rows;

/// Whether something may be sent to somebody because they asked for it.
pub(crate) fn has_room(
    store: &dyn Rows,
    identity: &PublicIdentity,
    now: u64,
) -> Result<bool, EngineError> {
    let Some(mut row) = doubts::row(store, identity)? else {
        return Ok(true);
    };
    doubts::roll_day(&mut row, now);
    Ok(!row.answered_enough)
}

/// So many bytes were sent to somebody because they asked.
pub(crate) fn charge(
    step: &mut Step<'_>,
    identity: &PublicIdentity,
    bytes: usize,
) -> Result<(), EngineError> {
    let mut row = doubts::row_or_new(step.rows, identity)?;
    doubts::roll_day(&mut row, step.now);
    row.answered_bytes = row.answered_bytes.saturating_add(bytes as u64);
    let most = if *identity == step.device.public() {
        MAX_OWN_ANSWERED_BYTES_PER_DAY
    } else {
        MAX_ANSWERED_BYTES_PER_DAY
    };
    row.answered_enough = row.answered_bytes >= most;
    doubts::save(step.rows, &mut row)
}
