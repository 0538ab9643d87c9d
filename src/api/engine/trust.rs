//! Whom we talk to: the trust policy, those who wrote first and wait to be accepted, and what they may cost (RFC windlass §8.6).

use super::contacts::Contact;
use super::conversation::ConversationId;
use super::receive::Outcome;
use super::{
    Device, Moment, contacts, get_row, healing, put_row, send, sessions, settings, timeline,
    unacknowledged,
};
use crate::api::error::WindlassError;
use crate::api::trust::TrustPolicy;
use crate::bundle::VerifiedBundle;
use crate::chat::MessageId;
use crate::identity::PublicIdentity;
use crate::limits::{
    MAX_STRANGER_BYTES, MAX_STRANGER_SESSIONS_PER_HOUR, MAX_STRANGER_SKIPPED_KEYS, MAX_STRANGERS,
    MAX_STRANGERS_BYTES, STRANGER_RETENTION_SECONDS,
};
use crate::ratchet::SkippedChange;
use crate::store::{Key, Rows, Table, Writer};
use crate::wire::store::StrangersRow;
use crate::x3dh::Party;

const STRANGERS: &[u8] = b"strangers";
const HOUR: u64 = 3_600_000;

pub(in crate::api) fn policy(store: &impl Rows) -> Result<TrustPolicy, WindlassError> {
    Ok(match settings::row(store)?.trust_policy {
        1 => TrustPolicy::VerifiedOnly,
        2 => TrustPolicy::AcceptAll,
        _ => TrustPolicy::FirstUse,
    })
}

pub(in crate::api) fn set_policy(
    store: &mut Writer<'_>,
    policy: TrustPolicy,
) -> Result<(), WindlassError> {
    let mut row = settings::row(store)?;
    row.trust_policy = match policy {
        TrustPolicy::FirstUse => 0,
        TrustPolicy::VerifiedOnly => 1,
        TrustPolicy::AcceptAll => 2,
    };
    settings::save(store, &row)
}

/// Whether anything is sent to a contact without the user's doing: receipts, requests for healing and their answers.
pub(super) fn answers(store: &impl Rows, contact: &Contact) -> Result<bool, WindlassError> {
    Ok(!contact.row.blocked
        && match policy(store)? {
            TrustPolicy::VerifiedOnly => contact.row.verified,
            TrustPolicy::FirstUse | TrustPolicy::AcceptAll => contact.is_known(),
        })
}

/// Asked before a message of the user's is sent. Whoever writes to somebody wants to talk with them.
pub(super) fn check_sending(
    store: &mut Writer<'_>,
    device: &Device,
    contact: &mut Contact,
    moment: &mut Moment,
) -> Result<(), WindlassError> {
    if contact.row.blocked {
        return Err(WindlassError::ContactBlocked);
    }
    if policy(store)? == TrustPolicy::VerifiedOnly && !contact.row.verified {
        return Err(WindlassError::ContactNotVerified);
    }
    accept(store, device, contact, moment)
}

/// Asked before a message to a group is sent.
pub(super) fn check_group(
    store: &impl Rows,
    members: &[PublicIdentity],
) -> Result<(), WindlassError> {
    if policy(store)? != TrustPolicy::VerifiedOnly {
        return Ok(());
    }
    for member in members {
        if let Some(contact) = contacts::find(store, member)?
            && !contact.row.verified
        {
            return Err(WindlassError::ContactNotVerified);
        }
    }
    Ok(())
}

/// Somebody belongs to a group that the user takes part in: they are answered, and are no stranger.
pub(super) fn introduce(
    store: &mut Writer<'_>,
    contact: &mut Contact,
) -> Result<(), WindlassError> {
    release(store, contact)?;
    contact.row.introduced = true;
    contact.save(store)
}

