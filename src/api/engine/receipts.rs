//! Receipts: who has which of our messages, and with them our bundle (RFC windlass §9.4).

use super::{Device, Moment, contacts, healing, history, prekeys, unacknowledged, updates};
use crate::api::error::WindlassError;
use crate::chat::MessageId;
use crate::store::Writer;
use crate::x3dh::Party;

/// Whether every device of a contact has a message.
fn all_have(
    store: &Writer<'_>,
    contact: &contacts::Contact,
    id: Option<MessageId>,
) -> Result<bool, WindlassError> {
    let Some(id) = id else {
        return Ok(false);
    };
    for party in contact.parties() {
        if unacknowledged::waits(store, &party, &id)? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// A receipt came. The ids that were not known to be delivered before.
pub(super) fn take_in(
    store: &mut Writer<'_>,
    device: &Device,
    from: &Party,
    receipt: &[MessageId],
    moment: &Moment,
) -> Result<Vec<MessageId>, WindlassError> {
    let own = device.public();
    let mut ids = Vec::new();
    let (mut latest, mut latest_id) = (0, None);
    for id in receipt {
        unacknowledged::acknowledge(store, from, id)?;
        let theirs = from.identity != own;
        if !theirs {
            updates::updated(store, from.device_id, id)?;
        }
        if theirs {
            if history::mark_delivered(store, &own, &from.identity, id, moment.now)? {
                ids.push(*id);
                let stored_at =
                    history::find(store, &own, id)?.map_or(0, |stored| stored.stored_at);
                if stored_at >= latest {
                    (latest, latest_id) = (stored_at, Some(*id));
                }
            } else if !history::contains(store, &own, id)? {
                // They have something of ours that is not here: this device went back in time, or another one wrote it.
                healing::suspect(store, &from.identity, moment.now)?;
            }
        }
    }
    // Whoever has a message that was written after our bundle changed has the bundle, for it came along.
    let issued_at = prekeys::last_issued(store)?;
    if from.identity != own
        && latest / 1000 >= issued_at
        && let Some(mut contact) = contacts::find(store, &from.identity)?
        && contact.row.bundle_sent_at < issued_at
        && all_have(store, &contact, latest_id)?
    {
        contact.row.bundle_sent_at = issued_at;
        contact.save(store)?;
    }
    Ok(ids)
}
