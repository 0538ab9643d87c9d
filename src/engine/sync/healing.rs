//! Healing: a device that cannot read what somebody sent asks for what is missing, in a session begun for it (RFC windlass §8.4).

use crate::chat::{Body, ConversationState, HealingRequest};
use crate::engine::base::clock::Clock;
use crate::engine::base::due;
use crate::engine::base::error::EngineError;
use crate::engine::base::message_ref::MessageRef;
use crate::engine::base::step::Step;
use crate::engine::delivery::recipients::Recipients;
use crate::engine::delivery::{envelopes, post, recipients, resend};
use crate::engine::history::inventory::{self, Comparison};
use crate::engine::history::message::Stored;
use crate::engine::records::conversations::{self, ConversationId};
use crate::engine::records::doubts::{self, DAY};
use crate::engine::records::pairs::{FirstWords, Standing};
use crate::engine::records::{
    contacts, groups, own_devices, pair_rows, trust, unacknowledged, vouching,
};
use crate::engine::sync::outcome::UndecryptableCause as Cause;
use crate::engine::sync::updates;
use crate::identity::PublicIdentity;
use crate::limits::{
    HEALING_SUMMARY_IDS, HEALING_WINDOW_SECONDS, LINK_LIFETIME_SECONDS, MAX_HEALING_ATTEMPTS,
    MAX_HEALING_CONVERSATIONS, MAX_HEALING_IDS, MAX_HEALING_NAMED, MAX_HEALING_PER_DAY,
    MAX_HEALING_SUMMARIES, MAX_RESENT_AT_ONCE, MAX_UNACKNOWLEDGED, MAX_UNPROVED_HEALING_PER_DAY,
};
use crate::link::LinkToken;
use crate::wire::store::HealingRow;
use crate::x3dh::Party;

/// Something of `identity` could not be read, or is known to be missing: asks for it, unless that was done lately or too often.
/// Which attempt it is; nothing if nothing is asked.
pub(crate) fn ask(
    step: &mut Step<'_>,
    identity: &PublicIdentity,
    cause: Option<Cause>,
) -> Result<Option<u32>, EngineError> {
    let answers = match contacts::find(step.rows, identity)? {
        Some(contact) => trust::answers(step.rows, &contact)?,
        None => *identity == step.device.public(),
    };
    if !answers {
        return Ok(None);
    }
    let mut row = doubts::row_or_new(step.rows, identity)?;
    doubts::roll_day(&mut row, step.now);
    if !may_ask(&mut row, cause, step.now) {
        return Ok(None);
    }
    row.cause = cause.map_or(0, Cause::number);
    let to = sessions_to_ask_in(row.attempts, cause);
    let request = request(step, identity, cause)?;
    let token = row.link_token.as_slice().try_into().ok();
    match send(step, identity, to, request, token) {
        Ok(()) => {}
        Err(error) if error.lacks_usable_bundle() => {
            row.needs_bundle = true;
            doubts::save(step.rows, &mut row)?;
            return Ok(None);
        }
        Err(error) => return Err(error),
    }
    row.needs_bundle = false;
    row.incomplete = false;
    row.waiting = true;
    row.asked_at = step.now;
    row.attempts += 1;
    row.asked_today += 1;
    let devices = recipients::devices_of(step.rows, step.device, identity)?;
    doubts::expect_answers(&mut row, devices.len());
    let attempt = row.attempts;
    doubts::save(step.rows, &mut row)?;
    Ok(Some(attempt))
}

/// Whether there is room for a request, after those that were made.
pub(crate) fn may_ask(row: &mut HealingRow, cause: Option<Cause>, now: u64) -> bool {
    if cause.is_some() && due::is_over(row.asked_at, DAY, now) {
        // Given up, and now there is something new of theirs.
        row.attempts = 0;
    }
    let too_soon = !due::is_over(row.asked_at, doubts::back_off(row.attempts), now);
    let most = match cause {
        Some(_) => MAX_UNPROVED_HEALING_PER_DAY,
        None => MAX_HEALING_PER_DAY,
    };
    !too_soon && row.attempts < MAX_HEALING_ATTEMPTS && row.asked_today < most
}

