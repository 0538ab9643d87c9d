//! `EngineError`: why a step refused. The facade gives each its stable code.

use crate::bundle::BundleError;
use crate::chat::{ContentError, GroupEventError};
use crate::crypto::RandomnessUnavailable;
use crate::link::LinkError;
use crate::store::StoreError;

/// Why a step refused. Nothing of it is stored then.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum EngineError {
    /// The store failed, or a row says something impossible.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A bundle that is not to be used, now or ever.
    #[error(transparent)]
    Bundle(#[from] BundleError),
    /// A content that may not be sent.
    #[error(transparent)]
    Content(#[from] ContentError),
    /// An event that may not be in the group's log.
    #[error(transparent)]
    Group(#[from] GroupEventError),
    /// A device cannot be linked.
    #[error(transparent)]
    Link(#[from] LinkError),
    /// A public key with which no secret can be agreed (X3DH §2.2; RFC windlass §4.2).
    #[error("not a valid public key")]
    InvalidKey,
    /// The store holds no device yet.
    #[error("the store holds no identity yet")]
    IdentityMissing,
    /// The store holds a device already.
    #[error("the store holds an identity already")]
    IdentityExists,
    /// Nobody of this identity is a contact.
    #[error("not a contact")]
    UnknownContact,
    /// What is for others was to go to oneself.
    #[error("this is your own address; a group without members is for notes to yourself")]
    OwnAddress,
    /// A bundle of our own identity, where another's is needed.
    #[error("the bundle is our own")]
    OwnBundle,
    /// A single-use bundle by which a session was begun before.
    #[error("the invitation was used before")]
    InvitationUsed,
    /// No bundle of the contact is known.
    #[error("no bundle of the contact is known")]
    NoBundle,
    /// The contact is blocked.
    #[error("the contact is blocked")]
    ContactBlocked,
    /// The trust policy asks for a verified contact.
    #[error("the contact is not verified")]
    ContactNotVerified,
    /// Nothing protects a session with them from a quantum computer yet, and the user asks for it.
    #[error("no session with the contact withstands a quantum computer yet")]
    PostQuantumRequired,
    /// No log of this group is here.
    #[error("the group is not known")]
    UnknownGroup,
    /// We do not take part in the group.
    #[error("not a member of the group")]
    NotAMember,
    /// A cursor that was not given out in this life of the feed.
    #[error("the cursor is not known")]
    UnknownCursor,
    /// A document is not any more what it was when it was read.
    #[error("the document was changed since it was read")]
    StateChanged,
    /// A document, or all together, would be too large.
    #[error("a document has 16 KiB at most, its name 256 bytes, and all together 64 MiB")]
    StateFull,
    /// The envelope has no part for this device.
    #[error("the envelope holds nothing for this device")]
    NotForThisDevice,
    /// A backup's listener asked to stop.
    #[error("stopped by its listener")]
    Stopped,
}

impl EngineError {
    /// True when no session can be begun with somebody because no bundle of theirs is valid now, or none that the user asks for. Only they can
    /// change that, so it holds up nothing but what is written to them.
    pub(crate) fn lacks_usable_bundle(&self) -> bool {
        matches!(
            self,
            Self::Bundle(BundleError::Expired { .. } | BundleError::FromTheFuture { .. })
                | Self::NoBundle
                | Self::PostQuantumRequired
        )
    }
}

impl From<RandomnessUnavailable> for EngineError {
    fn from(error: RandomnessUnavailable) -> Self {
        Self::Store(error.into())
    }
}
