//! Messages that are sent at a time (decision 0106): written down, and sent when it has come, under the name that they have from the beginning.

use crate::chat::{Body, Content, ContentError, GroupEventError, MessageId};
use crate::engine::base::clock::Clock;
use crate::engine::base::error::EngineError;
use crate::engine::base::message_ref::MessageRef;
use crate::engine::base::rows::damaged;
use crate::engine::base::step::Step;
use crate::engine::history::message;
use crate::engine::records::conversations::ConversationId;
use crate::engine::records::{contacts, groups, scheduled};
use crate::engine::steps::{group, write};
use crate::engine::sync::feed;
use crate::engine::sync::outcome::ConversationNews;
use crate::limits::{MAX_SCHEDULE_SECONDS, MAX_SCHEDULED};
use crate::store::{Rows, Table};
use crate::wire::store::ScheduledRow;

/// How long a clock that leapt ahead is not asked again.
const PATIENCE: u64 = 600_000;

/// A message that is to be sent.
pub(crate) struct Scheduled {
    pub(crate) conversation: ConversationId,
    /// It has no clock yet.
    pub(crate) content: Content,
    /// In milliseconds since the epoch.
    pub(crate) send_at: u64,
    /// The code of the error with which it was not sent; empty as long as it is to be.
    pub(crate) failed: String,
}

/// By what one is found.
pub(crate) type Name = (ConversationId, MessageId);

fn read(row: &ScheduledRow) -> Result<Scheduled, EngineError> {
    let damaged = || damaged(Table::Scheduled);
    let conversation = ConversationId::from_columns(&row.peer_identity_key, &row.group_id);
    Ok(Scheduled {
        conversation: conversation.ok_or_else(damaged)?,
        content: Content::from_bytes(&row.content).map_err(|_| damaged())?,
        send_at: row.send_at,
        failed: row.failed.clone(),
    })
}

/// Writes a message down that is to go at a time. What cannot be sent now is refused now; what changes until then, then.
pub(crate) fn schedule(
    step: &mut Step<'_>,
    to: &ConversationId,
    body: Body,
    reply_to: Option<MessageId>,
    send_at: u64,
) -> Result<Scheduled, EngineError> {
    body.check()?;
    check(step, to, &body)?;
    if send_at > step.now.saturating_add(MAX_SCHEDULE_SECONDS * 1000) {
        return Err(ContentError::Invalid("a time more than a year ahead").into());
    }
    let got = scheduled::count(step.rows)?.saturating_add(1);
    if got > MAX_SCHEDULED {
        let number = |count| usize::try_from(count).unwrap_or(usize::MAX);
        let (what, got, max) = ("schedule", number(got), number(MAX_SCHEDULED));
        return Err(ContentError::TooLarge { what, got, max }.into());
    }
    let content = Content {
        id: MessageId::random(step.rng),
        lamport: 0,
        sent_at: 0,
        reply_to,
        group: None,
        view: None,
        follows: Vec::new(),
        origin: step.origin,
        body,
    };
    let (peer_identity_key, group_id) = to.columns();
    let row = ScheduledRow {
        peer_identity_key,
        group_id,
        content: content.to_bytes().to_vec(),
        send_at,
        set_at: step.now,
        failed: String::new(),
    };
    scheduled::save(step.rows, &row, content.id.as_bytes())?;
    feed::note_in(step, to, ConversationNews::ScheduledChanged);
    read(&row)
}

/// Whether something could be sent there now, as far as that is known without doing it.
fn check(step: &Step<'_>, to: &ConversationId, body: &Body) -> Result<(), EngineError> {
    let own = step.device.public();
    match to {
        ConversationId::Direct(peer) if *peer == own => Err(EngineError::OwnAddress),
        ConversationId::Direct(peer) => {
            let row = contacts::row(step.rows, peer)?.ok_or(EngineError::UnknownContact)?;
            if row.blocked {
                return Err(EngineError::ContactBlocked);
            }
            Ok(())
        }
        ConversationId::Group(id) => {
            groups::recipients(step.rows, step.device, id)?;
            if !group::may_say(&groups::listed(step.rows, id)?, &own, body) {
                return Err(GroupEventError::NotAnAdmin.into());
            }
            Ok(())
        }
    }
}

