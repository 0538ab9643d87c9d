//! Linking another device to our identity, step by step (RFC windlass §8.5). One at a time: nobody is to confirm another's.

use crate::engine::base::device::Device;
use crate::engine::base::error::EngineError;
use crate::engine::base::step::Step;
use crate::engine::records::linking::{self, Linking};
use crate::engine::records::{own_bundle, own_words};
use crate::engine::sync::updates;
use crate::limits::LINK_LIFETIME_SECONDS;
use crate::link::{Agreed, ExistingDevice, LinkAnswer, LinkCode, LinkError, LinkReply};
use crate::store::Rows;

/// How far it is.
pub(crate) struct Pending {
    pub(crate) answer: LinkAnswer,
    /// Once the new device showed its key.
    pub(crate) agreed: Option<Agreed>,
    pub(crate) ends_at: u64,
}

/// The user read the code of a new device: what it is answered. Another code takes the place of one that is under way; the same one gets
/// the same answer.
pub(crate) fn begin(step: &mut Step<'_>, code: LinkCode) -> Result<LinkAnswer, EngineError> {
    let own = step.device.public();
    if let Some(linking) = linking::find(step.rows, own, step.now)?
        && linking.code == code
    {
        return Ok(linking.existing.answer());
    }
    let linking = Linking {
        existing: ExistingDevice::new(code, own, step.rng),
        code,
        reply: None,
        begun_at: step.now,
    };
    linking::save(step.rows, &linking)?;
    Ok(linking.existing.answer())
}

/// The user read what the new device shows then: what to compare with it.
pub(crate) fn check(step: &mut Step<'_>, reply: LinkReply) -> Result<Agreed, EngineError> {
    let own = step.device.public();
    let mut linking = linking::find(step.rows, own, step.now)?.ok_or(LinkError::Over)?;
    let agreed = linking.existing.agree(&reply)?;
    linking.reply = Some(reply);
    linking::save(step.rows, &linking)?;
    Ok(agreed)
}

/// The user says that the other device shows the same: the identity, sealed to it. Our key for it is erased.
pub(crate) fn confirm(step: &mut Step<'_>) -> Result<Vec<u8>, EngineError> {
    let own = step.device.public();
    let linking = linking::find(step.rows, own, step.now)?.ok_or(LinkError::Over)?;
    let reply = linking.reply.ok_or(LinkError::TooEarly)?;
    let agreed = linking.existing.agree(&reply)?;
    // What is shown as codes has room for one key: that of the device that the new one asks first.
    let bundle = own_bundle::reusable(step)?.with_kem_key_of(step.device.device_id);
    let token = linking::begin(step)?;
    let words = own_words::kept(step)?;
    linking::erase(step.rows)?;
    // Should this device be lost before the new one has everything, the others know that the user linked it.
    updates::share_links(step)?;
    let linked = updates::whom_to_trust(step)?;
    let identity = &step.device.identity;
    Ok(agreed.seal(identity, &bundle, &token, &words, &linked, step.rng)?)
}

/// What is under way.
pub(crate) fn pending(
    store: &dyn Rows,
    device: &Device,
    now: u64,
) -> Result<Option<Pending>, EngineError> {
    let Some(linking) = linking::find(store, device.public(), now)? else {
        return Ok(None);
    };
    let reply = linking.reply.as_ref();
    Ok(Some(Pending {
        answer: linking.existing.answer(),
        agreed: reply
            .map(|reply| linking.existing.agree(reply))
            .transpose()?,
        ends_at: linking
            .begun_at
            .saturating_add(LINK_LIFETIME_SECONDS * 1000),
    }))
}
