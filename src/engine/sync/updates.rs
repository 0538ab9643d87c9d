//! What devices of one identity tell each other beside messages (RFC windlass §8.3.4).

use crate::bundle::VerifiedBundle;
use crate::chat::{
    Body, DeletedGroup, DeviceLink, DeviceUpdate, Floor, KnownContact, KnownDevice, MessageId,
    ReadMark,
};
use crate::engine::base::due;
use crate::engine::base::error::EngineError;
use crate::engine::base::step::Step;
use crate::engine::delivery::recipients::Recipients;
use crate::engine::delivery::{envelopes, post};
use crate::engine::history::unread;
use crate::engine::records::contacts::Contact;
use crate::engine::records::conversations::ConversationId;
use crate::engine::records::own_devices::Sibling;
use crate::engine::records::unacknowledged::resend_wait;
use crate::engine::records::{
    chat_settings, contacts, conversations, decisions, doubts, floors, invitations, outbox,
    own_devices, pairs, profiles, sessions, vouching,
};
use crate::limits::{MAX_CONTENT_LEN, MAX_RESENDS, RESENDS_IN_SESSION};
use crate::store::{Rows, RowsMut};
use crate::x3dh::Party;

/// Bytes of bundles in one update to a device of one's own: what fits a content with all that is around them.
const BUNDLES_IN_UPDATE: usize = MAX_CONTENT_LEN / 2;

/// Read marks in one update: each has some 600 bytes.
const MARKS_IN_UPDATE: usize = 500;

/// Settings of conversations in one update: each has some 500 bytes at most.
const CHATS_IN_UPDATE: usize = 500;

/// What a device of ours that asks has to know beside messages. It is one that the user linked.
pub(crate) fn share_contacts(step: &mut Step<'_>, to: Recipients) -> Result<(), EngineError> {
    let mut known = Vec::new();
    for contact in contacts::all(step.rows)? {
        if let Some(told) = known_contact(&contact).filter(|_| !contact.is_stranger()) {
            known.push(with_devices(step.rows, &contact, told)?);
        }
    }
    // By the bundle's bytes: the rows of the store come in no order.
    known.sort_by(|a, b| a.bundle.cmp(&b.bundle));
    // A device that was not told itself yet does not know whether these are all.
    let complete =
        doubts::row(step.rows, &step.device.public())?.is_none_or(|row| row.update_asks_left == 0);
    let links = vouching::links(step)?;
    if !links.is_empty() {
        let update = DeviceUpdate {
            links,
            ..DeviceUpdate::default()
        };
        share(step, to, update)?;
    }
    share_floors(step, to)?;
    share_deleted_groups(step, to)?;
    share_read(step, to)?;
    share_profile(step, to)?;
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
            return share_chat_settings(step, to);
        }
        left = rest;
    }
}

/// What the user set for conversations: behind the contacts, which are known by then.
fn share_chat_settings(step: &mut Step<'_>, to: Recipients) -> Result<(), EngineError> {
    let set = chat_settings::all(step.rows)?;
    for chats in set.chunks(CHATS_IN_UPDATE) {
        let update = DeviceUpdate {
            chats: chats.to_vec(),
            ..DeviceUpdate::default()
        };
        share(step, to, update)?;
    }
    Ok(())
}

/// What was deleted. It goes in front of the contacts, and of what follows in answer to a request.
fn share_floors(step: &mut Step<'_>, to: Recipients) -> Result<(), EngineError> {
    let floors = floors::all(step.rows)?;
    let mut left = floors.as_slice();
    while !left.is_empty() {
        let len = |floor: &Floor| size_of_val(floor) + size_of_val(floor.messages.as_slice());
        let (now, rest) = left.split_at(post::fitting(left, BUNDLES_IN_UPDATE, len));
        let update = DeviceUpdate {
            floors: now.to_vec(),
            ..DeviceUpdate::default()
        };
        share(step, to, update)?;
        left = rest;
    }
    Ok(())
}

/// What the user says of themselves.
pub(crate) fn share_profile(step: &mut Step<'_>, to: Recipients) -> Result<(), EngineError> {
    let profile = profiles::of(step.rows, &step.device.public())?;
    if profile.is_none() {
        return Ok(());
    }
    let update = DeviceUpdate {
        profile,
        ..DeviceUpdate::default()
    };
    share(step, to, update)
}

