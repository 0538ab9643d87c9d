//! What is known to be missing, and what was asked for because of it: a row for each person, and for ourselves (RFC windlass §8.4).

use crate::engine::base::clock::Clock;
use crate::engine::base::due;
use crate::engine::base::error::EngineError;
use crate::engine::base::rows::{damaged, decode, get_row, put_row};
use crate::engine::base::step::Step;
use crate::engine::records::contacts;
use crate::identity::PublicIdentity;
use crate::limits::{
    HEALING_BACK_OFF_SECONDS, HEALING_WINDOW_SECONDS, MAX_HEALING_ATTEMPTS, MAX_HEALING_PER_DAY,
    MAX_UNACKNOWLEDGED,
};
use crate::session::Session;
use crate::store::{Direction, Key, Rows, RowsMut, Table, WHOLE_GROUP};
use crate::wire::store::{HealingRow, OpenDoubtRow};

pub(crate) const DAY: u64 = 86_400_000;
const OPEN: &[u8] = b"open";

/// How it stands with somebody.
pub(crate) fn row(
    store: &dyn Rows,
    identity: &PublicIdentity,
) -> Result<Option<HealingRow>, EngineError> {
    get_row(store, Table::Healing, Key::new(&identity.to_bytes()))
}

pub(crate) fn row_or_new(
    store: &dyn Rows,
    identity: &PublicIdentity,
) -> Result<HealingRow, EngineError> {
    Ok(row(store, identity)?.unwrap_or_else(|| HealingRow {
        identity_key: identity.to_bytes().to_vec(),
        link_token: Vec::new(),
        ..Default::default()
    }))
}

/// Writes how it stands. While there is anything that a round of upkeep may have to do, a second row says so: a round looks at these alone.
pub(crate) fn save(store: &mut dyn RowsMut, row: &mut HealingRow) -> Result<(), EngineError> {
    let open = is_open(row);
    if open != row.open {
        row.open = open;
        let key = Key::named(OPEN, &[], &row.identity_key);
        if open {
            let identity_key = row.identity_key.clone();
            put_row(store, Table::Healing, key, &OpenDoubtRow { identity_key })?;
        } else {
            store.delete(Table::Healing, key)?;
        }
    }
    put_row(store, Table::Healing, Key::new(&row.identity_key), row)
}

/// Whether somebody is to be asked, now or at some time.
fn is_open(row: &HealingRow) -> bool {
    let is_asked = row.waiting && row.attempts < MAX_HEALING_ATTEMPTS;
    let update = row.update_asks_left != 0 && !row.waiting;
    is_asked || update || row.gap_since != 0 || row.needs_bundle
}

/// Those of whom something may be to be asked.
pub(crate) fn open(store: &dyn Rows) -> Result<Vec<HealingRow>, EngineError> {
    let forward = Direction::Forward;
    let listed = store.range(Table::Healing, OPEN, WHOLE_GROUP, forward, usize::MAX)?;
    let mut rows = Vec::with_capacity(listed.len());
    for (_, bytes) in listed {
        let listed: OpenDoubtRow = decode(Table::Healing, &bytes)?;
        let row = get_row(store, Table::Healing, Key::new(&listed.identity_key))?;
        rows.push(row.ok_or_else(|| damaged(Table::Healing))?);
    }
    Ok(rows)
}

pub(crate) fn erase(store: &mut dyn RowsMut, identity: &PublicIdentity) -> Result<(), EngineError> {
    let identity = identity.to_bytes();
    store.delete(Table::Healing, Key::named(OPEN, &[], &identity))?;
    store.delete(Table::Healing, Key::new(&identity))?;
    Ok(())
}

pub(crate) fn roll_day(row: &mut HealingRow, now: u64) {
    if due::is_over(row.day_start, DAY, now) {
        row.day_start = now;
        row.asked_today = 0;
        row.answered_today = 0;
        row.answered_bytes = 0;
        row.answered_enough = false;
        if !row.waiting {
            row.attempts = 0;
        }
    }
}

pub(crate) fn back_off(attempts: u32) -> u64 {
    (HEALING_BACK_OFF_SECONDS * 1000) << attempts.saturating_sub(1).min(MAX_HEALING_ATTEMPTS)
}

/// Something seems to be missing: it is asked for unless it comes within a while.
pub(crate) fn note_missing(
    store: &mut dyn RowsMut,
    identity: &PublicIdentity,
    since: u64,
) -> Result<(), EngineError> {
    note(store, identity, since, |row| row.incomplete = true)
}

/// Everybody may have what is not here, since somebody gave back what we wrote and forgot. Once a day, for it costs a look at each contact.
pub(crate) fn note_missing_everywhere(step: &mut Step<'_>) -> Result<(), EngineError> {
    let mut row = row_or_new(step.rows, &step.device.public())?;
    if row.everybody_since != 0 && !due::is_over(row.everybody_since, DAY, step.now) {
        return Ok(());
    }
    row.everybody_since = step.now;
    save(step.rows, &mut row)?;
    for contact in contacts::all(step.rows)? {
        if contact.is_known() {
            note_missing(step.rows, &contact.identity, step.now)?;
        }
    }
    Ok(())
}

/// A message came that follows others that are not here: unless they come within a while, they are asked for.
pub(crate) fn note_gap(
    store: &mut dyn RowsMut,
    identity: &PublicIdentity,
    since: u64,
) -> Result<(), EngineError> {
    note(store, identity, since, |row| row.follows_missing = true)
}

