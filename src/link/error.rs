//! `LinkError`.

use crate::bundle::BundleError;
use crate::crypto::AgreementError;
use crate::wire::{UriFault, WireError};

/// Why a device cannot be linked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LinkError {
    /// Not the text of one of the four codes.
    #[error(transparent)]
    Text(#[from] UriFault),
    /// Nothing is being linked: never begun, finished, cancelled, or too long ago.
    #[error("nothing is being linked any more; begin with a new code")]
    Over,
    /// What comes before was not done yet.
    #[error("this is a later step; the other device's last code is to be read first")]
    TooEarly,
    /// The new device was answered before, by somebody else or for another code.
    #[error(
        "another answer was read before; unless that one was right, cancel and begin with a new code"
    )]
    Answered,
    /// The reply is not of the device whose code was read.
    #[error("this is not of the device whose code was read; begin with a new code")]
    OtherDevice,
    /// A code whose key is not valid.
    #[error("not a code of linking; scan it again")]
    Code,
    /// The transfer is damaged, or of a newer version.
    #[error(transparent)]
    Wire(#[from] WireError),
    /// A key in it is not valid.
    #[error("the other device's key is invalid")]
    Key(#[from] AgreementError),
    /// Made for another code, or changed on the way.
    #[error("the transfer was made for another code; begin with a new one")]
    Sealed,
    /// The bundle inside is refused.
    #[error(transparent)]
    Bundle(#[from] BundleError),
    /// What is inside is not of the identity that answered.
    #[error("the transfer contradicts itself")]
    Identity,
}
