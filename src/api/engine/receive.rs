//! Receiving: ratchet, prekey, history and receipt in one transaction, before anything is told (docs/store.md, promise 1).

use std::cell::RefCell;
use std::collections::BTreeMap;

use super::sessions::StoredSkippedKeys;
use super::{Device, Moment, contacts, history, prekeys, send, sessions};
use crate::api::error::WindlassError;
use crate::api::event::UndecryptableCause as Cause;
use crate::bundle::VerifiedBundle;
use crate::chat::{Body, Content, MessageId};
use crate::crypto::sha256;
use crate::identity::PublicIdentity;
use crate::limits::MAX_RECEIPT_IDS;
use crate::ratchet::RatchetError;
use crate::session::{Envelope, HintKey, Part, Received, Session, SessionError, accepted_digest};
use crate::store::{Key, Rows, Table, Writer};
use crate::wire::{self, store::HandshakeRow, v1::Payload};
use crate::x3dh::{HandshakeMessage, ResponderKeys, SessionId};

/// What became of an envelope.
pub(in crate::api) enum Outcome {
    Message(Box<history::Stored>),
    Delivered {
        peer: PublicIdentity,
        ids: Vec<MessageId>,
    },
    Duplicate {
        id: Option<MessageId>,
    },
    ContactRequest {
        peer: PublicIdentity,
    },
    SessionEstablished {
        peer: PublicIdentity,
        device_id: u32,
    },
    Undecryptable {
        cause: Cause,
        from: Option<PublicIdentity>,
    },
}

/// The result of one envelope: outcomes, and whether anything has to become durable for them.
pub(in crate::api) struct Processed {
    pub(in crate::api) outcomes: Vec<Outcome>,
    pub(in crate::api) changed: bool,
    /// A message to acknowledge.
    pub(in crate::api) acknowledge: Option<(PublicIdentity, MessageId)>,
}

impl Processed {
    fn unchanged(outcome: Outcome) -> Self {
        Self {
            outcomes: vec![outcome],
            changed: false,
            acknowledge: None,
        }
    }

    fn undecryptable(cause: Cause, from: Option<PublicIdentity>) -> Self {
        Self::unchanged(Outcome::Undecryptable { cause, from })
    }
}

/// Takes one envelope in.
pub(in crate::api) fn receive(
    store: &mut Writer<'_>,
    device: &Device,
    envelope: &Envelope,
    moment: &mut Moment,
) -> Result<Processed, WindlassError> {
    let part = envelope
        .part_for(device.device_id)
        .ok_or(WindlassError::NotForThisDevice)?;
    if let Some(session) = sessions::load(store, &part.header.session_id)? {
        return receive_in_session(store, device, session, part, moment);
    }
    match part.handshake {
        Some(handshake) => receive_first(store, device, &handshake, part, moment),
        None => {
            let header = &part.header;
            let from = contacts::by_hint(store, &header.session_id, &header.sender_hint)?;
            Ok(Processed::undecryptable(Cause::UnknownSession, from))
        }
    }
}

/// Sends the delivery receipts for what a batch brought, one for each peer.
pub(in crate::api) fn acknowledge(
    store: &mut Writer<'_>,
    device: &Device,
    received: &[(PublicIdentity, MessageId)],
    moment: &mut Moment,
) -> Result<(), WindlassError> {
    let mut by_peer: BTreeMap<[u8; 32], (PublicIdentity, Vec<MessageId>)> = BTreeMap::new();
    for (peer, id) in received {
        by_peer
            .entry(peer.to_bytes())
            .or_insert_with(|| (*peer, Vec::new()))
            .1
            .push(*id);
    }
    for (peer, ids) in by_peer.values() {
        for ids in ids.chunks(MAX_RECEIPT_IDS) {
            send::send_receipt(store, device, peer, ids, moment)?;
        }
    }
    Ok(())
}

