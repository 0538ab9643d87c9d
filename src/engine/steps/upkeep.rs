//! What happens without anyone asking for it: messages that nobody acknowledged are sent again, requests that nobody answered are made
//! again (RFC windlass §8.2, §8.4), prekeys are rotated, and what is too old is erased.

use std::collections::BTreeMap;

use crate::chat::GroupId;
use crate::engine::base::device::Device;
use crate::engine::base::due;
use crate::engine::base::error::EngineError;
use crate::engine::base::rows::damaged;
use crate::engine::base::step::Step;
use crate::engine::delivery::{budget, recipients, resend};
use crate::engine::history::{deletion, follows, held, redating, unhandled};
use crate::engine::records::conversations::ConversationId;
use crate::engine::records::unacknowledged::Unacknowledged;
use crate::engine::records::{
    contacts, doubts, group_comparisons, group_joins, group_links, group_views, healing_root,
    linking, message_keys, own_words, prekeys, sessions, trust, turns, unacknowledged,
};
use crate::engine::sync::outcome::{Outcome, UndecryptableCause as Cause};
use crate::engine::sync::{self, feed, group_sync, healing, profiles, updates, waiting};
use crate::identity::PublicIdentity;
use crate::limits::{
    GAP_PATIENCE_SECONDS, MAX_ASKED_AT_ONCE, MAX_HEALING_ATTEMPTS, MAX_RESENT_AT_ONCE,
};
use crate::store::{Rows, Table};
use crate::wire::store::HealingRow;
use crate::x3dh::Party;

/// What is due by now: messages and updates that nobody acknowledged, requests that nobody answered, gaps that did not fill.
#[derive(Clone)]
pub(crate) struct Due {
    resend: Vec<Unacknowledged>,
    postpone: Vec<Unacknowledged>,
    forget: Vec<Unacknowledged>,
    ask: Vec<PublicIdentity>,
    update: Vec<(u32, bool)>,
    groups: Vec<GroupId>,
    profiles: bool,
    joins: bool,
}

impl Due {
    pub(crate) fn is_empty(&self) -> bool {
        self.resend.is_empty()
            && self.postpone.is_empty()
            && self.forget.is_empty()
            && self.ask.is_empty()
            && self.update.is_empty()
            && self.groups.is_empty()
            && !self.profiles
            && !self.joins
    }
}

/// Looks at a snapshot, so that nobody waits meanwhile.
pub(crate) fn plan(store: &dyn Rows, now: u64) -> Result<Due, EngineError> {
    let messages = turns::due(store, now, MAX_RESENT_AT_ONCE)?;
    let mut resend = messages.resend;
    let mut has_room = BTreeMap::new();
    for message in &resend {
        let peer = message.to.identity;
        if message.is_requested() && !has_room.contains_key(&peer.to_bytes()) {
            has_room.insert(peer.to_bytes(), budget::has_room(store, &peer, now)?);
        }
    }
    // Whoever asked for much gets the rest tomorrow.
    resend.retain(|message| {
        let room = has_room.get(&message.to.identity.to_bytes());
        !message.is_requested() || room.copied().unwrap_or(true)
    });
    let mut ask = Vec::new();
    for row in doubts::open(store)? {
        let identity = PublicIdentity::from_stored(&row.identity_key);
        let identity = identity.ok_or_else(|| damaged(Table::Healing))?;
        if is_to_ask(&row, now) && is_reachable(store, &row, &identity, now)? {
            ask.push((row.asked_at, identity));
        }
    }
    // Who was not asked for longest comes first, and the others with the next rounds.
    ask.sort_by_key(|(asked_at, identity)| (*asked_at, identity.to_bytes()));
    ask.truncate(MAX_ASKED_AT_ONCE);
    let ask = ask.into_iter().map(|(_, identity)| identity).collect();
    Ok(Due {
        resend,
        postpone: messages.postpone,
        forget: messages.forget,
        ask,
        update: updates::unacknowledged(store, now)?,
        groups: group_views::due(store, now)?,
        profiles: profiles::is_round_due(store, now)?,
        joins: !group_joins::due(store, now)?.is_empty(),
    })
}

/// Does what is due, and what only looks at the time: what the user is told of it, nothing if nothing has changed.
pub(crate) fn maintain(
    step: &mut Step<'_>,
    due: &Due,
) -> Result<Option<Vec<Outcome>>, EngineError> {
    let mut changed = !due.is_empty();
    changed |= redating::look_through(step.rows, step.now)?;
    changed |= healing_root::keep_days(step)?;
    changed |= prekeys::rotate(step)?;
    changed |= prekeys::erase_old(step.rows, step.now)?;
    changed |= message_keys::erase_old(step.rows, step.now)?;
    changed |= own_words::erase_old(step)?;
    changed |= linking::erase_over(step.rows, step.now)?;
    changed |= group_links::erase_over(step.rows, step.now)?;
    changed |= group_joins::erase_over(step.rows, step.now)?;
    changed |= waiting::erase_old(step.rows, step.now)?;
    changed |= held::erase_old(step.rows, &step.device.public(), step.now)?;
    changed |= unhandled::forget_gone(step.rows)?;
    changed |= feed::erase_old(step.rows, &step.device.public(), step.now)?;
    changed |= deletion::expire(step.rows, step.now)? > 0;
    let outcomes = run(step, due)?;
    feed::tell(step, &outcomes)?;
    Ok(changed.then_some(outcomes))
}

