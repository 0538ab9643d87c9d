//! A client on a disk in memory.

#![allow(dead_code, clippy::unwrap_used)]

use std::sync::Arc;

use windlass::crypto::Secret;
use windlass::store::{Store, StoreKey as Key};
use windlass::{Client, EncryptedStore, WindlassError};

use windlass::testing::Disk;

pub fn key(byte: u8) -> Key {
    Key::Raw(Secret::new([byte; 32]))
}

/// A client, and what it stands on.
pub struct Party {
    pub disk: Disk,
    pub store: Arc<EncryptedStore>,
    pub client: Arc<Client>,
}

impl Party {
    /// A new one, whose store has the key `key(1)`.
    pub fn new() -> Self {
        let disk = Disk::default();
        let store = Store::create_on(disk.medium(), &key(1)).unwrap();
        let store = Arc::new(EncryptedStore::from(store));
        let client = Client::create(Arc::clone(&store), None).unwrap();
        Self {
            disk,
            store,
            client,
        }
    }

    /// The one that a disk holds.
    pub fn open(disk: Disk, byte: u8) -> Result<Self, WindlassError> {
        let store = Store::open_on(disk.medium(), &key(byte))?;
        let store = Arc::new(EncryptedStore::from(store));
        let client = Client::open(Arc::clone(&store))?;
        Ok(Self {
            disk,
            store,
            client,
        })
    }
}
