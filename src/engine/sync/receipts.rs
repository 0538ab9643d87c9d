//! Receipts: who has which of our messages (RFC windlass §9.4).

use std::collections::BTreeMap;

use crate::chat::MessageId;
use crate::engine::base::error::EngineError;
use crate::engine::base::message_ref::MessageRef;
use crate::engine::base::step::Step;
use crate::engine::delivery::{post, resend};
use crate::engine::history::delivered::{self, Receipt};
use crate::engine::history::message;
use crate::engine::history::message::Stored;
use crate::engine::history::unhandled;
use crate::engine::records::conversations::ConversationId;
use crate::engine::records::settings::TrustPolicy;
use crate::engine::records::{contacts, doubts, trust, unacknowledged};
use crate::engine::sync::outcome::{Outcome, PeerNews};
use crate::engine::sync::{profiles, updates};
use crate::identity::PublicIdentity;
use crate::limits::MAX_RECEIPT_IDS;
use crate::store::Rows;
use crate::x3dh::Party;

/// What of ours the sender says they have, beside a content (RFC windlass §9.4.1). What is no receipt is passed over, and whoever is blocked has no say.
pub(crate) fn take_beside(
    step: &mut Step<'_>,
    from: &Party,
    receipt: &[u8],
    outcomes: &mut Vec<Outcome>,
) -> Result<(), EngineError> {
    let (ids, rest) = receipt.as_chunks::<16>();
    if ids.is_empty() || !rest.is_empty() || ids.len() > MAX_RECEIPT_IDS {
        return Ok(());
    }
    if contacts::row(step.rows, &from.identity)?.is_some_and(|contact| contact.blocked) {
        return Ok(());
    }
    let ids: Result<Vec<_>, _> = ids.iter().map(|id| MessageId::from_bytes(id)).collect();
    if let Ok(ids) = ids {
        let new = apply_receipt(step, from, &ids)?;
        outcomes.push(Outcome::Peer(from.identity, PeerNews::Delivered(new)));
    }
    Ok(())
}

/// A receipt came. The ids that were not known to be delivered before.
pub(crate) fn apply_receipt(
    step: &mut Step<'_>,
    from: &Party,
    receipt: &[MessageId],
) -> Result<Vec<MessageId>, EngineError> {
    let own = step.device.public();
    let mut ids = Vec::new();
    let mut goes_on = false;
    for id in receipt {
        goes_on |= unacknowledged::acknowledge(step.rows, from, id, step.now)?;
        if from.identity == own {
            updates::acknowledged(step.rows, from.device_id, id)?;
            continue;
        }
        if profiles::acknowledged(step, &from.identity, id)? {
            continue;
        }
        let message = MessageRef {
            author: own,
            id: *id,
        };
        match delivered::note(step.rows, &message, from, step.now)? {
            Receipt::New => ids.push(*id),
            Receipt::Known => {}
            // They have something of ours that is not here: this device went back in time, or another one wrote it.
            Receipt::OfUnknown => doubts::note_missing(step.rows, &from.identity, step.now)?,
        }
    }
    if goes_on {
        resend::go_on(step, from)?;
    }
    Ok(ids)
}

/// What of it is acknowledged now: what somebody who is only introduced says to the user alone is so when they are accepted.
fn to_acknowledge(
    store: &dyn Rows,
    peer: &PublicIdentity,
    mut ids: Vec<MessageId>,
) -> Result<Vec<MessageId>, EngineError> {
    let waits = contacts::row(store, peer)?.is_some_and(|contact| contact.waits());
    if !waits || trust::policy(store)? == TrustPolicy::AcceptAll {
        return Ok(ids);
    }
    let mut direct = Vec::new();
    for id in &ids {
        let message = MessageRef {
            author: *peer,
            id: *id,
        };
        let stored = message::find(store, &message)?;
        let in_group = |stored: &Stored| matches!(stored.conversation, ConversationId::Group(_));
        if !stored.as_ref().is_some_and(in_group) {
            direct.push(*id);
        }
    }
    ids.retain(|id| !direct.contains(id));
    Ok(ids)
}

/// A message was handled whose receipt was held back: it goes with what this step writes to its author.
pub(crate) fn ride(step: &mut Step<'_>, message: MessageRef) -> Result<(), EngineError> {
    let acknowledged = to_acknowledge(step.rows, &message.author, vec![message.id])?;
    if !acknowledged.is_empty() {
        step.receipts.due.push(message);
    }
    Ok(())
}

/// What nothing took along goes in envelopes of its own.
pub(crate) fn send_rest(step: &mut Step<'_>) -> Result<(), EngineError> {
    let rest = core::mem::take(&mut step.receipts.due);
    send_all(
        step,
        rest.iter().map(|message| (message.author, message.id)),
    )
}

/// Of messages that wait for an answer, by number: nobody waits for it any longer.
pub(crate) fn send_held(step: &mut Step<'_>, numbers: &[u64]) -> Result<(), EngineError> {
    let messages = unhandled::take_receipts(step.rows, numbers)?;
    send_all(
        step,
        messages.iter().map(|message| (message.author, message.id)),
    )
}

/// Sends the delivery receipts for what a batch brought, one for each peer; not those that wait for an answer.
pub(crate) fn acknowledge(
    step: &mut Step<'_>,
    received: &[(PublicIdentity, MessageId)],
) -> Result<(), EngineError> {
    let held = core::mem::take(&mut step.receipts.held);
    let is_held = |peer, id| {
        let mut held = held.iter();
        held.any(|message| message.author == peer && message.id == id)
    };
    let now = received.iter().filter(|(peer, id)| !is_held(*peer, *id));
    let sent = send_all(step, now.copied());
    step.receipts.held = held;
    sent
}

fn send_all(
    step: &mut Step<'_>,
    received: impl Iterator<Item = (PublicIdentity, MessageId)>,
) -> Result<(), EngineError> {
    let mut by_peer: BTreeMap<[u8; 32], (PublicIdentity, Vec<MessageId>)> = BTreeMap::new();
    for (peer, id) in received {
        by_peer
            .entry(peer.to_bytes())
            .or_insert_with(|| (peer, Vec::new()))
            .1
            .push(id);
    }
    for (peer, ids) in by_peer.into_values() {
        let ids = to_acknowledge(step.rows, &peer, ids)?;
        for ids in ids.chunks(MAX_RECEIPT_IDS) {
            match post::send_receipt(step, &peer, ids) {
                // What came is stored; they will send it again, and hear of it when their bundle is here.
                Ok(()) => {}
                Err(error) if error.lacks_usable_bundle() => {}
                Err(error) => return Err(error),
            }
        }
    }
    Ok(())
}
