//! Messages that a device has not acknowledged: kept ready to be sent to it again (RFC windlass §8.4; docs/store.md, promise 2).

use crate::chat::MessageId;
use crate::engine::base::clock::Clock;
use crate::engine::base::due;
use crate::engine::base::error::EngineError;
use crate::engine::base::message_ref::MessageRef;
use crate::engine::base::rows::{damaged, decode, put_row};
use crate::engine::records::{asked, sessions};
use crate::identity::PublicIdentity;
use crate::limits::{
    HEALING_BACK_OFF_SECONDS, MAX_RESENDS, RESEND_AFTER_SECONDS, RESEND_RETENTION_SECONDS,
    RESENDS_IN_SESSION, TAKE_OVER_AFTER_SECONDS,
};
use crate::store::{Direction, Key, Rows, RowsMut, Table, WHOLE_GROUP};
use crate::wire::store::UnacknowledgedRow;
use crate::x3dh::Party;

/// When a message is sent again that was sent often enough.
const NEVER: u64 = u64::MAX;

/// The longest time from one resend to the next.
const LONGEST_WAIT: u64 = resend_wait(MAX_RESENDS);

/// How long after the last of so many resends the next one comes, in milliseconds: twice as long each time.
pub(crate) const fn resend_wait(resent: u32) -> u64 {
    let doubled = if resent < MAX_RESENDS {
        resent
    } else {
        MAX_RESENDS
    };
    (RESEND_AFTER_SECONDS * 1000) << doubled
}

/// A message that waits for a device's receipt.
#[derive(Clone)]
pub(crate) struct Unacknowledged {
    pub(crate) to: Party,
    pub(crate) message: MessageRef,
    pub(super) row: UnacknowledgedRow,
}

impl Unacknowledged {
    fn new(to: &Party, message: &MessageRef, now: u64, due_at: u64, known_by: u64) -> Self {
        Self {
            to: *to,
            message: *message,
            row: UnacknowledgedRow {
                author_identity_key: message.author.to_bytes().to_vec(),
                message_id: message.id.as_bytes().to_vec(),
                identity_key: to.identity.to_bytes().to_vec(),
                device_id: to.device_id,
                written_at: now,
                due_at,
                resent: 0,
                outbox_id: 0,
                requested: false,
                sent_at: 0,
                known_by,
                turn: 0,
                under_way: 0,
            },
        }
    }

    pub(super) fn from_row(bytes: &[u8]) -> Result<Self, EngineError> {
        let row: UnacknowledgedRow = decode(Table::Unacknowledged, bytes)?;
        let identity = PublicIdentity::from_stored(&row.identity_key);
        Ok(Self {
            to: Party {
                identity: identity.ok_or_else(|| damaged(Table::Unacknowledged))?,
                device_id: row.device_id,
            },
            message: MessageRef::from_columns(
                Table::Unacknowledged,
                &row.author_identity_key,
                &row.message_id,
            )?,
            row,
        })
    }

    /// Whether it was sent so often that the other side may not have the session any more, nor know of us.
    pub(crate) fn session_may_be_lost(&self) -> bool {
        self.row.resent >= RESENDS_IN_SESSION
    }

    /// Whether it is not kept ready any longer.
    pub(crate) fn is_over(&self, clock: &Clock) -> bool {
        let given_up = self.row.due_at == NEVER && clock.is_ahead(self.row.written_at);
        given_up || clock.may_erase(self.row.written_at, RESEND_RETENTION_SECONDS * 1000)
    }

    /// Whether it is sent because the device asked for it.
    pub(crate) fn is_requested(&self) -> bool {
        self.row.requested
    }

    /// Whether it was sent for an earlier request, and may still be under way.
    pub(crate) fn is_under_way(&self, now: u64) -> bool {
        self.row.requested && !due::is_over(self.row.sent_at, HEALING_BACK_OFF_SECONDS * 1000, now)
    }

    /// Whether it is sent again now.
    pub(crate) fn is_due(&self, now: u64) -> bool {
        self.row.due_at != NEVER && due::has_come(self.row.due_at, LONGEST_WAIT, now)
    }

    /// Its turn among what the device asked for; 0 for what was not asked for, or was sent.
    pub(super) fn turn(&self) -> u64 {
        self.row.turn
    }

    /// It has no turn any more, nor is it under way.
    fn leave(&mut self, store: &mut dyn RowsMut, now: Option<u64>) -> Result<(), EngineError> {
        let turn = core::mem::take(&mut self.row.turn);
        asked::leave(store, &self.to, turn)?;
        let bytes = core::mem::take(&mut self.row.under_way);
        asked::came(store, &self.to, bytes, now)
    }

