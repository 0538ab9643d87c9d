//! Every way a store can refuse, told apart. None of them has changed a byte.

use std::io;

use super::fault::FileFault;

/// Why the store refuses.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// `create` on a path where something is.
    #[error("there is a file already; open it, or choose another path")]
    AlreadyExists,
    /// `open` on a path where nothing is.
    #[error("there is no store; create one, or check the path")]
    NotFound,
    /// Neither the passphrase nor the key bytes unwrap the data key.
    #[error("the key or passphrase is wrong")]
    WrongKey,
    /// An empty passphrase protects nothing.
    #[error("the passphrase is empty")]
    EmptyPassphrase,
    /// Neither a key nor a passphrase.
    #[error("{place} {why}")]
    KeyUnreadable {
        /// The file, or that it was a text.
        place: String,
        /// Never what stands there.
        why: &'static str,
    },
    /// The file is something else.
    #[error("the file is not a Windlass store")]
    NotAStore,
    /// Bytes changed since they were written.
    #[error("the store is damaged: {what}; restore it from a backup")]
    Damaged {
        /// The table or part.
        what: &'static str,
    },
    /// Another process, or another handle of this one, has it.
    #[error("the store is open elsewhere; one process owns a store")]
    Locked,
    /// Written by a later version of this library.
    #[error("the store has format version {got}, this library knows up to {max}; update it")]
    NewerVersion {
        /// The file's version.
        got: u32,
        /// The newest version known here.
        max: u32,
    },
    /// It was copied elsewhere, and what it was copied to is the store now.
    #[error("the store was moved: a copy took its place, and this one is not to be used beside it")]
    Moved,
    /// A copy that has not come to its end.
    #[error(
        "the copying to this place has not come to its end; run it again, from the same store to the same place"
    )]
    CopyUnfinished,
    /// No space, or a quota.
    #[error("the disk is full")]
    DiskFull,
    /// The key-slot file is not there.
    #[error(
        "the key-slot file beside the store (its name and `.keys`) is missing; put it back, nothing opens without it"
    )]
    KeySlotsMissing,
    /// The key-slot file is damaged or cut short.
    #[error(
        "the key-slot file beside the store is damaged; put back the copy that belongs to this store"
    )]
    KeySlotsDamaged,
    /// The key-slot file is another store's.
    #[error("the key-slot file belongs to another store")]
    KeySlotsOfAnotherStore,
    /// Store and key-slot file are copies of different times, with a shred between them.
    #[error(
        "the store is at epoch {store}, its key-slot file at epoch {slots}; put back two files of the same time"
    )]
    EpochMismatch {
        /// The store's epoch.
        store: u64,
        /// The newest epoch in the key-slot file.
        slots: u64,
    },
    /// Another file than a backup.
    #[error("this file is no backup")]
    NotABackup,
    /// Changed or cut short.
    #[error("the backup is damaged or cut short; use another copy of it")]
    BackupDamaged,
    /// `close` was called.
    #[error("the store is closed")]
    Closed,
    /// This process is a child of the one that opened the store.
    #[error("the store was opened by the parent process; open it after fork, in one process only")]
    Forked,
    /// The operating system gave no randomness.
    #[error("the operating system gave no randomness")]
    Randomness,
    /// Argon2id could not run with the file's parameters.
    #[error(
        "the passphrase could not be turned into a key: too little memory, or parameters out of bounds"
    )]
    KeyDerivation,
    /// `open` or `create` on a link whose target is not there. No store is made through one: the disk that it means may be missing.
    #[error(
        "{path} is a link to {target}, which is not there; look whether its disk is, or remove the link"
    )]
    DanglingLink {
        /// The link.
        path: String,
        /// What it names.
        target: String,
    },
    /// A file of several names, whose key slots are beside another of them.
    #[error(
        "{path} is one of several names of this file, and its key-slot file is beside another; open it by the name that has `.keys` beside it, or make this name a symbolic link to that one"
    )]
    HardLink {
        /// The name that was given.
        path: String,
    },
    /// Locks cannot be had, so nothing would keep a second process away.
    #[error("{0}; without locks two processes could write to one store, so it is not used here")]
    NoLocks(FileFault),
    /// A step failed on a file.
    #[error("{0}")]
    File(FileFault),
    /// An address that begins as that of a database, and is none.
    #[error("the address of the database cannot be used: {why}")]
    DatabaseAddress {
        /// What is wrong with it. Never what stands there: it may hold a password.
        why: &'static str,
    },
    /// The server does not let us in, or not do what a store needs.
    #[error("the database refuses this user: {why}")]
    DatabaseRights {
        /// What the server says.
        why: String,
    },
    /// The server does not prove that it is the one that was meant.
    #[error("the database server is not trusted: {why}")]
    DatabaseUntrusted {
        /// What it lacks.
        why: String,
    },
    /// The server is not there, or went away.
    #[error("the database cannot be reached: {why}")]
    DatabaseLost {
        /// What the server, or the system, says.
        why: String,
    },
    /// The server is a replica, or was told to change nothing.
    #[error("the database can only be read; a store needs the server that writes")]
    DatabaseReadOnly,
    /// Other steps were in the way again and again.
    #[error("other steps were in the way of this one again and again")]
    StepsCollide,
    /// Any other failure of the database.
    #[error("the database failed: {why} ({code})")]
    DatabaseFailed {
        /// The server's code for it.
        code: String,
        /// What the server says.
        why: String,
    },
    /// What Vault keeps of the key slots is younger than they are: a copy of the database from before a shred.
    #[error(
        "the key slots are of before a shred, and Vault's key for them is gone; this database is an older copy"
    )]
    KeySlotsTrimmed,
    /// Vault is not there, or went away.
    #[error("Vault, which keeps the key of the key slots, cannot be reached: {why}")]
    VaultLost {
        /// What the server, or the system, says.
        why: String,
    },
    /// Vault is there, and cannot use its keys.
    #[error("Vault, which keeps the key of the key slots, is sealed")]
    VaultSealed,
    /// Vault does not know the token, or not let it do what key slots need; or there is no token.
    #[error("Vault refuses: {why}")]
    VaultRights {
        /// What it says. Never the token.
        why: String,
    },
    /// The key that the address names is not there, or none that key slots may have.
    #[error("the key in Vault cannot be used: {why}")]
    VaultKey {
        /// What is wrong with it.
        why: String,
    },
    /// Vault does not prove that it is the one that was meant.
    #[error("the server of Vault is not trusted: {why}")]
    VaultUntrusted {
        /// What it lacks.
        why: String,
    },
    /// Any other failure of what keeps the rows.
    #[error("the file system failed: {kind}; close the store and open it again")]
    Io {
        /// What kind of failure.
        kind: io::ErrorKind,
    },
}