/// The sessions that there are do for the first time: what they cannot read, the other side will say. Sessions begun for every message
/// that came late would push out those that others are still written in.
fn sessions_to_ask_in(attempts: u32, cause: Option<Cause>) -> Recipients {
    let broken = matches!(
        cause,
        Some(Cause::UnknownSession | Cause::Authentication | Cause::NumberReused)
    );
    match attempts {
        0 if !broken => Recipients::ALL.to_ask(),
        0 | 1 => Recipients::ALL.in_unanswered_session(),
        _ => Recipients::ALL.in_new_session(),
    }
}

/// Asks devices that do not acknowledge what they are sent, or of which it is not known whether they are who was written to: in a session
/// that nobody has answered. It carries no more than that there is something, and what is here; once it is answered, what waits for the
/// device goes in it (RFC windlass §8.2.4).
pub(crate) fn probe(step: &mut Step<'_>, devices: &[Party]) -> Result<(), EngineError> {
    for party in devices {
        let mut row = doubts::row_or_new(step.rows, &party.identity)?;
        doubts::roll_day(&mut row, step.now);
        if row.asked_today >= MAX_HEALING_PER_DAY {
            continue;
        }
        let request = Body::HealingRequest(request(step, &party.identity, None)?);
        let to = Recipients::one(party.device_id).in_unanswered_session();
        match post::send_control(step, &party.identity, to, request) {
            Ok(None) => continue,
            Ok(Some(_)) => {}
            Err(error) if error.lacks_usable_bundle() => continue,
            Err(error) => return Err(error),
        }
        row.asked_today += 1;
        row.asked_at = step.now;
        doubts::save(step.rows, &mut row)?;
    }
    Ok(())
}

/// What is here of the conversations with somebody.
fn request(
    step: &mut Step<'_>,
    identity: &PublicIdentity,
    cause: Option<Cause>,
) -> Result<HealingRequest, EngineError> {
    let ids = conversations_with(step, identity)?;
    let salt = HealingRequest::random_salt(step.rng);
    let conversations = ids
        .iter()
        .take(MAX_HEALING_NAMED)
        .enumerate()
        .map(|(at, id)| inventory::state(step.rows, id, &salt, names_of(at)))
        .collect::<Result<_, _>>()?;
    Ok(HealingRequest {
        conversations,
        went_back: cause == Some(Cause::NumberReused),
        link_token: None,
        salt,
    })
}

/// Sends a request, to our own devices with the token of this one: but only to those that are known to be linked. Whoever has the seed could show it
/// in our place.
fn send(
    step: &mut Step<'_>,
    identity: &PublicIdentity,
    to: Recipients,
    request: HealingRequest,
    token: Option<[u8; 16]>,
) -> Result<(), EngineError> {
    if *identity != step.device.public() || token.is_none() {
        return post::send_control(step, identity, to, Body::HealingRequest(request)).map(|_| ());
    }
    let linked = own_devices::linked(step.rows)?;
    for sibling in own_devices::siblings(step.rows)? {
        let device_id = sibling.row.device_id;
        let party = Party {
            identity: *identity,
            device_id,
        };
        let (mut one, mut request) = (to.only(device_id), request.clone());
        if let Some((_, linked_at)) = linked.iter().find(|(id, _)| *id == device_id) {
            let known = one.known_by(*linked_at, step.now);
            if envelopes::is_reachable(step, &party, known)? {
                (one, request.link_token) = (known, token);
            }
        }
        post::send_control(step, identity, one, Body::HealingRequest(request))?;
    }
    Ok(())
}

/// How many messages are named of a conversation, the latest one being the first: what is not named at all is sent whole, also if it is here.
fn names_of(at: usize) -> usize {
    if at < MAX_HEALING_CONVERSATIONS {
        MAX_HEALING_IDS
    } else if at < MAX_HEALING_CONVERSATIONS + MAX_HEALING_SUMMARIES {
        HEALING_SUMMARY_IDS
    } else {
        0
    }
}