    /// It goes to the device only in a session of which it is known that it was that device's at this time.
    pub(crate) fn known_by(&self) -> u64 {
        self.row.known_by
    }

    fn save(&self, store: &mut dyn RowsMut) -> Result<(), EngineError> {
        let (group, author) = (group(&self.to), self.message.author.to_bytes());
        let key = key(&group, &author, &self.message.id);
        put_row(store, Table::Unacknowledged, key, &self.row)
    }
}

pub(super) fn group(to: &Party) -> Vec<u8> {
    [
        to.identity.to_bytes().as_slice(),
        &to.device_id.to_be_bytes(),
    ]
    .concat()
}

/// Two authors may have given their messages the same id, so the author is part of it.
fn key<'a>(group: &'a [u8], author: &'a [u8], id: &'a MessageId) -> Key<'a> {
    Key::named(group, id.as_bytes(), author)
}

/// Notes a message that was just sent to a device, in an envelope of the outbox. It is for whoever has the session that it went in, whatever the
/// clock says of when that was.
pub(crate) fn schedule_sent(
    store: &mut dyn RowsMut,
    to: &Party,
    message: &MessageRef,
    outbox_id: u64,
    now: u64,
) -> Result<(), EngineError> {
    let due_at = now + RESEND_AFTER_SECONDS * 1000;
    let known_by = sessions::known_since(store, to)?.map_or(now, |since| since.max(now));
    let mut unacknowledged = Unacknowledged::new(to, message, now, due_at, known_by);
    unacknowledged.row.outbox_id = outbox_id;
    unacknowledged.save(store)
}

/// Notes a message that another device of ours sent at a time, and will send again for a while.
pub(crate) fn schedule_late(
    store: &mut dyn RowsMut,
    to: &Party,
    message: &MessageRef,
    sent_at: u64,
    now: u64,
) -> Result<(), EngineError> {
    let due_at = now + TAKE_OVER_AFTER_SECONDS * 1000;
    Unacknowledged::new(to, message, now, due_at, sent_at.min(now)).save(store)
}

/// Notes for a device what another of the same person did not acknowledge, unless it waits for a receipt already. Who was no addressee
/// of it does not get it for that.
pub(crate) fn inherit(
    store: &mut dyn RowsMut,
    to: &Party,
    from: &Unacknowledged,
    now: u64,
) -> Result<(), EngineError> {
    if is_scheduled(store, to, &from.message)? {
        return Ok(());
    }
    Unacknowledged::new(to, &from.message, now, now, from.row.known_by).save(store)
}

/// Whether this very message, of this author, waits for a receipt.
pub(crate) fn is_scheduled(
    store: &dyn Rows,
    to: &Party,
    message: &MessageRef,
) -> Result<bool, EngineError> {
    Ok(find(store, to, message)?.is_some())
}

fn find(
    store: &dyn Rows,
    to: &Party,
    message: &MessageRef,
) -> Result<Option<Unacknowledged>, EngineError> {
    let (group, by) = (group(to), message.author.to_bytes());
    let row = store.get(Table::Unacknowledged, key(&group, &by, &message.id))?;
    row.map(|bytes| Unacknowledged::from_row(&bytes))
        .transpose()
}

/// Notes a message that a device asked for, unless it waits for a receipt already. It is sent with the next round, and once more: whoever does
/// not acknowledge what they asked for has to ask again. It goes in sessions that are as good as the one that they asked in.
pub(crate) fn schedule_requested(
    store: &mut dyn RowsMut,
    to: &Party,
    message: &MessageRef,
    known_by: u64,
    now: u64,
) -> Result<(), EngineError> {
    if let Some(mut waiting) = find(store, to, message)? {
        // What was sent for an earlier request and is asked for again was lost: it has a turn again.
        let sent_for = waiting.is_requested() && waiting.row.turn == 0;
        if sent_for && due::is_over(waiting.row.sent_at, HEALING_BACK_OFF_SECONDS * 1000, now) {
            waiting.leave(store, None)?;
            waiting.row.turn = asked::enter(store, to, message)?;
            waiting.save(store)?;
        }
        return Ok(());
    }
    let mut unacknowledged = Unacknowledged::new(to, message, now, now, known_by);
    unacknowledged.row.resent = MAX_RESENDS - 2;
    unacknowledged.row.requested = true;
    unacknowledged.row.turn = asked::enter(store, to, message)?;
    unacknowledged.save(store)
}