/// The store was put back from an older copy: everybody may have what is not here any more.
pub(crate) fn note_rollback(step: &mut Step<'_>) -> Result<(), EngineError> {
    doubts::note_missing(step.rows, &step.device.public(), 0)?;
    for contact in contacts::all(step.rows)? {
        doubts::note_missing(step.rows, &contact.identity, 0)?;
    }
    group_comparisons::begin_in_all(step.rows, &step.device.public(), step.now)?;
    group_links::erase_all(step.rows)?;
    group_joins::end_all(step.rows)?;
    feed::note_rollback(step)
}

pub(crate) fn run(step: &mut Step<'_>, due: &Due) -> Result<Vec<Outcome>, EngineError> {
    let mut outcomes = Vec::new();
    for message in &due.forget {
        unacknowledged::give_up(step.rows, message)?;
    }
    for message in &due.postpone {
        unacknowledged::postpone(step.rows, message.clone(), step.now)?;
    }
    let mut doubtful = resend::resend_some(step, due.resend.clone())?;
    for (device_id, lost) in &due.update {
        let party = Party {
            identity: step.device.public(),
            device_id: *device_id,
        };
        updates::share_again(step, &party)?;
        if *lost && !doubtful.contains(&party) {
            doubtful.push(party);
        }
    }
    healing::probe(step, &doubtful)?;
    if due.profiles {
        profiles::go_round(step)?;
    }
    if due.joins {
        sync::group_joins::ask_again(step)?;
    }
    for identity in &due.ask {
        ask(step, identity)?;
    }
    for group in &due.groups {
        group_sync::maintain(step, group, &mut outcomes)?;
    }
    Ok(outcomes)
}

/// Asks somebody for what is missing, if that is still so.
fn ask(step: &mut Step<'_>, identity: &PublicIdentity) -> Result<(), EngineError> {
    // Somebody may have asked since it was planned.
    let Some(mut row) = doubts::row(step.rows, identity)? else {
        return Ok(());
    };
    if !is_to_ask(&row, step.now) {
        return Ok(());
    }
    if waiting::is_asked_when_accepted(step.rows, identity)? {
        return Ok(());
    }
    let mut cause = Cause::of_number(row.cause);
    let update_pending = is_update_pending(&row, step.now);
    if row.gap_since != 0 && !row.waiting {
        let conversation = ConversationId::Direct(*identity);
        let is_missing_some = core::mem::take(&mut row.follows_missing)
            && follows::is_missing_some(step.rows, &conversation)?;
        let is_promised_less = doubts::is_promised_less(&mut row);
        let is_unanswered = core::mem::take(&mut row.unanswered) || is_promised_less;
        let incomplete = core::mem::take(&mut row.incomplete) || is_missing_some || is_unanswered;
        let gaps = gaps(step.rows, step.device, identity)?;
        let more_gaps = gaps > row.known_gaps;
        row.gap_since = 0;
        row.known_gaps = gaps;
        doubts::save(step.rows, &mut row)?;
        if !incomplete && !more_gaps && !update_pending {
            return Ok(());
        }
        cause = None;
    }
    let asked = healing::ask(step, identity, cause)?;
    if update_pending && asked.is_some() {
        doubts::update_requested(step)?;
    }
    Ok(())
}

/// Whether it is time to ask somebody, and they may be asked.
fn is_to_ask(row: &HealingRow, now: u64) -> bool {
    let waited = row.waiting && due::is_over(row.asked_at, doubts::back_off(row.attempts), now);
    let repeats = waited && row.attempts < MAX_HEALING_ATTEMPTS;
    let gap = is_gap_due(row, now);
    let due = repeats || gap || row.needs_bundle || is_update_pending(row, now);
    // Without a look at whether it is allowed, a round would write and change nothing.
    let cause = Cause::of_number(row.cause).filter(|_| row.waiting || !gap);
    due && healing::may_ask(&mut row.clone(), cause, now)
}

/// Whether it is time to see if something is missing.
fn is_gap_due(row: &HealingRow, now: u64) -> bool {
    row.gap_since != 0 && due::is_over(row.gap_since, GAP_PATIENCE_SECONDS * 1000, now)
}

/// Whether somebody may be asked, and if that failed for want of a bundle, can be now.
fn is_reachable(
    store: &dyn Rows,
    row: &HealingRow,
    identity: &PublicIdentity,
    now: u64,
) -> Result<bool, EngineError> {
    // Our own devices are no contact.
    let Some(contact) = contacts::find(store, identity)? else {
        return Ok(true);
    };
    if !trust::answers(store, &contact)? {
        return Ok(false);
    }
    if !row.needs_bundle {
        return Ok(true);
    }
    Ok(contact
        .bundle
        .is_some_and(|bundle| bundle.check_time(now / 1000).is_ok()))
}

/// Whether a new device was answered, and not told of all contacts.
fn is_update_pending(row: &HealingRow, now: u64) -> bool {
    row.update_asks_left != 0
        && !row.waiting
        && due::is_over(row.asked_at, GAP_PATIENCE_SECONDS * 1000, now)
}

/// How many keys are kept for messages of somebody that have not come.
fn gaps(store: &dyn Rows, device: &Device, identity: &PublicIdentity) -> Result<u32, EngineError> {
    let mut all = 0;
    for party in recipients::devices_of(store, device, identity)? {
        all += sessions::gaps(store, &party)?;
    }
    Ok(all)
}