fn receive_in_session(
    store: &mut Writer<'_>,
    device: &Device,
    session: Session,
    part: &Part,
    moment: &mut Moment,
) -> Result<Processed, WindlassError> {
    let (id, peer) = (session.id(), session.peer());
    let opened = {
        let skipped = StoredSkippedKeys {
            store,
            session: id,
            failure: RefCell::default(),
        };
        let opened = session.receive(part, &skipped);
        if let Some(failure) = skipped.failure.into_inner() {
            return Err(failure.into());
        }
        opened
    };
    match opened {
        Ok(received) => accept(store, device, received, part, None, moment),
        Err(SessionError::Ratchet(RatchetError::KeyGone(position))) => {
            let accepted = sessions::accepted(store, &id, position)?;
            Ok(match accepted {
                Some(row) if row.digest == accepted_digest(part) => {
                    Processed::unchanged(Outcome::Duplicate {
                        id: MessageId::from_bytes(&row.message_id).ok(),
                    })
                }
                Some(_) => Processed::undecryptable(Cause::NumberReused, Some(peer.identity)),
                None => Processed::undecryptable(Cause::KeyGone, Some(peer.identity)),
            })
        }
        Err(error) => Ok(Processed::undecryptable(
            cause_of(&error),
            Some(peer.identity),
        )),
    }
}

/// A message whose session we do not have yet (X3DH §3.4). Nothing is stored and no prekey erased before the AEAD accepted.
fn receive_first(
    store: &mut Writer<'_>,
    device: &Device,
    handshake: &HandshakeMessage,
    part: &Part,
    moment: &mut Moment,
) -> Result<Processed, WindlassError> {
    let from = handshake.initiator.identity;
    // Who it claims to be is not proved yet, so a failure names nobody.
    let refuse = |cause| Ok(Processed::undecryptable(cause, None));
    if from == device.public() {
        return refuse(Cause::HandshakeInvalid);
    }
    if was_accepted(store, handshake)? {
        return refuse(Cause::HandshakeReplayed);
    }
    let Some(signed_prekey) = prekeys::signed_prekey(store, handshake.signed_prekey_id)? else {
        return refuse(Cause::UnknownPrekey);
    };
    let one_time_prekey = match handshake.one_time_prekey_id {
        None => None,
        Some(id) => match prekeys::one_time_prekey(store, id)? {
            Some(secret) => Some(secret),
            None => return refuse(Cause::UnknownPrekey),
        },
    };
    let keys = ResponderKeys {
        identity: &device.identity,
        device_id: device.device_id,
        signed_prekey: &signed_prekey,
        one_time_prekey: one_time_prekey.as_ref(),
    };
    let Ok(hint_key) = HintKey::between(&device.identity, &from) else {
        return refuse(Cause::HandshakeInvalid);
    };
    let skipped = StoredSkippedKeys {
        store,
        session: part.header.session_id,
        failure: RefCell::default(),
    };
    let opened = Session::respond(&keys, handshake, hint_key, moment.now)
        .and_then(|session| session.receive(part, &skipped));
    match opened {
        Ok(received) => accept(store, device, received, part, Some(handshake), moment),
        Err(error) => refuse(cause_of(&error)),
    }
}

/// What the AEAD accepted becomes part of the store.
fn accept(
    store: &mut Writer<'_>,
    device: &Device,
    received: Received,
    part: &Part,
    first: Option<&HandshakeMessage>,
    moment: &mut Moment,
) -> Result<Processed, WindlassError> {
    let session_id = received.session.id();
    let party = received.session.peer();
    let peer = party.identity;
    let mut outcomes = Vec::new();

    let payload: Option<Payload> = wire::decode("payload", &received.payload).ok();
    let bundle = payload
        .as_ref()
        .and_then(|payload| VerifiedBundle::decode(&payload.sender_bundle).ok())
        .filter(|bundle| *bundle.identity() == peer);
    if let Some(handshake) = first {
        // Without its sender's bundle a first message cannot be answered (RFC windlass §7.6).
        let Some(bundle) = bundle.as_ref().filter(|bundle| {
            bundle
                .devices()
                .iter()
                .any(|d| d.device_id == party.device_id)
        }) else {
            return Ok(Processed::undecryptable(Cause::Content, None));
        };
        outcomes.extend(accept_handshake(
            store, device, handshake, session_id, bundle, moment,
        )?);
    } else if let Some(bundle) = &bundle {
        contacts::take_in(store, device, bundle, moment)?;
    }
    sessions::save(store, &received.session)?;
    sessions::promote(store, &received.session)?;
    sessions::apply(store, &session_id, &received.changes, moment.now)?;
    if received.established || first.is_some() {
        outcomes.push(Outcome::SessionEstablished {
            peer,
            device_id: party.device_id,
        });
    }

    let content = payload
        .as_ref()
        .and_then(|payload| Content::from_bytes(&payload.content).ok());
    let stored_id = content
        .as_ref()
        .filter(|content| !matches!(content.body, Body::DeliveryReceipt(_)))
        .map(|content| content.id);
    sessions::remember(
        store,
        &session_id,
        received.position,
        accepted_digest(part),
        stored_id,
    )?;
    let mut acknowledge = None;
    match (content, payload) {
        (Some(content), Some(payload)) => {
            acknowledge = stored_id.map(|id| (peer, id));
            outcomes.push(take_in(
                store,
                device,
                &peer,
                content,
                &payload.content,
                moment,
            )?);
        }
        _ => outcomes.push(Outcome::Undecryptable {
            cause: Cause::Content,
            from: Some(peer),
        }),
    }
    Ok(Processed {
        outcomes,
        changed: true,
        acknowledge,
    })
}