/// A device has a message with this id; whether it had asked for it. If there are two, by different authors, it is not said which of them: both
/// wait on, and are sent again as often as what nobody acknowledges.
pub(crate) fn acknowledge(
    store: &mut dyn RowsMut,
    by: &Party,
    id: &MessageId,
    now: u64,
) -> Result<bool, EngineError> {
    let group = group(by);
    let waiting = store.of_order(Table::Unacknowledged, &group, id.as_bytes())?;
    let [(order, bytes)] = waiting.as_slice() else {
        return Ok(false);
    };
    let mut message = Unacknowledged::from_row(bytes)?;
    message.leave(store, Some(now))?;
    store.delete(Table::Unacknowledged, Key::ordered(&group, order))?;
    Ok(message.is_requested())
}

/// A message is not sent again any more.
pub(crate) fn give_up(
    store: &mut dyn RowsMut,
    message: &Unacknowledged,
) -> Result<(), EngineError> {
    message.clone().leave(store, None)?;
    let (group, author) = (group(&message.to), message.message.author.to_bytes());
    store.delete(
        Table::Unacknowledged,
        key(&group, &author, &message.message.id),
    )?;
    Ok(())
}

/// Whether a device has not acknowledged a message yet.
#[cfg(test)]
pub(crate) fn is_waiting(
    store: &dyn Rows,
    by: &Party,
    id: &MessageId,
) -> Result<bool, EngineError> {
    let waiting = store.of_order(Table::Unacknowledged, &group(by), id.as_bytes())?;
    Ok(!waiting.is_empty())
}

/// Nothing is sent again to a device that is gone.
pub(crate) fn forget(store: &mut dyn RowsMut, to: &Party) -> Result<(), EngineError> {
    store.delete_range(Table::Unacknowledged, &group(to), WHOLE_GROUP, usize::MAX)?;
    asked::forget(store, to)
}

/// What of it a device has not acknowledged and asked for, at most `limit`, in its turn.
pub(crate) fn asked_by(
    store: &dyn Rows,
    to: &Party,
    limit: usize,
) -> Result<Vec<Unacknowledged>, EngineError> {
    let mut found = Vec::new();
    for message in asked::next(store, to, limit)? {
        found.extend(find(store, to, &message)?);
    }
    Ok(found)
}

/// What a device has not acknowledged, at most `limit`.
pub(crate) fn of_device(
    store: &dyn Rows,
    to: &Party,
    limit: usize,
) -> Result<Vec<Unacknowledged>, EngineError> {
    let group = group(to);
    let found = store.range(
        Table::Unacknowledged,
        &group,
        WHOLE_GROUP,
        Direction::Forward,
        limit,
    )?;
    found
        .iter()
        .map(|(_, bytes)| Unacknowledged::from_row(bytes))
        .collect()
}

/// It was sent again, in an envelope of the outbox of so many bytes: when it is due the next time.
pub(crate) fn resent(
    store: &mut dyn RowsMut,
    mut message: Unacknowledged,
    (outbox_id, bytes): (u64, usize),
    now: u64,
) -> Result<(), EngineError> {
    message.row.outbox_id = outbox_id;
    message.row.sent_at = now;
    message.leave(store, None)?;
    if message.is_requested() {
        message.row.under_way = bytes as u64;
        asked::sent(store, &message.to, message.row.under_way, now)?;
    }
    postpone_doubling(store, message, now)
}

/// It counts as sent again, though no session leads to the device that it was written to: that one has to say something first.
pub(crate) fn put_off(
    store: &mut dyn RowsMut,
    mut message: Unacknowledged,
    now: u64,
) -> Result<(), EngineError> {
    message.leave(store, None)?;
    postpone_doubling(store, message, now)
}

fn postpone_doubling(
    store: &mut dyn RowsMut,
    mut message: Unacknowledged,
    now: u64,
) -> Result<(), EngineError> {
    let wait = resend_wait(message.row.resent);
    due::pull_back(&mut message.row.written_at, now);
    message.row.resent = message.row.resent.saturating_add(1);
    message.row.due_at = if message.row.resent >= MAX_RESENDS {
        NEVER
    } else {
        now.saturating_add(wait)
    };
    message.save(store)
}

/// It could not be sent: the transport has not taken it yet, or there is no bundle to begin a session by. That does not count, and it is
/// looked at again the later the longer it waits.
pub(crate) fn postpone(
    store: &mut dyn RowsMut,
    mut message: Unacknowledged,
    now: u64,
) -> Result<(), EngineError> {
    const HOUR: u64 = RESEND_AFTER_SECONDS * 1000;
    message.leave(store, None)?;
    due::pull_back(&mut message.row.written_at, now);
    let waited = now.saturating_sub(message.row.written_at);
    message.row.due_at = now.saturating_add(waited.clamp(HOUR, 4 * HOUR));
    message.save(store)
}
