//! What is due without anyone asking for it: messages that nobody acknowledged, requests that nobody answered (RFC windlass §8.2, §8.4).

use super::conversation::ConversationId;
use super::envelopes::To;
use super::{
    Device, Moment, damaged, devices, heads, healing, send, sessions, unacknowledged, updates,
};
use crate::api::error::WindlassError;
use crate::api::event::UndecryptableCause as Cause;
use crate::identity::PublicIdentity;
use crate::limits::{
    GAP_PATIENCE_SECONDS, MAX_HEALING_ATTEMPTS, MAX_RESENT_AT_ONCE, MAX_RESENT_BYTES_AT_ONCE,
};
use crate::store::{Rows, Table, Writer};
use crate::wire::{self, store::HealingRow};

/// What is due by now: messages and updates that nobody acknowledged, requests that nobody answered, gaps that did not fill.
pub(in crate::api) struct Due {
    resend: Vec<unacknowledged::Unacknowledged>,
    forget: Vec<unacknowledged::Unacknowledged>,
    ask: Vec<PublicIdentity>,
    update: Vec<To>,
}

impl Due {
    pub(in crate::api) fn is_empty(&self) -> bool {
        self.resend.is_empty()
            && self.forget.is_empty()
            && self.ask.is_empty()
            && self.update.is_empty()
    }
}

/// Looks at a snapshot, so that nobody waits meanwhile.
pub(in crate::api) fn look(store: &impl Rows, now: u64) -> Result<Due, WindlassError> {
    let (mut resend, forget) = unacknowledged::due(store, now, MAX_RESENT_AT_ONCE)?;
    // The rows of the store come in no order.
    resend.sort_by_key(|message| {
        (
            message.to.identity.to_bytes(),
            message.to.device_id,
            message.id,
            message.author.to_bytes(),
        )
    });
    let mut ask = Vec::new();
    for bytes in store.scan(Table::Healing)? {
        let row: HealingRow =
            wire::decode("healing", &bytes).map_err(|_| damaged(Table::Healing))?;
        if is_to_ask(&row, now) {
            let identity = PublicIdentity::from_stored(&row.identity_key);
            ask.push(identity.ok_or_else(|| damaged(Table::Healing))?);
        }
    }
    ask.sort_by_key(PublicIdentity::to_bytes);
    Ok(Due {
        resend,
        forget,
        ask,
        update: updates::not_updated(store, now)?,
    })
}

/// Does what is due.
pub(in crate::api) fn carry_on(
    store: &mut Writer<'_>,
    device: &Device,
    due: Due,
    moment: &mut Moment,
) -> Result<(), WindlassError> {
    for message in due.forget {
        unacknowledged::give_up(store, &message)?;
    }
    resend_some(store, device, due.resend, moment)?;
    for to in due.update {
        updates::tell_contacts(store, device, to, moment)?;
    }
    for identity in due.ask {
        // Somebody may have asked since it was looked at.
        let Some(mut row) = healing::row(store, &identity)? else {
            continue;
        };
        if !is_to_ask(&row, moment.now) {
            continue;
        }
        let mut cause = Cause::of_number(row.cause);
        let untold = is_untold(&row, moment.now);
        if row.gap_since != 0 && !row.waiting {
            let conversation = ConversationId::Direct(identity);
            let hole = core::mem::take(&mut row.follows_missing)
                && heads::is_missing_some(store, &conversation)?;
            let behind = core::mem::take(&mut row.incomplete) || hole;
            let gaps = gaps(store, device, &identity)?;
            let grown = gaps > row.known_gaps;
            row.gap_since = 0;
            row.known_gaps = gaps;
            healing::save(store, &row)?;
            if !behind && !grown && !untold {
                continue;
            }
            cause = None;
        }
        let asked = healing::ask(store, device, &identity, cause, moment)?;
        if untold && asked.is_some() {
            healing::asked_for_update(store, device)?;
        }
    }
    Ok(())
}

/// Whether it is time to ask somebody.
fn is_to_ask(row: &HealingRow, now: u64) -> bool {
    let waited = row.waiting && now.abs_diff(row.asked_at) >= healing::back_off(row.attempts);
    let repeats = waited && row.attempts < MAX_HEALING_ATTEMPTS;
    let gap =
        row.gap_since != 0 && now.saturating_sub(row.gap_since) / 1000 >= GAP_PATIENCE_SECONDS;
    repeats || gap || row.needs_bundle || is_untold(row, now)
}

/// Whether a new device was answered, and not told of all contacts.
fn is_untold(row: &HealingRow, now: u64) -> bool {
    row.update_asks_left != 0
        && !row.waiting
        && now.saturating_sub(row.asked_at) / 1000 >= GAP_PATIENCE_SECONDS
}

fn gaps(
    store: &impl Rows,
    device: &Device,
    identity: &PublicIdentity,
) -> Result<u32, WindlassError> {
    let mut all = 0;
    for party in devices::of(store, device, identity)? {
        all += sessions::gaps(store, &party)?;
    }
    Ok(all)
}

/// Sends messages again, as many as one transaction should hold; the rest stays due.
pub(super) fn resend_some(
    store: &mut Writer<'_>,
    device: &Device,
    messages: Vec<unacknowledged::Unacknowledged>,
    moment: &mut Moment,
) -> Result<(), WindlassError> {
    let mut room = MAX_RESENT_BYTES_AT_ONCE;
    for message in messages {
        if room == 0 {
            break;
        }
        room = room.saturating_sub(resend(store, device, message, moment)?);
    }
    Ok(())
}

/// Sends a message again; how many bytes that are.
fn resend(
    store: &mut Writer<'_>,
    device: &Device,
    message: unacknowledged::Unacknowledged,
    moment: &mut Moment,
) -> Result<usize, WindlassError> {
    let (to, id) = (message.to, message.id);
    let afresh = message.session_may_be_lost();
    match send::resend(store, device, &to, &message.author, &id, afresh, moment) {
        Ok(Some(bytes)) => unacknowledged::resent(store, message, moment.now).map(|()| bytes),
        Ok(None) => unacknowledged::give_up(store, &message).map(|()| 0),
        // Until there is a bundle that is valid.
        Err(error) if error.is_want_of_bundle() => {
            unacknowledged::resent(store, message, moment.now).map(|()| 0)
        }
        Err(error) => Err(error),
    }
}
