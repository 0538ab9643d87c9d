//! A new device of an identity that has others, step by step (RFC windlass §8.5).

use crate::crypto::SeededRandom;
use crate::engine::base::device::{self, Device};
use crate::engine::base::error::EngineError;
use crate::engine::base::step::{Receipts, Step};
use crate::engine::records::joining::{self, Joining};
use crate::engine::records::{own_devices, own_words};
use crate::engine::steps::create;
use crate::engine::sync::healing;
use crate::link::{Agreed, LinkAnswer, LinkCode, LinkError, LinkReply, NewDevice, Transfer};
use crate::store::{Rows, RowsMut};

/// The code to show: of what is under way in this store, or of a new beginning.
pub(crate) fn begin(
    store: &mut dyn RowsMut,
    now: u64,
    rng: &mut SeededRandom,
) -> Result<LinkCode, EngineError> {
    if device::row(store)?.is_some() {
        return Err(EngineError::IdentityExists);
    }
    if let Some(joining) = joining::find(store, now)? {
        return Ok(joining.new.code());
    }
    let joining = Joining::begun(NewDevice::new(rng), now);
    joining::save(store, &joining)?;
    Ok(joining.new.code())
}

/// The user read an answer: what to compare with whoever gave it. The first one counts, for its giver may have seen our key since.
pub(crate) fn take_answer(
    store: &mut dyn RowsMut,
    answer: LinkAnswer,
    now: u64,
) -> Result<Agreed, EngineError> {
    let mut joining = joining::find(store, now)?.ok_or(LinkError::Over)?;
    if joining.answer.is_some_and(|first| first != answer) {
        return Err(LinkError::Answered.into());
    }
    let agreed = joining.new.agree(&answer)?;
    joining.answer = Some(answer);
    joining::save(store, &joining)?;
    Ok(agreed)
}

/// What to show and to compare once there is an answer.
pub(crate) fn answered(
    store: &dyn Rows,
    now: u64,
) -> Result<Option<(LinkReply, Agreed)>, EngineError> {
    let joining = joining::find(store, now)?.ok_or(LinkError::Over)?;
    let answer = joining.answer.as_ref();
    let agreed = answer.map(|answer| joining.new.agree(answer)).transpose()?;
    Ok(agreed.map(|agreed| (joining.new.reply(), agreed)))
}

/// The user read the transfer, of the device that answered: this store's device becomes one of the identity's.
pub(crate) fn finish(
    store: &mut dyn RowsMut,
    transfer: &[u8],
    now: u64,
    rng: &mut SeededRandom,
) -> Result<Device, EngineError> {
    let (_, agreed) = answered(store, now)?.ok_or(LinkError::TooEarly)?;
    let transfer = agreed.open(transfer)?;
    joining::erase(store)?;
    join(store, &transfer, now, rng)
}

/// Makes this store's device one of the identity's, and asks the others for what they know.
pub(crate) fn join(
    store: &mut dyn RowsMut,
    transfer: &Transfer,
    now: u64,
    rng: &mut SeededRandom,
) -> Result<Device, EngineError> {
    let device = create::create(store, transfer.identity.duplicate(), now, rng)?;
    own_words::save(store, &transfer.own_words)?;
    let mut step = Step {
        receipts: Receipts::default(),
        changes: Vec::new(),
        unattended: false,
        origin: crate::chat::MessageOrigin::Person,
        rows: store,
        device: &device,
        now,
        rng,
    };
    own_devices::merge_bundle(&mut step, &transfer.bundle, None)?;
    // Only those of which the one that linked us knows it: any other may be a thief's, who has the seed.
    for device_id in &transfer.linked {
        own_devices::note_linked(step.rows, *device_id, now)?;
    }
    healing::ask_for_history(&mut step, &transfer.token)?;
    Ok(device)
}
