//! A message whose session we do not have yet (PQXDH §3.4; RFC windlass §7.6).

use crate::bundle::PrekeySecrets;
use crate::crypto::SharedSecret;
use crate::engine::base::error::EngineError;
use crate::engine::base::step::Step;
use crate::engine::records::message_keys::StoredSkippedKeys;
use crate::engine::records::prekeys::OneTimeSecrets;
use crate::engine::records::{
    contacts, groups, own_devices, prekeys, private_prekeys, removed, strangers,
};
use crate::engine::steps::unreadable::{cause_of, sender_by_hint, undecryptable};
use crate::engine::steps::{admit, group};
use crate::engine::sync::outcome::UndecryptableCause as Cause;
use crate::engine::sync::outcome::{Outcome, Processed};
use crate::identity::PublicIdentity;
use crate::limits::MAX_STRANGER_SKIPPED_KEYS;
use crate::session::{HintKey, Part, Received, Session};
use crate::store::{Key, Rows, Table};
use crate::x3dh::{HandshakeMessage, Party, ResponderKeys, SealedHandshake};

/// Takes in a first message. Nothing is stored and no prekey erased before the AEAD accepted.
pub(super) fn receive(
    step: &mut Step<'_>,
    sealed: &SealedHandshake,
    part: &Part,
) -> Result<Processed, EngineError> {
    // Who it claims to be is not proved yet, so a failure names nobody.
    let refuse = |cause| {
        Ok(Processed::unchanged(Outcome::Undecryptable {
            cause,
            from: None,
        }))
    };
    if was_accepted(step.rows, sealed)? {
        return refuse(Cause::HandshakeReplayed);
    }
    let Some(signed) = prekeys::signed_prekey(step.rows, sealed.signed_prekey_id)? else {
        return ask(step, None, part, Cause::UnknownPrekey);
    };
    let responder = Party {
        identity: step.device.public(),
        device_id: step.device.device_id,
    };
    let opened = sealed.open(&responder, &signed);
    let Ok((handshake, kem_shared)) = opened else {
        return ask(step, None, part, Cause::HandshakeInvalid);
    };
    let handshake = &handshake;
    let too_far = match refusal(step, handshake)? {
        Ok(too_far) => too_far,
        Err(cause) => return refuse(cause),
    };
    let opened = match one_time_prekey(step.rows, handshake)? {
        Ok(one_time) => respond(
            step,
            handshake,
            part,
            &Prekeys {
                signed,
                kem_shared,
                one_time,
            },
            too_far,
        ),
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
        // A prekey that was used before, or one of the same number that an older copy of this store gave out. Nobody is asked because of
        // bytes that somebody else changed.
        Err(cause @ (Cause::UnknownPrekey | Cause::InvitationUsed | Cause::HandshakeInvalid)) => {
            ask(step, Some(&handshake.initiator.identity), part, cause)
        }
        Err(cause) => refuse(cause),
    }
}

/// Why a first message is not looked at any further, before it costs anything; else why not if it stands too far behind in its chain, which
/// its header says later: there is a step for each message in front of it.
fn refusal(
    step: &Step<'_>,
    handshake: &HandshakeMessage,
) -> Result<Result<Option<Cause>, Cause>, EngineError> {
    let from = handshake.initiator.identity;
    if from == step.device.public() {
        let id = handshake.initiator.device_id;
        if id == step.device.device_id || own_devices::is_removed(step.rows, id)? {
            return Ok(Err(Cause::HandshakeInvalid));
        }
        return Ok(Ok(None));
    }
    let contact = contacts::find(step.rows, &from)?;
    let blocked = contact.as_ref().is_some_and(|contact| contact.row.blocked);
    // It may be about a group that both belong to.
    if blocked && groups::shared_with(step.rows, &from)?.is_empty() {
        return Ok(Err(Cause::Blocked));
    }
    let invited_at = match handshake.one_time_prekey_id {
        Some(id) => prekeys::one_time_prekey_made_at(step.rows, id)?,
        None => None,
    };
    if contact.is_none() && removed::refuses(step.rows, &from, invited_at, step.now)? {
        return Ok(Err(Cause::Removed));
    }
    let contact = contact.as_ref();
    if !strangers::admits_session(step.rows, contact, invited_at.is_some(), step.now)? {
        return Ok(Err(Cause::StrangerLimit));
    }
    let known = contact.is_some_and(|contact| !contact.is_stranger());
    Ok(Ok(match (blocked, known) {
        (true, _) => Some(Cause::Blocked),
        (false, true) => None,
        (false, false) => Some(Cause::StrangerLimit),
    }))
}

