//! Healing: whoever cannot read what somebody sent asks for what is missing, in a session begun for it (RFC windlass §8.4).

use super::conversation::{self, ConversationId};
use super::envelopes::To;
use super::{
    Device, Moment, contacts, devices, due, get_row, groups, history, put_row, send, timeline,
    trust, unacknowledged, updates,
};
use crate::api::error::WindlassError;
use crate::api::event::UndecryptableCause as Cause;
use crate::chat::{Body, ConversationState, HealingRequest, MessageId};
use crate::identity::PublicIdentity;
use crate::limits::{
    HEALING_BACK_OFF_SECONDS, HEALING_WINDOW_SECONDS, LINK_LIFETIME_SECONDS, MAX_HEALING_ATTEMPTS,
    MAX_HEALING_CONVERSATIONS, MAX_HEALING_PER_DAY, MAX_RESENT_AT_ONCE, MAX_UNACKNOWLEDGED,
    MAX_UNPROVED_HEALING_PER_DAY,
};
use crate::link::LinkToken;
use crate::session::Session;
use crate::store::{Key, Rows, Table, Writer};
use crate::wire::store::HealingRow;
use crate::x3dh::Party;

const DAY: u64 = 86_400_000;

/// How it stands with somebody.
pub(in crate::api) fn row(
    store: &impl Rows,
    identity: &PublicIdentity,
) -> Result<Option<HealingRow>, WindlassError> {
    get_row(store, Table::Healing, Key::new(&identity.to_bytes()))
}

fn row_or_new(store: &impl Rows, identity: &PublicIdentity) -> Result<HealingRow, WindlassError> {
    Ok(row(store, identity)?.unwrap_or_else(|| HealingRow {
        identity_key: identity.to_bytes().to_vec(),
        link_token: Vec::new(),
        ..Default::default()
    }))
}

pub(super) fn save(store: &mut Writer<'_>, row: &HealingRow) -> Result<(), WindlassError> {
    put_row(store, Table::Healing, Key::new(&row.identity_key), row)
}

fn roll_day(row: &mut HealingRow, now: u64) {
    if now.abs_diff(row.day_start) >= DAY {
        row.day_start = now;
        row.asked_today = 0;
        row.answered_today = 0;
        if !row.waiting {
            row.attempts = 0;
        }
    }
}

pub(super) fn back_off(attempts: u32) -> u64 {
    (HEALING_BACK_OFF_SECONDS * 1000) << attempts.saturating_sub(1).min(MAX_HEALING_ATTEMPTS)
}

/// Something of `identity` could not be read, or is known to be missing: asks for it, unless that was done lately or too often.
/// Which attempt it is; nothing if nothing is asked.
pub(super) fn ask(
    store: &mut Writer<'_>,
    device: &Device,
    identity: &PublicIdentity,
    cause: Option<Cause>,
    moment: &mut Moment,
) -> Result<Option<u32>, WindlassError> {
    let ours = *identity == device.public();
    let contact = contacts::find(store, identity)?;
    let answers = match &contact {
        Some(contact) => trust::answers(store, contact)?,
        None => ours,
    };
    if !answers {
        return Ok(None);
    }
    let now = moment.now;
    let mut row = row_or_new(store, identity)?;
    roll_day(&mut row, now);
    if cause.is_some() && now.abs_diff(row.asked_at) >= DAY {
        // Given up, and now there is something new of theirs.
        row.attempts = 0;
    }
    let too_soon = now.abs_diff(row.asked_at) < back_off(row.attempts);
    let most = match cause {
        Some(_) => MAX_UNPROVED_HEALING_PER_DAY,
        None => MAX_HEALING_PER_DAY,
    };
    if too_soon || row.attempts >= MAX_HEALING_ATTEMPTS || row.asked_today >= most {
        return Ok(None);
    }
    row.cause = cause.map_or(0, Cause::number);
    // The sessions that there are do for the first time: what they cannot read, the other side will say. Sessions begun for every
    // message that came late would push out those that others are still written in.
    let broken = matches!(cause, Some(Cause::Authentication | Cause::NumberReused));
    let to = match row.attempts {
        0 if !broken => To::All,
        0 | 1 => To::AllAfresh,
        _ => To::AllAnew,
    };
    let ids: Vec<ConversationId> = if ours {
        let all = conversation::all(store)?.into_iter();
        all.map(|summary| summary.id).collect()
    } else {
        let direct = core::iter::once(ConversationId::Direct(*identity));
        let groups = groups::shared_with(store, identity)?.into_iter();
        direct.chain(groups.map(ConversationId::Group)).collect()
    };
    let salt = HealingRequest::random_salt(&mut moment.rng);
    let conversations = ids
        .iter()
        .take(MAX_HEALING_CONVERSATIONS)
        .map(|id| timeline::state(store, id, &salt))
        .collect::<Result<_, _>>()?;
    let request = Body::HealingRequest(HealingRequest {
        conversations,
        went_back: cause == Some(Cause::NumberReused),
        link_token: link_token(&row, now),
        salt,
    });
    match send::send_control(store, device, identity, to, request, moment) {
        Ok(_) => {}
        Err(error) if error.is_want_of_bundle() => {
            row.needs_bundle = true;
            save(store, &row)?;
            return Ok(None);
        }
        Err(error) => return Err(error),
    }
    row.needs_bundle = false;
    row.incomplete = false;
    row.waiting = true;
    row.asked_at = now;
    row.attempts += 1;
    row.asked_today += 1;
    let attempt = row.attempts;
    save(store, &row)?;
    Ok(Some(attempt))
}