/// How far the user has read.
fn share_read(step: &mut Step<'_>, to: Recipients) -> Result<(), EngineError> {
    let mut marks = Vec::new();
    for summary in conversations::all(step.rows)? {
        marks.push(read_mark(step, &summary.id)?);
    }
    for marks in marks.chunks(MARKS_IN_UPDATE) {
        let update = DeviceUpdate {
            read: marks.to_vec(),
            ..DeviceUpdate::default()
        };
        share(step, to, update)?;
    }
    Ok(())
}

/// What the user has read of a conversation, as our other devices are told of it.
pub(crate) fn read_mark(step: &Step<'_>, id: &ConversationId) -> Result<ReadMark, EngineError> {
    let read = unread::mark(step.rows, id, &step.device.public())?;
    let (conversation, group) = id.wire();
    Ok(ReadMark {
        conversation,
        group,
        lamport: read.lamport,
        messages: read.messages,
    })
}

/// Tells our other devices what was deleted, if anything was.
pub(crate) fn share_floor(step: &mut Step<'_>, floor: Option<Floor>) -> Result<(), EngineError> {
    let Some(floor) = floor else {
        return Ok(());
    };
    let update = DeviceUpdate {
        floors: vec![floor],
        ..DeviceUpdate::default()
    };
    share(step, Recipients::ALL, update)
}

/// Tells our other devices something that is only for those that the user linked, in sessions that are known to be theirs.
fn share_with_linked(step: &mut Step<'_>, update: &DeviceUpdate) -> Result<(), EngineError> {
    for (device_id, linked_at) in own_devices::linked(step.rows)? {
        let one = Recipients::one(device_id).known_by(linked_at, step.now);
        share(step, one, update.clone())?;
    }
    Ok(())
}

/// Tells our other devices whom the user linked.
pub(crate) fn share_links(step: &mut Step<'_>) -> Result<(), EngineError> {
    let update = DeviceUpdate {
        links: vouching::links(step)?,
        ..DeviceUpdate::default()
    };
    share_with_linked(step, &update)
}

/// The devices of our bundle of which a new one may know that they are linked: this one, and those whose prekey in it is their own.
pub(crate) fn whom_to_trust(step: &Step<'_>) -> Result<Vec<u32>, EngineError> {
    let identity = step.device.public();
    let linked = own_devices::linked(step.rows)?;
    let mut trusted = vec![step.device.device_id];
    for sibling in own_devices::siblings(step.rows)? {
        let device_id = sibling.row.device_id;
        let party = Party {
            identity,
            device_id,
        };
        let key = &sibling.remote.signed_prekey.key;
        let since = pairs::prekey_since(step.rows, &party, key)?;
        let at = linked.iter().find(|(id, _)| *id == device_id);
        let known = |(_, linked_at): &(u32, u64)| {
            since.is_some_and(|since| due::was_by(since, *linked_at, step.now))
        };
        if at.is_some_and(known) {
            trusted.push(device_id);
        }
    }
    Ok(trusted)
}

/// What a linked device of ours says of whom the user linked. Whoever showed it before is told now whom we know.
pub(crate) fn hear_of_links(
    step: &mut Step<'_>,
    links: &[DeviceLink],
    by: u32,
) -> Result<(), EngineError> {
    for device_id in vouching::hear(step, links, by)? {
        if leads_to_linked(step, device_id)? {
            share_contacts(step, Recipients::one(device_id))?;
        }
    }
    Ok(())
}

/// Tells our other devices that a group was deleted.
pub(crate) fn share_deleted_group(
    step: &mut Step<'_>,
    deleted: DeletedGroup,
) -> Result<(), EngineError> {
    let update = DeviceUpdate {
        deleted_groups: vec![deleted],
        ..DeviceUpdate::default()
    };
    share_with_linked(step, &update)
}

/// Which groups were deleted lately.
fn share_deleted_groups(step: &mut Step<'_>, to: Recipients) -> Result<(), EngineError> {
    let deleted = invitations::deletions(step.rows, step.now)?;
    let mut left = deleted.as_slice();
    while !left.is_empty() {
        let count = post::fitting(left, BUNDLES_IN_UPDATE, DeletedGroup::size);
        let (now, rest) = left.split_at(count);
        let update = DeviceUpdate {
            deleted_groups: now.to_vec(),
            ..DeviceUpdate::default()
        };
        share(step, to, update)?;
        left = rest;
    }
    Ok(())
}

