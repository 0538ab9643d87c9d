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
use crate::wire::v2;

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
    let row: Option<v2::OwnWords> = get_row(store, Table::Device, OWN_WORDS)?;
    let key = row.and_then(|row| OwnWordsKey::from_wire(&row).ok());
    key.ok_or_else(|| damaged(Table::Device))
}

/// Keeps a key in place of the one there is.
pub(crate) fn save(store: &mut dyn RowsMut, key: &OwnWordsKey) -> Result<(), EngineError> {
    put_row(store, Table::Device, OWN_WORDS, &key.to_wire())
}

/// The key that words of now are proved with. A clock that is behind what it was, or a century ahead, uses the oldest key that there is.
pub(crate) fn today(step: &mut Step<'_>) -> Result<OwnWordsKey, EngineError> {
    erase_old(step)?;
    let key = oldest(step.rows)?;
    let day = day_of(step.now).max(key.day());
    Ok(key.on(day).unwrap_or(key))
}

/// The key that checks what was proved within the window.
pub(crate) fn kept(step: &mut Step<'_>) -> Result<OwnWordsKey, EngineError> {
    erase_old(step)?;
    let key = oldest(step.rows)?;
    Ok(match due(&key, day_of(step.now)) {
        Due::Erase(next) => next,
        Due::Nothing | Due::BeginAnew => key,
    })
}

/// Erases what is older than the window; true if there was something. A clock that has just leapt is not believed.
pub(crate) fn erase_old(step: &mut Step<'_>) -> Result<bool, EngineError> {
    let today = day_of(step.now);
    let key = oldest(step.rows)?;
    let next = match due(&key, today) {
        Due::Nothing => return Ok(false),
        _ if !Clock::read(step.rows, step.now)?.is_settled() => return Ok(false),
        Due::Erase(next) => next,
        Due::BeginAnew => OwnWordsKey::random(today, step.rng),
    };
    save(step.rows, &next)?;
    Ok(true)
}

/// What a day asks for.
enum Due {
    Nothing,
    /// The key of the oldest day of the window takes the place.
    Erase(OwnWordsKey),
    /// The clock was or is far ahead. Waiting until it gets there would keep this key for as long.
    BeginAnew,
}

fn due(key: &OwnWordsKey, today: Day) -> Due {
    let from = today.saturating_sub(WINDOW_DAYS);
    if key.day() > today.saturating_add(WINDOW_DAYS) {
        return Due::BeginAnew;
    }
    if key.day() >= from {
        return Due::Nothing;
    }
    key.on(from).map_or(Due::BeginAnew, Due::Erase)
}

fn day_of(now: u64) -> Day {
    Day::try_from(now / DAY_MILLISECONDS).unwrap_or(Day::MAX)
}