/// The handshake opened a session: its one-time prekey is erased, it is remembered against replay, and its sender is known.
fn accept_handshake(
    store: &mut Writer<'_>,
    device: &Device,
    handshake: &HandshakeMessage,
    session_id: SessionId,
    bundle: &VerifiedBundle,
    moment: &Moment,
) -> Result<Option<Outcome>, WindlassError> {
    if let Some(id) = handshake.one_time_prekey_id {
        prekeys::erase_one_time_prekey(store, id)?;
    }
    super::put_row(
        store,
        Table::Handshakes,
        Key::ordered(
            &handshake.signed_prekey_id.to_be_bytes(),
            &handshake_order(handshake),
        ),
        &HandshakeRow {
            session_id: session_id.to_vec(),
        },
    )?;
    let peer = handshake.initiator.identity;
    let stranger = contacts::find(store, &peer)?.is_none();
    contacts::take_in(store, device, bundle, moment)?;
    Ok(stranger.then_some(Outcome::ContactRequest { peer }))
}

fn take_in(
    store: &mut Writer<'_>,
    device: &Device,
    peer: &PublicIdentity,
    content: Content,
    encoded: &[u8],
    moment: &Moment,
) -> Result<Outcome, WindlassError> {
    if let Body::DeliveryReceipt(receipt) = &content.body {
        let mut ids = Vec::new();
        for id in receipt {
            if history::mark_delivered(store, &device.public(), peer, id, moment.now)? {
                ids.push(*id);
            }
        }
        return Ok(Outcome::Delivered { peer: *peer, ids });
    }
    if history::contains(store, peer, &content.id)? {
        return Ok(Outcome::Duplicate {
            id: Some(content.id),
        });
    }
    let stored = history::append(store, peer, peer, content, encoded, moment)?;
    Ok(Outcome::Message(Box::new(stored)))
}

fn was_accepted(store: &impl Rows, handshake: &HandshakeMessage) -> Result<bool, WindlassError> {
    Ok(store
        .get(
            Table::Handshakes,
            Key::ordered(
                &handshake.signed_prekey_id.to_be_bytes(),
                &handshake_order(handshake),
            ),
        )?
        .is_some())
}

/// Ephemeral keys are public, but a file need not show which of them came here.
fn handshake_order(handshake: &HandshakeMessage) -> [u8; 32] {
    sha256(&[
        b"Windlass store v1 handshake",
        handshake.ephemeral_key.as_bytes(),
    ])
}

fn cause_of(error: &SessionError) -> Cause {
    match error {
        SessionError::Ratchet(RatchetError::KeyGone(_)) => Cause::KeyGone,
        SessionError::Ratchet(RatchetError::TooFarAhead { .. }) => Cause::TooFarAhead,
        SessionError::Ratchet(_) => Cause::Authentication,
        SessionError::Agreement(_) | SessionError::SessionIdMismatch => Cause::HandshakeInvalid,
        SessionError::Padding | SessionError::Wire(_) | SessionError::Damaged => Cause::Content,
    }
}