/// The conversations that somebody takes part in; all of them for our own devices.
fn conversations_with(
    step: &Step<'_>,
    identity: &PublicIdentity,
) -> Result<Vec<ConversationId>, EngineError> {
    if *identity == step.device.public() {
        let all = conversations::all(step.rows)?.into_iter();
        return Ok(all.map(|summary| summary.id).collect());
    }
    let direct = core::iter::once(ConversationId::Direct(*identity));
    let groups = groups::shared_with(step.rows, identity)?.into_iter();
    Ok(direct.chain(groups.map(ConversationId::Group)).collect())
}

/// The first request of a new device, to the others: for everything.
pub(crate) fn ask_for_history(step: &mut Step<'_>, token: &LinkToken) -> Result<(), EngineError> {
    let own = step.device.public();
    let (to, request) = (Recipients::ALL.to_ask(), HealingRequest::default());
    send(step, &own, to, request, Some(*token.as_bytes()))?;
    let mut row = doubts::row_or_new(step.rows, &own)?;
    row.waiting = true;
    row.attempts = 1;
    row.asked_at = step.now;
    row.update_asks_left = MAX_HEALING_ATTEMPTS;
    row.link_token = token.as_bytes().to_vec();
    row.link_expires_at = step.now + LINK_LIFETIME_SECONDS * 1000;
    let devices = recipients::devices_of(step.rows, step.device, &own)?;
    doubts::expect_answers(&mut row, devices.len());
    doubts::save(step.rows, &mut row)
}

/// What became of somebody's request.
pub(crate) struct Answered {
    /// How many messages follow.
    pub(crate) messages: u64,
    /// Which attempt of our own, if the request shows that the other side has what is not here.
    pub(crate) asked: Option<u32>,
}

/// Answers a request: what the device has not acknowledged is sent to it, and what it does not name of the time that it proved to have lost.
pub(crate) fn answer(
    step: &mut Step<'_>,
    from: &Party,
    request: &HealingRequest,
    standing: &Standing,
) -> Result<Answered, EngineError> {
    if !count_answer(step, &from.identity)? {
        return Ok(Answered {
            messages: 0,
            asked: None,
        });
    }
    let since = window(step, from, request, standing)?;
    // What was written before a device of ours was linked is its own as well.
    let linked = is_linked(step, from, standing)?;
    let known_since = if linked { 0 } else { standing.known_since };
    let (lacking, ahead) = lacking(step, from, request, standing, (since, known_since))?;
    let messages = lacking.len() as u64;
    promise(step, from, messages, linked)?;
    let known_by = standing.known_since;
    for message in &lacking {
        unacknowledged::schedule_requested(step.rows, from, message, known_by, step.now)?;
    }
    resend::answer(step, from)?;
    let news = pair_rows::note_ahead(step.rows, from, ahead)?;
    let asked = if ahead > 0 && request.went_back {
        ask(step, &from.identity, None)?
    } else {
        if news {
            // It is under way, most of the time.
            doubts::note_missing(step.rows, &from.identity, step.now)?;
        }
        None
    };
    Ok(Answered { messages, asked })
}

/// Whether who asks is a device of ours that the user linked.
fn is_linked(step: &Step<'_>, from: &Party, standing: &Standing) -> Result<bool, EngineError> {
    Ok(from.identity == step.device.public()
        && own_devices::is_linked(step.rows, from.device_id, standing.known_since, step.now)?)
}

/// Sends what a device has not acknowledged, which has answered in a session that was begun because of it.
pub(crate) fn resend_waiting(step: &mut Step<'_>, to: &Party) -> Result<(), EngineError> {
    let waiting = unacknowledged::of_device(step.rows, to, MAX_RESENT_AT_ONCE)?;
    resend::resend_some(step, waiting)?;
    Ok(())
}

/// Counts an answer; false if there were enough of them today.
fn count_answer(step: &mut Step<'_>, identity: &PublicIdentity) -> Result<bool, EngineError> {
    let mut row = doubts::row_or_new(step.rows, identity)?;
    doubts::roll_day(&mut row, step.now);
    let devices = recipients::devices_of(step.rows, step.device, identity)?.len();
    let most = MAX_HEALING_PER_DAY.saturating_mul(u32::try_from(devices).unwrap_or(1));
    if row.answered_today >= most {
        return Ok(false);
    }
    row.answered_today += 1;
    doubts::save(step.rows, &mut row)?;
    Ok(true)
}

