//! What this device's healing keys are made of: a root that is stepped one way each day (RFC windlass §8.4.10).

use crate::engine::base::error::EngineError;
use crate::engine::base::rows::{damaged, get_row, put_row};
use crate::engine::base::singletons::HEALING_ROOT;
use crate::engine::base::step::Step;
use crate::session::HealingRoot;
use crate::store::{Rows, Table};
use crate::wire::store::HealingRootRow;

pub(crate) const DAY: u64 = 86_400_000;

/// The day of a time.
pub(crate) fn day(now: u64) -> u32 {
    u32::try_from(now / DAY).unwrap_or(u32::MAX)
}

fn root_row(store: &dyn Rows) -> Result<Option<HealingRootRow>, EngineError> {
    get_row(store, Table::Device, HEALING_ROOT)
}

/// What our healing keys are made of. One that a wrong clock dated ahead is replaced.
pub(crate) fn current(step: &mut Step<'_>) -> Result<HealingRoot, EngineError> {
    let today = day(step.now);
    if let Some(row) = root_row(step.rows)? {
        let root = HealingRoot::from_bytes(&row.key, row.day);
        let root = root.ok_or_else(|| damaged(Table::Device))?;
        if root.at(today).is_some() {
            return Ok(root);
        }
    }
    let root = HealingRoot::random(today, step.rng);
    let row = HealingRootRow {
        key: root.as_bytes().to_vec(),
        day: today,
        ran_day: today,
        hold_until: 0,
    };
    put_row(step.rows, Table::Device, HEALING_ROOT, &row)?;
    Ok(root)
}

/// Erases the keys of the days before yesterday. A device that did not run for a day may have been put back from a copy of the last one
/// on which it ran: it keeps that day's for as long as it takes to ask, this day and the next.
pub(crate) fn keep_days(step: &mut Step<'_>) -> Result<bool, EngineError> {
    let today = day(step.now);
    let root = current(step)?;
    let Some(mut row) = root_row(step.rows)?.filter(|row| row.ran_day != today) else {
        return Ok(false);
    };
    let yesterday = today.saturating_sub(1);
    let slept = row.ran_day < yesterday;
    if row.hold_until < today {
        let until = if slept { row.ran_day } else { yesterday };
        if let Some(later) = root.at(until) {
            row.key = later.as_bytes().to_vec();
            row.day = later.day();
        }
        row.hold_until = if slept { today + 1 } else { 0 };
    }
    row.ran_day = today;
    put_row(step.rows, Table::Device, HEALING_ROOT, &row)?;
    Ok(true)
}
