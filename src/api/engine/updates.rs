//! What devices of one identity tell each other beside messages (RFC windlass §8.3.4).

use super::envelopes::To;
use super::{Device, Moment, contacts, devices, fitting, healing, send, trust};
use crate::api::error::WindlassError;
use crate::bundle::VerifiedBundle;
use crate::chat::{Body, DeviceUpdate, KnownContact, MessageId};
use crate::identity::PublicIdentity;
use crate::limits::{MAX_CONTENT_LEN, MAX_RESENDS, RESEND_AFTER_SECONDS, RESENDS_IN_SESSION};
use crate::store::{Rows, Writer};

/// Bytes of bundles in one update to a device of one's own: what fits a content with all that is around them.
const BUNDLES_IN_UPDATE: usize = MAX_CONTENT_LEN / 2;

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
    let mut contact = contacts::take_in_passed_on(store, device, &bundle, moment)?;
    // A decision of the user stays until the user takes it back here.
    // Whoever left that identity is not vouched for by an older message.
    if known.accepted || known.blocked {
        trust::release(store, &mut contact)?;
    }
    contact.row.verified |= known.verified && contact.row.moved_to.is_empty();
    contact.row.accepted |= known.accepted;
    contact.row.blocked |= known.blocked;
    trust::note_stranger(store, &mut contact)?;
    contact.save(store)?;
    Ok((new && !known.blocked).then_some(identity))
}

/// What a device of ours that asks has to know beside messages.
pub(super) fn tell_contacts(
    store: &mut Writer<'_>,
    device: &Device,
    to: To,
    moment: &mut Moment,
) -> Result<(), WindlassError> {
    let mut known: Vec<_> = contacts::all(store)?
        .iter()
        .filter(|contact| !contact.is_stranger())
        .filter_map(known_contact)
        .collect();
    // By the bundle's bytes: the rows of the store come in no order.
    known.sort_by(|a, b| a.bundle.cmp(&b.bundle));
    // A device that was not told itself yet does not know whether these are all.
    let complete =
        healing::row(store, &device.public())?.is_none_or(|row| row.update_asks_left == 0);
    let mut removed = devices::removed(store)?;
    let mut left = known.as_slice();
    loop {
        let count = fitting(left, BUNDLES_IN_UPDATE, |contact| contact.bundle.len());
        let (contacts, rest) = left.split_at(count);
        let update = DeviceUpdate {
            removed: core::mem::take(&mut removed),
            contacts: contacts.to_vec(),
            complete: complete && rest.is_empty(),
            ..DeviceUpdate::default()
        };
        share(store, device, to, update, moment)?;
        if rest.is_empty() {
            return Ok(());
        }
        left = rest;
    }
}

/// A contact as our other devices are told of it.
pub(super) fn known_contact(contact: &contacts::Contact) -> Option<KnownContact> {
    Some(KnownContact {
        bundle: contact.bundle.as_ref()?.encoded().to_vec(),
        verified: contact.row.verified,
        accepted: contact.is_accepted(),
        blocked: contact.row.blocked,
    })
}

/// Tells our other devices what the user decided about a contact.
pub(in crate::api) fn share_contact(
    store: &mut Writer<'_>,
    device: &Device,
    contact: &contacts::Contact,
    moment: &mut Moment,
) -> Result<(), WindlassError> {
    let update = DeviceUpdate {
        contacts: known_contact(contact).into_iter().collect(),
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
