//! How far the user has read, and telling it.

use crate::chat::{Body, DeviceUpdate, ReadMark};
use crate::engine::base::error::EngineError;
use crate::engine::base::step::Step;
use crate::engine::delivery::post;
use crate::engine::delivery::recipients::Recipients;
use crate::engine::history::place::Place;
use crate::engine::history::unread::{self, Read};
use crate::engine::records::conversations::ConversationId;
use crate::engine::records::{conversations, floors, groups, settings};
use crate::engine::sync::outcome::ConversationNews;
use crate::engine::sync::{chat_settings, feed, updates};
use crate::identity::PublicIdentity;
use crate::store::RowsMut;
use crate::wire::store::ReadByRow;

/// Somebody has read up to a clock; true if that is news.
pub(crate) fn read_by(
    store: &mut dyn RowsMut,
    conversation: &ConversationId,
    by: &PublicIdentity,
    lamport: u64,
    now: u64,
) -> Result<bool, EngineError> {
    // In a group only its members read.
    if !groups::accepts_from(store, conversation, by, now)? {
        return Ok(false);
    }
    if !conversations::is_here(store, conversation)? {
        // Of a conversation that was deleted nobody reads anything.
        return Ok(false);
    }
    let mut row = conversations::row(store, conversation)?;
    // Nobody has read what was not written.
    let lamport = lamport.min(row.lamport);
    let key = by.to_bytes();
    match row.read_by.iter_mut().find(|mark| mark.identity_key == key) {
        Some(mark) if mark.lamport >= lamport => return Ok(false),
        Some(mark) => (mark.lamport, mark.at) = (lamport, now),
        None if lamport == 0 => return Ok(false),
        None => row.read_by.push(ReadByRow {
            identity_key: key.to_vec(),
            lamport,
            at: now,
        }),
    }
    conversations::save(store, conversation, &row)?;
    Ok(true)
}

/// Another device of ours says how far the user has read there.
pub(crate) fn mark_elsewhere(step: &mut Step<'_>, mark: &ReadMark) -> Result<(), EngineError> {
    let Some(id) = ConversationId::from_wire(&mark.conversation, mark.group) else {
        return Ok(());
    };
    if !conversations::is_here(step.rows, &id)? && floors::find(step.rows, &id.wire())?.is_some() {
        // It was deleted here, and does not come back by being read.
        return Ok(());
    }
    let mut row = conversations::row(step.rows, &id)?;
    let read = Read {
        lamport: mark.lamport,
        messages: mark.messages.clone(),
    };
    let before = row.unread;
    unread::read_elsewhere(step.rows, &id, &mut row, &read)?;
    conversations::save(step.rows, &id, &row)?;
    if row.unread != before {
        note(step, &id);
    }
    Ok(())
}

/// Tells our other devices what the user has read here.
pub(crate) fn share(step: &mut Step<'_>, id: &ConversationId) -> Result<(), EngineError> {
    let update = DeviceUpdate {
        read: vec![updates::read_mark(step, id)?],
        ..DeviceUpdate::default()
    };
    note(step, id);
    updates::share(step, Recipients::ALL, update)
}

/// Who shows the conversation is told that the user has read.
fn note(step: &mut Step<'_>, id: &ConversationId) {
    let by = step.device.public();
    feed::note_in(step, id, ConversationNews::Read { by });
}

/// The user has read all there is: our other devices hear of it, and if `receipt` is set the others do.
pub(crate) fn read_all(
    step: &mut Step<'_>,
    id: &ConversationId,
    receipt: bool,
) -> Result<bool, EngineError> {
    chat_settings::seen(step, id)?;
    let mut row = conversations::row(step.rows, id)?;
    let lamport = row.lamport;
    if row.read_lamport >= lamport && row.unread == 0 {
        return Ok(false);
    }
    unread::read_here(step.rows, id, &mut row)?;
    conversations::save(step.rows, id, &row)?;
    share(step, id)?;
    // Of what crossed our own words and has not come, nothing was read.
    let lamport = unread::latest_of_others(step.rows, id, &step.device.public())?;
    if receipt {
        tell(step, id, lamport)?;
    }
    Ok(true)
}

/// The user has read up to a message, and perhaps not what stands behind it. False if all of that was read before.
pub(crate) fn read_up_to(
    step: &mut Step<'_>,
    id: &ConversationId,
    last: &Place,
    receipt: bool,
) -> Result<bool, EngineError> {
    chat_settings::seen(step, id)?;
    let mut row = conversations::row(step.rows, id)?;
    let before = row.unread;
    unread::read_up_to(step.rows, id, &mut row, last)?;
    if row.unread == before {
        return Ok(false);
    }
    conversations::save(step.rows, id, &row)?;
    share(step, id)?;
    if receipt {
        let own = step.device.public();
        let lamport = unread::read_clock(step.rows, id, &row, &own, last)?;
        tell(step, id, lamport)?;
    }
    Ok(true)
}

/// Tells the others up to which clock the user has read; nobody if it is 0.
fn tell(step: &mut Step<'_>, id: &ConversationId, lamport: u64) -> Result<(), EngineError> {
    if lamport == 0 || settings::row(step.rows)?.no_read_receipts {
        return Ok(());
    }
    let to: Vec<PublicIdentity> = match id {
        ConversationId::Direct(peer) => vec![*peer],
        // A user who is only invited, or not a member any more, reads without telling anybody.
        ConversationId::Group(group) => match groups::recipients(step.rows, step.device, group) {
            Err(EngineError::NotAMember) => Vec::new(),
            recipients => recipients?,
        },
    };
    for peer in to.iter().filter(|peer| **peer != step.device.public()) {
        let body = Body::ReadReceipt { lamport };
        match post::send_control_in(step, peer, id, Recipients::ALL, body) {
            // They hear of it with the next one.
            Ok(_) => {}
            Err(error) if error.lacks_usable_bundle() => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
