//! What the new device gets.

use crate::bundle::VerifiedBundle;
use crate::chat::OwnWordsKey;
use crate::crypto::Secret;
use crate::identity::IdentityKeyPair;
use crate::limits::MAX_BUNDLE_BODY_LEN;

/// A seed, a bundle, padding and what is around them.
pub(super) const MAX_TRANSFER_LEN: usize = 2 * MAX_BUNDLE_BODY_LEN;

/// Proves to the device that made a transfer that it has come to whom it was made for; 16 bytes.
pub type LinkToken = Secret<16>;

/// What the new device gets.
#[derive(Debug)]
pub struct Transfer {
    /// The identity.
    pub identity: IdentityKeyPair,
    /// Its devices so far.
    pub bundle: VerifiedBundle,
    /// For the first request.
    pub token: LinkToken,
    /// By which its devices know its own words.
    pub own_words: OwnWordsKey,
    /// Which of those devices are linked.
    pub linked: Vec<u32>,
}
