//! The user's profile goes to whom they accepted, and to their own devices (RFC windlass §9.8).

use crate::chat::{Body, Content, MessageId, Profile};
use crate::engine::base::due;
use crate::engine::base::error::EngineError;
use crate::engine::base::step::Step;
use crate::engine::delivery::post;
use crate::engine::delivery::recipients::Recipients;
use crate::engine::records::contacts::Contact;
use crate::engine::records::unacknowledged::resend_wait;
use crate::engine::records::{contacts, profiles};
use crate::engine::sync::outcome::{Outcome, PeerNews};
use crate::engine::sync::{feed, updates};
use crate::identity::PublicIdentity;
use crate::limits::{MAX_ASKED_AT_ONCE, MAX_RESENDS};
use crate::store::Rows;
use crate::wire::store::{ContactRow, ProfileRoundRow};

/// The user says something of themselves: our other devices hear of it at once, contacts one after another.
pub(crate) fn set(step: &mut Step<'_>, mut profile: Profile) -> Result<(), EngineError> {
    profile.check()?;
    let own = step.device.public();
    let known = profiles::of(step.rows, &own)?.unwrap_or_default();
    if known.says() == profile.says() {
        return Ok(());
    }
    profile.changed_at = due::next_date(known.changed_at, step.now);
    profiles::save(step.rows, &own, &profile)?;
    begin_round(step, profile.changed_at)?;
    feed::note(step, &Outcome::Peer(own, PeerNews::ProfileChanged));
    updates::share_profile(step, Recipients::ALL)
}

/// Another device of ours says what the user said of themselves. That one tells contacts, and this one whoever it talks to.
pub(crate) fn hear(
    step: &mut Step<'_>,
    told: Option<&Profile>,
    outcomes: &mut Vec<Outcome>,
) -> Result<(), EngineError> {
    let Some(told) = told else {
        return Ok(());
    };
    let own = step.device.public();
    if profiles::merge(step.rows, &own, told, step.now)? {
        begin_round(step, told.changed_at)?;
        outcomes.push(Outcome::Peer(own, PeerNews::ProfileChanged));
    }
    Ok(())
}

fn begin_round(step: &mut Step<'_>, profile: u64) -> Result<(), EngineError> {
    let row = ProfileRoundRow {
        profile,
        open: true,
        ..ProfileRoundRow::default()
    };
    profiles::save_round(step.rows, &row)
}

/// A contact says something of themselves. Whether it is to be acknowledged: of nobody else anything is kept.
pub(crate) fn receive(
    step: &mut Step<'_>,
    from: &PublicIdentity,
    told: &Profile,
    outcomes: &mut Vec<Outcome>,
) -> Result<bool, EngineError> {
    let contact = contacts::find(step.rows, from)?;
    if !contact.is_some_and(|one| one.is_accepted() && !one.row.blocked) {
        return Ok(false);
    }
    if profiles::merge(step.rows, from, told, step.now)? {
        outcomes.push(Outcome::Peer(*from, PeerNews::ProfileChanged));
    }
    // They want to know whom they talk with, too.
    tell(step, from)?;
    Ok(true)
}

/// Somebody acknowledges a content of ours: whether it was a profile.
pub(crate) fn acknowledged(
    step: &mut Step<'_>,
    by: &PublicIdentity,
    id: &MessageId,
) -> Result<bool, EngineError> {
    let Some(date) = Profile::date_of(&step.device.public().to_bytes(), id) else {
        return Ok(false);
    };
    if let Some(mut contact) = contacts::find(step.rows, by)?
        && contact.row.profile_known != date
        && profiles::round(step.rows)?.profile == date
    {
        contact.row.profile_known = date;
        contact.save(step.rows)?;
    }
    Ok(true)
}

/// Sends somebody the user's profile if they are to have it, do not, and it is time.
pub(crate) fn tell(step: &mut Step<'_>, whom: &PublicIdentity) -> Result<(), EngineError> {
    let profile = profiles::round(step.rows)?.profile;
    if profile != 0
        && let Some(mut contact) = contacts::find(step.rows, whom)?
        && is_due(&contact, profile, step.now)
    {
        send(step, &mut contact)?;
    }
    Ok(())
}

/// Whether somebody is to have the profile, and does not.
fn is_owed(contact: &Contact, profile: u64) -> bool {
    contact.is_accepted() && !contact.row.blocked && contact.row.profile_known != profile
}

fn is_due(contact: &Contact, profile: u64, now: u64) -> bool {
    let tries = tries(&contact.row, profile);
    let waited = |times: u32| due::is_over(contact.row.profile_sent_at, resend_wait(times), now);
    let is_time = tries
        .checked_sub(1)
        .is_none_or(|times| times < MAX_RESENDS && waited(times));
    is_owed(contact, profile) && is_time
}

/// How often the profile was sent to them.
fn tries(row: &ContactRow, profile: u64) -> u32 {
    if row.profile_sent == profile {
        row.profile_tries
    } else {
        0
    }
}

/// In a session that there is: for a profile none is begun.
fn send(step: &mut Step<'_>, contact: &mut Contact) -> Result<(), EngineError> {
    let own = step.device.public();
    let Some(profile) = profiles::of(step.rows, &own)? else {
        return Ok(());
    };
    if !contact.has_answered(step.rows)? {
        return Ok(());
    }
    let date = profile.changed_at;
    let content = Content {
        id: Profile::message_id(&own.to_bytes(), date),
        ..post::control(step, Body::Profile(profile), None)
    };
    let whom = contact.identity;
    match post::queue(step, &whom, Recipients::ALL, &content) {
        Ok(Some(_)) => {}
        Ok(None) => return Ok(()),
        Err(error) if error.lacks_usable_bundle() => return Ok(()),
        Err(EngineError::PostQuantumRequired) => return Ok(()),
        Err(error) => return Err(error),
    }
    // What was sent may have changed the row.
    if let Some(mut contact) = contacts::find(step.rows, &whom)? {
        contact.row.profile_tries = tries(&contact.row, date) + 1;
        (contact.row.profile_sent, contact.row.profile_sent_at) = (date, step.now);
        contact.save(step.rows)?;
    }
    Ok(())
}

/// Whether it is time for the next contacts.
pub(crate) fn is_round_due(store: &dyn Rows, now: u64) -> Result<bool, EngineError> {
    let round = profiles::round(store)?;
    let rests = round.place == 0 && round.rounds != 0;
    let back_off = resend_wait(round.rounds.saturating_sub(1));
    Ok(round.open && (!rests || due::is_over(round.rested_at, back_off, now)))
}

/// Tells the next contacts: so many at once, so that a profile which is set costs no more than that, however many there are.
pub(crate) fn go_round(step: &mut Step<'_>) -> Result<(), EngineError> {
    let mut round = profiles::round(step.rows)?;
    let page = contacts::page(step.rows, round.place, MAX_ASKED_AT_ONCE)?;
    let is_last = page.len() < MAX_ASKED_AT_ONCE;
    for mut contact in page {
        round.place = contact.row.place;
        if is_due(&contact, round.profile, step.now) {
            send(step, &mut contact)?;
        }
        round.some_left |= is_owed(&contact, round.profile);
    }
    if is_last {
        round.rounds += 1;
        round.open = round.some_left && round.rounds <= MAX_RESENDS;
        (round.place, round.some_left, round.rested_at) = (0, false, step.now);
    }
    profiles::save_round(step.rows, &round)
}
