//! The header row: the one row that is not sealed, because it is read before any key is there. It is authenticated.

use super::error::StoreError;
use crate::crypto::{Secret, hmac_sha256};

/// Version of the layout of rows and of what is in them.
pub(super) const SCHEMA_VERSION: u32 = 1;

/// version, store id, epoch, opened, shredded, standing, MAC.
const LEN: usize = 4 + 16 + 8 + 8 + 8 + STANDING_LEN + 32;
/// What it is, and which copy is meant.
const STANDING_LEN: usize = 1 + 16;
/// Where the standing begins.
const STANDING_AT: usize = 4 + 16 + 8 + 8 + 8;

/// Random bytes that name one copying, on both of its sides.
pub(super) type CopyId = [u8; 16];

/// Whether a store is to be used (docs/store.md, "Copies").
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    /// It is the store.
    InUse,
    /// It was made by a copying that has not come to its end: the store that it was made of may still be the one.
    Arriving(CopyId),
    /// It was copied, and the copy is the store.
    Left(CopyId),
}

impl Standing {
    /// Refuses what is not to be used.
    pub(super) fn in_use(self) -> Result<(), StoreError> {
        match self {
            Self::InUse => Ok(()),
            Self::Arriving(_) => Err(StoreError::CopyUnfinished),
            Self::Left(_) => Err(StoreError::Moved),
        }
    }

    fn encode(self) -> [u8; STANDING_LEN] {
        let (kind, copy) = match self {
            Self::InUse => (0, [0; 16]),
            Self::Arriving(copy) => (1, copy),
            Self::Left(copy) => (2, copy),
        };
        let mut bytes = [kind; STANDING_LEN];
        let (_, to) = bytes.split_at_mut(1);
        to.copy_from_slice(&copy);
        bytes
    }

    fn parse(bytes: &[u8]) -> Option<Self> {
        let (kind, copy) = bytes.split_first()?;
        let copy = *copy.first_chunk()?;
        match kind {
            0 => Some(Self::InUse),
            1 => Some(Self::Arriving(copy)),
            2 => Some(Self::Left(copy)),
            _ => None,
        }
    }
}

/// What a header says before any key is known. Whoever can write it can make it say anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Claim {
    pub(super) store_id: [u8; 16],
    pub(super) standing: Standing,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) store_id: [u8; 16],
    /// Which of the slots' root keys opens the tree.
    pub(super) epoch: u64,
    /// How often the store was opened and closed.
    pub(super) opened: u64,
    /// When it was last shredded, or made; milliseconds since the epoch.
    pub(super) shredded_at: u64,
    pub(super) standing: Standing,
}

