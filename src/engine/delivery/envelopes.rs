//! From a content to the envelope that carries it: which sessions it goes in, and what goes with it (RFC windlass §8.1, §8.2).

use crate::bundle::{CODE_SECRET_LEN, DeviceBundle, VerifiedBundle};
use crate::chat::MessageId;
use crate::crypto::Secret;
use crate::engine::base::due;
use crate::engine::base::error::EngineError;
use crate::engine::base::rows::damaged;
use crate::engine::base::step::Step;
use crate::engine::delivery::recipients::Recipients;
use crate::engine::delivery::{protection, recipients};
use crate::engine::records::contacts::Contact;
use crate::engine::records::{
    contacts, first_keys, own_bundle, own_devices, pairs, private_prekeys, sessions, trust,
};
use crate::identity::PublicIdentity;
use crate::limits::UNANSWERED_SESSION_SECONDS;
use crate::session::{Envelope, HintKey, Part, PostQuantum, Session};
use crate::store::Table;
use crate::wire;
use crate::wire::store::OwnBundleRow;
use crate::wire::v2::Payload;
use crate::x3dh::Party;

/// One envelope with a ciphertext for each of a contact's devices that it is for; none if there is no such device.
pub(crate) fn to_contact(
    step: &mut Step<'_>,
    contact: &mut Contact,
    to: Recipients,
    content: &[u8],
) -> Result<Option<Vec<u8>>, EngineError> {
    if !trust::may_reach(step.rows, contact)? {
        return Ok(None);
    }
    let bundle = contact.bundle.clone().ok_or(EngineError::NoBundle)?;
    let is_valid = bundle.check_time(step.seconds()).is_ok();
    let own_bundle = own_bundle::encoded(step)?;
    let mut parts = Vec::with_capacity(bundle.devices().len());
    let mut unreached = None;
    let receipt = match to.is_new_to_all() {
        true => step.receipts.due_to(&contact.identity),
        false => Vec::new(),
    };
    let to = to.protected(protection::is_asked_for(step.rows, content)?);
    for remote in bundle.devices().iter().filter(|r| to.includes(r.device_id)) {
        let peer = Party {
            identity: contact.identity,
            device_id: remote.device_id,
        };
        // Nobody answered for long: it may be forgotten there, and its handshake is not taken again. What was written before the prekeys of today
        // were known has no other.
        let usable = match to.choose(step.rows, &peer)? {
            Some(session)
                if is_valid
                    && is_forgotten(&session, step.now)
                    && may_begin(step, &peer, remote, to)? =>
            {
                None
            }
            usable => usable,
        };
        let session = match usable {
            Some(session) => Ok(session),
            None if !may_begin(step, &peer, remote, to)? => continue,
            None if to.is_protected()
                && protection::of_new_session(step.rows, contact, remote)? == PostQuantum::None =>
            {
                Err(EngineError::PostQuantumRequired)
            }
            None => begin_with_contact(step, contact, remote, to.asks()),
        };
        let session = match session {
            Ok(session) => session,
            // The others need not wait for it; it gets the message once there is a bundle to begin with.
            Err(error) if error.lacks_usable_bundle() => {
                unreached = Some(error);
                continue;
            }
            Err(error) => return Err(error),
        };
        parts.push(seal(step, session, content, &own_bundle, &receipt, to)?);
    }
    if !parts.is_empty() {
        step.receipts.went(&contact.identity, &receipt);
    }
    match unreached {
        Some(error) if parts.is_empty() => Err(error),
        _ => Ok((!parts.is_empty()).then(|| Envelope { parts }.encode())),
    }
}

/// Whether nobody has answered for so long that the other side may have forgotten it (RFC windlass §8.2.5).
fn is_forgotten(session: &Session, now: u64) -> bool {
    let most = UNANSWERED_SESSION_SECONDS * 1000;
    session.is_pending() && due::is_over(session.created_at(), most, now)
}

/// One envelope for our other devices; none if there is none.
pub(crate) fn to_siblings(
    step: &mut Step<'_>,
    to: Recipients,
    content: &[u8],
) -> Result<Option<Vec<u8>>, EngineError> {
    let siblings = own_devices::siblings(step.rows)?;
    if !siblings.iter().any(|s| to.includes(s.remote.device_id)) {
        return Ok(None);
    }
    let own_bundle = own_bundle::encoded(step)?;
    let hint_key = recipients::own_hint_key(step.device)?;
    let mut parts = Vec::new();
    for sibling in siblings {
        let (remote, device_id) = (sibling.remote, sibling.row.device_id);
        if !to.includes(device_id) {
            continue;
        }
        let peer = Party {
            identity: step.device.public(),
            device_id,
        };
        let session = match to.choose(step.rows, &peer)? {
            Some(session) => session,
            None if !may_begin(step, &peer, &remote, to)? => continue,
            None => {
                let hint_key = hint_key.duplicate();
                begin(step, &peer.identity, remote, None, hint_key, to.asks())?
            }
        };
        parts.push(seal(step, session, content, &own_bundle, &[], to)?);
    }
    Ok((!parts.is_empty()).then(|| Envelope { parts }.encode()))
}

