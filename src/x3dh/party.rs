//! Who takes part in a handshake.

use crate::identity::PublicIdentity;

/// One end of a session: an identity and one of its devices.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Party {
    /// The identity's public key.
    pub identity: PublicIdentity,
    /// The device's number within the identity; not 0.
    pub device_id: u32,
}