/// The user wants to talk with them. What waited for it is acknowledged now.
pub(in crate::api) fn accept(
    store: &mut Writer<'_>,
    device: &Device,
    contact: &mut Contact,
    moment: &mut Moment,
) -> Result<(), WindlassError> {
    if contact.is_accepted() && !contact.row.blocked {
        return Ok(());
    }
    release(store, contact)?;
    contact.row.accepted = true;
    contact.row.blocked = false;
    contact.save(store)?;
    if !answers(store, contact)? {
        return Ok(());
    }
    let theirs: Vec<MessageId> = timeline::ids_by(
        store,
        &contact.identity,
        &ConversationId::Direct(contact.identity),
    )?;
    for ids in theirs.chunks(crate::limits::MAX_RECEIPT_IDS) {
        send::send_receipt(store, device, &contact.identity, ids, moment)?;
    }
    // What was not taken in of a stranger, an invitation to a group for example.
    if healing::row(store, &contact.identity)?.is_some_and(|row| row.incomplete) {
        healing::ask(store, device, &contact.identity, None, moment)?;
    }
    Ok(())
}

/// Nothing of theirs is taken in any more, and nothing is sent to them.
pub(in crate::api) fn block(
    store: &mut Writer<'_>,
    contact: &mut Contact,
) -> Result<(), WindlassError> {
    release(store, contact)?;
    contact.row.blocked = true;
    contact.save(store)?;
    for party in contact.parties() {
        unacknowledged::forget(store, &party)?;
    }
    Ok(())
}

/// Erases a contact, the conversation and the sessions.
pub(in crate::api) fn erase(
    store: &mut Writer<'_>,
    contact: &mut Contact,
) -> Result<(), WindlassError> {
    release(store, contact)?;
    for party in contact.parties() {
        unacknowledged::forget(store, &party)?;
        sessions::erase_all(store, &party)?;
    }
    timeline::erase(store, &ConversationId::Direct(contact.identity))?;
    let key = contact.identity.to_bytes();
    store.delete(Table::Healing, Key::new(&key))?;
    store.delete(Table::Contacts, Key::new(&key))?;
    Ok(())
}

/// Somebody says that they go on as another identity (RFC windlass §8.6.6). Whoever says so may be a thief of the former one, so what
/// was verified of it is not verified any more, and nothing is of the new one.
pub(super) fn follow(
    store: &mut Writer<'_>,
    device: &Device,
    former: &PublicIdentity,
    bundle: &VerifiedBundle,
    moment: &Moment,
) -> Result<Option<Outcome>, WindlassError> {
    let new = *bundle.identity();
    let Some(mut contact) = contacts::find(store, former)? else {
        return Ok(None);
    };
    if !contact.is_accepted() || contact.row.blocked || new == *former || new == device.public() {
        return Ok(None);
    }
    let was_verified = core::mem::take(&mut contact.row.verified);
    contact.row.moved_to = new.to_bytes().to_vec();
    contact.save(store)?;
    let mut successor = contacts::take_in_passed_on(store, device, bundle, moment)?;
    // Anybody's bundle may be named, so they are only introduced until they write, or are written to.
    introduce(store, &mut successor)?;
    Ok(Some(Outcome::IdentityChanged {
        peer: *former,
        new,
        was_verified,
    }))
}

fn strangers(store: &impl Rows) -> Result<StrangersRow, WindlassError> {
    Ok(get_row(store, Table::Device, Key::new(STRANGERS))?.unwrap_or_default())
}

fn save_strangers(store: &mut Writer<'_>, row: &StrangersRow) -> Result<(), WindlassError> {
    put_row(store, Table::Device, Key::new(STRANGERS), row)
}

/// A stranger is none any more.
pub(super) fn release(store: &mut Writer<'_>, contact: &mut Contact) -> Result<(), WindlassError> {
    if !contact.row.counted {
        return Ok(());
    }
    contact.row.counted = false;
    let mut all = strangers(store)?;
    all.count = all.count.saturating_sub(1);
    all.stored_bytes = all.stored_bytes.saturating_sub(contact.row.stored_bytes);
    contact.row.stored_bytes = 0;
    save_strangers(store, &all)
}

/// Whether a handshake may be looked at, before it costs anything.
pub(super) fn admits_session(
    store: &impl Rows,
    contact: Option<&Contact>,
    number: u32,
    now: u64,
) -> Result<bool, WindlassError> {
    let all = policy(store)? == TrustPolicy::AcceptAll;
    // A step of a chain for each message in front of it.
    let far = number as usize > MAX_STRANGER_SKIPPED_KEYS;
    Ok(match contact {
        None if all => true,
        None => !far && strangers(store)?.count < MAX_STRANGERS,
        Some(contact) if contact.is_stranger() && far => false,
        Some(contact) if contact.is_stranger() => {
            now.abs_diff(contact.row.window_start) >= HOUR
                || contact.row.window_sessions < MAX_STRANGER_SESSIONS_PER_HOUR
        }
        Some(_) => true,
    })
}

