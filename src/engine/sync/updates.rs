//! What devices of one identity tell each other beside messages (RFC windlass §8.3.4).

use crate::bundle::VerifiedBundle;
use crate::chat::{Body, DeviceUpdate, KnownContact, MessageId};
use crate::engine::base::due;
use crate::engine::base::error::EngineError;
use crate::engine::base::step::Step;
use crate::engine::delivery::post;
use crate::engine::delivery::recipients::Recipients;
use crate::engine::records::contacts::Contact;
use crate::engine::records::own_devices::Sibling;
use crate::engine::records::{contacts, doubts, own_devices, strangers};
use crate::identity::PublicIdentity;
use crate::limits::{MAX_CONTENT_LEN, MAX_RESENDS, RESEND_AFTER_SECONDS, RESENDS_IN_SESSION};
use crate::store::{Rows, RowsMut};

/// Bytes of bundles in one update to a device of one's own: what fits a content with all that is around them.
const BUNDLES_IN_UPDATE: usize = MAX_CONTENT_LEN / 2;

/// What a device of ours tells about a contact; who it is, if they were not known here.
pub(crate) fn receive_contact(
    step: &mut Step<'_>,
    known: &KnownContact,
) -> Result<Option<PublicIdentity>, EngineError> {
    let bundle = VerifiedBundle::decode(&known.bundle).ok();
    let Some(bundle) = bundle.filter(|bundle| *bundle.identity() != step.device.public()) else {
        return Ok(None);
    };
    let identity = *bundle.identity();
    let new = contacts::find(step.rows, &identity)?.is_none();
    let mut contact = contacts::merge_forwarded_bundle(step, &bundle)?;
    // A decision of the user stays until the user takes it back here. Of an identity that was left, an older message vouches for nothing.
    if known.accepted || known.blocked {
        strangers::release(step.rows, &mut contact)?;
    }
    contact.row.verified |= known.verified && contact.row.moved_to.is_empty();
    contact.row.accepted |= known.accepted;
    contact.row.blocked |= known.blocked;
    strangers::register(step.rows, &mut contact)?;
    contact.save(step.rows)?;
    Ok((new && !known.blocked).then_some(identity))
}

/// What a device of ours that asks has to know beside messages.
pub(crate) fn share_contacts(step: &mut Step<'_>, to: Recipients) -> Result<(), EngineError> {
    let mut known: Vec<_> = contacts::all(step.rows)?
        .iter()
        .filter(|contact| !contact.is_stranger())
        .filter_map(known_contact)
        .collect();
    // By the bundle's bytes: the rows of the store come in no order.
    known.sort_by(|a, b| a.bundle.cmp(&b.bundle));
    // A device that was not told itself yet does not know whether these are all.
    let complete =
        doubts::row(step.rows, &step.device.public())?.is_none_or(|row| row.update_asks_left == 0);
    let mut removed = own_devices::removed(step.rows)?;
    let mut left = known.as_slice();
    loop {
        let count = post::fitting(left, BUNDLES_IN_UPDATE, |contact| contact.bundle.len());
        let (contacts, rest) = left.split_at(count);
        let update = DeviceUpdate {
            removed: core::mem::take(&mut removed),
            contacts: contacts.to_vec(),
            complete: complete && rest.is_empty(),
            ..DeviceUpdate::default()
        };
        share(step, to, update)?;
        if rest.is_empty() {
            return Ok(());
        }
        left = rest;
    }
}

/// A contact as our other devices are told of it.
pub(crate) fn known_contact(contact: &Contact) -> Option<KnownContact> {
    Some(KnownContact {
        bundle: contact.bundle.as_ref()?.encoded().to_vec(),
        verified: contact.row.verified,
        accepted: contact.is_accepted(),
        blocked: contact.row.blocked,
    })
}

/// Tells our other devices what the user decided about a contact.
pub(crate) fn share_contact(step: &mut Step<'_>, contact: &Contact) -> Result<(), EngineError> {
    let update = DeviceUpdate {
        contacts: known_contact(contact).into_iter().collect(),
        ..DeviceUpdate::default()
    };
    share(step, Recipients::ALL, update)
}

/// Tells our other devices which were removed.
pub(crate) fn share_removed(step: &mut Step<'_>) -> Result<(), EngineError> {
    let update = DeviceUpdate {
        removed: own_devices::removed(step.rows)?,
        ..DeviceUpdate::default()
    };
    share(step, Recipients::ALL, update)
}

/// Sends an update, to be sent again as long as it is not acknowledged.
pub(crate) fn share(
    step: &mut Step<'_>,
    to: Recipients,
    update: DeviceUpdate,
) -> Result<(), EngineError> {
    let own = step.device.public();
    let body = Body::DeviceUpdate(update);
    let Some(id) = post::send_control(step, &own, to, body)? else {
        return Ok(());
    };
    for mut sibling in own_devices::siblings(step.rows)? {
        if to.includes(sibling.row.device_id) {
            if !sibling.row.update_id.is_empty() {
                sibling.row.update_tries += 1;
            }
            sibling.row.update_id = id.as_bytes().to_vec();
            sibling.row.updated_at = step.now;
            own_devices::save(step.rows, &sibling.row)?;
        }
    }
    Ok(())
}

/// A device has the update of this id.
pub(crate) fn acknowledged(
    store: &mut dyn RowsMut,
    device_id: u32,
    id: &MessageId,
) -> Result<(), EngineError> {
    match own_devices::find(store, device_id)? {
        Some(mut row) if row.update_id == id.as_bytes() => {
            row.update_id = Vec::new();
            row.update_tries = 0;
            own_devices::save(store, &row)
        }
        _ => Ok(()),
    }
}

/// A device asks: it is there, however often it did not acknowledge an update before.
pub(crate) fn heard(store: &mut dyn RowsMut, device_id: u32) -> Result<(), EngineError> {
    match own_devices::find(store, device_id)? {
        Some(mut row) if row.update_tries != 0 => {
            row.update_tries = 0;
            own_devices::save(store, &row)
        }
        _ => Ok(()),
    }
}

/// Devices that have not acknowledged an update for long, and how they are to be sent it again.
pub(crate) fn unacknowledged(store: &dyn Rows, now: u64) -> Result<Vec<Recipients>, EngineError> {
    let siblings = own_devices::siblings(store)?;
    let waits = siblings.iter().filter(|sibling| {
        let tries = sibling.row.update_tries.min(MAX_RESENDS);
        let wait = (RESEND_AFTER_SECONDS * 1000) << tries;
        !sibling.row.update_id.is_empty()
            && tries < MAX_RESENDS
            && due::is_over(sibling.row.updated_at, wait, now)
    });
    let again = |sibling: &Sibling| {
        let one = Recipients::one(sibling.row.device_id);
        // It may have lost the session that there is, and not know of us.
        if sibling.row.update_tries >= RESENDS_IN_SESSION {
            one.again().in_unanswered_session()
        } else {
            one
        }
    };
    Ok(waits.map(again).collect())
}
