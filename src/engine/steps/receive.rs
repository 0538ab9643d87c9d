//! Receiving: ratchet, prekey, history and receipt in one transaction, before anything is told (docs/store.md, promise 1).

use crate::chat::MessageId;
use crate::crypto::DhSecret;
use crate::engine::base::device::Device;
use crate::engine::base::error::EngineError;
use crate::engine::base::message_ref::MessageRef;
use crate::engine::base::step::Step;
use crate::engine::delivery::{recipients, resend};
use crate::engine::history::message;
use crate::engine::records::message_keys::StoredSkippedKeys;
use crate::engine::records::strangers::Knock;
use crate::engine::records::{
    contacts, doubts, groups, message_keys, own_devices, prekeys, private_prekeys, removed,
    sessions, strangers,
};
use crate::engine::steps::{admit, group};
use crate::engine::sync::outcome::UndecryptableCause as Cause;
use crate::engine::sync::outcome::{Outcome, PeerNews, Processed};
use crate::engine::sync::{feed, healing};
use crate::identity::PublicIdentity;
use crate::limits::MAX_STRANGER_SKIPPED_KEYS;
use crate::ratchet::RatchetError;
use crate::session::{Envelope, HintKey, Part, Received, Session, SessionError, accepted_digest};
use crate::store::{Key, Rows, Table};
use crate::x3dh::{HandshakeMessage, ResponderKeys};

/// Looks at which devices of ours somebody writes to. One that is not known here was forgotten with an older copy of this store: their
/// answer to a request has the bundle that names it. One that was removed is in a bundle that is out of date: they are sent ours.
fn check_addressees(
    step: &mut Step<'_>,
    envelope: &Envelope,
    from: &PublicIdentity,
) -> Result<(), EngineError> {
    for part in &envelope.parts {
        match own_devices::find(step.rows, part.device_id)? {
            _ if part.device_id == step.device.device_id => {}
            None => doubts::note_missing(step.rows, from, step.now)?,
            Some(row) if row.removed => {
                if let Some(mut contact) = contacts::find(step.rows, from)? {
                    contact.row.bundle_sent_at = 0;
                    contact.save(step.rows)?;
                }
            }
            Some(_) => {}
        }
    }
    Ok(())
}

/// Takes one envelope in.
pub(crate) fn receive(step: &mut Step<'_>, envelope: &Envelope) -> Result<Processed, EngineError> {
    let part = envelope
        .part_for(step.device.device_id)
        .ok_or(EngineError::NotForThisDevice)?;
    let mut processed = match (
        sessions::load(step.rows, &part.header.session_id)?,
        part.handshake,
    ) {
        (Some(session), _) => receive_in_session(step, session, part)?,
        (None, Some(handshake)) => receive_first(step, &handshake, part)?,
        (None, None) => {
            let from = sender_by_hint(step.rows, step.device, part, step.now)?;
            undecryptable(step, Cause::UnknownSession, from)?
        }
    };
    if let Some((from, _)) = processed.acknowledge
        && from != step.device.public()
    {
        check_addressees(step, envelope, &from)?;
    }
    relay_to_new_devices(step, envelope, &processed)?;
    // Of what changes nothing there is no commit, and whoever sends it pays for no row.
    if processed.changed {
        processed.cursor = feed::tell(step, &processed.outcomes)?;
    }
    Ok(processed)
}

/// What somebody wrote who does not know our newest devices yet goes on to them (RFC windlass §8.3.5).
fn relay_to_new_devices(
    step: &mut Step<'_>,
    envelope: &Envelope,
    processed: &Processed,
) -> Result<(), EngineError> {
    let own = step.device.public();
    // Not only what is shown: a deletion, say, has to reach them too.
    let Some((author, id)) = processed.acknowledge.filter(|(author, _)| *author != own) else {
        return Ok(());
    };
    let message = MessageRef { author, id };
    let mut unaware = own_devices::recently_added(step.rows, step.now)?;
    unaware.retain(|device_id| envelope.part_for(*device_id).is_none());
    let known = (processed.outcomes.iter()).any(|o| matches!(o, Outcome::Duplicate { .. }));
    // Nearly always there is none, and nothing has to be looked up.
    if unaware.is_empty() || known {
        return Ok(());
    }
    if message::find(step.rows, &message)?.is_none_or(|stored| stored.copied) {
        return Ok(());
    }
    resend::relay(step, unaware, &message)
}