fn is_blocked(store: &dyn Rows, identity: &PublicIdentity) -> Result<bool, EngineError> {
    Ok(contacts::row(store, identity)?.is_some_and(|contact| contact.blocked))
}

/// The private prekeys that a handshake names, and what its ciphertext gave.
struct Prekeys {
    signed: PrekeySecrets,
    kem_shared: Option<SharedSecret>,
    one_time: Option<OneTimeSecrets>,
}

fn one_time_prekey(
    store: &dyn Rows,
    handshake: &HandshakeMessage,
) -> Result<Result<Option<OneTimeSecrets>, Cause>, EngineError> {
    let Some(id) = handshake.one_time_prekey_id else {
        return Ok(Ok(None));
    };
    let private = private_prekeys::is_private(id);
    let secret = if private {
        private_prekeys::secret(store, &handshake.initiator, id)?
    } else {
        prekeys::one_time_prekey(store, id)?
    };
    Ok(match secret {
        Some(secret) => Ok(Some(secret)),
        None if !private && prekeys::was_handed_out(store, id)? => Err(Cause::InvitationUsed),
        None => Err(Cause::UnknownPrekey),
    })
}

/// The responder's side of PQXDH, and the first message of the session.
fn respond(
    step: &Step<'_>,
    handshake: &HandshakeMessage,
    part: &Part,
    prekeys: &Prekeys,
    too_far: Option<Cause>,
) -> Result<Received, Cause> {
    let one_time = prekeys.one_time.as_ref();
    let keys = ResponderKeys {
        identity: &step.device.identity,
        device_id: step.device.device_id,
        prekeys: &prekeys.signed,
        kem_shared: prekeys.kem_shared.as_ref(),
        one_time_prekey: one_time.map(|one_time| &one_time.key),
        secret: one_time
            .filter(|_| handshake.secret)
            .map(|one_time| &one_time.code_secret),
    };
    let hint_key = HintKey::between(&step.device.identity, &handshake.initiator.identity)
        .map_err(|_| Cause::HandshakeInvalid)?;
    let session = Session::respond(&keys, handshake, hint_key, step.now);
    let session = session.map_err(|error| cause_of(&error))?;
    let header = (session.open_header(part)).map_err(|error| cause_of(&error))?;
    if let Some(cause) = too_far
        && header.message_number as usize > MAX_STRANGER_SKIPPED_KEYS
    {
        return Err(cause);
    }
    // Nothing was skipped in a session that is just begun.
    let skipped = StoredSkippedKeys::new(step.rows, session.id());
    let received = session.receive_behind(&header, part, &skipped);
    received.map_err(|error| cause_of(&error))
}

/// A hint is proof of nothing, but only a party that has our secrets or theirs can make it, so it may say whom to ask.
fn ask(
    step: &mut Step<'_>,
    initiator: Option<&PublicIdentity>,
    part: &Part,
    cause: Cause,
) -> Result<Processed, EngineError> {
    let hinted = sender_by_hint(step.rows, step.device, part, step.now)?;
    let from = hinted.filter(|hinted| initiator.is_none_or(|initiator| hinted == initiator));
    undecryptable(step, cause, from)
}

fn was_accepted(store: &dyn Rows, handshake: &SealedHandshake) -> Result<bool, EngineError> {
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