/// Something seems to be missing: it is asked for unless it comes within a while.
pub(in crate::api) fn suspect(
    store: &mut Writer<'_>,
    identity: &PublicIdentity,
    since: u64,
) -> Result<(), WindlassError> {
    note_doubt(store, identity, since, |row| row.incomplete = true)
}

/// Everybody may have what is not here, since somebody gave back what we wrote and forgot. Once a day, for it costs a look at each contact.
pub(super) fn suspect_everybody(
    store: &mut Writer<'_>,
    device: &Device,
    now: u64,
) -> Result<(), WindlassError> {
    let mut row = row_or_new(store, &device.public())?;
    if row.everybody_since != 0 && now.abs_diff(row.everybody_since) < DAY {
        return Ok(());
    }
    row.everybody_since = now;
    save(store, &row)?;
    for contact in contacts::all(store)? {
        if contact.is_known() {
            suspect(store, &contact.identity, now)?;
        }
    }
    Ok(())
}

/// A message came that follows others that are not here: unless they come within a while, they are asked for.
pub(super) fn suspect_hole(
    store: &mut Writer<'_>,
    identity: &PublicIdentity,
    since: u64,
) -> Result<(), WindlassError> {
    note_doubt(store, identity, since, |row| row.follows_missing = true)
}

fn note_doubt(
    store: &mut Writer<'_>,
    identity: &PublicIdentity,
    since: u64,
    doubt: impl FnOnce(&mut HealingRow),
) -> Result<(), WindlassError> {
    let mut row = row_or_new(store, identity)?;
    doubt(&mut row);
    if row.gap_since == 0 {
        row.gap_since = since.max(1);
    }
    save(store, &row)
}

/// The first request of a new device, to the others: for everything.
pub(super) fn ask_for_history(
    store: &mut Writer<'_>,
    device: &Device,
    token: &LinkToken,
    moment: &mut Moment,
) -> Result<(), WindlassError> {
    let own = device.public();
    let request = Body::HealingRequest(HealingRequest {
        link_token: Some(*token.as_bytes()),
        ..HealingRequest::default()
    });
    send::send_control(store, device, &own, To::All, request, moment)?;
    let mut row = row_or_new(store, &own)?;
    row.waiting = true;
    row.attempts = 1;
    row.asked_at = moment.now;
    row.update_asks_left = MAX_HEALING_ATTEMPTS;
    row.link_token = token.as_bytes().to_vec();
    row.link_expires_at = moment.now + LINK_LIFETIME_SECONDS * 1000;
    save(store, &row)
}

/// The token that goes with every request of a new device: the answer to the first may be lost.
fn link_token(row: &HealingRow, now: u64) -> Option<[u8; 16]> {
    let token = row.link_token.as_slice().try_into().ok()?;
    (now < row.link_expires_at).then_some(token)
}

/// A message was accepted in a session. True if that ends a healing: the session was begun after we asked.
pub(super) fn accepted(
    store: &mut Writer<'_>,
    session: &Session,
    skipped: bool,
    asks: bool,
    now: u64,
) -> Result<bool, WindlassError> {
    let identity = session.peer().identity;
    let Some(mut row) = row(store, &identity)? else {
        if skipped {
            let mut row = row_or_new(store, &identity)?;
            row.gap_since = now.max(1);
            save(store, &row)?;
        }
        return Ok(false);
    };
    // A request may be there because ours could not be read.
    let healed = row.waiting && !asks && session.created_at() >= row.asked_at;
    if healed {
        row.waiting = false;
        row.attempts = 0;
        row.cause = 0;
    }
    let gap = skipped && row.gap_since == 0;
    if gap {
        row.gap_since = now.max(1);
    }
    if healed || gap {
        save(store, &row)?;
    }
    Ok(healed)
}

/// Whether somebody was ever asked for what is missing.
pub(super) fn was_asked(
    store: &impl Rows,
    identity: &PublicIdentity,
) -> Result<bool, WindlassError> {
    Ok(row(store, identity)?.is_some_and(|row| row.asked_at != 0))
}

