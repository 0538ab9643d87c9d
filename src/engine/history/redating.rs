//! What a clock that was wrong dated, and what hangs on it: when messages go, and which conversation was used last (RFC windlass §8.7.4).

use std::ops::Bound;

use crate::engine::base::clock::{self, Clock};
use crate::engine::base::due::{self, TOLERANCE};
use crate::engine::base::error::EngineError;
use crate::engine::base::message_ref::MessageRef;
use crate::engine::base::rows::all_rows;
use crate::engine::history::message::TOMBSTONE;
use crate::engine::history::{expiries, message};
use crate::engine::records::conversations;
use crate::limits::RESEND_RETENTION_SECONDS;
use crate::store::{RowsMut, Table};
use crate::wire::store::{ConversationRow, MessageRow};

/// Messages that one round looks at; the next one goes on.
const MAX_AT_ONCE: usize = 500;

/// Looks through what lies ahead of now, after the clock was put back: messages that would stay for years go when they should have. True
/// if anything was changed.
pub(crate) fn look_through(store: &mut dyn RowsMut, now: u64) -> Result<bool, EngineError> {
    let Some(from) = clock::unchecked(store)? else {
        return Ok(false);
    };
    let clock = Clock::read(store, now)?;
    // It may be behind now, and what lies ahead be right.
    if !clock.is_put_back_for_good() {
        return Ok(false);
    }
    let ahead = now.saturating_add(TOLERANCE).to_be_bytes();
    let low = if from.is_empty() {
        &ahead
    } else {
        from.as_slice()
    };
    let bounds = (Bound::Excluded(low), Bound::Unbounded);
    let rows = expiries::within(store, bounds, MAX_AT_ONCE)?;
    for (_, message) in &rows {
        redate(store, message, &clock)?;
    }
    if rows.len() == MAX_AT_ONCE {
        let last = rows.last().map(|(order, _)| order.clone());
        clock::checked(store, last)?;
        return Ok(true);
    }
    for mut row in all_rows::<ConversationRow>(store, Table::Conversations)? {
        let real = clock.real(row.last_activity).min(now);
        if real != row.last_activity && due::is_ahead(row.last_activity, now) {
            row.last_activity = real;
            conversations::restore(store, &row)?;
        }
    }
    clock::checked(store, None)?;
    Ok(true)
}

/// Gives a message its real date, and goes by it; when it goes then, if it has another date now.
pub(crate) fn redate(
    store: &mut dyn RowsMut,
    message: &MessageRef,
    clock: &Clock,
) -> Result<Option<u64>, EngineError> {
    let Some(mut row) = message::row(store, message)? else {
        return Ok(None);
    };
    let stored_at = real_date(&row, clock);
    let mut goes_at = row.expires_at;
    if stored_at != row.stored_at {
        let stays = row.expires_at.saturating_sub(row.stored_at);
        goes_at = stored_at.saturating_add(stays);
    }
    if row.deleted == TOMBSTONE {
        let longest = clock.now.saturating_add(RESEND_RETENTION_SECONDS * 1000);
        goes_at = goes_at.min(longest);
    }
    if (stored_at, goes_at) == (row.stored_at, row.expires_at) {
        return Ok(None);
    }
    row.stored_at = stored_at;
    expiries::reschedule(store, message, &mut row, goes_at)?;
    message::save(store, message, &row)?;
    Ok(Some(goes_at))
}

fn real_date(row: &MessageRow, clock: &Clock) -> u64 {
    let mut stored_at = clock.real(row.stored_at);
    due::pull_back(&mut stored_at, clock.now);
    stored_at
}