/// Whether there is a session with a device, or one may be begun, for what was written to it before.
pub(crate) fn is_reachable(
    step: &Step<'_>,
    peer: &Party,
    to: Recipients,
) -> Result<bool, EngineError> {
    if to.choose(step.rows, peer)?.is_some() {
        return Ok(true);
    }
    let remote = if peer.identity == step.device.public() {
        let siblings = own_devices::siblings(step.rows)?.into_iter();
        siblings
            .map(|sibling| sibling.remote)
            .find(|remote| remote.device_id == peer.device_id)
    } else {
        let bundle = contacts::find(step.rows, &peer.identity)?.and_then(|found| found.bundle);
        let mut devices = bundle.iter().flat_map(VerifiedBundle::devices);
        devices
            .find(|remote| remote.device_id == peer.device_id)
            .cloned()
    };
    remote.map_or(Ok(true), |remote| may_begin(step, peer, &remote, to))
}

/// Whether a session that is begun now reaches the device that something was written to, and nobody who took its name since.
fn may_begin(
    step: &Step<'_>,
    peer: &Party,
    remote: &DeviceBundle,
    to: Recipients,
) -> Result<bool, EngineError> {
    let since = pairs::prekey_since(step.rows, peer, &remote.signed_prekey.key)?;
    Ok(to.suited(step.rows)?(since.unwrap_or(step.now)))
}

/// Begins a session with one device of a contact, which the next message uses: the user wishes it.
pub(crate) fn initiate(
    step: &mut Step<'_>,
    contact: &mut Contact,
    remote: &DeviceBundle,
) -> Result<Session, EngineError> {
    let session = begin_with_contact(step, contact, remote, false)?;
    sessions::promote(step.rows, &session)?;
    Ok(session)
}

/// Begins a session with one device of a contact. Only here the bundle's time counts: it must not be used once it is over.
fn begin_with_contact(
    step: &mut Step<'_>,
    contact: &mut Contact,
    remote: &DeviceBundle,
    probe: bool,
) -> Result<Session, EngineError> {
    let bundle = contact.bundle.as_ref().ok_or(EngineError::NoBundle)?;
    bundle.check_time(step.seconds())?;
    let mut remote = remote.clone();
    let mut secret = None;
    if contact.row.one_time_prekeys_used || probe {
        remote.one_time_prekey = None;
    } else if bundle.single_use() {
        secret = bundle
            .code_secret()
            .filter(|_| remote.one_time_prekey.is_some());
        contact.use_invitation();
        contact.save(step.rows)?;
    }
    let (identity, hint_key) = (contact.identity, contact.hint_key()?);
    begin(step, &identity, remote, secret, hint_key, probe)
}

/// Begins a session. One for a request has no one-time prekey: it carries nothing else, and whom it goes to may have lost them.
fn begin(
    step: &mut Step<'_>,
    identity: &PublicIdentity,
    mut remote: DeviceBundle,
    mut secret: Option<Secret<CODE_SECRET_LEN>>,
    hint_key: HintKey,
    probe: bool,
) -> Result<Session, EngineError> {
    let peer = Party {
        identity: *identity,
        device_id: remote.device_id,
    };
    if !probe
        && remote.one_time_prekey.is_none()
        && let Some((prekey, given)) = private_prekeys::use_one(step.rows, &peer)?
    {
        (remote.one_time_prekey, secret) = (Some(prekey), given);
    }
    let mut session = Session::initiate(
        &step.device.identity,
        step.device.device_id,
        identity,
        &remote,
        secret.as_ref(),
        hint_key,
        step.now,
        step.rng,
    )
    .map_err(|_| EngineError::InvalidKey)?;
    let since = pairs::prekey_since(step.rows, &peer, &remote.signed_prekey.key)?;
    session.know_from(since.unwrap_or(step.now));
    let session = if probe { session.as_probe() } else { session };
    sessions::create(step.rows, &session)?;
    sessions::begin(step.rows, &session)?;
    Ok(session)
}

fn seal(
    step: &mut Step<'_>,
    session: Session,
    content: &[u8],
    own_bundle: &OwnBundleRow,
    receipt: &[MessageId],
    to: Recipients,
) -> Result<Part, EngineError> {
    let first_key = first_keys::to_give(step, &session)?;
    let note = pairs::note(step, &session, content, to.asks(), first_key)?;
    // What is sent again may have been what brought it. One that was issued later than ours is of a clock that was wrong.
    let brings =
        to.is_resend() || session.is_pending() || note.has_bundle_of != own_bundle.issued_at;
    let sender_bundle = brings.then(|| own_bundle.bundle.clone());
    let payload = wire::encode_secret(&Payload {
        content: content.to_vec(),
        sender_bundle: sender_bundle.unwrap_or_default(),
        pair: note.pair,
        receipt: receipt.iter().flat_map(|id| *id.as_bytes()).collect(),
    });
    let (next, part) = session
        .send(&step.device.public(), &payload, step.now, step.rng)
        .map_err(|_| damaged(Table::Sessions))?;
    sessions::save(step.rows, &next)?;
    Ok(part)
}
