//! From a content to the envelope that carries it: which sessions it goes in, and what goes with it (RFC windlass §8.1, §8.2).

use crate::bundle::{DeviceBundle, VerifiedBundle};
use crate::engine::base::due;
use crate::engine::base::error::EngineError;
use crate::engine::base::rows::damaged;
use crate::engine::base::step::Step;
use crate::engine::delivery::recipients;
use crate::engine::delivery::recipients::Recipients;
use crate::engine::records::contacts::Contact;
use crate::engine::records::{contacts, own_bundle, own_devices, sessions, trust};
use crate::identity::PublicIdentity;
use crate::limits::UNANSWERED_SESSION_SECONDS;
use crate::session::{Envelope, HintKey, Part, Session};
use crate::store::Table;
use crate::wire;
use crate::wire::v1::Payload;
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
    let own_bundle = own_bundle::reusable(step)?;
    // One that was issued later is of a clock that was wrong.
    let has_bundle = contact.row.bundle_sent_at == own_bundle.issued_at();
    let mut parts = Vec::with_capacity(bundle.devices().len());
    let mut unreached = None;
    for remote in bundle.devices().iter().filter(|r| to.includes(r.device_id)) {
        let peer = Party {
            identity: contact.identity,
            device_id: remote.device_id,
        };
        let active = sessions::active(step.rows, &peer)?;
        // Nobody answered for long: it may be forgotten there, and its handshake is not taken again.
        let active = active.filter(|session| !(is_valid && is_forgotten(session, step.now)));
        let session = match to.choose(active) {
            Some(session) => Ok(session),
            None => initiate(step, contact, remote),
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
        // What is sent again may have been what brought it.
        let brings = !has_bundle || to.is_resend() || session.is_pending();
        let bundle = brings.then_some(&own_bundle);
        parts.push(seal(step, session, content, bundle)?);
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
    let own_bundle = own_bundle::reusable(step)?;
    let hint_key = recipients::own_hint_key(step.device)?;
    let mut parts = Vec::new();
    for sibling in siblings {
        let remote = sibling.remote;
        if !to.includes(remote.device_id) {
            continue;
        }
        let peer = Party {
            identity: step.device.public(),
            device_id: remote.device_id,
        };
        let session = match to.choose(sessions::active(step.rows, &peer)?) {
            Some(session) => session,
            None => {
                let hint_key = hint_key.duplicate();
                begin(step, &peer.identity, &remote, hint_key)?
            }
        };
        let has_bundle = sibling.row.bundle_sent_at == own_bundle.issued_at();
        // What is sent again may have been what brought it.
        let brings = !has_bundle || to.is_resend() || session.is_pending();
        let bundle = brings.then_some(&own_bundle);
        parts.push(seal(step, session, content, bundle)?);
        if !has_bundle {
            own_devices::set_bundle_sent(step.rows, remote.device_id, own_bundle.issued_at())?;
        }
    }
    Ok(Some(Envelope { parts }.encode()))
}

/// Begins a session with one device of a contact. Only here the bundle's time counts: it must not be used once it is over.
pub(crate) fn initiate(
    step: &mut Step<'_>,
    contact: &mut Contact,
    remote: &DeviceBundle,
) -> Result<Session, EngineError> {
    let bundle = contact.bundle.as_ref().ok_or(EngineError::NoBundle)?;
    bundle.check_time(step.seconds())?;
    let mut remote = *remote;
    if contact.row.one_time_prekeys_used {
        remote.one_time_prekey = None;
    } else if bundle.single_use() {
        contact.row.one_time_prekeys_used = true;
        contact.row.used_invitation = contacts::fingerprint(bundle).to_vec();
        contact.save(step.rows)?;
    }
    let (identity, hint_key) = (contact.identity, contact.hint_key()?);
    begin(step, &identity, &remote, hint_key)
}

fn begin(
    step: &mut Step<'_>,
    identity: &PublicIdentity,
    remote: &DeviceBundle,
    hint_key: HintKey,
) -> Result<Session, EngineError> {
    let session = Session::initiate(
        &step.device.identity,
        step.device.device_id,
        identity,
        remote,
        hint_key,
        step.now,
        step.rng,
    )
    .map_err(|_| EngineError::InvalidKey)?;
    sessions::save(step.rows, &session)?;
    sessions::promote(step.rows, &session)?;
    Ok(session)
}

fn seal(
    step: &mut Step<'_>,
    session: Session,
    content: &[u8],
    sender_bundle: Option<&VerifiedBundle>,
) -> Result<Part, EngineError> {
    let payload = wire::encode_secret(&Payload {
        content: content.to_vec(),
        sender_bundle: sender_bundle
            .map(|bundle| bundle.encoded().to_vec())
            .unwrap_or_default(),
    });
    let (next, part) = session
        .send(&step.device.public(), &payload, step.rng)
        .map_err(|_| damaged(Table::Sessions))?;
    sessions::save(step.rows, &next)?;
    Ok(part)
}
