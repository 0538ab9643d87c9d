//! What a store's refusal is called by the facade.

use std::io::ErrorKind;

use super::error::WindlassError;
use crate::store::StoreError;

impl From<StoreError> for WindlassError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::AlreadyExists => Self::StoreExists(error),
            StoreError::NotFound => Self::StoreNotFound(error),
            StoreError::WrongKey => Self::WrongKey(error),
            StoreError::EmptyPassphrase => Self::EmptyPassphrase(error),
            StoreError::KeyUnreadable { .. } => Self::KeyUnreadable(error),
            StoreError::NotAStore => Self::NotAStore(error),
            StoreError::Damaged { .. } => Self::StoreDamaged(error),
            StoreError::Locked => Self::StoreLocked(error),
            StoreError::NewerVersion { .. } => Self::StoreNewerVersion(error),
            StoreError::Moved => Self::StoreMoved(error),
            StoreError::CopyUnfinished => Self::CopyUnfinished(error),
            StoreError::DiskFull => Self::DiskFull(error),
            StoreError::KeySlotsMissing => Self::KeySlotsMissing(error),
            StoreError::KeySlotsDamaged => Self::KeySlotsDamaged(error),
            StoreError::KeySlotsOfAnotherStore
            | StoreError::EpochMismatch { .. }
            | StoreError::KeySlotsTrimmed => Self::KeySlotsMismatch(error),
            StoreError::NotABackup => Self::NotABackup(error),
            StoreError::BackupDamaged => Self::BackupDamaged(error),
            StoreError::Closed => Self::StoreClosed(error),
            StoreError::Forked => Self::Forked(error),
            StoreError::Randomness => Self::NoRandomness,
            StoreError::KeyDerivation => Self::KeyDerivation(error),
            StoreError::DanglingLink { .. } => Self::DanglingLink(error),
            StoreError::HardLink { .. } => Self::HardLink(error),
            StoreError::NoLocks(_) => Self::LocksUnsupported(error),
            StoreError::File(ref fault) => match fault.kind() {
                ErrorKind::NotFound => Self::FileNotFound(error),
                ErrorKind::AlreadyExists => Self::FileExists(error),
                ErrorKind::StorageFull | ErrorKind::QuotaExceeded => Self::DiskFull(error),
                _ if fault.is_lasting() => Self::FileUnusable(error),
                _ => Self::FileSystem(error),
            },
            StoreError::Io { .. } => Self::FileSystem(error),
            StoreError::DatabaseAddress { .. } => Self::DatabaseAddress(error),
            StoreError::DatabaseRights { .. } => Self::DatabaseRights(error),
            StoreError::DatabaseUntrusted { .. } | StoreError::VaultUntrusted { .. } => {
                Self::DatabaseUntrusted(error)
            }
            StoreError::DatabaseLost { .. } => Self::DatabaseLost(error),
            StoreError::DatabaseReadOnly => Self::DatabaseReadOnly(error),
            StoreError::StepsCollide => Self::StepsCollide(error),
            StoreError::DatabaseFailed { .. } => Self::DatabaseFailed(error),
            StoreError::VaultLost { .. } => Self::VaultLost(error),
            StoreError::VaultSealed => Self::VaultSealed(error),
            StoreError::VaultRights { .. } => Self::VaultRights(error),
            StoreError::VaultKey { .. } => Self::VaultKey(error),
        }
    }
}
