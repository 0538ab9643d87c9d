//! The key by which we know our own words, should others give them back (RFC windlass §9.1.4): that of the oldest day of the healing
//! window, from which the later ones follow. What is older is erased, so that nobody can tell any more who wrote what.

use crate::chat::{Day, OwnWordsKey, WINDOW_DAYS};
use crate::crypto::CryptoRng;
use crate::engine::base::clock::Clock;
use crate::engine::base::error::EngineError;
use crate::engine::base::rows::{damaged, get_row, put_row};
use crate::engine::base::singletons::OWN_WORDS;
use crate::engine::base::step::Step;
use crate::store::{Rows, RowsMut, Table};
use crate::wire::v1;

const DAY_MILLISECONDS: u64 = 86_400_000;

/// The key of a device that is made now, should it get none from another.
pub(crate) fn begin(
    store: &mut dyn RowsMut,
    now: u64,
    rng: &mut dyn CryptoRng,
) -> Result<(), EngineError> {
    save(store, &OwnWordsKey::random(day_of(now), rng))
}

/// The oldest key that is kept, as a device that is linked and a backup get it.
pub(crate) fn oldest(store: &dyn Rows) -> Result<OwnWordsKey, EngineError> {
    let row: Option<v1::OwnWords> = get_row(store, Table::Device, OWN_WORDS)?;
    let key = row.and_then(|row| OwnWordsKey::from_wire(&row).ok());
    key.ok_or_else(|| damaged(Table::Device))
}

/// Keeps a key in place of the one there is.
pub(crate) fn save(store: &mut dyn RowsMut, key: &OwnWordsKey) -> Result<(), EngineError> {
    put_row(store, Table::Device, OWN_WORDS, &key.to_wire())
}

/// The key that words of now are proved with. A clock that is behind what it was uses the oldest key that there is.
pub(crate) fn today(step: &mut Step<'_>) -> Result<OwnWordsKey, EngineError> {
    let key = kept(step)?;
    let day = day_of(step.now).max(key.day());
    key.on(day).ok_or_else(|| damaged(Table::Device))
}

/// The key that checks what was proved within the window.
pub(crate) fn kept(step: &mut Step<'_>) -> Result<OwnWordsKey, EngineError> {
    erase_old(step)?;
    oldest(step.rows)
}

/// Erases what is older than the window; true if there was something.
pub(crate) fn erase_old(step: &mut Step<'_>) -> Result<bool, EngineError> {
    // What is erased is gone, also if the clock is wrong.
    if !Clock::read(step.rows, step.now)?.is_settled() {
        return Ok(false);
    }
    let today = day_of(step.now);
    let key = oldest(step.rows)?;
    let from = today.saturating_sub(WINDOW_DAYS);
    let next = if key.day() > today.saturating_add(WINDOW_DAYS) {
        // The clock was far ahead. Waiting until it gets there would keep this key for as long.
        None
    } else if key.day() >= from {
        return Ok(false);
    } else {
        key.on(from)
    };
    let next = next.unwrap_or_else(|| OwnWordsKey::random(today, step.rng));
    save(step.rows, &next)?;
    Ok(true)
}

fn day_of(now: u64) -> Day {
    Day::try_from(now / DAY_MILLISECONDS).unwrap_or(Day::MAX)
}
