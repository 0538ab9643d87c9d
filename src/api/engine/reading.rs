//! How far the user has read, and telling it.

use super::conversation::{self, ConversationId};
use super::envelopes::To;
use super::{Device, Moment, groups, send, updates};
use crate::api::error::WindlassError;
use crate::chat::{Body, DeviceUpdate, ReadMark};
use crate::identity::PublicIdentity;
use crate::store::Writer;

/// Notes that the user has read up to a clock; false if they had before.
pub(super) fn mark(
    store: &mut Writer<'_>,
    id: &ConversationId,
    lamport: u64,
) -> Result<bool, WindlassError> {
    let mut row = conversation::row(store, id)?;
    let lamport = lamport.min(row.lamport);
    if row.read_lamport >= lamport && row.unread == 0 {
        return Ok(false);
    }
    row.read_lamport = row.read_lamport.max(lamport);
    row.unread = 0;
    conversation::save(store, id, &row)?;
    Ok(true)
}

/// The user has read all there is: our other devices hear of it, and if `receipt` is set the others do.
pub(in crate::api) fn read_all(
    store: &mut Writer<'_>,
    device: &Device,
    id: &ConversationId,
    receipt: bool,
    moment: &mut Moment,
) -> Result<bool, WindlassError> {
    let lamport = conversation::row(store, id)?.lamport;
    if !mark(store, id, lamport)? {
        return Ok(false);
    }
    let (key, group) = id.wire();
    let update = DeviceUpdate {
        read: vec![ReadMark {
            conversation: key,
            group,
            lamport,
        }],
        ..DeviceUpdate::default()
    };
    updates::share(store, device, To::All, update, moment)?;
    if !receipt {
        return Ok(true);
    }
    let to: Vec<PublicIdentity> = match id {
        ConversationId::Direct(peer) => vec![*peer],
        ConversationId::Group(group) => groups::recipients(store, device, group)?,
    };
    for peer in to.iter().filter(|peer| **peer != device.public()) {
        let body = Body::ReadReceipt { lamport };
        match send::send_control_in(store, device, peer, id, To::All, body, moment) {
            // They hear of it with the next one.
            Ok(_) => {}
            Err(error) if error.is_want_of_bundle() => {}
            Err(error) => return Err(error),
        }
    }
    Ok(true)
}