/// Whom the header's hint points to. Looking costs a step for each contact, so it is not done for everybody's flood of bytes.
fn sender_by_hint(
    store: &dyn Rows,
    device: &Device,
    part: &Part,
    now: u64,
) -> Result<Option<PublicIdentity>, EngineError> {
    let header = &part.header;
    let own = device.public();
    if recipients::own_hint_key(device)?.hint(&own, &header.session_id) == header.sender_hint {
        return Ok(Some(own));
    }
    if !device.hints.has_room(now) {
        return Ok(None);
    }
    let (found, looked_at) = contacts::by_hint(store, &header.session_id, &header.sender_hint)?;
    device.hints.count(looked_at);
    Ok(found)
}

/// Tells that something could not be read, and asks for it where that may help.
fn undecryptable(
    step: &mut Step<'_>,
    cause: Cause,
    from: Option<PublicIdentity>,
) -> Result<Processed, EngineError> {
    let mut processed = Processed::unchanged(Outcome::Undecryptable { cause, from });
    if let Some(peer) = from
        && let Some(attempt) = healing::ask(step, &peer, Some(cause))?
    {
        processed
            .outcomes
            .push(Outcome::Peer(peer, PeerNews::Healing { attempt }));
        processed.changed = true;
    }
    Ok(processed)
}

