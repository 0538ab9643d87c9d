//! Those who wait to be accepted: whether there is room for what they send, and what becomes of them with time (RFC windlass §8.6.3).

use crate::engine::base::clock::Clock;
use crate::engine::base::error::EngineError;
use crate::engine::base::step::Step;
use crate::engine::history::{deletion, unhandled};
use crate::engine::records::contacts::Contact;
use crate::engine::records::conversations::ConversationId;
use crate::engine::records::settings::TrustPolicy;
use crate::engine::records::strangers::{self, Wait};
use crate::engine::records::{contacts, floors, removed, trust};
use crate::engine::sync::people;
use crate::identity::PublicIdentity;
use crate::limits::{
    AGED_STRANGER_RETENTION_SECONDS, MAX_INVITED_WAITING, MAX_STRANGER_BYTES,
    MAX_STRANGER_SKIPPED_KEYS, MAX_STRANGERS, MAX_STRANGERS_BYTES, STRANGER_RETENTION_SECONDS,
};
use crate::store::{Rows, RowsMut};

/// Those of one kind that one step looks at; the next one goes on.
const AT_ONCE: usize = 1_000;

/// What came, of somebody who may have to wait.
pub(crate) struct Words {
    /// Bytes of it.
    pub(crate) len: u64,
    /// Keys that it makes us keep.
    pub(crate) kept: usize,
    /// It is said to the user alone, and not to a group.
    pub(crate) direct: bool,
    /// It answers an invitation of the user's.
    pub(crate) invited: bool,
}

/// Whether what came is taken in. Where everybody is answered, room is made for it.
pub(crate) fn admits(
    step: &mut Step<'_>,
    contact: &Contact,
    words: &Words,
) -> Result<bool, EngineError> {
    let stranger = contact.is_stranger();
    if !contact.waits() || !(stranger || words.direct) {
        return Ok(true);
    }
    if is_late_of_a_group(contact, words.direct) {
        return Ok(words.kept <= MAX_STRANGER_SKIPPED_KEYS);
    }
    if (stranger && words.kept > MAX_STRANGER_SKIPPED_KEYS) || words.len > MAX_STRANGER_BYTES {
        return Ok(false);
    }
    let open = trust::policy(step.rows)? == TrustPolicy::AcceptAll;
    if contact.row.stored_bytes.saturating_add(words.len) > MAX_STRANGER_BYTES {
        // They were answered, and their former words told.
        if !open || !is_handled(step.rows, contact, step.now)? {
            return Ok(false);
        }
        forget_words(step.rows, &contact.identity)?;
    }
    let wait = match Wait::of(contact) {
        Some(wait @ (Wait::Stranger | Wait::Invited)) if !words.invited => wait,
        _ if words.invited || !stranger => Wait::Invited,
        _ => Wait::Stranger,
    };
    Ok(has_place(step, contact, wait, open)? && has_bytes(step, contact, wait, words.len, open)?)
}

/// Whether it is of a group that we shared with somebody and that is left, and makes nobody a stranger.
pub(crate) fn is_late_of_a_group(contact: &Contact, direct: bool) -> bool {
    Wait::of(contact) == Some(Wait::Lapsed) && !direct
}

/// Whether there is a place, with the one that is made.
fn has_place(
    step: &mut Step<'_>,
    contact: &Contact,
    wait: Wait,
    open: bool,
) -> Result<bool, EngineError> {
    if Wait::of(contact) == Some(wait) {
        return Ok(true);
    }
    let all = strangers::totals(step.rows)?;
    if wait == Wait::Invited {
        return Ok(all.invited < MAX_INVITED_WAITING
            || make_room(step.rows, Wait::Invited, contact, step.now)?);
    }
    // Somebody who aged has a place, and only loses what it was called.
    if all.count + all.aged < MAX_STRANGERS || strangers::has_place(contact) {
        return Ok(true);
    }
    Ok(make_room(step.rows, Wait::Aged, contact, step.now)?
        || (open && make_room(step.rows, Wait::Stranger, contact, step.now)?))
}

/// Whether there is room for so many bytes, with what is made.
fn has_bytes(
    step: &mut Step<'_>,
    contact: &Contact,
    wait: Wait,
    len: u64,
    open: bool,
) -> Result<bool, EngineError> {
    loop {
        let mut all = strangers::totals(step.rows)?;
        let stored = wait.bytes(&mut all).map_or(0, |bytes| *bytes);
        if stored.saturating_add(len) <= MAX_STRANGERS_BYTES {
            return Ok(true);
        }
        if !open || !make_room(step.rows, wait, contact, step.now)? {
            return Ok(false);
        }
    }
}

