//! What devices of one identity tell each other beside messages (RFC windlass §8.3.4).

use super::envelopes::To;
use super::{Device, Moment, contacts, devices, healing, send, trust};
use crate::api::error::WindlassError;
use crate::bundle::VerifiedBundle;
use crate::chat::{Body, DeviceUpdate, KnownContact, MessageId};
use crate::identity::PublicIdentity;
use crate::limits::{MAX_RESENDS, RESEND_AFTER_SECONDS, RESENDS_IN_SESSION};
use crate::store::{Rows, Writer};

/// What a device of ours tells about a contact; who it is, if they were not known here.
pub(super) fn take_in_contact(
    store: &mut Writer<'_>,
    device: &Device,
    known: &KnownContact,
    moment: &Moment,
) -> Result<Option<PublicIdentity>, WindlassError> {
    let bundle = VerifiedBundle::decode(&known.bundle).ok();
    let Some(bundle) = bundle.filter(|bundle| *bundle.identity() != device.public()) else {
        return Ok(None);
    };
    let identity = *bundle.identity();
    let new = contacts::find(store, &identity)?.is_none();
    let (mut contact, _) = contacts::take_in(store, device, &bundle, moment)?;
    // A decision of the user stays until the user takes it back here.
    // Whoever left that identity is not vouched for by an older message.
    if known.accepted || known.blocked {
        trust::release(store, &mut contact)?;
    }
    contact.row.verified |= known.verified && contact.row.moved_to.is_empty();
    contact.row.accepted |= known.accepted;
    contact.row.blocked |= known.blocked;
    contact.save(store)?;
    Ok((new && !known.blocked).then_some(identity))
}

/// Tells our other devices what the user decided about a contact.
pub(in crate::api) fn share_contact(
    store: &mut Writer<'_>,
    device: &Device,
    contact: &contacts::Contact,
    moment: &mut Moment,
) -> Result<(), WindlassError> {
    let update = DeviceUpdate {
        contacts: healing::known_contact(contact).into_iter().collect(),
        ..DeviceUpdate::default()
    };
    share(store, device, To::All, update, moment)
}

/// Tells our other devices which were removed.
pub(in crate::api) fn share_removed(
    store: &mut Writer<'_>,
    device: &Device,
    moment: &mut Moment,
) -> Result<(), WindlassError> {
    let update = DeviceUpdate {
        removed: devices::removed(store)?,
        ..DeviceUpdate::default()
    };
    share(store, device, To::All, update, moment)
}

/// Sends an update, to be sent again as long as it is not acknowledged.
pub(super) fn share(
    store: &mut Writer<'_>,
    device: &Device,
    to: To,
    update: DeviceUpdate,
    moment: &mut Moment,
) -> Result<(), WindlassError> {
    let own = device.public();
    let body = Body::DeviceUpdate(update);
    let Some(id) = send::send_control(store, device, &own, to, body, moment)? else {
        return Ok(());
    };
    for mut sibling in devices::siblings(store)? {
        if to.takes(sibling.row.device_id) {
            if !sibling.row.update_id.is_empty() {
                sibling.row.update_tries += 1;
            }
            sibling.row.update_id = id.as_bytes().to_vec();
            sibling.row.updated_at = moment.now;
            devices::save(store, &sibling.row)?;
        }
    }
    Ok(())
}

/// A device has the update of this id.
pub(super) fn updated(
    store: &mut Writer<'_>,
    device_id: u32,
    id: &MessageId,
) -> Result<(), WindlassError> {
    match devices::find(store, device_id)? {
        Some(mut row) if row.update_id == id.as_bytes() => {
            row.update_id = Vec::new();
            row.update_tries = 0;
            devices::save(store, &row)
        }
        _ => Ok(()),
    }
}

/// A device asks: it is there, however often it did not acknowledge an update before.
pub(super) fn heard(store: &mut Writer<'_>, device_id: u32) -> Result<(), WindlassError> {
    match devices::find(store, device_id)? {
        Some(mut row) if row.update_tries != 0 => {
            row.update_tries = 0;
            devices::save(store, &row)
        }
        _ => Ok(()),
    }
}

/// Devices that have not acknowledged an update for long, and how they are to be sent it again.
pub(super) fn not_updated(store: &impl Rows, now: u64) -> Result<Vec<To>, WindlassError> {
    let siblings = devices::siblings(store)?;
    let waits = siblings.iter().filter(|sibling| {
        let since = now.saturating_sub(sibling.row.updated_at) / 1000;
        let tries = sibling.row.update_tries;
        !sibling.row.update_id.is_empty()
            && tries < MAX_RESENDS
            && since >= RESEND_AFTER_SECONDS << tries
    });
    let again = |sibling: &devices::Sibling| {
        let id = sibling.row.device_id;
        // It may have lost the session that there is, and not know of us.
        if sibling.row.update_tries >= RESENDS_IN_SESSION {
            To::AgainAfresh(id)
        } else {
            To::One(id)
        }
    };
    Ok(waits.map(again).collect())
}
