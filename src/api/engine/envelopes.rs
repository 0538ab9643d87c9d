//! From a content to the envelope that carries it: which sessions it goes in, and what goes with it (RFC windlass §8.1, §8.2).

use super::contacts::Contact;
use super::{Device, Moment, contacts, devices, prekeys, sessions};
use crate::api::error::WindlassError;
use crate::bundle::{DeviceBundle, VerifiedBundle};
use crate::identity::PublicIdentity;
use crate::session::{Envelope, HintKey, Part, Session};
use crate::store::Writer;
use crate::wire::{self, v1::Payload};
use crate::x3dh::Party;

/// Which of somebody's devices an envelope is for, and how.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum To {
    /// Every device, each in its session.
    All,
    /// Every device, each in a session that nobody has answered yet: one that was begun lately, or is begun for it.
    AllAfresh,
    /// Every device, each in a session that is begun for it.
    AllAnew,
    /// One device.
    One(u32),
    /// One device, something that it may not have been able to read: a session that was begun with a one-time prekey and is not
    /// answered yet is left, for somebody else may have used the invitation before (RFC windlass §8.2.4).
    Again(u32),
    /// The same, in a session that nobody has answered yet, for they may have lost the one that there is.
    AgainAfresh(u32),
}

impl To {
    pub(super) fn takes(self, device_id: u32) -> bool {
        match self {
            Self::All | Self::AllAfresh | Self::AllAnew => true,
            Self::One(one) | Self::Again(one) | Self::AgainAfresh(one) => one == device_id,
        }
    }

    fn is_again(self) -> bool {
        matches!(self, Self::Again(_) | Self::AgainAfresh(_))
    }
}

/// One envelope with a ciphertext for each of a contact's devices that it is for; none if there is no such device.
pub(super) fn to_contact(
    store: &mut Writer<'_>,
    device: &Device,
    contact: &mut Contact,
    to: To,
    content: &[u8],
    moment: &mut Moment,
) -> Result<Option<Vec<u8>>, WindlassError> {
    let bundle = contact.bundle.clone().ok_or(WindlassError::NoBundle)?;
    let own_bundle = prekeys::own_bundle(store, device, moment)?;
    let told = contact.row.bundle_sent_at >= own_bundle.issued_at();
    let mut parts = Vec::with_capacity(bundle.devices().len());
    let mut unreached = None;
    for remote in bundle.devices().iter().filter(|r| to.takes(r.device_id)) {
        let peer = Party {
            identity: contact.identity,
            device_id: remote.device_id,
        };
        let session = match known_session(store, &peer, to)? {
            Some(session) => Ok(session),
            None => initiate(store, device, contact, remote, moment),
        };
        let session = match session {
            Ok(session) => session,
            // The others need not wait for it; it gets the message once there is a bundle to begin with.
            Err(error) if error.is_want_of_bundle() => {
                unreached = Some(error);
                continue;
            }
            Err(error) => return Err(error),
        };
        // What is sent again may have been what told them.
        let tells = !told || to.is_again() || session.is_pending();
        let bundle = tells.then_some(&own_bundle);
        parts.push(seal(store, device, session, content, bundle, moment)?);
    }
    match unreached {
        Some(error) if parts.is_empty() => Err(error),
        _ => Ok((!parts.is_empty()).then(|| Envelope { parts }.encode())),
    }
}

/// One envelope for our other devices; none if there is none.
pub(super) fn to_siblings(
    store: &mut Writer<'_>,
    device: &Device,
    to: To,
    content: &[u8],
    moment: &mut Moment,
) -> Result<Option<Vec<u8>>, WindlassError> {
    let siblings = devices::siblings(store)?;
    if !siblings.iter().any(|s| to.takes(s.remote.device_id)) {
        return Ok(None);
    }
    let own_bundle = prekeys::own_bundle(store, device, moment)?;
    let hint_key = devices::hint_key(device)?;
    let mut parts = Vec::new();
    for sibling in siblings {
        let remote = sibling.remote;
        if !to.takes(remote.device_id) {
            continue;
        }
        let peer = Party {
            identity: device.public(),
            device_id: remote.device_id,
        };
        let session = match known_session(store, &peer, to)? {
            Some(session) => session,
            None => {
                let hint_key = hint_key.duplicate();
                begin(store, device, &peer.identity, &remote, hint_key, moment)?
            }
        };
        let told = sibling.row.bundle_sent_at >= own_bundle.issued_at();
        // What is sent again may have been what told them.
        let tells = !told || to.is_again() || session.is_pending();
        let bundle = tells.then_some(&own_bundle);
        parts.push(seal(store, device, session, content, bundle, moment)?);
        if !told {
            devices::told(store, remote.device_id, own_bundle.issued_at())?;
        }
    }
    Ok(Some(Envelope { parts }.encode()))
}

fn known_session(
    store: &mut Writer<'_>,
    peer: &Party,
    to: To,
) -> Result<Option<Session>, WindlassError> {
    let active = sessions::active(store, peer)?;
    Ok(match to {
        To::AllAnew => None,
        To::AllAfresh => active.filter(Session::is_pending),
        To::All | To::One(_) => active,
        To::Again(_) => active.filter(|session| !session.awaits_one_time_prekey()),
        To::AgainAfresh(_) => {
            active.filter(|session| session.is_pending() && !session.awaits_one_time_prekey())
        }
    })
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
        contact.row.used_invitation = contacts::fingerprint(bundle).to_vec();
        contact.save(store)?;
    }
    let (identity, hint_key) = (contact.identity, contact.hint_key()?);
    begin(store, device, &identity, &remote, hint_key, moment)
}

fn begin(
    store: &mut Writer<'_>,
    device: &Device,
    identity: &PublicIdentity,
    remote: &DeviceBundle,
    hint_key: HintKey,
    moment: &mut Moment,
) -> Result<Session, WindlassError> {
    let session = Session::initiate(
        &device.identity,
        device.device_id,
        identity,
        remote,
        hint_key,
        moment.now,
        &mut moment.rng,
    )
    .map_err(|_| WindlassError::InvalidKey)?;
    sessions::save(store, &session)?;
    sessions::promote(store, &session)?;
    Ok(session)
}

fn seal(
    store: &mut Writer<'_>,
    device: &Device,
    session: Session,
    content: &[u8],
    sender_bundle: Option<&VerifiedBundle>,
    moment: &mut Moment,
) -> Result<Part, WindlassError> {
    let payload = wire::encode_secret(&Payload {
        content: content.to_vec(),
        sender_bundle: sender_bundle
            .map(|bundle| bundle.encoded().to_vec())
            .unwrap_or_default(),
    });
    let (next, part) = session
        .send(&device.public(), &payload, &mut moment.rng)
        .map_err(|_| super::damaged(crate::store::Table::Sessions))?;
    sessions::save(store, &next)?;
    Ok(part)
}