impl From<io::Error> for StoreError {
    fn from(error: io::Error) -> Self {
        match (error.kind(), FileFault::of(&error)) {
            (io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded, _) => Self::DiskFull,
            (_, Some(fault)) if fault.is_no_lock() => Self::NoLocks(fault.clone()),
            (_, Some(fault)) => Self::File(fault.clone()),
            (kind, None) => Self::Io { kind },
        }
    }
}

impl From<redb::StorageError> for StoreError {
    fn from(error: redb::StorageError) -> Self {
        match error {
            redb::StorageError::Io(error) => error.into(),
            redb::StorageError::PreviousIo => Self::Io {
                kind: io::ErrorKind::Other,
            },
            redb::StorageError::DatabaseClosed => Self::Closed,
            _ => Self::Damaged {
                what: "database pages",
            },
        }
    }
}

impl From<redb::DatabaseError> for StoreError {
    fn from(error: redb::DatabaseError) -> Self {
        match error {
            redb::DatabaseError::DatabaseAlreadyOpen => Self::Locked,
            redb::DatabaseError::LockProtocolMismatch => Self::Locked,
            redb::DatabaseError::Storage(error) => error.into(),
            _ => Self::Damaged {
                what: "database header",
            },
        }
    }
}

impl From<redb::TransactionError> for StoreError {
    fn from(error: redb::TransactionError) -> Self {
        match error {
            redb::TransactionError::Storage(error) => error.into(),
            _ => Self::Damaged {
                what: "database pages",
            },
        }
    }
}

impl From<redb::TableError> for StoreError {
    fn from(error: redb::TableError) -> Self {
        match error {
            redb::TableError::Storage(error) => error.into(),
            redb::TableError::TableDoesNotExist(_) => Self::NotAStore,
            _ => Self::Damaged {
                what: "database tables",
            },
        }
    }
}

impl From<redb::CommitError> for StoreError {
    fn from(error: redb::CommitError) -> Self {
        match error {
            redb::CommitError::Storage(error) => error.into(),
            _ => Self::Damaged {
                what: "database pages",
            },
        }
    }
}

impl From<crate::crypto::TooLong> for StoreError {
    fn from(_: crate::crypto::TooLong) -> Self {
        Self::Io {
            kind: io::ErrorKind::FileTooLarge,
        }
    }
}

impl From<crate::crypto::RandomnessUnavailable> for StoreError {
    fn from(_: crate::crypto::RandomnessUnavailable) -> Self {
        Self::Randomness
    }
}
