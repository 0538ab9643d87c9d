//! Why the ratchet refuses.

use super::Position;
use crate::crypto::{AgreementError, AuthenticationFailed};
use crate::limits::MAX_CHAIN_JUMP;

/// Why the ratchet gives no key, or a key does not fit. Nothing has changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RatchetError {
    /// The message's key was used before, or thrown away because of a bound.
    #[error("the message key at chain {}, number {} was used before or is gone", .0.chain, .0.number)]
    KeyGone(Position),
    /// The header asks for more steps than [`MAX_CHAIN_JUMP`].
    #[error("the message is {ahead} ahead in its chain, at most {MAX_CHAIN_JUMP} are allowed")]
    TooFarAhead {
        /// How many.
        ahead: u32,
    },
    /// The header names a ratchet key or an epoch that the sender could not have reached, or a key of small order.
    #[error("the header's ratchet key or epoch does not belong to this session")]
    UnexpectedRatchetKey,
    /// The counters of the session are at their end (2^32 messages in a chain).
    #[error("the session's counters are used up")]
    Exhausted,
    /// No chain of the session has this tag.
    #[error("the chain tag does not belong to this session")]
    UnknownChain,
    /// The AEAD refused the header: whoever sent it has no key of the session.
    #[error("the header could not be authenticated")]
    Header(AuthenticationFailed),
    /// The AEAD refused.
    #[error(transparent)]
    Authentication(#[from] AuthenticationFailed),
    /// The stored ratchet is not one.
    #[error("the stored ratchet is damaged")]
    Damaged,
    /// The skipped keys could not be read.
    #[error("the skipped keys could not be read: {0}")]
    SkippedKeys(String),
}

impl From<AgreementError> for RatchetError {
    fn from(_: AgreementError) -> Self {
        Self::UnexpectedRatchetKey
    }
}