/// Whether a message of a stranger may be stored.
pub(super) fn admits_message(
    store: &impl Rows,
    contact: &Contact,
    len: usize,
    changes: &[SkippedChange],
) -> Result<bool, WindlassError> {
    if !contact.is_stranger() || policy(store)? == TrustPolicy::AcceptAll {
        return Ok(true);
    }
    let kept = changes
        .iter()
        .filter(|change| matches!(change, SkippedChange::Keep(..)))
        .count();
    let len = len as u64;
    Ok(kept <= MAX_STRANGER_SKIPPED_KEYS
        && contact.row.stored_bytes.saturating_add(len) <= MAX_STRANGER_BYTES
        && strangers(store)?.stored_bytes.saturating_add(len) <= MAX_STRANGERS_BYTES)
}

/// Somebody wrote first.
pub(super) fn meet(store: &mut Writer<'_>, contact: &mut Contact) -> Result<(), WindlassError> {
    if policy(store)? == TrustPolicy::AcceptAll {
        contact.row.accepted = true;
    } else {
        note_stranger(store, contact)?;
    }
    contact.save(store)
}

/// Counts whoever is a stranger, once.
pub(super) fn note_stranger(
    store: &mut Writer<'_>,
    contact: &mut Contact,
) -> Result<(), WindlassError> {
    if contact.row.counted || !contact.is_stranger() {
        return Ok(());
    }
    contact.row.counted = true;
    let mut all = strangers(store)?;
    all.count += 1;
    all.stored_bytes = all.stored_bytes.saturating_add(contact.row.stored_bytes);
    save_strangers(store, &all)
}

/// Counts what a stranger cost.
pub(super) fn count(
    store: &mut Writer<'_>,
    contact: &mut Contact,
    len: usize,
    new_session: bool,
    now: u64,
) -> Result<(), WindlassError> {
    if !contact.is_stranger() {
        return Ok(());
    }
    note_stranger(store, contact)?;
    let mut all = strangers(store)?;
    all.stored_bytes = all.stored_bytes.saturating_add(len as u64);
    save_strangers(store, &all)?;
    let row = &mut contact.row;
    row.stored_bytes = row.stored_bytes.saturating_add(len as u64);
    if new_session {
        if now.abs_diff(row.window_start) >= HOUR {
            row.window_start = now;
            row.window_sessions = 0;
        }
        row.window_sessions += 1;
    }
    contact.save(store)
}

/// Strangers who were not accepted for a week make room for others.
pub(in crate::api) fn erase_old(store: &mut Writer<'_>, now: u64) -> Result<bool, WindlassError> {
    if strangers(store)?.count == 0 {
        return Ok(false);
    }
    let mut erased = false;
    for mut contact in contacts::all(store)? {
        let age = now.saturating_sub(contact.row.added_at) / 1000;
        if contact.is_stranger() && age >= STRANGER_RETENTION_SECONDS {
            erase(store, &mut contact)?;
            erased = true;
        }
    }
    Ok(erased)
}

impl Contact {
    /// Whether the user wants to talk with them.
    pub(in crate::api) fn is_accepted(&self) -> bool {
        self.row.added_by_user || self.row.accepted
    }

    /// Whether they wrote first, and the user has not said what to think of them.
    pub(in crate::api) fn is_stranger(&self) -> bool {
        !self.is_known() && !self.row.blocked
    }

    /// Whether they are accepted, or met in a group.
    pub(super) fn is_known(&self) -> bool {
        self.is_accepted() || self.row.introduced
    }

    /// Their devices.
    pub(super) fn parties(&self) -> Vec<Party> {
        let devices = self.bundle.iter().flat_map(|bundle| bundle.devices());
        devices
            .map(|device| Party {
                identity: self.identity,
                device_id: device.device_id,
            })
            .collect()
    }
}
