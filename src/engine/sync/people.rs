//! What the user decides about people: added, accepted, blocked, erased; and people who go on as another identity (RFC windlass §8.6).

use crate::bundle::VerifiedBundle;
use crate::chat::{Decision, Floor, KnownContact};
use crate::engine::base::error::EngineError;
use crate::engine::base::step::Step;
use crate::engine::history::{deletion, gone, inventory};
use crate::engine::records::contacts::Contact;
use crate::engine::records::conversations::ConversationId;
use crate::engine::records::introductions::{self, Origin};
use crate::engine::records::profiles as profile_rows;
use crate::engine::records::settings::TrustPolicy;
use crate::engine::records::strangers::Wait;
use crate::engine::records::{
    chat_settings, contacts, decisions, doubts, floors, group_joins, groups, pair_rows, pairs,
    removed, sessions, strangers, trust, unacknowledged,
};
use crate::engine::sync::outcome::{ConversationNews, Outcome, PeerNews};
use crate::engine::sync::{feed, healing, profiles, receipts, updates};
use crate::identity::PublicIdentity;
use crate::store::RowsMut;
use crate::x3dh::Party;

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
pub(crate) fn check_sending(step: &mut Step<'_>, peer: &PublicIdentity) -> Result<(), EngineError> {
    let row = contacts::row(step.rows, peer)?.ok_or(EngineError::UnknownContact)?;
    if row.blocked {
        return Err(EngineError::ContactBlocked);
    }
    if trust::policy(step.rows)? == TrustPolicy::VerifiedOnly && !row.verified {
        return Err(EngineError::ContactNotVerified);
    }
    if row.bundle.is_empty() {
        return Err(EngineError::NoBundle);
    }
    if row.is_accepted() {
        return Ok(());
    }
    let mut contact = Contact::from_row(row)?;
    accept(step, &mut contact)?;
    updates::share_contact(step, &contact)
}

/// The user wants to talk with them. What waited for it is acknowledged now.
pub(crate) fn accept(step: &mut Step<'_>, contact: &mut Contact) -> Result<(), EngineError> {
    if contact.is_accepted() && !contact.row.blocked {
        return Ok(());
    }
    strangers::release(step.rows, contact)?;
    removed::forget(step.rows, &contact.identity)?;
    let words_erased = core::mem::take(&mut contact.row.words_erased);
    decisions::decide_standing(step.rows, contact, false)?;
    if words_erased {
        doubts::note_missing(step.rows, &contact.identity, step.now)?;
    }
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
    profiles::tell(step, &contact.identity)
}

/// Nothing of theirs is taken in any more, and nothing is sent to them.
pub(crate) fn block(store: &mut dyn RowsMut, contact: &mut Contact) -> Result<(), EngineError> {
    strangers::release(store, contact)?;
    if !contact.row.blocked {
        decisions::decide_standing(store, contact, true)?;
    }
    // Should they be accepted again they are told anew.
    contact.row.profile_known = 0;
    contact.save(store)?;
    profile_rows::erase(store, &contact.identity)?;
    forget_successor(store, contact)?;
    send_nothing_again(store, contact)
}

fn send_nothing_again(store: &mut dyn RowsMut, contact: &Contact) -> Result<(), EngineError> {
    group_joins::end_with(store, &contact.identity)?;
    if !groups::shared_with(store, &contact.identity)?.is_empty() {
        // Of what waits for them, the events of groups still go to them; the rest is dropped when it is due.
        return Ok(());
    }
    for party in contact.parties() {
        unacknowledged::forget(store, &party)?;
    }
    Ok(())
}

/// The user compared the safety number.
pub(crate) fn verify(store: &mut dyn RowsMut, contact: &mut Contact) -> Result<(), EngineError> {
    decisions::decide_verified(store, contact, true)
}

/// The user removes a contact, with the conversation and the sessions; our other devices are told. Who asked to be accepted does not ask again
/// because of what their program sends by itself, and who is blocked stays so.
pub(crate) fn remove(step: &mut Step<'_>, contact: &mut Contact) -> Result<(), EngineError> {
    let (id, now) = (ConversationId::Direct(contact.identity), step.now);
    gone::delete_conversation(step.rows, &id, now)?;
    deletion::erase_conversation(step.rows, &id)?;
    feed::note_in(step, &id, ConversationNews::ConversationDeleted);
    remove_keeping(step, contact)
}

/// The same, and the conversation stays on all devices.
pub(crate) fn remove_keeping(
    step: &mut Step<'_>,
    contact: &mut Contact,
) -> Result<(), EngineError> {
    if contact.row.blocked || contact.is_stranger() {
        removed::note(step, &contact.identity, contact.row.blocked)?;
    }
    let decision = decisions::next(step.rows, contact)?;
    let (side, now) = (contact.identity.to_bytes(), step.now);
    forget(step.rows, contact)?;
    let removed = Floor {
        conversation: floors::key(step.rows)?.conversation(&side, false),
        removed: decision,
        ..Floor::default()
    };
    floors::merge(step.rows, &removed, now)?;
    let floor = floors::find(step.rows, &(side, false))?;
    updates::share_floor(step, floor.map(|gone| gone.floor().clone()))
}

