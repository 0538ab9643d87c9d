//! Receiving: ratchet, prekey, history and receipt in one transaction, before anything is told (docs/store.md, promise 1).

use crate::chat::MessageId;
use crate::engine::base::error::EngineError;
use crate::engine::base::message_ref::MessageRef;
use crate::engine::base::step::Step;
use crate::engine::delivery::resend;
use crate::engine::history::message;
use crate::engine::records::contacts::Contact;
use crate::engine::records::message_keys::StoredSkippedKeys;
use crate::engine::records::{
    contacts, doubts, message_keys, own_devices, pair_rows, pairs, sessions,
};
use crate::engine::steps::unreadable::{cause_of, sender_by_hint, undecryptable};
use crate::engine::steps::{admit, first, group};
use crate::engine::sync::feed;
use crate::engine::sync::outcome::UndecryptableCause as Cause;
use crate::engine::sync::outcome::{Outcome, PeerNews, Processed};
use crate::identity::PublicIdentity;
use crate::ratchet::RatchetError;
use crate::session::{Envelope, Part, Session, SessionError, accepted_digest};

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
                let contact = contacts::find(step.rows, from)?;
                for peer in contact.iter().flat_map(Contact::parties) {
                    pairs::send_bundle_anew(step.rows, &peer)?;
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
    let known = sessions::by_tag(step.rows, &part.chain_tag)?;
    let mut processed = match (known, &part.handshake) {
        (Some(session), _) => receive_in_session(step, session, part)?,
        (None, Some(handshake)) => first::receive(step, handshake, part)?,
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
    let known = (processed.outcomes.iter()).any(|o| matches!(o, Outcome::Duplicate { .. }));
    let mut left_out = own_devices::siblings(step.rows)?;
    left_out.retain(|one| envelope.part_for(one.row.device_id).is_none());
    // Nearly always there is none, and nothing has to be looked up.
    if known || left_out.is_empty() {
        return Ok(());
    }
    let message = MessageRef { author, id };
    let Some(stored) = message::find(step.rows, &message)?.filter(|stored| !stored.copied) else {
        return Ok(());
    };
    let written_at = stored.content.sent_at;
    let has_bundle_of = match &processed.from {
        Some(from) => pair_rows::has_bundle_of(step.rows, from)?,
        None => 0,
    };
    let (rows, now) = (&*step.rows, step.now);
    let unaware = own_devices::perhaps_unheard_of(rows, &left_out, written_at, has_bundle_of, now)?;
    resend::relay(step, unaware, &message)
}

fn receive_in_session(
    step: &mut Step<'_>,
    session: Session,
    part: &Part,
) -> Result<Processed, EngineError> {
    let (id, peer) = (session.id(), session.peer().identity);
    match contacts::row(step.rows, &peer)? {
        Some(contact) if contact.blocked => {
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
        // Nobody with a key of the session made it: bytes that were spoilt under way, or an outsider's. It says nothing of the session, and what
        // was written comes again because nobody acknowledged it.
        Err(SessionError::Ratchet(RatchetError::Header(_))) => {
            let (cause, from) = (Cause::Authentication, None);
            return Ok(Processed::unchanged(Outcome::Undecryptable { cause, from }));
        }
        Err(error) => cause_of(&error),
    };
    undecryptable(step, cause, Some(peer))
}