/// From which time on messages are given that were acknowledged: all of them to a device that was just linked, none without a proof.
fn window(
    step: &mut Step<'_>,
    from: &Party,
    request: &HealingRequest,
    standing: &Standing,
) -> Result<u64, EngineError> {
    if from.identity == step.device.public()
        && let Some(token) = request.link_token.map(LinkToken::new)
        && vouching::shown(step, from, &token, standing.known_since)?
    {
        return Ok(0);
    }
    let oldest = step.now.saturating_sub(HEALING_WINDOW_SECONDS * 1000);
    let proven = standing.proven;
    Ok(proven.map_or(u64::MAX, |proven| proven.since.max(oldest)))
}

/// The messages that a device does not name in its request. And how many it names that are not here.
fn lacking(
    step: &Step<'_>,
    from: &Party,
    request: &HealingRequest,
    standing: &Standing,
    (since, known_since): (u64, u64),
) -> Result<(Vec<MessageRef>, usize), EngineError> {
    let own = step.device.public();
    let clock = Clock::read(step.rows, step.now)?;
    let oldest = step.now.saturating_sub(HEALING_WINDOW_SECONDS * 1000);
    let first_words = standing.proven.map(|proven| FirstWords {
        since: proven.first_words.since.max(oldest),
        ..proven.first_words
    });
    let mut room = usize::try_from(MAX_UNACKNOWLEDGED).unwrap_or(usize::MAX);
    let (mut lacking, mut ahead) = (Vec::new(), 0);
    for id in conversations_with(step, &from.identity)? {
        // For a contact, we are the other side of the conversation.
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
        // Of a group each member gives what they sent to the one who asks, and what that one wrote; the rest its authors give.
        let in_group = matches!(id, ConversationId::Group(_)) && from.identity != own;
        let may = |stored: &Stored| {
            !in_group
                || stored.author == from.identity
                || (stored.author == own && stored.was_sent_to(&from.identity))
        };
        let comparison = Comparison {
            theirs: state.unwrap_or(&everything),
            salt: &request.salt,
            since,
            known_since,
            first_words,
            clock: &clock,
            limit: if since == u64::MAX { 0 } else { room },
            asker: &from.identity,
        };
        let (missing, named) = inventory::compare(step.rows, &id, &comparison, may)?;
        room -= missing.len().min(room);
        lacking.extend(missing);
        ahead += if in_group { 0 } else { named };
    }
    Ok((lacking, ahead))
}

/// Tells how many messages follow, and which devices somebody has as far as it is known here; to a device of ours also the contacts.
fn promise(
    step: &mut Step<'_>,
    from: &Party,
    messages: u64,
    linked: bool,
) -> Result<(), EngineError> {
    let theirs = contacts::find(step.rows, &from.identity)?;
    let one = Recipients::one(from.device_id);
    let body = Body::HealingAnswer {
        messages,
        bundle: theirs.map_or_else(Vec::new, |contact| contact.row.bundle.clone()),
    };
    post::send_control(step, &from.identity, one, body)?;
    if from.identity == step.device.public() {
        updates::heard(step.rows, from.device_id)?;
        // Whoever has the seed alone is not told whom we know.
        if linked {
            updates::share_contacts(step, one)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latest_conversations_are_named_at_length_others_in_short_and_the_rest_not_at_all() {
        let short = MAX_HEALING_CONVERSATIONS;
        let rest = short + MAX_HEALING_SUMMARIES;
        let places = [0, short - 1, short, rest - 1, rest];
        let (long, some) = (MAX_HEALING_IDS, HEALING_SUMMARY_IDS);
        assert_eq!(places.map(names_of), [long, long, some, some, 0]);
    }

    #[test]
    fn a_session_that_is_broken_is_not_asked_in() {
        let [active, unanswered, new] = [
            Recipients::ALL.to_ask(),
            Recipients::ALL.in_unanswered_session(),
            Recipients::ALL.in_new_session(),
        ];
        let asks = |cause| [0, 1, 2].map(|attempts| sessions_to_ask_in(attempts, cause));
        assert_eq!(asks(None), [active, unanswered, new]);
        let broken = Some(Cause::Authentication);
        assert_eq!(asks(broken), [unanswered, unanswered, new]);
    }
}
