//! What the user decided about people, on whichever device: the last decision counts, in whichever order they come (RFC windlass §8.3.4).

use crate::chat::{Decision, KnownContact};
use crate::engine::base::device;
use crate::engine::base::error::EngineError;
use crate::engine::records::contacts::Contact;
use crate::engine::records::floors;
use crate::limits::MAX_LAMPORT_JUMP;
use crate::store::{Rows, RowsMut};
use crate::wire::store::ContactRow;

/// The decision that somebody is accepted, or blocked; that of before everything as long as there was none.
pub(crate) fn standing(row: &ContactRow) -> Decision {
    Decision {
        clock: row.standing_clock,
        device_id: row.standing_by,
    }
}

/// The decision that somebody is verified, or not any more.
pub(crate) fn verification(row: &ContactRow) -> Decision {
    Decision {
        clock: row.verified_clock,
        device_id: row.verified_by,
    }
}

/// The number of a decision that is made now, about somebody who is known.
pub(crate) fn next(store: &dyn Rows, contact: &Contact) -> Result<Decision, EngineError> {
    let removal = floors::removal(store, &contact.identity.to_bytes())?;
    let known = [standing(&contact.row), verification(&contact.row), removal];
    let last = known.iter().map(|decision| decision.clock).max();
    let device = device::row(store)?.ok_or(EngineError::IdentityMissing)?;
    Ok(Decision {
        clock: last.unwrap_or_default().saturating_add(1),
        device_id: device.device_id,
    })
}

/// The user accepts somebody, or blocks them. The contact's row is saved.
pub(crate) fn decide_standing(
    store: &mut dyn RowsMut,
    contact: &mut Contact,
    blocked: bool,
) -> Result<(), EngineError> {
    let decision = next(store, contact)?;
    contact.row.standing_clock = decision.clock;
    contact.row.standing_by = decision.device_id;
    contact.row.accepted |= !blocked;
    contact.row.blocked = blocked;
    contact.save(store)
}

/// The user compared the safety number, or what was compared does not count any more. The contact's row is saved.
pub(crate) fn decide_verified(
    store: &mut dyn RowsMut,
    contact: &mut Contact,
    verified: bool,
) -> Result<(), EngineError> {
    let decision = next(store, contact)?;
    contact.row.verified_clock = decision.clock;
    contact.row.verified_by = decision.device_id;
    contact.row.verified = verified;
    contact.save(store)
}

/// What a device of ours says was decided. Whether somebody is accepted or blocked now who was not. The contact's row is the caller's to
/// save.
pub(crate) fn merge(
    store: &dyn Rows,
    contact: &mut Contact,
    known: &KnownContact,
) -> Result<bool, EngineError> {
    // Nobody decides so often: a device that says so would have the last word for ever.
    let horizon = next(store, contact)?.clock.saturating_add(MAX_LAMPORT_JUMP);
    let row = &mut contact.row;
    let rank = |decision: Decision, blocked: bool, accepted: bool| (decision, blocked, accepted);
    let theirs = rank(known.standing, known.blocked, known.accepted);
    let accepted = row.accepted || row.added_by_user;
    let decides =
        known.standing.clock <= horizon && theirs > rank(standing(row), row.blocked, accepted);
    if decides {
        row.standing_clock = known.standing.clock;
        row.standing_by = known.standing.device_id;
        row.accepted = known.accepted;
        row.added_by_user &= known.accepted;
        row.blocked = known.blocked;
    }
    let theirs = (known.verification, known.verified);
    if known.verification.clock <= horizon && theirs > (verification(row), row.verified) {
        row.verified_clock = known.verification.clock;
        row.verified_by = known.verification.device_id;
        row.verified = known.verified;
    }
    Ok(decides)
}