fn receive_in_session(
    step: &mut Step<'_>,
    session: Session,
    part: &Part,
) -> Result<Processed, EngineError> {
    let (id, peer) = (session.id(), session.peer().identity);
    match contacts::find(step.rows, &peer)? {
        Some(contact) if contact.row.blocked => {
            let skipped = StoredSkippedKeys::new(step.rows, id);
            let opened = session.receive(part, &skipped);
            skipped.finish()?;
            return match opened {
                Ok(received) if group::passes_block(step.rows, &received)? => {
                    admit::admit(step, received, part, None)
                }
                _ => Ok(Processed::unchanged(Outcome::Peer(peer, PeerNews::Blocked))),
            };
        }
        // A contact who was removed begins anew, as a stranger.
        None if peer != step.device.public() => {
            let (cause, from) = (Cause::UnknownSession, None);
            return Ok(Processed::unchanged(Outcome::Undecryptable { cause, from }));
        }
        _ => {}
    }
    let skipped = StoredSkippedKeys::new(step.rows, id);
    let opened = session.receive(part, &skipped);
    skipped.finish()?;
    let cause = match opened {
        Ok(received) => return admit::admit(step, received, part, None),
        Err(SessionError::Ratchet(RatchetError::KeyGone(position))) => {
            match message_keys::accepted(step.rows, &id, position)? {
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
    undecryptable(step, cause, Some(peer))
}

/// A message whose session we do not have yet (X3DH §3.4). Nothing is stored and no prekey erased before the AEAD accepted.
fn receive_first(
    step: &mut Step<'_>,
    handshake: &HandshakeMessage,
    part: &Part,
) -> Result<Processed, EngineError> {
    // Who it claims to be is not proved yet, so a failure names nobody.
    let refuse = |cause| {
        Ok(Processed::unchanged(Outcome::Undecryptable {
            cause,
            from: None,
        }))
    };
    if let Some(cause) = refusal_of_first(step, handshake, part)? {
        return refuse(cause);
    }
    let opened = match prekeys_of(step.rows, handshake)? {
        Ok(prekeys) => respond(step, handshake, part, &prekeys),
        Err(cause) => Err(cause),
    };
    match opened {
        Ok(received)
            if is_blocked(step.rows, &handshake.initiator.identity)?
                && !group::passes_block(step.rows, &received)? =>
        {
            refuse(Cause::Blocked)
        }
        Ok(received) => admit::admit(step, received, part, Some(handshake)),
        // A prekey that was used before, or one of the same number that an older copy of this store gave out.
        Err(
            cause @ (Cause::UnknownPrekey
            | Cause::InvitationUsed
            | Cause::Authentication
            | Cause::HandshakeInvalid),
        ) => ask_after_first(step, handshake, part, cause),
        Err(cause) => refuse(cause),
    }
}

/// Why a first message is not looked at, before it costs anything.
fn refusal_of_first(
    step: &Step<'_>,
    handshake: &HandshakeMessage,
    part: &Part,
) -> Result<Option<Cause>, EngineError> {
    let from = handshake.initiator.identity;
    if from == step.device.public() {
        let id = handshake.initiator.device_id;
        if id == step.device.device_id || own_devices::is_removed(step.rows, id)? {
            return Ok(Some(Cause::HandshakeInvalid));
        }
    } else {
        let contact = contacts::find(step.rows, &from)?;
        if contact.as_ref().is_some_and(|contact| contact.row.blocked) {
            // It may be about a group that both belong to.
            let far = part.header.ratchet.message_number as usize > MAX_STRANGER_SKIPPED_KEYS;
            if far || groups::shared_with(step.rows, &from)?.is_empty() {
                return Ok(Some(Cause::Blocked));
            }
        }
        let invited_at = match handshake.one_time_prekey_id {
            Some(id) => prekeys::one_time_prekey_made_at(step.rows, id)?,
            None => None,
        };
        if contact.is_none() && removed::refuses(step.rows, &from, invited_at, step.now)? {
            return Ok(Some(Cause::Removed));
        }
        let knock = Knock {
            number: part.header.ratchet.message_number,
            invited: invited_at.is_some(),
        };
        if !strangers::admits_session(step.rows, contact.as_ref(), &knock, step.now)? {
            return Ok(Some(Cause::StrangerLimit));
        }
    }
    Ok(was_accepted(step.rows, handshake)?.then_some(Cause::HandshakeReplayed))
}

fn is_blocked(store: &dyn Rows, identity: &PublicIdentity) -> Result<bool, EngineError> {
    Ok(contacts::find(store, identity)?.is_some_and(|contact| contact.row.blocked))
}

/// The private prekeys that a handshake names.
struct Prekeys {
    signed: DhSecret,
    one_time: Option<DhSecret>,
}

fn prekeys_of(
    store: &dyn Rows,
    handshake: &HandshakeMessage,
) -> Result<Result<Prekeys, Cause>, EngineError> {
    let Some(signed) = prekeys::signed_prekey(store, handshake.signed_prekey_id)? else {
        return Ok(Err(Cause::UnknownPrekey));
    };
    let one_time = match handshake.one_time_prekey_id {
        None => None,
        Some(id) if private_prekeys::is_private(id) => {
            match private_prekeys::secret(store, &handshake.initiator, id)? {
                Some(secret) => Some(secret),
                None => return Ok(Err(Cause::UnknownPrekey)),
            }
        }
        Some(id) => match prekeys::one_time_prekey(store, id)? {
            Some(secret) => Some(secret),
            None if prekeys::was_handed_out(store, id)? => return Ok(Err(Cause::InvitationUsed)),
            None => return Ok(Err(Cause::UnknownPrekey)),
        },
    };
    Ok(Ok(Prekeys { signed, one_time }))
}

/// The responder's side of X3DH, and the first message of the session.
fn respond(
    step: &Step<'_>,
    handshake: &HandshakeMessage,
    part: &Part,
    prekeys: &Prekeys,
) -> Result<Received, Cause> {
    let keys = ResponderKeys {
        identity: &step.device.identity,
        device_id: step.device.device_id,
        signed_prekey: &prekeys.signed,
        one_time_prekey: prekeys.one_time.as_ref(),
    };
    let hint_key = HintKey::between(&step.device.identity, &handshake.initiator.identity)
        .map_err(|_| Cause::HandshakeInvalid)?;
    // Nothing was skipped in a session that is just begun.
    let skipped = StoredSkippedKeys::new(step.rows, part.header.session_id);
    Session::respond(&keys, handshake, hint_key, step.now)
        .and_then(|session| session.receive(part, &skipped))
        .map_err(|error| cause_of(&error))
}

/// A hint is proof of nothing, but only a party that has our secrets or theirs can make it, so it may say whom to ask.
fn ask_after_first(
    step: &mut Step<'_>,
    handshake: &HandshakeMessage,
    part: &Part,
    cause: Cause,
) -> Result<Processed, EngineError> {
    let hinted = sender_by_hint(step.rows, step.device, part, step.now)?;
    let from = hinted.filter(|hinted| *hinted == handshake.initiator.identity);
    undecryptable(step, cause, from)
}

fn was_accepted(store: &dyn Rows, handshake: &HandshakeMessage) -> Result<bool, EngineError> {
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
        SessionError::Wire(_) | SessionError::Damaged => Cause::Content,
    }
}
