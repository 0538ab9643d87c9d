//! What a step of a party's reads and writes, counted.

use super::*;
pub(super) use crate::testing::Cost;
use crate::testing::CountingRows;

/// What a step of a party's costs.
pub(super) fn cost_of(
    party: &Party,
    day: u64,
    mut f: impl FnMut(&mut Step<'_>) -> Result<(), EngineError>,
) -> Cost {
    let counted = party.at(day, |step| {
        let mut counting = CountingRows::new(&mut *step.rows);
        f(&mut Step {
            receipts: crate::engine::base::step::Receipts::default(),
            changes: Vec::new(),
            unattended: false,
            origin: crate::chat::MessageOrigin::Person,
            rows: &mut counting,
            device: step.device,
            now: step.now,
            rng: &mut *step.rng,
        })?;
        Ok(counting.into_cost())
    });
    counted.unwrap()
}

/// What it costs to take an envelope in, and to acknowledge it.
pub(super) fn cost_of_taking(party: &Party, day: u64, envelope: &[u8]) -> Cost {
    let envelope = Envelope::decode(envelope).unwrap();
    cost_of(party, day, |step| {
        let processed = receive::receive(step, &envelope)?;
        let came: Vec<_> = processed.acknowledge.into_iter().collect();
        receipts::acknowledge(step, &came)
    })
}
