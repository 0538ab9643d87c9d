//! Strangers: people who wrote first and wait to be accepted, and what they may cost (RFC windlass §8.6.3).

use std::ops::Bound;

use crate::engine::base::clock::Clock;
use crate::engine::base::due;
use crate::engine::base::error::EngineError;
use crate::engine::base::rows::{damaged, decode, get_row, number_of, put_row};
use crate::engine::base::singletons::STRANGERS;
use crate::engine::records::contacts::Contact;
use crate::engine::records::settings::TrustPolicy;
use crate::engine::records::{contacts, doubts, group_links, sessions, trust, unacknowledged};
use crate::identity::PublicIdentity;
use crate::limits::{MAX_LAPSED, MAX_STRANGER_SESSIONS_PER_HOUR, MAX_STRANGERS};
use crate::store::{Direction, Key, Rows, RowsMut, Table, WHOLE_GROUP};
use crate::wire::store::{StrangersRow, WaitingRow};

const HOUR: u64 = 3_600_000;

/// What somebody who is not accepted waits as. Each kind has its own bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wait {
    /// They wrote first.
    Stranger = 1,
    /// They answered an invitation of the user's, or are introduced: no stranger takes their place.
    Invited = 2,
    /// What they wrote is gone, and whoever needs the place has it.
    Aged = 3,
    /// They wrote nothing; a group that we shared is left.
    Lapsed = 4,
}

impl Wait {
    /// What a contact waits as, if at all.
    pub(crate) fn of(contact: &Contact) -> Option<Self> {
        Self::of_number(contact.row.waits_as)
    }

    pub(crate) fn of_number(number: u32) -> Option<Self> {
        let all = [Self::Stranger, Self::Invited, Self::Aged, Self::Lapsed];
        all.into_iter().find(|wait| wait.number() == number)
    }

    fn number(self) -> u32 {
        self as u32
    }

    fn group(self) -> [u8; 1] {
        [self as u8]
    }

    fn count(self, all: &mut StrangersRow) -> &mut u64 {
        match self {
            Self::Stranger => &mut all.count,
            Self::Invited => &mut all.invited,
            Self::Aged => &mut all.aged,
            Self::Lapsed => &mut all.lapsed,
        }
    }

    /// The bytes of those whose messages are kept.
    pub(crate) fn bytes(self, all: &mut StrangersRow) -> Option<&mut u64> {
        match self {
            Self::Stranger => Some(&mut all.stored_bytes),
            Self::Invited => Some(&mut all.invited_bytes),
            Self::Aged | Self::Lapsed => None,
        }
    }
}

pub(crate) fn totals(store: &dyn Rows) -> Result<StrangersRow, EngineError> {
    Ok(get_row(store, Table::Device, STRANGERS)?.unwrap_or_default())
}

fn save_totals(store: &mut dyn RowsMut, row: &StrangersRow) -> Result<(), EngineError> {
    put_row(store, Table::Device, STRANGERS, row)
}

fn key<'a>(group: &'a [u8; 1], since: &'a [u8; 8], identity: &'a [u8; 32]) -> Key<'a> {
    Key::named(group, since, identity)
}

/// A contact waits as this from now on, and as nothing else.
pub(crate) fn enter(
    store: &mut dyn RowsMut,
    contact: &mut Contact,
    wait: Wait,
    since: u64,
) -> Result<(), EngineError> {
    leave(store, contact)?;
    let mut all = totals(store)?;
    *wait.count(&mut all) += 1;
    if let Some(bytes) = wait.bytes(&mut all) {
        *bytes = bytes.saturating_add(contact.row.stored_bytes);
    }
    save_totals(store, &all)?;
    (contact.row.waits_as, contact.row.waits_since) = (wait.number(), since);
    let identity_key = contact.identity.to_bytes();
    let row = WaitingRow {
        identity_key: identity_key.to_vec(),
    };
    let (group, order) = (wait.group(), since.to_be_bytes());
    put_row(
        store,
        Table::Waiting,
        key(&group, &order, &identity_key),
        &row,
    )?;
    contact.save(store)
}

