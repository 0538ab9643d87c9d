//! Every error of the facade. What else is to be said of each is in [`super::error_info`].

use super::progress::ProgressError;
use crate::bundle::{BundleError, UriError};
use crate::chat::{ContentError, GroupEventError};
use crate::crypto::RandomnessUnavailable;
use crate::engine::base::error::EngineError;
use crate::engine::sync::peek::HandOverError;
use crate::identity::AddressError;
use crate::link::LinkError;
use crate::qr::QrError;
use crate::store::StoreError;
use crate::wire::{UriFault, WireError};

/// Why a call refused. Nothing has changed, in memory or on disk, whichever it is.
///
/// The name of a variant is its code: `wrong_key` for [`WindlassError::WrongKey`], in every language and in every later version.
/// The sentence may change.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Error))]
#[cfg_attr(feature = "uniffi", uniffi(flat_error))]
#[non_exhaustive]
#[allow(missing_docs)] // The sentence of each is its documentation.
pub enum WindlassError {
    // Addresses, keys, bundles, codes.
    #[error("{0}")]
    InvalidAddress(AddressError),
    #[error("not a valid public key")]
    InvalidKey,
    #[error("a seed or key has {got} bytes, 32 are needed")]
    InvalidKeyLength { got: usize },
    #[error("only the public half of this identity is here")]
    NoSecretHalf,
    #[error("not a valid bundle: {0}")]
    BundleMalformed(String),
    #[error("the bundle is not signed by its identity; do not use it")]
    BundleSignature,
    #[error("{0}")]
    BundleExpired(BundleError),
    #[error("{0}")]
    BundleFromTheFuture(BundleError),
    #[error("this is your own bundle; give it to others")]
    OwnBundle,
    #[error("{0}")]
    UriNotWindlass(UriFault),
    #[error("{0}")]
    UriUnknownKind(UriFault),
    #[error("{0}")]
    UriDamaged(UriFault),
    #[error("{0}")]
    UriIncomplete(UriFault),
    #[error("{0}")]
    IdentityMismatch(UriError),
    #[error("this invitation was used here before; its owner is among your contacts")]
    InvitationUsed,
    #[error(
        "this invitation may have gone through other hands; to be certain, scan the code that its owner shows in person"
    )]
    NotInPerson,
    #[error("{0}")]
    LinkRefused(LinkError),
    #[error("{0}")]
    LinkOver(LinkError),
    #[error("{0}")]
    LinkTooEarly(LinkError),
    #[error("{0}")]
    LinkAnswered(LinkError),
    #[error("{0}")]
    LinkOtherDevice(LinkError),
    #[error("{0}")]
    PictureUnreadable(QrError),
    #[error("{0}")]
    PictureTooLarge(QrError),
    #[error("{0}")]
    NoQrCode(QrError),
    #[error("{0}")]
    TooLongForQrCode(QrError),
    #[error("{0}; update this library")]
    UnsupportedVersion(WireError),

    // The store.
    #[error("{0}")]
    StoreExists(StoreError),
    #[error("{0}")]
    StoreNotFound(StoreError),
    #[error("{0}")]
    WrongKey(StoreError),
    #[error("{0}")]
    EmptyPassphrase(StoreError),
    #[error("{0}")]
    KeyUnreadable(StoreError),
    #[error("{0}")]
    NotAStore(StoreError),
    #[error("{0}")]
    StoreDamaged(StoreError),
    #[error("{0}")]
    StoreLocked(StoreError),
    #[error("{0}")]
    StoreNewerVersion(StoreError),
    #[error("{0}")]
    StoreMoved(StoreError),
    #[error("{0}")]
    CopyUnfinished(StoreError),
    #[error("{0}")]
    DiskFull(StoreError),
    #[error("{0}")]
    KeySlotsMissing(StoreError),
    #[error("{0}")]
    KeySlotsDamaged(StoreError),
    #[error("{0}")]
    KeySlotsMismatch(StoreError),
    #[error("{0}")]
    NotABackup(StoreError),
    #[error("{0}")]
    BackupDamaged(StoreError),
    #[error("{0}")]
    StoreClosed(StoreError),
    #[error("{0}")]
    Forked(StoreError),
    #[error("{0}")]
    KeyDerivation(StoreError),
    #[error("{0}")]
    DanglingLink(StoreError),
    #[error("{0}")]
    HardLink(StoreError),
    #[error("{0}")]
    LocksUnsupported(StoreError),
    #[error("{0}")]
    FileNotFound(StoreError),
    #[error("{0}")]
    FileExists(StoreError),
    #[error("{0}")]
    FileUnusable(StoreError),
    #[error("{0}")]
    FileSystem(StoreError),
    #[error("{0}")]
    DatabaseAddress(StoreError),
    #[error("{0}")]
    DatabaseRights(StoreError),
    #[error("{0}")]
    DatabaseUntrusted(StoreError),
    #[error("{0}")]
    DatabaseLost(StoreError),
    #[error("{0}")]
    DatabaseReadOnly(StoreError),
    #[error("{0}")]
    StepsCollide(StoreError),
    #[error("{0}")]
    DatabaseFailed(StoreError),
    #[error("{0}")]
    VaultLost(StoreError),
    #[error("{0}")]
    VaultSealed(StoreError),
    #[error("{0}")]
    VaultRights(StoreError),
    #[error("{0}")]
    VaultKey(StoreError),
    #[error("the operating system gave no randomness")]
    NoRandomness,
    #[error("stopped, as the progress callback asked")]
    Cancelled,

    // The client.
    #[error("the store holds no identity yet; use Client.create")]
    IdentityMissing,
    #[error("the store holds an identity already; use Client.open")]
    IdentityExists,
    #[error("nobody of this address is among the contacts; add a bundle first")]
    UnknownContact,
    #[error("this is your own address; a group without members is for notes to yourself")]
    OwnAddress,
    #[error("no bundle of this contact is known; ask for one")]
    NoBundle,
    #[error("the contact is blocked; accept them first")]
    ContactBlocked,
    #[error("the contact's safety number was not compared, and the trust policy asks for it")]
    ContactNotVerified,
    #[error("an identity has at most 8 devices; remove one first")]
    TooManyDevices,
    #[error("no device of this number belongs to this identity, or it is this one")]
    UnknownDevice,
    #[error("no message of this id is in the history")]
    UnknownMessage,
    #[error("this cursor is of another life of the store; read from the oldest event that is kept")]
    UnknownCursor,
    #[error("no group of this address is known; wait for its invitation")]
    UnknownGroup,
    #[error("{0}")]
    NotAnAdmin(GroupEventError),
    #[error("you do not take part in this group; join it first")]
    NotAMember,
    #[error("{0}")]
    GroupRefused(GroupEventError),
    #[error("only its author may change a message")]
    NotTheAuthor,
    #[error("the encrypted file is damaged, cut short, or belongs to another attachment")]
    AttachmentDamaged,
    #[error("{0}")]
    ContentTooLarge(ContentError),
    #[error("{0}")]
    InvalidContent(ContentError),
    #[error("{0}")]
    InvalidMediaType(ContentError),
    #[error("this kind of body cannot be sent")]
    BodyNotSendable,
    #[error("the document was changed since it was read")]
    StateChanged,
    #[error("a document has 16 KiB at most, its name 256 bytes, and all together 64 MiB")]
    StateFull,
    #[error("the safety numbers differ; somebody may be between you, do not mark them verified")]
    SafetyNumberMismatch,
    #[error("a safety number has 60 digits, and nothing else but what separates them")]
    SafetyNumberInvalid,

    // What a transport delivered.
    #[error("too much waits to be handled; nothing more is taken in")]
    BacklogFull,
    #[error("not a valid envelope: {0}")]
    EnvelopeMalformed(WireError),
    #[error("the envelope holds nothing for this device")]
    NotForThisDevice,
    #[error("the envelope is for Client.receive, not for this session")]
    NotForThisSession,
    #[error("the message cannot be decrypted: {0}")]
    Undecryptable(String),
    #[error("{0}")]
    HandOverUnreadable(HandOverError),
    #[error("{0}")]
    HandOverTooOld(HandOverError),
    #[error("{0}; update this library")]
    HandOverNewer(HandOverError),
}