/// Sends a device the update again that it did not acknowledge. One that nobody linked is not told whom we know.
pub(crate) fn share_again(step: &mut Step<'_>, to: &Party) -> Result<(), EngineError> {
    let one = Recipients::one(to.device_id).again();
    if leads_to_linked(step, to.device_id)? {
        return share_contacts(step, one);
    }
    let update = DeviceUpdate {
        removed: own_devices::removed(step.rows)?,
        ..DeviceUpdate::default()
    };
    share(step, one, update)
}

/// Whether what is sent to a device of ours now goes to one that the user linked, and to nobody who took its name.
fn leads_to_linked(step: &Step<'_>, device_id: u32) -> Result<bool, EngineError> {
    let identity = step.device.public();
    let to = Party {
        identity,
        device_id,
    };
    let linked = own_devices::linked(step.rows)?;
    let Some((_, linked_at)) = linked.iter().find(|(id, _)| *id == device_id) else {
        return Ok(false);
    };
    match sessions::active(step.rows, &to)? {
        Some(session) => Ok(due::was_by(session.known_since(), *linked_at, step.now)),
        None => {
            let one = Recipients::one(device_id).known_by(*linked_at, step.now);
            envelopes::is_reachable(step, &to, one)
        }
    }
}

/// The same, for a device that is linked: since when each device of the contact is known.
fn with_devices(
    store: &dyn Rows,
    contact: &Contact,
    mut known: KnownContact,
) -> Result<KnownContact, EngineError> {
    let devices = contact.bundle.iter().flat_map(VerifiedBundle::devices);
    for (party, remote) in contact.parties().iter().zip(devices) {
        let since = pairs::prekey_since(store, party, &remote.signed_prekey.key)?;
        known.devices.extend(since.map(|known_since| KnownDevice {
            device_id: party.device_id,
            known_since,
        }));
    }
    Ok(known)
}

/// A contact as our other devices are told of it.
pub(crate) fn known_contact(contact: &Contact) -> Option<KnownContact> {
    Some(KnownContact {
        bundle: contact
            .bundle
            .as_ref()?
            .without_code_secret()
            .encoded()
            .to_vec(),
        verified: contact.row.verified,
        accepted: contact.is_accepted(),
        blocked: contact.row.blocked,
        standing: decisions::standing(&contact.row),
        verification: decisions::verification(&contact.row),
        devices: Vec::new(),
    })
}

/// Tells our other devices what the user decided about a contact.
pub(crate) fn share_contact(step: &mut Step<'_>, contact: &Contact) -> Result<(), EngineError> {
    let Some(known) = known_contact(contact) else {
        return Ok(());
    };
    let for_linked = with_devices(step.rows, contact, known.clone())?;
    for sibling in own_devices::siblings(step.rows)? {
        let device_id = sibling.row.device_id;
        let told = match leads_to_linked(step, device_id)? {
            true => for_linked.clone(),
            false => known.clone(),
        };
        let update = DeviceUpdate {
            contacts: vec![told],
            ..DeviceUpdate::default()
        };
        share(step, Recipients::one(device_id), update)?;
    }
    Ok(())
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
    let conversation = ConversationId::Direct(own);
    let queued = post::queue_control(step, &own, &conversation, to, body)?;
    let Some((id, outbox_id)) = queued else {
        return Ok(());
    };
    for mut sibling in own_devices::siblings(step.rows)? {
        if to.includes(sibling.row.device_id) {
            // What is told in several updates at once is one try.
            if !sibling.row.update_id.is_empty() && sibling.row.updated_at != step.now {
                sibling.row.update_tries += 1;
            }
            sibling.row.update_id = id.as_bytes().to_vec();
            sibling.row.updated_at = step.now;
            sibling.row.update_outbox_id = outbox_id;
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

/// Devices that have not acknowledged an update for long, and whether each may have lost the session that there is, and us.
pub(crate) fn unacknowledged(store: &dyn Rows, now: u64) -> Result<Vec<(u32, bool)>, EngineError> {
    let mut due = Vec::new();
    for sibling in own_devices::siblings(store)? {
        let row = &sibling.row;
        let tries = row.update_tries.min(MAX_RESENDS);
        let wait = resend_wait(tries);
        let waits = !row.update_id.is_empty() && due::is_over(row.updated_at, wait, now);
        // What the transport has not taken is not put there again.
        if waits && tries < MAX_RESENDS && outbox::waiting(store, row.update_outbox_id)?.is_none() {
            due.push(sibling);
        }
    }
    let again = |sibling: &Sibling| {
        let lost = sibling.row.update_tries >= RESENDS_IN_SESSION;
        (sibling.row.device_id, lost)
    };
    Ok(due.iter().map(again).collect())
}
