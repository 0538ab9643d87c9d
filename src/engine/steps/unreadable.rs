//! What cannot be read: why, and whom to ask for it.

use crate::engine::base::device::Device;
use crate::engine::base::error::EngineError;
use crate::engine::base::step::Step;
use crate::engine::delivery::recipients;
use crate::engine::records::contact_list;
use crate::engine::sync::healing;
use crate::engine::sync::outcome::UndecryptableCause as Cause;
use crate::engine::sync::outcome::{Outcome, PeerNews, Processed};
use crate::identity::PublicIdentity;
use crate::ratchet::RatchetError;
use crate::session::{Part, SessionError};
use crate::store::Rows;

/// Whom the hint points to. Looking costs a step for each contact, so it is not done for everybody's flood of bytes.
pub(super) fn sender_by_hint(
    store: &dyn Rows,
    device: &Device,
    part: &Part,
    now: u64,
) -> Result<Option<PublicIdentity>, EngineError> {
    let own = device.public();
    if recipients::own_hint_key(device)?.hint(&own, &part.chain_tag) == part.sender_hint {
        return Ok(Some(own));
    }
    if !device.hints.has_room(now) {
        return Ok(None);
    }
    let (found, looked_at) = contact_list::by_hint(store, &part.chain_tag, &part.sender_hint)?;
    device.hints.count(looked_at);
    Ok(found)
}

/// Tells that something could not be read, and asks for it where that may help.
pub(super) fn undecryptable(
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

pub(super) fn cause_of(error: &SessionError) -> Cause {
    match error {
        SessionError::Ratchet(RatchetError::KeyGone(_)) => Cause::KeyGone,
        SessionError::Ratchet(RatchetError::TooFarAhead { .. }) => Cause::TooFarAhead,
        SessionError::Ratchet(RatchetError::UnknownChain) => Cause::HandshakeInvalid,
        SessionError::Ratchet(_) => Cause::Authentication,
        SessionError::Agreement(_) => Cause::HandshakeInvalid,
        SessionError::Wire(_) | SessionError::Damaged | SessionError::TooLong(_) => Cause::Content,
    }
}
