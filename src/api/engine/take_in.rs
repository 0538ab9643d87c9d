//! What the AEAD accepted becomes part of the store, and its content does what it says.

use super::conversation::{self, ConversationId};
use super::receive::{Outcome, Processed};
use super::{
    Device, Moment, chat, contacts, devices, groups, healing, history, prekeys, reading, receipts,
    sessions, trust, unacknowledged, updates,
};
use crate::api::error::WindlassError;
use crate::api::event::{RefusalReason, UndecryptableCause as Cause};
use crate::bundle::VerifiedBundle;
use crate::chat::{Body, Content, Copy, DeviceUpdate, MessageId, ProofKey};
use crate::identity::PublicIdentity;
use crate::limits::MAX_HEALING_CONVERSATIONS;
use crate::ratchet::SkippedChange;
use crate::session::{Part, Received, accepted_digest};
use crate::store::{Key, Table, Writer};
use crate::wire::{self, store::HandshakeRow, v1::Payload};
use crate::x3dh::{HandshakeMessage, Party, SessionId};

/// A message that a session accepted; `first` with the handshake that made the session.
pub(super) fn accept(
    store: &mut Writer<'_>,
    device: &Device,
    received: Received,
    part: &Part,
    first: Option<&HandshakeMessage>,
    moment: &mut Moment,
) -> Result<Processed, WindlassError> {
    let session_id = received.session.id();
    let party = received.session.peer();
    let refuse = |cause, from| {
        Ok(Processed {
            outcomes: vec![Outcome::Undecryptable { cause, from }],
            changed: false,
            acknowledge: None,
        })
    };
    let payload: Option<Payload> = wire::decode("payload", &received.payload).ok();
    let bundle = payload
        .as_ref()
        .and_then(|payload| VerifiedBundle::decode(&payload.sender_bundle).ok())
        .filter(|bundle| *bundle.identity() == party.identity);
    let names_sender = |bundle: &&VerifiedBundle| {
        let mut devices = bundle.devices().iter();
        devices.any(|device| device.device_id == party.device_id)
    };
    // Without its sender's bundle a first message cannot be answered (RFC windlass §7.6).
    if first.is_some() && bundle.as_ref().filter(names_sender).is_none() {
        return refuse(Cause::Content, None);
    }
    let own = party.identity == device.public();
    let len = part.ciphertext.len();
    if !own {
        let contact = contacts::find_or_new(store, device, &party.identity, moment)?;
        if !trust::admits_message(store, &contact, len, &received.changes)? {
            return refuse(Cause::Quota, Some(party.identity));
        }
        // A device that was left out since says nothing any more, whatever bundle it shows; nor does one that leaves itself out.
        let newest = contact.newest(bundle.as_ref(), moment.seconds());
        if newest.filter(names_sender).is_none() {
            return refuse(Cause::HandshakeInvalid, None);
        }
    }

    let content = payload
        .as_ref()
        .and_then(|payload| Content::from_bytes(&payload.content).ok());
    let asks = content
        .as_ref()
        .is_some_and(|content| matches!(content.body, Body::HealingRequest(_)));
    let mut outcomes = Vec::new();
    if let Some(handshake) = first {
        accept_handshake(store, handshake, session_id)?;
        // They begin anew although there is a session: perhaps they lost it, and more with it. A request says itself what they have.
        let former = sessions::active(store, &party)?;
        if !asks && former.is_some_and(|session| !session.is_pending()) {
            healing::suspect(store, &party.identity, moment.now)?;
        }
    }
    take_in_bundle(
        store,
        device,
        bundle.as_ref(),
        &party,
        &mut outcomes,
        moment,
    )?;
    if !own && let Some(mut contact) = contacts::find(store, &party.identity)? {
        trust::count(store, &mut contact, len, first.is_some(), moment.now)?;
    }
    sessions::save(store, &received.session)?;
    sessions::promote(store, &received.session)?;
    sessions::apply(store, &session_id, &received.changes, moment.now)?;
    let (peer, device_id) = (party.identity, party.device_id);
    if received.established || first.is_some() {
        outcomes.push(Outcome::SessionEstablished { peer, device_id });
    }
    let skipped = received
        .changes
        .iter()
        .any(|change| matches!(change, SkippedChange::Keep(..)));
    if healing::accepted(store, &received.session, skipped, asks, moment.now)? {
        outcomes.push(Outcome::SessionHealed { peer, device_id });
    }

    let mut stored = None;
    match content.zip(payload.as_ref()) {
        Some((content, payload)) => {
            let encoded = &payload.content;
            stored = take_in(
                store,
                device,
                &party,
                content,
                encoded,
                &mut outcomes,
                moment,
            )?;
        }
        None => outcomes.push(Outcome::Undecryptable {
            cause: Cause::Content,
            from: Some(peer),
        }),
    }
    sessions::remember(
        store,
        &session_id,
        received.position,
        accepted_digest(part),
        stored,
    )?;
    Ok(Processed {
        outcomes,
        changed: true,
        acknowledge: stored.map(|id| (peer, id)),
    })
}

