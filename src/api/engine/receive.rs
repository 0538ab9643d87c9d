//! Receiving: ratchet, prekey, history and receipt in one transaction, before anything is told (docs/store.md, promise 1).

use std::cell::RefCell;
use std::collections::BTreeMap;

use super::conversation::ConversationId;
use super::devices::DeviceChange;
use super::sessions::StoredSkippedKeys;
use super::{
    Device, Moment, contacts, devices, healing, history, prekeys, send, sessions, take_in, trust,
    unacknowledged,
};
use crate::api::error::WindlassError;
use crate::api::event::{RefusalReason, UndecryptableCause as Cause};
use crate::chat::{GroupId, MessageId};
use crate::identity::PublicIdentity;
use crate::limits::MAX_RECEIPT_IDS;
use crate::ratchet::RatchetError;
use crate::session::{Envelope, HintKey, Part, Session, SessionError, accepted_digest};
use crate::store::{Key, Rows, Table, Writer};
use crate::x3dh::{HandshakeMessage, Party, ResponderKeys};

/// What became of an envelope.
pub(in crate::api) enum Outcome {
    /// A message that is shown by itself.
    Message(Box<history::Stored>),
    Edited(Box<history::Stored>),
    Deleted {
        conversation: ConversationId,
        author: PublicIdentity,
        id: MessageId,
    },
    Reacted {
        conversation: ConversationId,
        author: PublicIdentity,
        id: MessageId,
        by: PublicIdentity,
        emoji: String,
        removed: bool,
    },
    Read {
        conversation: ConversationId,
        by: PublicIdentity,
    },
    TimerChanged {
        conversation: ConversationId,
        by: PublicIdentity,
        after: u64,
    },
    GroupInvitation {
        group: GroupId,
        by: PublicIdentity,
        name: String,
    },
    GroupChanged {
        group: GroupId,
    },
    Refused {
        from: PublicIdentity,
        conversation: ConversationId,
        reason: RefusalReason,
    },
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
    SessionHealed {
        peer: PublicIdentity,
        device_id: u32,
    },
    Healing {
        peer: PublicIdentity,
        attempt: u32,
    },
    Resent {
        peer: PublicIdentity,
        messages: u64,
    },
    DevicesChanged {
        identity: PublicIdentity,
        change: DeviceChange,
    },
    IdentityChanged {
        peer: PublicIdentity,
        new: PublicIdentity,
        was_verified: bool,
    },
    Synchronising {
        peer: PublicIdentity,
        device_id: u32,
        messages: u64,
    },
    Blocked {
        peer: PublicIdentity,
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
    let processed = match (
        sessions::load(store, &part.header.session_id)?,
        part.handshake,
    ) {
        (Some(session), _) => receive_in_session(store, device, session, part, moment)?,
        (None, Some(handshake)) => receive_first(store, device, &handshake, part, moment)?,
        (None, None) => {
            let from = by_hint(store, device, part, moment)?;
            undecryptable(store, device, Cause::UnknownSession, from, moment)?
        }
    };
    if let Some((from, _)) = processed.acknowledge
        && from != device.public()
    {
        devices::check_addressees(store, device, envelope, &from, moment.now)?;
    }
    pass_on(store, device, envelope, &processed, moment)?;
    Ok(processed)
}

/// What somebody wrote who does not know our newest devices yet goes on to them (RFC windlass §8.3.5).
fn pass_on(
    store: &mut Writer<'_>,
    device: &Device,
    envelope: &Envelope,
    processed: &Processed,
    moment: &mut Moment,
) -> Result<(), WindlassError> {
    let own = device.public();
    // Not what is shown alone: a deletion, say, has to reach them too.
    let Some((author, id)) = processed.acknowledge.filter(|(author, _)| *author != own) else {
        return Ok(());
    };
    let mut unaware = devices::new_ones(store, moment.now)?;
    unaware.retain(|device_id| envelope.part_for(*device_id).is_none());
    let known = (processed.outcomes.iter()).any(|o| matches!(o, Outcome::Duplicate { .. }));
    // Nearly always there is none, and nothing has to be looked up.
    if unaware.is_empty() || known {
        return Ok(());
    }
    if history::find(store, &author, &id)?.is_none_or(|stored| stored.copied) {
        return Ok(());
    }
    for device_id in unaware {
        let to = Party {
            identity: own,
            device_id,
        };
        unacknowledged::note(store, &to, &author, &id, moment.now)?;
        send::resend(store, device, &to, &author, &id, false, moment)?;
    }
    Ok(())
}

/// Whom the header's hint points to. Looking costs a step for each contact, so it is not done for everybody's flood of bytes.
fn by_hint(
    store: &Writer<'_>,
    device: &Device,
    part: &Part,
    moment: &Moment,
) -> Result<Option<PublicIdentity>, WindlassError> {
    let header = &part.header;
    let own = device.public();
    if devices::hint_key(device)?.hint(&own, &header.session_id) == header.sender_hint {
        return Ok(Some(own));
    }
    if !device.hints.may_look(moment.now) {
        return Ok(None);
    }
    let (found, looked_at) = contacts::by_hint(store, &header.session_id, &header.sender_hint)?;
    device.hints.looked_at(looked_at);
    Ok(found)
}

/// Tells that something could not be read, and asks for it where that may help.
fn undecryptable(
    store: &mut Writer<'_>,
    device: &Device,
    cause: Cause,
    from: Option<PublicIdentity>,
    moment: &mut Moment,
) -> Result<Processed, WindlassError> {
    let mut processed = Processed::unchanged(Outcome::Undecryptable { cause, from });
    if let Some(peer) = from
        && let Some(attempt) = healing::ask(store, device, &peer, Some(cause), moment)?
    {
        processed.outcomes.push(Outcome::Healing { peer, attempt });
        processed.changed = true;
    }
    Ok(processed)
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
            match send::send_receipt(store, device, peer, ids, moment) {
                // What came is stored; they will send it again, and hear of it when their bundle is here.
                Ok(()) => {}
                Err(error) if error.is_want_of_bundle() => {}
                Err(error) => return Err(error),
            }
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
    match contacts::find(store, &peer.identity)? {
        Some(contact) if contact.row.blocked => {
            let peer = peer.identity;
            return Ok(Processed::unchanged(Outcome::Blocked { peer }));
        }
        // Whoever was removed begins anew, as a stranger.
        None if peer.identity != device.public() => {
            let (cause, from) = (Cause::UnknownSession, None);
            return Ok(Processed::unchanged(Outcome::Undecryptable { cause, from }));
        }
        _ => {}
    }
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
    let cause = match opened {
        Ok(received) => return take_in::accept(store, device, received, part, None, moment),
        Err(SessionError::Ratchet(RatchetError::KeyGone(position))) => {
            match sessions::accepted(store, &id, position)? {
                Some(row) if row.digest == accepted_digest(part) => {
                    return Ok(Processed::unchanged(Outcome::Duplicate {
                        id: MessageId::from_bytes(&row.message_id).ok(),
                    }));
                }
                Some(_) => Cause::NumberReused,
                None => Cause::KeyGone,
            }
        }
        Err(error) => cause_of(&error),
    };
    undecryptable(store, device, cause, Some(peer.identity), moment)
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
    let refuse = |cause| {
        Ok(Processed::unchanged(Outcome::Undecryptable {
            cause,
            from: None,
        }))
    };
    if from == device.public() {
        let id = handshake.initiator.device_id;
        if id == device.device_id || devices::is_removed(store, id)? {
            return refuse(Cause::HandshakeInvalid);
        }
    } else {
        let contact = contacts::find(store, &from)?;
        if contact.as_ref().is_some_and(|contact| contact.row.blocked) {
            return refuse(Cause::Blocked);
        }
        let number = part.header.ratchet.message_number;
        if !trust::admits_session(store, contact.as_ref(), number, moment.now)? {
            return refuse(Cause::Quota);
        }
    }
    if was_accepted(store, handshake)? {
        return refuse(Cause::HandshakeReplayed);
    }
    // A hint is proof of nothing, but only who has our secrets or theirs can make it, so it may say whom to ask.
    let ask = |store: &mut Writer<'_>, cause, moment: &mut Moment| {
        let hinted = by_hint(store, device, part, moment)?.filter(|hinted| *hinted == from);
        undecryptable(store, device, cause, hinted, moment)
    };
    let Some(signed_prekey) = prekeys::signed_prekey(store, handshake.signed_prekey_id)? else {
        return ask(store, Cause::UnknownPrekey, moment);
    };
    let one_time_prekey = match handshake.one_time_prekey_id {
        None => None,
        Some(id) => match prekeys::one_time_prekey(store, id)? {
            Some(secret) => Some(secret),
            None if prekeys::was_handed_out(store, id)? => {
                return ask(store, Cause::InvitationUsed, moment);
            }
            None => return ask(store, Cause::UnknownPrekey, moment),
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
    let opened = {
        let skipped = StoredSkippedKeys {
            store,
            session: part.header.session_id,
            failure: RefCell::default(),
        };
        Session::respond(&keys, handshake, hint_key, moment.now)
            .and_then(|session| session.receive(part, &skipped))
    };
    match opened {
        Ok(received) => take_in::accept(store, device, received, part, Some(handshake), moment),
        Err(error) => match cause_of(&error) {
            // A prekey of the same number that an older copy of this store gave out.
            cause @ (Cause::Authentication | Cause::HandshakeInvalid) => ask(store, cause, moment),
            cause => refuse(cause),
        },
    }
}

fn was_accepted(store: &impl Rows, handshake: &HandshakeMessage) -> Result<bool, WindlassError> {
    Ok(store
        .get(
            Table::Handshakes,
            Key::named(
                &handshake.signed_prekey_id.to_be_bytes(),
                &[],
                handshake.ephemeral_key.as_bytes(),
            ),
        )?
        .is_some())
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
