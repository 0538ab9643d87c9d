//! What the user decides about people: added, accepted, blocked, erased; and people who go on as another identity (RFC windlass §8.6).

use crate::bundle::VerifiedBundle;
use crate::engine::base::clock::Clock;
use crate::engine::base::error::EngineError;
use crate::engine::base::step::Step;
use crate::engine::history::{deletion, inventory};
use crate::engine::records::contacts::Contact;
use crate::engine::records::conversations::ConversationId;
use crate::engine::records::settings::TrustPolicy;
use crate::engine::records::{contacts, doubts, sessions, strangers, trust, unacknowledged};
use crate::engine::sync::outcome::{Outcome, PeerNews};
use crate::engine::sync::{healing, receipts};
use crate::identity::PublicIdentity;
use crate::limits::STRANGER_RETENTION_SECONDS;
use crate::store::RowsMut;

/// Adds a contact whom the user chose, or takes a newer bundle of one. An expired bundle is refused.
pub(crate) fn add(step: &mut Step<'_>, bundle: &VerifiedBundle) -> Result<Contact, EngineError> {
    bundle.check_time(step.seconds())?;
    if *bundle.identity() == step.device.public() {
        return Err(EngineError::OwnBundle);
    }
    if let Some(known) = contacts::find(step.rows, bundle.identity())?
        && known.row.used_invitation == contacts::fingerprint(bundle)
    {
        return Err(EngineError::InvitationUsed);
    }
    let (mut contact, _) = contacts::merge_bundle(step, bundle)?;
    accept(step, &mut contact)?;
    if !contact.row.added_by_user {
        contact.row.added_by_user = true;
        contact.save(step.rows)?;
    }
    Ok(contact)
}

/// Asked before a message of the user's is sent. A user who writes to somebody wants to talk with them.
pub(crate) fn check_sending(step: &mut Step<'_>, contact: &mut Contact) -> Result<(), EngineError> {
    if contact.row.blocked {
        return Err(EngineError::ContactBlocked);
    }
    if trust::policy(step.rows)? == TrustPolicy::VerifiedOnly && !contact.row.verified {
        return Err(EngineError::ContactNotVerified);
    }
    accept(step, contact)
}

/// The user wants to talk with them. What waited for it is acknowledged now.
pub(crate) fn accept(step: &mut Step<'_>, contact: &mut Contact) -> Result<(), EngineError> {
    if contact.is_accepted() && !contact.row.blocked {
        return Ok(());
    }
    strangers::release(step.rows, contact)?;
    contact.row.accepted = true;
    contact.row.blocked = false;
    contact.save(step.rows)?;
    if !trust::answers(step.rows, contact)? {
        return Ok(());
    }
    let conversation = ConversationId::Direct(contact.identity);
    let theirs = inventory::ids_by(step.rows, &contact.identity, &conversation)?;
    let theirs: Vec<_> = theirs.iter().map(|id| (contact.identity, *id)).collect();
    receipts::acknowledge(step, &theirs)?;
    // What was not taken in of a stranger, an invitation to a group for example.
    if doubts::row(step.rows, &contact.identity)?.is_some_and(|row| row.incomplete) {
        healing::ask(step, &contact.identity, None)?;
    }
    Ok(())
}

/// Nothing of theirs is taken in any more, and nothing is sent to them.
pub(crate) fn block(store: &mut dyn RowsMut, contact: &mut Contact) -> Result<(), EngineError> {
    strangers::release(store, contact)?;
    contact.row.blocked = true;
    contact.save(store)?;
    for party in contact.parties() {
        unacknowledged::forget(store, &party)?;
    }
    Ok(())
}

/// Erases a contact, the conversation and the sessions.
pub(crate) fn erase(store: &mut dyn RowsMut, contact: &mut Contact) -> Result<(), EngineError> {
    strangers::release(store, contact)?;
    for party in contact.parties() {
        unacknowledged::forget(store, &party)?;
        sessions::erase_all(store, &party)?;
    }
    deletion::erase_conversation(store, &ConversationId::Direct(contact.identity))?;
    doubts::erase(store, &contact.identity)?;
    contacts::erase(store, &contact.identity)
}

/// Somebody says that they go on as another identity (RFC windlass §8.6.6). It may be a thief of the former one who says so, so what
/// was verified of it is not verified any more, and nothing is of the new one.
pub(crate) fn follow_identity(
    step: &mut Step<'_>,
    former: &PublicIdentity,
    bundle: &VerifiedBundle,
) -> Result<Option<Outcome>, EngineError> {
    let new = *bundle.identity();
    let Some(mut contact) = contacts::find(step.rows, former)? else {
        return Ok(None);
    };
    if !contact.is_accepted()
        || contact.row.blocked
        || new == *former
        || new == step.device.public()
    {
        return Ok(None);
    }
    let was_verified = core::mem::take(&mut contact.row.verified);
    contact.row.moved_to = new.to_bytes().to_vec();
    contact.save(step.rows)?;
    let mut successor = contacts::merge_forwarded_bundle(step, bundle)?;
    // Anybody's bundle may be named, so they are only introduced until they write, or are written to.
    strangers::introduce(step.rows, &mut successor)?;
    let changed = PeerNews::IdentityChanged { new, was_verified };
    Ok(Some(Outcome::Peer(*former, changed)))
}

/// Strangers who were not accepted for a week make room for others.
pub(crate) fn erase_old_strangers(store: &mut dyn RowsMut, now: u64) -> Result<bool, EngineError> {
    if strangers::totals(store)?.count == 0 {
        return Ok(false);
    }
    let clock = Clock::read(store, now)?;
    let mut erased = false;
    for mut contact in contacts::all(store)? {
        if !contact.is_stranger() {
            continue;
        }
        if clock.may_erase(contact.row.added_at, STRANGER_RETENTION_SECONDS * 1000) {
            erase(store, &mut contact)?;
            erased = true;
        } else if clock.is_ahead(contact.row.added_at) {
            contact.row.added_at = now;
            contact.save(store)?;
            erased = true;
        }
    }
    Ok(erased)
}
