//! Which messages that nobody acknowledged are sent again now: everybody in turn, and nothing that still waits for the transport (RFC windlass
//! §8.2.3).

use std::collections::BTreeMap;

use crate::engine::base::clock::Clock;
use crate::engine::base::error::EngineError;
use crate::engine::base::message_ref::MessageRef;
use crate::engine::records::outbox;
use crate::engine::records::unacknowledged::{Unacknowledged, group, of_device};
use crate::limits::{MAX_RESENT_BYTES_AT_ONCE, MAX_UNACKNOWLEDGED};
use crate::store::{Rows, Table};
use crate::x3dh::Party;

/// What is to be done with messages that nobody acknowledged.
#[derive(Default)]
pub(crate) struct DueMessages {
    /// To be sent again.
    pub(crate) resend: Vec<Unacknowledged>,
    /// In an envelope that the transport has not taken.
    pub(crate) postpone: Vec<Unacknowledged>,
    /// Too old, or too many, to be kept ready any longer.
    pub(crate) forget: Vec<Unacknowledged>,
}

/// How many bytes of waiting envelopes are read to see whether they wait.
const MAX_LOOKED_AT: usize = MAX_RESENT_BYTES_AT_ONCE;

/// Of messages, those that can be sent, and those that wait for the transport. What would be too much to look at is left out.
fn split_waiting(
    store: &dyn Rows,
    messages: Vec<Unacknowledged>,
) -> Result<(Vec<Unacknowledged>, Vec<Unacknowledged>), EngineError> {
    let (mut free, mut waiting, mut looked_at) = (Vec::new(), Vec::new(), 0);
    for message in messages {
        let length = match message.row.outbox_id {
            0 => None,
            _ if looked_at >= MAX_LOOKED_AT => continue,
            id => outbox::waiting(store, id)?,
        };
        match length {
            None => free.push(message),
            Some(length) => {
                looked_at += length;
                waiting.push(message);
            }
        }
    }
    Ok((free, waiting))
}

/// What is due by now, at most `limit` of each kind, everybody in turn.
pub(crate) fn due(store: &dyn Rows, now: u64, limit: usize) -> Result<DueMessages, EngineError> {
    let clock = Clock::read(store, now)?;
    let mut found = DueMessages::default();
    let mut of_peer: BTreeMap<[u8; 32], Vec<Unacknowledged>> = BTreeMap::new();
    let mut of_device: BTreeMap<Vec<u8>, u64> = BTreeMap::new();
    let mut failed = None;
    store.visit(Table::Unacknowledged, &mut |bytes| {
        match Unacknowledged::from_row(&bytes) {
            Ok(message) => {
                let count = of_device.entry(group(&message.to)).or_default();
                *count += 1;
                if message.is_over(&clock) || *count > MAX_UNACKNOWLEDGED {
                    if found.forget.len() < limit {
                        found.forget.push(message);
                    }
                } else if message.is_due(now) {
                    let theirs = of_peer.entry(message.to.identity.to_bytes()).or_default();
                    if theirs.len() < limit {
                        theirs.push(message);
                    }
                }
            }
            Err(error) => failed = Some(error),
        }
        Ok(())
    })?;
    if let Some(error) = failed {
        return Err(error);
    }
    let in_turn = in_turn(of_peer, limit);
    (found.resend, found.postpone) = split_waiting(store, in_turn)?;
    Ok(found)
}

/// One of each person, then a second of each, and so on: what is due for the longest time first.
fn in_turn(of_peer: BTreeMap<[u8; 32], Vec<Unacknowledged>>, limit: usize) -> Vec<Unacknowledged> {
    let mut ranked = Vec::new();
    for (peer, mut theirs) in of_peer {
        // The rows of the store come in no order.
        theirs.sort_by_key(|message| {
            let MessageRef { author, id } = message.message;
            (
                message.row.due_at,
                id,
                author.to_bytes(),
                message.to.device_id,
            )
        });
        let turns = theirs.into_iter().enumerate();
        ranked.extend(turns.map(|(turn, message)| (turn, message.row.due_at, peer, message)));
    }
    ranked.sort_by_key(|(turn, due_at, peer, _)| (*turn, *due_at, *peer));
    ranked.truncate(limit);
    ranked.into_iter().map(|(.., message)| message).collect()
}

/// What a device has not acknowledged and gets because it asks: what waits for it anyhow, and then what it asked for, in its turn. Not what is
/// under way from an earlier request, nor what still waits for the transport. At most `limit`.
pub(crate) fn for_answer(
    store: &dyn Rows,
    to: &Party,
    limit: usize,
    now: u64,
) -> Result<Vec<Unacknowledged>, EngineError> {
    let mut all = of_device(
        store,
        to,
        usize::try_from(MAX_UNACKNOWLEDGED).unwrap_or(usize::MAX),
    )?;
    all.retain(|message| !message.is_under_way(now));
    all.sort_by_key(Unacknowledged::turn);
    all.truncate(limit);
    Ok(split_waiting(store, all)?.0)
}
