//! What every step stands on: the step itself, this device, rows, the name of a message, and why a step refuses.

pub(crate) mod clock;
#[cfg(test)]
mod dates;
pub(crate) mod device;
pub(crate) mod error;
pub(crate) mod message_ref;
pub(crate) mod rows;
pub(crate) mod singletons;
pub(crate) mod step;

pub(crate) use crate::due;