/// Nothing is left of somebody who was not accepted.
fn erase(store: &mut dyn RowsMut, contact: &mut Contact) -> Result<(), EngineError> {
    people::erase(store, contact)?;
    floors::forget_undecided(store, &(contact.identity.to_bytes(), false))
}

/// Who has waited the longest makes room for somebody else. False if nobody does.
fn make_room(
    store: &mut dyn RowsMut,
    wait: Wait,
    newcomer: &Contact,
    now: u64,
) -> Result<bool, EngineError> {
    let eldest = strangers::eldest(store, wait, 2)?;
    let mut others = eldest.iter().filter(|one| **one != newcomer.identity);
    let Some(mut contact) = others
        .next()
        .map(|one| contacts::find(store, one))
        .transpose()?
        .flatten()
    else {
        return Ok(false);
    };
    // Of one who aged there is nothing left to handle.
    if wait != Wait::Aged && !is_handled(store, &contact, now)? {
        return Ok(false);
    }
    if contact.is_stranger() {
        erase(store, &mut contact)?;
    } else {
        // Introduced, so only what they said to the user alone goes.
        age(store, &contact.identity, now)?;
    }
    Ok(true)
}

/// Whether the application has handled what somebody wrote, if it says what it has handled.
fn is_handled(store: &dyn Rows, contact: &Contact, now: u64) -> Result<bool, EngineError> {
    let oldest = unhandled::oldest(store, 1)?;
    let oldest = oldest.first().map(|one| one.message.stored.stored_at);
    Ok(oldest.is_none_or(|stored_at| stored_at > contact.row.wrote_at.min(now)))
}

/// Whether what is missing of somebody is asked for when they are accepted, and not before.
pub(crate) fn is_asked_when_accepted(
    store: &dyn Rows,
    identity: &PublicIdentity,
) -> Result<bool, EngineError> {
    let contact = contacts::find(store, identity)?;
    Ok(contact.is_some_and(|contact| contact.is_stranger())
        && trust::policy(store)? != TrustPolicy::AcceptAll)
}

/// Erases what somebody said to the user alone, and asks for it should they be accepted.
fn forget_words(store: &mut dyn RowsMut, identity: &PublicIdentity) -> Result<(), EngineError> {
    deletion::erase_conversation(store, &ConversationId::Direct(*identity))?;
    if let Some(mut contact) = contacts::find(store, identity)? {
        strangers::uncharge(store, &mut contact)?;
    }
    Ok(())
}

/// What somebody wrote has waited for long: it goes, and comes again when they are accepted, or when they write again.
fn age(store: &mut dyn RowsMut, identity: &PublicIdentity, now: u64) -> Result<(), EngineError> {
    forget_words(store, identity)?;
    let Some(mut contact) = contacts::find(store, identity)? else {
        return Ok(());
    };
    // Who is answered anyhow knows that it came, and it was told.
    contact.row.words_erased = trust::policy(store)? != TrustPolicy::AcceptAll;
    if !contact.is_stranger() {
        strangers::release(store, &mut contact)?;
        return contact.save(store);
    }
    strangers::enter(store, &mut contact, Wait::Aged, now)?;
    let all = strangers::totals(store)?;
    if all.count + all.aged > MAX_STRANGERS {
        make_room(store, Wait::Aged, &contact, now)?;
    }
    Ok(())
}

/// Those who were not accepted for long make room for others; whether there were any.
pub(crate) fn erase_old(store: &mut dyn RowsMut, now: u64) -> Result<bool, EngineError> {
    let mut changed = removed::erase_old(store, now)?;
    let all = strangers::totals(store)?;
    if all.count + all.invited + all.aged + all.lapsed == 0 {
        return Ok(changed);
    }
    let clock = Clock::read(store, now)?;
    for wait in [Wait::Stranger, Wait::Invited] {
        for identity in strangers::due(
            store,
            wait,
            &clock,
            STRANGER_RETENTION_SECONDS * 1000,
            AT_ONCE,
        )? {
            age(store, &identity, now)?;
            changed = true;
        }
    }
    for (wait, seconds) in [
        (Wait::Aged, AGED_STRANGER_RETENTION_SECONDS),
        (Wait::Lapsed, STRANGER_RETENTION_SECONDS),
    ] {
        for identity in strangers::due(store, wait, &clock, seconds * 1000, AT_ONCE)? {
            if let Some(mut contact) = contacts::find(store, &identity)? {
                erase(store, &mut contact)?;
                changed = true;
            }
        }
    }
    Ok(changed)
}
