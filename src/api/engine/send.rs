//! Sending: ratchet, history and outbox in one transaction, before anything leaves (docs/store.md, promise 1).

use super::outbox::Waiting;
use super::{Device, Moment, contacts, history, outbox, prekeys, sessions};
use crate::api::error::WindlassError;
use crate::bundle::DeviceBundle;
use crate::chat::{Body, Content, MessageId};
use crate::identity::PublicIdentity;
use crate::session::{Envelope, Part, Session};
use crate::store::Writer;
use crate::wire::{self, v1::Payload};
use crate::x3dh::Party;
use contacts::Contact;

/// Writes `body` to a contact.
pub(in crate::api) fn send(
    store: &mut Writer<'_>,
    device: &Device,
    to: &PublicIdentity,
    body: Body,
    reply_to: Option<MessageId>,
    moment: &mut Moment,
) -> Result<(MessageId, Waiting), WindlassError> {
    body.check()?;
    let mut contact = contacts::find(store, to)?.ok_or(WindlassError::UnknownContact)?;
    let content = Content {
        id: MessageId::random(&mut moment.rng),
        lamport: history::next_lamport(store, to)?,
        sent_at: moment.now,
        reply_to,
        body,
    };
    let id = content.id;
    let encoded = content.to_bytes();
    let envelope = seal(store, device, &mut contact, &encoded, moment)?;
    history::append(store, &device.public(), to, content, &encoded, moment)?;
    let waiting = outbox::push(store, *to, envelope, Some(id))?;
    Ok((id, waiting))
}

/// Tells a contact that its messages are stored. Receipts are in no history and get no receipts.
pub(super) fn send_receipt(
    store: &mut Writer<'_>,
    device: &Device,
    to: &PublicIdentity,
    ids: &[MessageId],
    moment: &mut Moment,
) -> Result<(), WindlassError> {
    let Some(mut contact) = contacts::find(store, to)? else {
        return Ok(());
    };
    let content = Content {
        id: MessageId::random(&mut moment.rng),
        lamport: 0,
        sent_at: moment.now,
        reply_to: None,
        body: Body::DeliveryReceipt(ids.to_vec()),
    };
    let envelope = seal(store, device, &mut contact, &content.to_bytes(), moment)?;
    outbox::push(store, *to, envelope, None)?;
    Ok(())
}

/// One envelope with a ciphertext for each device of the contact.
fn seal(
    store: &mut Writer<'_>,
    device: &Device,
    contact: &mut Contact,
    content: &[u8],
    moment: &mut Moment,
) -> Result<Vec<u8>, WindlassError> {
    let bundle = contact.bundle.clone().ok_or(WindlassError::NoBundle)?;
    let mut parts = Vec::with_capacity(bundle.devices().len());
    for remote in bundle.devices() {
        let peer = Party {
            identity: contact.identity,
            device_id: remote.device_id,
        };
        let session = match sessions::active(store, &peer)? {
            Some(session) => session,
            None => initiate(store, device, contact, remote, moment)?,
        };
        parts.push(seal_part(store, device, session, content, moment)?);
    }
    Ok(Envelope { parts }.encode())
}

/// Begins a session with one device of a contact. Only here the bundle's time counts: it must not be used once it is over.
pub(in crate::api) fn initiate(
    store: &mut Writer<'_>,
    device: &Device,
    contact: &mut Contact,
    remote: &DeviceBundle,
    moment: &mut Moment,
) -> Result<Session, WindlassError> {
    let bundle = contact.bundle.as_ref().ok_or(WindlassError::NoBundle)?;
    bundle.check_time(moment.seconds())?;
    let mut remote = *remote;
    if contact.row.one_time_prekeys_used {
        remote.one_time_prekey = None;
    } else if bundle.single_use() {
        contact.row.one_time_prekeys_used = true;
        contact.save(store)?;
    }
    let session = Session::initiate(
        &device.identity,
        device.device_id,
        &contact.identity,
        &remote,
        contact.hint_key()?,
        moment.now,
        &mut moment.rng,
    )
    .map_err(|_| WindlassError::InvalidKey)?;
    sessions::save(store, &session)?;
    sessions::promote(store, &session)?;
    Ok(session)
}

fn seal_part(
    store: &mut Writer<'_>,
    device: &Device,
    session: Session,
    content: &[u8],
    moment: &mut Moment,
) -> Result<Part, WindlassError> {
    let sender_bundle = if session.is_pending() {
        prekeys::bundle_to_send(store, device, moment)?
            .encoded()
            .to_vec()
    } else {
        Vec::new()
    };
    let payload = wire::encode_secret(&Payload {
        content: content.to_vec(),
        sender_bundle,
    });
    let (next, part) = session
        .send(&device.public(), &payload, &mut moment.rng)
        .map_err(|_| super::damaged(crate::store::Table::Sessions))?;
    sessions::save(store, &next)?;
    Ok(part)
}