/// What is to be sent to a conversation, and what was not; what goes first in front.
pub(crate) fn of(store: &dyn Rows, to: &ConversationId) -> Result<Vec<Scheduled>, EngineError> {
    let rows = scheduled::of(store, &to.columns())?;
    rows.iter().map(read).collect()
}

fn find(
    store: &dyn Rows,
    (to, id): &Name,
) -> Result<Option<(ScheduledRow, Scheduled)>, EngineError> {
    for row in scheduled::of(store, &to.columns())? {
        let read = read(&row)?;
        if read.content.id == *id {
            return Ok(Some((row, read)));
        }
    }
    Ok(None)
}

/// Takes a message back; false if there is none: it was sent, or taken back before.
pub(crate) fn cancel(step: &mut Step<'_>, name: &Name) -> Result<bool, EngineError> {
    let Some((row, found)) = find(step.rows, name)? else {
        return Ok(false);
    };
    scheduled::erase(step.rows, &row, found.content.id.as_bytes())?;
    feed::note_in(step, &name.0, ConversationNews::ScheduledChanged);
    Ok(true)
}

/// What is due by now, what was due first in front; and when to look again. A clock that leapt ahead sends nothing: it may be wrong, and nothing brings a
/// message back.
pub(crate) fn due(store: &dyn Rows, now: u64) -> Result<(Vec<Name>, Option<u64>), EngineError> {
    let clock = Clock::read(store, now)?;
    let (mut due, mut next, mut failed) = (Vec::new(), None::<u64>, None);
    scheduled::visit(store, |row| {
        let goes_at = scheduled::goes_at(&row, &clock);
        if goes_at <= now && clock.is_settled() {
            match read(&row) {
                Ok(one) => due.push((goes_at, one.conversation, one.content.id)),
                Err(error) => failed = Some(error),
            }
        } else {
            let at = match goes_at <= now {
                true => now.saturating_add(PATIENCE),
                false => goes_at,
            };
            next = Some(next.map_or(at, |next| next.min(at)));
        }
    })?;
    if let Some(error) = failed {
        return Err(error);
    }
    due.sort_by_key(|(at, _, id)| (*at, *id.as_bytes()));
    let due = due.into_iter().map(|(_, to, id)| (to, id)).collect();
    Ok((due, next))
}

/// Sends one message that is due: its row goes with the step in which its envelopes come. False if it is not there any more.
pub(crate) fn send(step: &mut Step<'_>, name: &Name) -> Result<bool, EngineError> {
    let Some((row, found)) = find(step.rows, name)? else {
        return Ok(false);
    };
    if !found.failed.is_empty() {
        return Ok(false);
    }
    let content = found.content;
    scheduled::erase(step.rows, &row, content.id.as_bytes())?;
    feed::note_in(step, &name.0, ConversationNews::ScheduledChanged);
    let sent = MessageRef::new(&step.device.public(), &content);
    // In a store that was put back from an older copy, it may have gone before, and been given back by others.
    if message::contains(step.rows, &sent)? {
        return Ok(true);
    }
    step.origin = content.origin;
    step.unattended = true;
    let (id, reply_to) = (Some(content.id), content.reply_to);
    write::write_as(step, id, &name.0, content.body, reply_to)?;
    Ok(true)
}

/// Notes why one that was due was not sent. It stays, until the user takes it back.
pub(crate) fn fail(step: &mut Step<'_>, name: &Name, code: &str) -> Result<(), EngineError> {
    let Some((mut row, found)) = find(step.rows, name)? else {
        return Ok(());
    };
    code.clone_into(&mut row.failed);
    scheduled::save(step.rows, &row, found.content.id.as_bytes())?;
    feed::note_in(step, &name.0, ConversationNews::ScheduledChanged);
    Ok(())
}