impl WindlassError {
    /// True when it says something of one envelope, and nothing of the client or its store.
    pub(super) fn is_about_envelope(&self) -> bool {
        matches!(
            self,
            Self::EnvelopeMalformed(_)
                | Self::UnsupportedVersion(_)
                | Self::NotForThisDevice
                | Self::TooManyDevices
        )
    }

    /// The stable code.
    #[must_use]
    pub fn code(&self) -> String {
        // The name of the variant is what `Debug` begins with.
        let shown = format!("{self:?}");
        let name = shown
            .split(|character: char| !character.is_ascii_alphanumeric())
            .next()
            .unwrap_or_default();
        let mut code = String::new();
        for character in name.chars() {
            if character.is_ascii_uppercase() && !code.is_empty() {
                code.push('_');
            }
            code.push(character.to_ascii_lowercase());
        }
        code
    }
}

impl From<EngineError> for WindlassError {
    fn from(error: EngineError) -> Self {
        match error {
            EngineError::Store(error) => error.into(),
            EngineError::Bundle(error) => error.into(),
            EngineError::Content(error) => error.into(),
            EngineError::Group(error) => error.into(),
            EngineError::Link(error) => error.into(),
            EngineError::InvalidKey => Self::InvalidKey,
            EngineError::IdentityMissing => Self::IdentityMissing,
            EngineError::IdentityExists => Self::IdentityExists,
            EngineError::UnknownContact => Self::UnknownContact,
            EngineError::OwnAddress => Self::OwnAddress,
            EngineError::OwnBundle => Self::OwnBundle,
            EngineError::InvitationUsed => Self::InvitationUsed,
            // What the user says is held until a session is as good as asked, so no call of theirs gives the second.
            EngineError::NoBundle | EngineError::PostQuantumRequired => Self::NoBundle,
            EngineError::ContactBlocked => Self::ContactBlocked,
            EngineError::ContactNotVerified => Self::ContactNotVerified,
            EngineError::UnknownCursor => Self::UnknownCursor,
            EngineError::StateChanged => Self::StateChanged,
            EngineError::StateFull => Self::StateFull,
            EngineError::UnknownGroup => Self::UnknownGroup,
            EngineError::NotAMember => Self::NotAMember,
            EngineError::NotForThisDevice => Self::NotForThisDevice,
            EngineError::Stopped => Self::Cancelled,
        }
    }
}

