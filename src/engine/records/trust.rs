//! The trust policy: to whom anything is sent, and who is answered (RFC windlass §8.6).

use crate::engine::base::error::EngineError;
use crate::engine::records::contacts::Contact;
use crate::engine::records::settings::TrustPolicy;
use crate::engine::records::{contacts, settings};
use crate::identity::PublicIdentity;
use crate::store::{Rows, RowsMut};

pub(crate) fn policy(store: &dyn Rows) -> Result<TrustPolicy, EngineError> {
    Ok(TrustPolicy::of_number(settings::row(store)?.trust_policy))
}

pub(crate) fn set_policy(store: &mut dyn RowsMut, policy: TrustPolicy) -> Result<(), EngineError> {
    let mut row = settings::row(store)?;
    row.trust_policy = policy.number();
    settings::save(store, &row)
}

/// Whether anything is sent to a contact without the user's doing: receipts, requests for healing and their answers.
pub(crate) fn answers(store: &dyn Rows, contact: &Contact) -> Result<bool, EngineError> {
    Ok(!contact.row.blocked
        && match policy(store)? {
            TrustPolicy::VerifiedOnly => contact.row.verified,
            TrustPolicy::FirstUse => contact.is_known(),
            TrustPolicy::AcceptAll => true,
        })
}

/// Whether a contact may make a group known to the user, and hears that it was declined: whom the user knows, and who is answered.
pub(crate) fn may_invite(store: &dyn Rows, contact: &Contact) -> Result<bool, EngineError> {
    Ok(!contact.row.blocked && (contact.is_known() || answers(store, contact)?))
}

/// Whether anything at all may be sent to a contact, by whatever way it comes to be sent.
pub(crate) fn may_reach(store: &dyn Rows, contact: &Contact) -> Result<bool, EngineError> {
    Ok(contact.row.verified || policy(store)? != TrustPolicy::VerifiedOnly)
}

/// Asked before a message to a group is sent.
pub(crate) fn check_group(store: &dyn Rows, members: &[PublicIdentity]) -> Result<(), EngineError> {
    if policy(store)? != TrustPolicy::VerifiedOnly {
        return Ok(());
    }
    for member in members {
        if let Some(contact) = contacts::find(store, member)?
            && !contact.row.verified
        {
            return Err(EngineError::ContactNotVerified);
        }
    }
    Ok(())
}