/// The handshake opened a session: its one-time prekey is erased, and it is remembered against replay.
fn accept_handshake(
    store: &mut Writer<'_>,
    handshake: &HandshakeMessage,
    session_id: SessionId,
) -> Result<(), WindlassError> {
    if let Some(id) = handshake.one_time_prekey_id {
        prekeys::erase_one_time_prekey(store, id)?;
    }
    super::put_row(
        store,
        Table::Handshakes,
        Key::named(
            &handshake.signed_prekey_id.to_be_bytes(),
            &[],
            handshake.ephemeral_key.as_bytes(),
        ),
        &HandshakeRow {
            session_id: session_id.to_vec(),
        },
    )
}

/// The sender's bundle says how to answer, and which devices there are.
fn take_in_bundle(
    store: &mut Writer<'_>,
    device: &Device,
    bundle: Option<&VerifiedBundle>,
    from: &Party,
    outcomes: &mut Vec<Outcome>,
    moment: &Moment,
) -> Result<(), WindlassError> {
    let identity = from.identity;
    if identity == device.public() {
        if let Some(bundle) = bundle {
            let change = devices::take_in(store, device, bundle, Some(from.device_id), moment)?;
            if !change.is_empty() {
                outcomes.push(Outcome::DevicesChanged { identity, change });
            }
        }
        return devices::seen(store, from.device_id, moment.now);
    }
    let Some(bundle) = bundle else {
        return Ok(());
    };
    let stranger = contacts::find(store, &identity)?.is_none();
    let (mut contact, change) = contacts::take_in(store, device, bundle, moment)?;
    if stranger {
        trust::meet(store, &mut contact)?;
        outcomes.push(Outcome::ContactRequest { peer: identity });
    }
    if !change.is_empty() {
        outcomes.push(Outcome::DevicesChanged { identity, change });
    }
    Ok(())
}

/// Does what a content says. The id of the message that is in the history now, if it is one.
fn take_in(
    store: &mut Writer<'_>,
    device: &Device,
    from: &Party,
    content: Content,
    encoded: &[u8],
    outcomes: &mut Vec<Outcome>,
    moment: &mut Moment,
) -> Result<Option<MessageId>, WindlassError> {
    let peer = from.identity;
    match content.body {
        Body::DeliveryReceipt(receipt) => {
            let ids = receipts::take_in(store, device, from, &receipt, moment)?;
            outcomes.push(Outcome::Delivered { peer, ids });
            Ok(None)
        }
        Body::HealingRequest(request) => {
            let known = contacts::find(store, &peer)?;
            let answers = match &known {
                Some(contact) => trust::answers(store, contact)?,
                None => peer == device.public(),
            };
            if answers {
                let (messages, asked) = healing::answer(store, device, from, &request, moment)?;
                outcomes.push(Outcome::Resent { peer, messages });
                outcomes.extend(asked.map(|attempt| Outcome::Healing { peer, attempt }));
            }
            Ok(None)
        }
        Body::HealingAnswer { messages, bundle } => {
            // Whoever was not asked has nothing to say.
            if !healing::was_asked(store, &peer)? {
                return Ok(None);
            }
            healing::answered(store, &peer, messages, moment.now)?;
            let identity = device.public();
            if let Ok(bundle) = VerifiedBundle::decode(&bundle)
                && *bundle.identity() == identity
            {
                let change = devices::take_in(store, device, &bundle, None, moment)?;
                if !change.is_empty() {
                    outcomes.push(Outcome::DevicesChanged { identity, change });
                }
            }
            let device_id = from.device_id;
            outcomes.push(Outcome::Synchronising {
                peer,
                device_id,
                messages,
            });
            Ok(None)
        }
        Body::DeviceUpdate(update) if peer == device.public() => {
            take_in_update(store, device, update, outcomes, moment)?;
            Ok(Some(content.id))
        }
        Body::DeviceUpdate(_) => Ok(None),
        Body::ReadReceipt { lamport } => {
            let conversation = ConversationId::of(&content, &peer);
            if conversation::read_by(store, &conversation, &peer, lamport, moment.now)? {
                outcomes.push(Outcome::Read {
                    conversation,
                    by: peer,
                });
            }
            Ok(None)
        }
        Body::Copy(copy) => take_in_copy(store, device, from, &copy, outcomes, moment),
        // A device of our own writes to other people, never to us.
        _ if peer == device.public() => Ok(None),
        _ => {
            let id = content.id;
            let conversation = ConversationId::of(&content, &peer);
            let (done, acknowledged) = chat::take_in(
                store,
                device,
                &peer,
                &peer,
                &conversation,
                content,
                encoded,
                false,
                moment,
            )?;
            outcomes.extend(done);
            Ok(acknowledged.then_some(id))
        }
    }
}

