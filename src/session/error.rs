//! Why a session refuses.

use crate::crypto::{AgreementError, TooLong};
use crate::ratchet::RatchetError;
use crate::wire::WireError;

/// Why a session refuses. Nothing has changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SessionError {
    /// The bytes are no message.
    #[error(transparent)]
    Wire(#[from] WireError),
    /// An agreement of the handshake failed.
    #[error(transparent)]
    Agreement(#[from] AgreementError),
    /// The ratchet or the AEAD refused.
    #[error(transparent)]
    Ratchet(#[from] RatchetError),
    /// Too long for one message.
    #[error(transparent)]
    TooLong(#[from] TooLong),
    /// The stored session is not one.
    #[error("the stored session is damaged")]
    Damaged,
}