/// The other side has our request, and says how many messages follow. Whether they came is asked once more after a while, as long as
/// they become fewer: what was to be sent to us may have gone with an older copy that the other side put back.
pub(super) fn answered(
    store: &mut Writer<'_>,
    identity: &PublicIdentity,
    messages: u64,
    now: u64,
) -> Result<(), WindlassError> {
    let Some(mut row) = row(store, identity)? else {
        return Ok(());
    };
    if row.waiting {
        row.waiting = false;
        row.attempts = 0;
        row.cause = 0;
    }
    let fewer = row.promised == 0 || messages < row.promised;
    row.promised = if fewer { messages } else { 0 };
    save(store, &row)?;
    if row.promised != 0 {
        suspect(store, identity, now)?;
    }
    Ok(())
}

/// A new device that was answered asked once more, for want of the contacts.
pub(super) fn asked_for_update(
    store: &mut Writer<'_>,
    device: &Device,
) -> Result<(), WindlassError> {
    let mut row = row_or_new(store, &device.public())?;
    row.update_asks_left = row.update_asks_left.saturating_sub(1);
    save(store, &row)
}

/// A device of ours told of all contacts that it knows.
pub(super) fn updated(store: &mut Writer<'_>, device: &Device) -> Result<(), WindlassError> {
    if let Some(mut row) = row(store, &device.public())?
        && row.update_asks_left != 0
    {
        row.update_asks_left = 0;
        save(store, &row)?;
    }
    Ok(())
}

/// Answers a request: what the device has not acknowledged, and what it does not name, is sent to it. How many messages; and which
/// attempt of our own, if the request shows that it has what is not here.
pub(super) fn answer(
    store: &mut Writer<'_>,
    device: &Device,
    from: &Party,
    request: &HealingRequest,
    moment: &mut Moment,
) -> Result<(u64, Option<u32>), WindlassError> {
    let mut row = row_or_new(store, &from.identity)?;
    roll_day(&mut row, moment.now);
    let devices = devices::of(store, device, &from.identity)?.len();
    let most = MAX_HEALING_PER_DAY.saturating_mul(u32::try_from(devices).unwrap_or(1));
    if row.answered_today >= most {
        return Ok((0, None));
    }
    row.answered_today += 1;
    save(store, &row)?;

    let own = device.public();
    let token = request.link_token.map(LinkToken::new);
    let linked = from.identity == own
        && devices::takes_link(store, token.as_ref(), from.device_id, moment.now)?;
    let since = if linked {
        0
    } else {
        moment.now.saturating_sub(HEALING_WINDOW_SECONDS * 1000)
    };
    let mut room = usize::try_from(MAX_UNACKNOWLEDGED).unwrap_or(usize::MAX);
    let mut behind = false;
    let mut lacking: Vec<(PublicIdentity, MessageId)> = Vec::new();
    let ids: Vec<ConversationId> = if from.identity == own {
        let all = conversation::all(store)?.into_iter();
        all.map(|summary| summary.id).collect()
    } else {
        let groups = groups::shared_with(store, &from.identity)?.into_iter();
        let direct = core::iter::once(ConversationId::Direct(from.identity));
        direct.chain(groups.map(ConversationId::Group)).collect()
    };
    for id in ids {
        // The other side of a conversation is we, as a contact sees it.
        let seen = match id {
            ConversationId::Direct(_) if from.identity != own => ConversationId::Direct(own),
            id => id,
        };
        let (conversation, group) = seen.wire();
        let state = request
            .conversations
            .iter()
            .find(|state| state.conversation == conversation && state.group == group);
        let everything = ConversationState {
            conversation,
            group,
            from_lamport: 0,
            have: Vec::new(),
        };
        // Of a group everybody gives what they sent to who asks, and what that one wrote; the rest its authors give.
        let in_group = matches!(id, ConversationId::Group(_)) && from.identity != own;
        let may = |stored: &history::Stored| {
            !in_group
                || stored.author == from.identity
                || (stored.author == own && stored.was_sent_to(&from.identity))
        };
        let state = state.unwrap_or(&everything);
        let (missing, ahead) =
            timeline::compare(store, &id, state, &request.salt, since, room, may)?;
        room -= missing.len().min(room);
        lacking.extend(missing);
        behind |= ahead && !in_group;
    }
    let messages = lacking.len() as u64;
    let theirs = contacts::find(store, &from.identity)?;
    let one = To::One(from.device_id);
    let body = Body::HealingAnswer {
        messages,
        bundle: theirs.map_or_else(Vec::new, |contact| contact.row.bundle.clone()),
    };
    send::send_control(store, device, &from.identity, one, body, moment)?;
    if from.identity == own {
        updates::heard(store, from.device_id)?;
        updates::tell_contacts(store, device, one, moment)?;
    }
    for (author, id) in &lacking {
        unacknowledged::note_asked(store, from, author, id, moment.now)?;
    }
    let waiting = unacknowledged::of_device(store, from, MAX_RESENT_AT_ONCE)?;
    due::resend_some(store, device, waiting, moment)?;
    let asked = if behind && request.went_back {
        ask(store, device, &from.identity, None, moment)?
    } else {
        if behind {
            // It is under way, most of the time.
            suspect(store, &from.identity, moment.now)?;
        }
        None
    };
    Ok((messages, asked))
}
