//! Copying a store from one place to another, whichever engines keep them (docs/store.md, "Copies").

mod copier;
mod file;
mod parts;

pub use copier::{Copied, Place, copy};
#[cfg(feature = "postgres")]
pub(super) use parts::{AT_ONCE, CarriedRow, Fill, Filling, Held, Side, Work, page_behind};
