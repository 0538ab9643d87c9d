//! `Step`: what one call of the facade works with, inside one transaction of the store.

use crate::chat::MessageOrigin;
use crate::crypto::SeededRandom;
use crate::engine::base::device::Device;
use crate::store::RowsMut;

/// One step of the engine. It changes rows and nothing else, so the store may run it again from its beginning.
pub(crate) struct Step<'a> {
    /// What the step reads and writes.
    pub(crate) rows: &'a mut dyn RowsMut,
    /// Who we are.
    pub(crate) device: &'a Device,
    /// As whom it writes.
    pub(crate) origin: MessageOrigin,
    /// The time of the call, in milliseconds since 1970-01-01T00:00:00Z.
    pub(crate) now: u64,
    /// Randomness for this step alone.
    pub(crate) rng: &'a mut SeededRandom,
}

impl Step<'_> {
    /// The time in seconds, as bundles have it.
    pub(crate) fn seconds(&self) -> u64 {
        self.now / 1000
    }
}
