//! `BundleError`.

use crate::crypto::SignatureError;
use crate::wire::WireError;

/// Why a bundle was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BundleError {
    /// The bytes are no bundle, or one of a newer version.
    #[error(transparent)]
    Wire(#[from] WireError),
    /// A public key in it is not valid.
    #[error("the bundle holds an invalid public key")]
    InvalidKey,
    /// Not signed by the identity it names.
    #[error("the bundle is not signed by its identity")]
    InvalidSignature,
    /// Its time is over.
    #[error("the bundle expired at {expires_at} (seconds since 1970), ask for a new one")]
    Expired {
        /// When it expired, in seconds since 1970-01-01T00:00:00Z.
        expires_at: u64,
    },
    /// It claims to be made later than clocks can differ.
    #[error(
        "the bundle was issued at {issued_at} (seconds since 1970), in the future; check this device's clock"
    )]
    FromTheFuture {
        /// When it says it was issued, in seconds since 1970-01-01T00:00:00Z.
        issued_at: u64,
    },
}

impl From<SignatureError> for BundleError {
    fn from(error: SignatureError) -> Self {
        match error {
            SignatureError::InvalidPublicKey => Self::InvalidKey,
            SignatureError::InvalidSignature => Self::InvalidSignature,
        }
    }
}