/// A contact does not wait any more, or as something else. Its row is the caller's to save.
fn leave(store: &mut dyn RowsMut, contact: &mut Contact) -> Result<(), EngineError> {
    let Some(wait) = Wait::of(contact) else {
        return Ok(());
    };
    let mut all = totals(store)?;
    let count = wait.count(&mut all);
    *count = count.saturating_sub(1);
    if let Some(bytes) = wait.bytes(&mut all) {
        *bytes = bytes.saturating_sub(contact.row.stored_bytes);
    }
    save_totals(store, &all)?;
    let (group, order) = (wait.group(), contact.row.waits_since.to_be_bytes());
    let identity_key = contact.identity.to_bytes();
    store.delete(Table::Waiting, key(&group, &order, &identity_key))?;
    contact.row.waits_as = 0;
    Ok(())
}

/// A contact waits for nothing any more: accepted, blocked or erased.
pub(crate) fn release(store: &mut dyn RowsMut, contact: &mut Contact) -> Result<(), EngineError> {
    leave(store, contact)?;
    contact.row.stored_bytes = 0;
    Ok(())
}

/// Nothing that a contact wrote is kept any more.
pub(crate) fn uncharge(store: &mut dyn RowsMut, contact: &mut Contact) -> Result<(), EngineError> {
    let wait = Wait::of(contact);
    release(store, contact)?;
    contact.row.requested = false;
    match wait {
        Some(wait) => {
            let since = contact.row.waits_since;
            enter(store, contact, wait, since)
        }
        None => contact.save(store),
    }
}

/// Those who wait as something, with since when, in its order.
fn waiting(
    store: &dyn Rows,
    wait: Wait,
    bounds: (Bound<&[u8]>, Bound<&[u8]>),
    limit: usize,
) -> Result<Vec<(u64, PublicIdentity)>, EngineError> {
    let group = wait.group();
    let rows = store.range(Table::Waiting, &group, bounds, Direction::Forward, limit)?;
    let mut found = Vec::with_capacity(rows.len());
    for (order, bytes) in &rows {
        let row: WaitingRow = decode(Table::Waiting, bytes)?;
        let identity = PublicIdentity::from_stored(&row.identity_key);
        let identity = identity.ok_or_else(|| damaged(Table::Waiting))?;
        found.push((number_of(Table::Waiting, order)?, identity));
    }
    Ok(found)
}

/// Who has waited the longest as something.
pub(crate) fn eldest(
    store: &dyn Rows,
    wait: Wait,
    limit: usize,
) -> Result<Vec<PublicIdentity>, EngineError> {
    let all = waiting(store, wait, WHOLE_GROUP, limit)?;
    Ok(all.into_iter().map(|(_, identity)| identity).collect())
}

/// Who has waited for long as something, as the clock has it, as many as `limit`. One whose date cannot be waits from now on.
pub(crate) fn due(
    store: &mut dyn RowsMut,
    wait: Wait,
    clock: &Clock,
    retention: u64,
    limit: usize,
) -> Result<Vec<PublicIdentity>, EngineError> {
    let ahead = clock.now.saturating_add(due::TOLERANCE).to_be_bytes();
    let ahead = (Bound::Excluded(ahead.as_slice()), Bound::Unbounded);
    for (since, identity) in waiting(store, wait, ahead, limit)? {
        if clock.is_ahead(since)
            && let Some(mut contact) = contacts::find(store, &identity)?
        {
            enter(store, &mut contact, wait, clock.now)?;
        }
    }
    // Behind the time in the order is the hash of a name.
    let until = clock.now.saturating_sub(retention).saturating_add(1);
    let until = until.to_be_bytes();
    let old = (Bound::Unbounded, Bound::Excluded(until.as_slice()));
    let old = waiting(store, wait, old, limit)?.into_iter();
    let old = old.filter(|(since, _)| clock.may_erase(*since, retention));
    Ok(old.map(|(_, identity)| identity).collect())
}

