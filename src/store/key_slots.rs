//! Where the key slots are kept: the one place of a store in which what is overwritten is gone.

use core::fmt::Debug;
use std::ops::Bound;

use redb::{BackendError, StorageBackend};

use super::error::StoreError;

/// Length of a slot. A disk writes sectors of at least this size whole or not at all; a torn slot is found by its checksum all the
/// same.
pub const SLOT_LEN: usize = 512;

/// One of the two slots.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum SlotNumber {
    /// That of the even writes.
    First = 0,
    /// That of the odd writes.
    Second = 1,
}

/// Two slots of bytes that can be overwritten. What is in them is sealed; which of them is in force is not for the keeper to say.
///
/// They may be kept in a file, or where several machines reach them, or in a key management service: wherever a former value
/// cannot be had again once another was written in its place.
pub trait KeySlots: Debug + Send + Sync {
    /// What is in both slots, the first one first; shorter, or empty, where nothing whole was written.
    fn read(&self) -> Result<[Vec<u8>; 2], StoreError>;

    /// Overwrites one slot with [`SLOT_LEN`] bytes and leaves the other as it is. When this returns, the bytes are durable and the
    /// former ones gone, or go with the next [`Self::forget_former`].
    fn write(&self, slot: SlotNumber, bytes: &[u8]) -> Result<(), StoreError>;

    /// Both slots are about to be overwritten, so that nothing of what was in them before can be read. For keepers that keep ciphertext: from
    /// now on they seal under another key of their own.
    fn renew(&self) -> Result<(), StoreError> {
        Ok(())
    }

    /// Both slots were written since [`Self::renew`]. When this returns, whatever was in them before is gone for good.
    fn forget_former(&self) -> Result<(), StoreError> {
        Ok(())
    }

    /// Empties both, for a store that is being made.
    fn clear(&self) -> Result<(), StoreError>;

    /// Keeps others away who would make a store with these slots, until [`Self::unlock`] or the end of this value;
    /// [`StoreError::Locked`] if somebody does the same.
    fn lock(&self) -> Result<(), StoreError>;

    /// The store has its name, which says to whom the slots belong. A failure leaves the lock for as long as the store is open.
    fn unlock(&self);
}

/// A file with the slots one behind the other, written in place and synced.
#[derive(Debug)]
pub(super) struct SlotFile(Box<dyn StorageBackend>);

impl SlotFile {
    pub(super) fn new(file: Box<dyn StorageBackend>) -> Self {
        Self(file)
    }
}

impl KeySlots for SlotFile {
    fn read(&self) -> Result<[Vec<u8>; 2], StoreError> {
        let len = usize::try_from(self.0.len()?).unwrap_or(usize::MAX);
        let mut first = vec![0; len.min(2 * SLOT_LEN)];
        self.0.read(0, &mut first)?;
        let second = first.split_off(first.len().min(SLOT_LEN));
        Ok([first, second])
    }

    fn write(&self, slot: SlotNumber, bytes: &[u8]) -> Result<(), StoreError> {
        self.0.write(slot as u64 * SLOT_LEN as u64, bytes)?;
        Ok(self.0.sync_data()?)
    }

    fn clear(&self) -> Result<(), StoreError> {
        self.0.set_len(0)?;
        Ok(self.0.set_len(2 * SLOT_LEN as u64)?)
    }

    fn lock(&self) -> Result<(), StoreError> {
        match self.0.try_lock_range(Bound::Unbounded, Bound::Unbounded) {
            // Without locks there are no two processes.
            Ok(true) | Err(BackendError::Unsupported) => Ok(()),
            Ok(false) => Err(StoreError::Locked),
            Err(BackendError::Io(error)) => Err(error.into()),
            Err(_) => Err(StoreError::Io {
                kind: std::io::ErrorKind::Other,
            }),
        }
    }

    fn unlock(&self) {
        let _ = self.0.unlock_range(Bound::Unbounded, Bound::Unbounded);
    }
}
