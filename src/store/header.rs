//! The header row: the one row that is not sealed, because it is read before any key is there. It is authenticated.

use super::error::StoreError;
use crate::crypto::{Secret, hmac_sha256};

/// Version of the layout of rows and of what is in them.
pub(super) const SCHEMA_VERSION: u32 = 1;

/// version, store id, epoch, opened, shredded, MAC.
const LEN: usize = 4 + 16 + 8 + 8 + 8 + 32;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) store_id: [u8; 16],
    /// Which of the slots' root keys opens the tree.
    pub(super) epoch: u64,
    /// How often the store was opened and closed.
    pub(super) opened: u64,
    /// When it was last shredded, or made; milliseconds since the epoch.
    pub(super) shredded_at: u64,
}

impl Header {
    pub(super) fn encode(&self, key: &Secret<32>) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(LEN);
        bytes.extend_from_slice(&SCHEMA_VERSION.to_be_bytes());
        bytes.extend_from_slice(&self.store_id);
        bytes.extend_from_slice(&self.epoch.to_be_bytes());
        bytes.extend_from_slice(&self.opened.to_be_bytes());
        bytes.extend_from_slice(&self.shredded_at.to_be_bytes());
        let mac = hmac_sha256(key.as_bytes(), &[&bytes]);
        bytes.extend_from_slice(mac.as_bytes());
        bytes
    }

    /// Reads what is needed to tell a newer or another store before any key is known.
    pub(super) fn peek(bytes: &[u8]) -> Result<[u8; 16], StoreError> {
        let (version, rest) = bytes
            .split_first_chunk::<4>()
            .ok_or(StoreError::Damaged { what: "header" })?;
        let version = u32::from_be_bytes(*version);
        if version > SCHEMA_VERSION {
            return Err(StoreError::NewerVersion {
                got: version,
                max: SCHEMA_VERSION,
            });
        }
        rest.first_chunk::<16>()
            .copied()
            .ok_or(StoreError::Damaged { what: "header" })
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
        let (shredded_at, _) = rest.split_first_chunk::<8>()?;
        Some(Self {
            store_id: *store_id,
            epoch: u64::from_be_bytes(*epoch),
            opened: u64::from_be_bytes(*opened),
            shredded_at: u64::from_be_bytes(*shredded_at),
        })
    }
}