impl From<BundleError> for WindlassError {
    fn from(error: BundleError) -> Self {
        match error {
            BundleError::Wire(error @ WireError::UnsupportedVersion { .. }) => {
                Self::UnsupportedVersion(error)
            }
            BundleError::Wire(error) => Self::BundleMalformed(error.to_string()),
            BundleError::InvalidKey => Self::BundleMalformed(error.to_string()),
            BundleError::InvalidSignature => Self::BundleSignature,
            BundleError::Expired { .. } => Self::BundleExpired(error),
            BundleError::FromTheFuture { .. } => Self::BundleFromTheFuture(error),
        }
    }
}

impl From<UriError> for WindlassError {
    fn from(error: UriError) -> Self {
        match error {
            UriError::Text(fault) => fault.into(),
            UriError::Bundle(error) => error.into(),
            UriError::Identity => Self::IdentityMismatch(error),
        }
    }
}

impl From<UriFault> for WindlassError {
    fn from(fault: UriFault) -> Self {
        match fault {
            UriFault::Scheme | UriFault::Link => Self::UriNotWindlass(fault),
            UriFault::Kind => Self::UriUnknownKind(fault),
            UriFault::Damaged => Self::UriDamaged(fault),
            UriFault::Incomplete => Self::UriIncomplete(fault),
        }
    }
}