/// What a device of ours tells about a contact; who it is, if they were not known here and are not blocked.
pub(crate) fn receive(
    step: &mut Step<'_>,
    known: &KnownContact,
    outcomes: &mut Vec<Outcome>,
) -> Result<Option<PublicIdentity>, EngineError> {
    let bundle = VerifiedBundle::decode(&known.bundle).ok();
    let Some(bundle) = bundle.filter(|bundle| *bundle.identity() != step.device.public()) else {
        return Ok(None);
    };
    let identity = *bundle.identity();
    let new = contacts::find(step.rows, &identity)?.is_none();
    let removal = floors::removal(step.rows, &identity.to_bytes())?;
    if new && removal != Decision::default() && known.standing <= removal {
        // The user removed them, and has decided nothing since.
        return Ok(None);
    }
    let (mut contact, change) = contacts::merge_forwarded_bundle(step, &bundle)?;
    if decisions::merge(step.rows, &mut contact, known)? {
        strangers::release(step.rows, &mut contact)?;
        if contact.row.blocked {
            send_nothing_again(step.rows, &contact)?;
            forget_successor(step.rows, &contact)?;
        }
    }
    if contact.is_accepted() {
        removed::forget(step.rows, &identity)?;
    }
    // Introduced there; here when the same is known.
    strangers::lapse(step.rows, &mut contact, step.now)?;
    if !contact.row.blocked {
        outcomes.extend(Outcome::devices_changed(identity, change));
    }
    Ok((new && !contact.row.blocked).then_some(identity))
}

/// Since when a linked device of ours knows the devices of a contact: by their prekeys, for whoever takes the name of one has another.
pub(crate) fn hear_of_devices(
    step: &mut Step<'_>,
    known: &KnownContact,
) -> Result<(), EngineError> {
    if known.devices.is_empty() {
        return Ok(());
    }
    let Ok(bundle) = VerifiedBundle::decode(&known.bundle) else {
        return Ok(());
    };
    for remote in bundle.devices() {
        let device_id = remote.device_id;
        let party = Party {
            identity: *bundle.identity(),
            device_id,
        };
        let told = (known.devices.iter()).find(|told| told.device_id == device_id);
        if let Some(told) = told {
            pairs::hear_of_prekey(step, &party, &remote.signed_prekey.key, told.known_since)?;
        }
    }
    Ok(())
}

/// Nobody vouches any more for whom a contact goes on as.
fn forget_successor(store: &mut dyn RowsMut, contact: &Contact) -> Result<(), EngineError> {
    let Some(successor) = PublicIdentity::from_stored(&contact.row.moved_to) else {
        return Ok(());
    };
    let origin = Origin::Contact(&contact.identity);
    let Some(mut successor) = introductions::take_back(store, &successor, origin)? else {
        return Ok(());
    };
    // Of whom nothing is heard, nothing is kept.
    if successor.is_stranger() && Wait::of(&successor).is_none() {
        return strangers::erase_unheard(store, &mut successor);
    }
    successor.save(store)
}

/// Erases a contact, the conversation and the sessions.
pub(crate) fn erase(store: &mut dyn RowsMut, contact: &mut Contact) -> Result<(), EngineError> {
    deletion::erase_conversation(store, &ConversationId::Direct(contact.identity))?;
    forget(store, contact)
}

/// Erases a contact and the sessions. Of a member of a group that the user takes part in, what the group needs stays: they are no contact of the
/// user's any more, and are written to as a member.
pub(crate) fn forget(store: &mut dyn RowsMut, contact: &mut Contact) -> Result<(), EngineError> {
    strangers::release(store, contact)?;
    group_joins::end_with(store, &contact.identity)?;
    if !groups::shared_with(store, &contact.identity)?.is_empty() {
        let row = &mut contact.row;
        (row.added_by_user, row.accepted, row.verified) = (false, false, false);
        chat_settings::erase(store, &ConversationId::Direct(contact.identity))?;
        return contact.save(store);
    }
    for party in contact.parties() {
        unacknowledged::forget(store, &party)?;
        sessions::erase_all(store, &party)?;
        pair_rows::forget(store, &party)?;
    }
    doubts::erase(store, &contact.identity)?;
    contacts::erase(store, contact)?;
    forget_successor(store, contact)
}

/// Somebody says that they go on as another identity (RFC windlass §8.6.6). It may be a thief of the former one who says so, so what
/// was verified of it is not verified any more, and nothing is of the new one.
pub(crate) fn follow_identity(
    step: &mut Step<'_>,
    former: &PublicIdentity,
    bundle: &VerifiedBundle,
) -> Result<Vec<Outcome>, EngineError> {
    let new = *bundle.identity();
    let Some(mut contact) = contacts::find(step.rows, former)? else {
        return Ok(Vec::new());
    };
    if !contact.is_accepted()
        || contact.row.blocked
        || new == *former
        || new == step.device.public()
    {
        return Ok(Vec::new());
    }
    // One at a time, or one contact could introduce anybody.
    if contact.row.moved_to != new.to_bytes() {
        forget_successor(step.rows, &contact)?;
    }
    let was_verified = contact.row.verified;
    contact.row.moved_to = new.to_bytes().to_vec();
    // Whatever was compared before, on any device of ours, vouches for nothing.
    decisions::decide_verified(step.rows, &mut contact, false)?;
    let (mut successor, change) = contacts::merge_forwarded_bundle(step, bundle)?;
    // Anybody's bundle may be named, so they are only introduced until they write, or are written to.
    introductions::introduce(step.rows, &mut successor, Origin::Contact(former))?;
    let changed = PeerNews::IdentityChanged { new, was_verified };
    let mut outcomes = vec![Outcome::Peer(*former, changed)];
    if !successor.row.blocked {
        outcomes.extend(Outcome::devices_changed(new, change));
    }
    Ok(outcomes)
}