impl Header {
    pub(super) fn encode(&self, key: &Secret<32>) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(LEN);
        bytes.extend_from_slice(&SCHEMA_VERSION.to_be_bytes());
        bytes.extend_from_slice(&self.store_id);
        bytes.extend_from_slice(&self.epoch.to_be_bytes());
        bytes.extend_from_slice(&self.opened.to_be_bytes());
        bytes.extend_from_slice(&self.shredded_at.to_be_bytes());
        bytes.extend_from_slice(&self.standing.encode());
        let mac = hmac_sha256(key.as_bytes(), &[&bytes]);
        bytes.extend_from_slice(mac.as_bytes());
        bytes
    }

    /// Reads what is needed to tell a newer or another store before any key is known.
    pub(super) fn peek(bytes: &[u8]) -> Result<Claim, StoreError> {
        let damaged = || StoreError::Damaged { what: "header" };
        let (version, rest) = bytes.split_first_chunk::<4>().ok_or_else(damaged)?;
        let version = u32::from_be_bytes(*version);
        if version > SCHEMA_VERSION {
            return Err(StoreError::NewerVersion {
                got: version,
                max: SCHEMA_VERSION,
            });
        }
        let store_id = *rest.first_chunk::<16>().ok_or_else(damaged)?;
        let standing = bytes.get(STANDING_AT..).and_then(Standing::parse);
        let standing = standing.ok_or_else(damaged)?;
        Ok(Claim { store_id, standing })
    }

    /// Why the key slots do not open a store with this header: the last thing of a copying is to overwrite those of the store that left.
    pub(super) fn blamed(bytes: &[u8], error: StoreError) -> StoreError {
        let claim = Self::peek(bytes).map(|claim| claim.standing);
        match (error, claim) {
            (StoreError::KeySlotsDamaged, Ok(Standing::Left(_))) => StoreError::Moved,
            (error, _) => error,
        }
    }

    pub(super) fn decode(bytes: &[u8], key: &Secret<32>) -> Result<Self, StoreError> {
        Self::parse(bytes, key).ok_or(StoreError::Damaged { what: "header" })
    }

    fn parse(bytes: &[u8], key: &Secret<32>) -> Option<Self> {
        let (fields, mac) = bytes.split_last_chunk::<32>()?;
        if bytes.len() != LEN || hmac_sha256(key.as_bytes(), &[fields]) != Secret::new(*mac) {
            return None;
        }
        let (_, rest) = fields.split_first_chunk::<4>()?;
        let (store_id, rest) = rest.split_first_chunk::<16>()?;
        let (epoch, rest) = rest.split_first_chunk::<8>()?;
        let (opened, rest) = rest.split_first_chunk::<8>()?;
        let (shredded_at, rest) = rest.split_first_chunk::<8>()?;
        Some(Self {
            store_id: *store_id,
            epoch: u64::from_be_bytes(*epoch),
            opened: u64::from_be_bytes(*opened),
            shredded_at: u64::from_be_bytes(*shredded_at),
            standing: Standing::parse(rest)?,
        })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests {
    use super::*;

    fn key() -> Secret<32> {
        Secret::new([9; 32])
    }

    /// A header as a later version may have it, whoever has the key.
    fn authenticated(fields: &[u8]) -> Vec<u8> {
        let mac = hmac_sha256(key().as_bytes(), &[fields]);
        [fields, mac.as_bytes()].concat()
    }

    #[test]
    fn a_header_is_what_was_written_or_none() {
        let header = Header {
            store_id: [1; 16],
            epoch: 2,
            opened: 3,
            shredded_at: 4,
            standing: Standing::Arriving([5; 16]),
        };
        let bytes = header.encode(&key());
        assert_eq!(Header::decode(&bytes, &key()), Ok(header));
        let damaged = StoreError::Damaged { what: "header" };
        let none = |bytes: &[u8]| {
            assert_eq!(Header::decode(bytes, &key()), Err(damaged.clone()));
        };
        for at in 0..bytes.len() {
            let mut flipped = bytes.clone();
            flipped[at] ^= 1;
            none(&flipped);
            none(&bytes[..at]);
        }
        // Not even with a right end, where the length is another.
        let fields = &bytes[..LEN - 32];
        assert_eq!(authenticated(fields), bytes);
        none(&authenticated(&[fields, &[0]].concat()));
        none(&authenticated(&fields[..fields.len() - 1]));
    }

    #[test]
    fn what_is_not_to_be_used_is_told_before_any_key_is_known() {
        let mut header = Header {
            store_id: [1; 16],
            epoch: 2,
            opened: 3,
            shredded_at: 4,
            standing: Standing::InUse,
        };
        for standing in [
            Standing::InUse,
            Standing::Arriving([5; 16]),
            Standing::Left([6; 16]),
        ] {
            header.standing = standing;
            let bytes = header.encode(&key());
            let store_id = header.store_id;
            assert_eq!(Header::peek(&bytes), Ok(Claim { store_id, standing }));
            // Overwritten key slots are what a store has that left, and damage in any other.
            let blamed = Header::blamed(&bytes, StoreError::KeySlotsDamaged);
            let left = matches!(standing, Standing::Left(_));
            assert_eq!(blamed == StoreError::Moved, left);
            let wrong = Header::blamed(&bytes, StoreError::WrongKey);
            assert_eq!(wrong, StoreError::WrongKey);
        }
        let mut bytes = header.encode(&key());
        bytes[STANDING_AT] = 3;
        let damaged = StoreError::Damaged { what: "header" };
        assert_eq!(Header::peek(&bytes), Err(damaged));
        // A later version is told, whatever it has behind its number.
        let (got, max) = (SCHEMA_VERSION + 1, SCHEMA_VERSION);
        bytes[..4].copy_from_slice(&got.to_be_bytes());
        let newer = Err(StoreError::NewerVersion { got, max });
        assert_eq!(Header::peek(&bytes), newer);
        assert_eq!(Header::peek(&bytes[..4]), newer);
    }
}