/// A contact of whom nobody speaks any more, and who wrote nothing: kept for a while, for what is under way.
pub(crate) fn lapse(
    store: &mut dyn RowsMut,
    contact: &mut Contact,
    now: u64,
) -> Result<(), EngineError> {
    if !contact.is_stranger() || Wait::of(contact).is_some() {
        return contact.save(store);
    }
    enter(store, contact, Wait::Lapsed, now)?;
    while totals(store)?.lapsed > MAX_LAPSED {
        let Some(first) = eldest(store, Wait::Lapsed, 1)?.pop() else {
            break;
        };
        if let Some(mut gone) = contacts::find(store, &first)? {
            erase_unheard(store, &mut gone)?;
        }
    }
    Ok(())
}

/// Erases a contact with whom there is no conversation.
pub(crate) fn erase_unheard(
    store: &mut dyn RowsMut,
    contact: &mut Contact,
) -> Result<(), EngineError> {
    leave(store, contact)?;
    for party in contact.parties() {
        unacknowledged::forget(store, &party)?;
        sessions::erase_all(store, &party)?;
    }
    doubts::erase(store, &contact.identity)?;
    contacts::erase(store, contact)
}

/// Whether a handshake may be looked at, before it costs anything; `invited` if it names a one-time prekey that is here, of which the user made
/// an invitation.
pub(crate) fn admits_session(
    store: &dyn Rows,
    contact: Option<&Contact>,
    invited: bool,
    now: u64,
) -> Result<bool, EngineError> {
    if contact.is_some_and(|contact| !contact.is_stranger()) {
        return Ok(true);
    }
    if invited {
        return Ok(true);
    }
    match contact {
        Some(contact) if has_place(contact) => {
            Ok(due::is_over(contact.row.window_start, HOUR, now)
                || contact.row.window_sessions < MAX_STRANGER_SESSIONS_PER_HOUR)
        }
        _ => {
            let all = totals(store)?;
            // Whoever aged makes room; so does everybody for whom accepts all. Who asks by a link of the user's needs none.
            Ok(all.count + all.aged < MAX_STRANGERS
                || all.aged > 0
                || group_links::is_any_open(store, now)?
                || trust::policy(store)? == TrustPolicy::AcceptAll)
        }
    }
}

/// Whether a stranger has a place among those who wait.
pub(crate) fn has_place(contact: &Contact) -> bool {
    matches!(
        Wait::of(contact),
        Some(Wait::Stranger | Wait::Invited | Wait::Aged)
    )
}

/// What somebody sent who has to wait.
pub(crate) struct Arrival {
    /// Bytes of it.
    pub(crate) len: usize,
    /// It answers an invitation of the user's.
    pub(crate) invited: bool,
    /// It began a session.
    pub(crate) new_session: bool,
}

/// Counts what somebody cost who is not accepted. True if the user is to be told that they ask.
pub(crate) fn charge(
    store: &mut dyn RowsMut,
    contact: &mut Contact,
    arrival: &Arrival,
    now: u64,
) -> Result<bool, EngineError> {
    let wait = Wait::of(contact);
    let invited = arrival.invited || !contact.is_stranger() || wait == Some(Wait::Invited);
    let becomes = if invited {
        Wait::Invited
    } else {
        Wait::Stranger
    };
    let since = match wait {
        Some(Wait::Stranger | Wait::Invited) => contact.row.waits_since,
        _ => now,
    };
    if arrival.new_session {
        let row = &mut contact.row;
        if due::is_over(row.window_start, HOUR, now) {
            row.window_start = now;
            row.window_sessions = 0;
        }
        row.window_sessions += 1;
    }
    leave(store, contact)?;
    let row = &mut contact.row;
    row.stored_bytes = row.stored_bytes.saturating_add(arrival.len as u64);
    row.wrote_at = now;
    let asks = !core::mem::replace(&mut row.requested, true);
    enter(store, contact, becomes, since)?;
    Ok(asks)
}