/// A message that was not written to this device: by another of ours to anyone, or our own, given back by whom we wrote it to.
fn take_in_copy(
    store: &mut Writer<'_>,
    device: &Device,
    from: &Party,
    copy: &Copy,
    outcomes: &mut Vec<Outcome>,
    moment: &mut Moment,
) -> Result<Option<MessageId>, WindlassError> {
    let own = device.public();
    let content = Content::from_bytes(&copy.content).ok();
    let author = PublicIdentity::from_bytes(&copy.author).ok();
    let conversation = content.as_ref().and_then(|content| {
        let named = ConversationId::from_wire(&copy.conversation, content.group.is_some())?;
        let contradicts = content
            .group
            .is_some_and(|group| named != ConversationId::Group(group));
        (!contradicts).then_some(named)
    });
    let (Some(author), Some(content), Some(id)) = (author, content, conversation) else {
        outcomes.push(Outcome::Undecryptable {
            cause: Cause::Content,
            from: Some(from.identity),
        });
        return Ok(None);
    };
    let from_own = from.identity == own;
    let believed = content.body.is_message()
        && if from_own {
            match id {
                ConversationId::Direct(peer) => peer != own && (author == own || author == peer),
                ConversationId::Group(_) => true,
            }
        } else {
            // Words in our own mouth are taken back only from whom we wrote them to, and as we wrote them (RFC windlass §8.4.6).
            let theirs = match id {
                ConversationId::Direct(peer) => peer == from.identity,
                ConversationId::Group(group) => groups::membership(store, &group)?
                    .is_some_and(|membership| membership.member(&from.identity).is_some()),
            };
            let (name, group) = id.wire();
            let key = ProofKey::of(&device.identity);
            author == own && theirs && key.holds(&name, group, &copy.content)
        };
    if !believed {
        outcomes.push(Outcome::Refused {
            from: from.identity,
            conversation: id,
            reason: RefusalReason::NotProved,
        });
        return Ok(None);
    }
    let message_id = content.id;
    let new = !history::contains(store, &author, &message_id)?;
    let encoded = &copy.content;
    let giver = &from.identity;
    let (done, acknowledged) = chat::take_in(
        store, device, giver, &author, &id, content, encoded, true, moment,
    )?;
    outcomes.extend(done);
    if !from_own && new && acknowledged {
        healing::suspect_everybody(store, device, moment.now)?;
    }
    // Should the device that wrote it not be there any more, this one sees to it that it arrives.
    if from_own && author == own && new && acknowledged {
        let to = match id {
            ConversationId::Direct(peer) => vec![peer],
            ConversationId::Group(group) => {
                groups::recipients(store, device, &group).unwrap_or_default()
            }
        };
        for peer in to.iter().filter(|peer| **peer != own) {
            let Some(contact) = contacts::find(store, peer)? else {
                continue;
            };
            for party in contact.parties() {
                unacknowledged::note_late(store, &party, &author, &message_id, moment.now)?;
            }
        }
    }
    Ok(acknowledged.then_some(message_id))
}

fn take_in_update(
    store: &mut Writer<'_>,
    device: &Device,
    update: DeviceUpdate,
    outcomes: &mut Vec<Outcome>,
    moment: &Moment,
) -> Result<(), WindlassError> {
    if update.complete {
        healing::updated(store, device)?;
    }
    let change = devices::remove(store, device, &update.removed)?;
    if !change.is_empty() {
        let identity = device.public();
        outcomes.push(Outcome::DevicesChanged { identity, change });
    }
    for mark in &update.read {
        if let Some(id) = ConversationId::from_wire(&mark.conversation, mark.group) {
            reading::mark(store, &id, mark.lamport)?;
        }
    }
    for (count, known) in update.contacts.iter().enumerate() {
        let new = updates::take_in_contact(store, device, known, moment)?;
        // Should the history not come whole from our other devices, the contacts have the latest of it.
        if let Some(identity) = new.filter(|_| count < MAX_HEALING_CONVERSATIONS) {
            healing::suspect(store, &identity, moment.now)?;
        }
    }
    Ok(())
}