impl From<LinkError> for WindlassError {
    fn from(error: LinkError) -> Self {
        match error {
            LinkError::Text(fault) => fault.into(),
            LinkError::Wire(error @ WireError::UnsupportedVersion { .. }) => {
                Self::UnsupportedVersion(error)
            }
            LinkError::Bundle(error) => error.into(),
            LinkError::Over => Self::LinkOver(error),
            LinkError::TooEarly => Self::LinkTooEarly(error),
            LinkError::Answered => Self::LinkAnswered(error),
            LinkError::OtherDevice => Self::LinkOtherDevice(error),
            error => Self::LinkRefused(error),
        }
    }
}

impl From<HandOverError> for WindlassError {
    fn from(error: HandOverError) -> Self {
        match error {
            HandOverError::Unreadable => Self::HandOverUnreadable(error),
            HandOverError::TooOld => Self::HandOverTooOld(error),
            HandOverError::Newer(_) => Self::HandOverNewer(error),
        }
    }
}

impl From<AddressError> for WindlassError {
    fn from(error: AddressError) -> Self {
        Self::InvalidAddress(error)
    }
}

impl From<ContentError> for WindlassError {
    fn from(error: ContentError) -> Self {
        match error {
            ContentError::TooLarge { .. } => Self::ContentTooLarge(error),
            ContentError::MediaType => Self::InvalidMediaType(error),
            ContentError::Reaction
            | ContentError::Time
            | ContentError::Span
            | ContentError::Suggestion
            | ContentError::Preview
            | ContentError::GroupLink
            | ContentError::Invalid(_) => Self::InvalidContent(error),
        }
    }
}

impl From<GroupEventError> for WindlassError {
    fn from(error: GroupEventError) -> Self {
        match error {
            GroupEventError::NotAnAdmin => Self::NotAnAdmin(error),
            GroupEventError::NotAMember => Self::NotAMember,
            error => Self::GroupRefused(error),
        }
    }
}

impl From<RandomnessUnavailable> for WindlassError {
    fn from(_: RandomnessUnavailable) -> Self {
        Self::NoRandomness
    }
}

impl From<ProgressError> for WindlassError {
    fn from(_: ProgressError) -> Self {
        Self::Cancelled
    }
}

/// For bytes that a transport delivered.
pub(super) fn of_envelope(error: WireError) -> WindlassError {
    match error {
        WireError::UnsupportedVersion { .. } => WindlassError::UnsupportedVersion(error),
        error => WindlassError::EnvelopeMalformed(error),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::super::error_info::{TABLE, error_info};
    use super::*;

    /// The table and the enumeration are one list in two forms.
    #[test]
    fn every_variant_has_its_row() {
        let source = include_str!("error.rs");
        let body = source.split("pub enum WindlassError {").nth(1).unwrap();
        let body = body.split("\n}\n").next().unwrap();
        let codes: Vec<String> = body
            .lines()
            // Variants stand at one level and begin with a capital; attributes and their sentences do not.
            .filter_map(|line| line.strip_prefix("    "))
            .filter(|line| line.starts_with(|first: char| first.is_ascii_uppercase()))
            .map(|line| {
                let name = line.trim().split([',', '(', ' ']).next().unwrap();
                let mut code = String::new();
                for character in name.chars() {
                    if character.is_ascii_uppercase() && !code.is_empty() {
                        code.push('_');
                    }
                    code.push(character.to_ascii_lowercase());
                }
                code
            })
            .collect();
        let table: Vec<_> = TABLE.iter().map(|row| row.0.to_owned()).collect();
        assert_eq!(codes, table);
        assert_eq!(WindlassError::OwnBundle.code(), "own_bundle");
        assert_eq!(
            WindlassError::from(StoreError::NewerVersion { got: 2, max: 1 }).code(),
            "store_newer_version"
        );
        assert!(error_info("wrong_key").is_some_and(|info| !info.retry));
        assert_eq!(error_info("no_such_code"), None);
    }
}