fn note(
    store: &mut dyn RowsMut,
    identity: &PublicIdentity,
    since: u64,
    doubt: impl FnOnce(&mut HealingRow),
) -> Result<(), EngineError> {
    let mut row = row_or_new(store, identity)?;
    doubt(&mut row);
    if row.gap_since == 0 {
        row.gap_since = since.max(1);
    }
    save(store, &mut row)
}

/// A message was accepted in a session. True if that ends a healing: the session was begun after we asked. It may have been begun for something
/// else, if requests crossed: unless an answer comes within a while, it is asked anew.
pub(crate) fn message_accepted(
    store: &mut dyn RowsMut,
    session: &Session,
    skipped: bool,
    asks: bool,
    now: u64,
) -> Result<bool, EngineError> {
    let identity = session.peer().identity;
    let Some(mut row) = row(store, &identity)? else {
        if skipped {
            let mut row = row_or_new(store, &identity)?;
            row.gap_since = now.max(1);
            save(store, &mut row)?;
        }
        return Ok(false);
    };
    // A request may be there because ours could not be read.
    let is_younger =
        session.created_at() >= row.asked_at && !due::is_ahead(session.created_at(), now);
    let healed = row.waiting && !asks && is_younger;
    if healed {
        row.waiting = false;
        row.attempts = 0;
        row.cause = 0;
    }
    let gap = (skipped || healed) && row.gap_since == 0;
    if gap {
        row.gap_since = now.max(1);
    }
    if healed || gap {
        save(store, &mut row)?;
    }
    Ok(healed)
}

/// Somebody is asked for what is missing: each of their devices may answer.
pub(crate) fn expect_answers(row: &mut HealingRow, devices: usize) {
    let devices = u32::try_from(devices).unwrap_or(u32::MAX);
    let most = devices.saturating_mul(MAX_HEALING_PER_DAY);
    row.answers_due = row.answers_due.saturating_add(devices).min(most);
    row.promised_before = core::mem::take(&mut row.promised);
    row.unanswered = true;
}

/// Whether an answer of somebody is one to what they were asked.
pub(crate) fn is_answer_due(
    store: &dyn Rows,
    identity: &PublicIdentity,
) -> Result<bool, EngineError> {
    Ok(row(store, identity)?.is_some_and(|row| row.answers_due != 0))
}

/// Whether somebody may give back words of ours: they were asked, and have not given as many yet as they promised.
pub(crate) fn is_copy_due(
    store: &dyn Rows,
    identity: &PublicIdentity,
    now: u64,
) -> Result<bool, EngineError> {
    let Some(row) = row(store, identity)?.filter(|row| row.copies_due != 0) else {
        return Ok(false);
    };
    let clock = Clock::read(store, now)?;
    Ok(!clock.is_over(row.asked_at, HEALING_WINDOW_SECONDS * 1000))
}

/// They gave one.
pub(crate) fn copy_received(
    store: &mut dyn RowsMut,
    identity: &PublicIdentity,
) -> Result<(), EngineError> {
    let Some(mut row) = row(store, identity)? else {
        return Ok(());
    };
    row.copies_due = row.copies_due.saturating_sub(1);
    save(store, &mut row)
}

/// The other side has our request, and says how many messages follow. True if that ends a healing. Whether they came is looked after in a while.
pub(crate) fn answer_received(
    store: &mut dyn RowsMut,
    identity: &PublicIdentity,
    messages: u64,
    now: u64,
) -> Result<bool, EngineError> {
    let Some(mut row) = row(store, identity)? else {
        return Ok(false);
    };
    let healed = row.waiting;
    if healed {
        row.waiting = false;
        row.attempts = 0;
        row.cause = 0;
    }
    row.unanswered = false;
    row.answers_due = row.answers_due.saturating_sub(1);
    row.copies_due = (row.copies_due)
        .saturating_add(messages)
        .min(MAX_UNACKNOWLEDGED);
    row.promised = row.promised.saturating_add(messages);
    if row.promised != 0 && row.gap_since == 0 {
        row.gap_since = now.max(1);
    }
    save(store, &mut row)?;
    Ok(healed)
}

/// Whether what was promised is asked for once more: as long as it becomes less, for what was to be sent to us may have gone with an older
/// copy that the other side put back.
pub(crate) fn is_promised_less(row: &mut HealingRow) -> bool {
    let less = row.promised_before == 0 || row.promised < row.promised_before;
    if row.promised != 0 && less {
        return true;
    }
    (row.promised, row.promised_before) = (0, 0);
    false
}

/// A new device that was answered asked once more, for want of the contacts.
pub(crate) fn update_requested(step: &mut Step<'_>) -> Result<(), EngineError> {
    let mut row = row_or_new(step.rows, &step.device.public())?;
    row.update_asks_left = row.update_asks_left.saturating_sub(1);
    save(step.rows, &mut row)
}

/// A device of ours told of all contacts that it knows.
pub(crate) fn update_received(step: &mut Step<'_>) -> Result<(), EngineError> {
    if let Some(mut row) = row(step.rows, &step.device.public())?
        && row.update_asks_left != 0
    {
        row.update_asks_left = 0;
        save(step.rows, &mut row)?;
    }
    Ok(())
}
