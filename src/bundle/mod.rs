//! Prekey bundles: made and signed by their owner, verified by everybody else (RFC windlass §5.3, PQXDH §3.2).
//!
//! [`VerifiedBundle`] is the only type that the handshake takes. There is no bundle that was decoded but not verified.

mod build;
mod change;
mod error;
mod group_link;
mod prekey;
mod secrets;
mod uri;
mod verified;

pub use build::build;
pub use change::DeviceChange;
pub use error::BundleError;
pub use group_link::GroupInvitation;
pub use prekey::{DeviceBundle, KemPrekey, Prekey};
pub use secrets::PrekeySecrets;
pub use uri::{Invitation, UriError};
#[cfg(test)]
pub(crate) use verified::PARSED;
pub use verified::{CODE_SECRET_LEN, VerifiedBundle, is_from_the_future, takes_place_of};

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests;
