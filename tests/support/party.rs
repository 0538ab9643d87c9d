//! A client on a disk in memory.

use std::ops::Deref;
use std::sync::Arc;

use windlass::crypto::Secret;
use windlass::store::{Store, StoreKey};
use windlass::testing::Disk;
use windlass::{Client, EncryptedStore, Identity, WindlassError};

pub fn key(byte: u8) -> StoreKey {
    StoreKey::Raw(Secret::new([byte; 32]))
}

/// A client, and what it stands on.
pub struct Party {
    pub disk: Disk,
    pub store: Arc<EncryptedStore>,
    pub client: Arc<Client>,
}

impl Deref for Party {
    type Target = Arc<Client>;

    fn deref(&self) -> &Self::Target {
        &self.client
    }
}

impl Party {
    /// A new one, whose store has the key `key(1)`.
    pub fn new() -> Self {
        Self::create(Disk::default(), None)
    }

    /// A new one on an empty disk, with an identity of its own or with this one.
    pub fn create(disk: Disk, identity: Option<Arc<Identity>>) -> Self {
        let store = Store::create_on(disk.medium(), &key(1)).unwrap();
        let store = Arc::new(EncryptedStore::from(store));
        let client = Client::create(Arc::clone(&store), identity).unwrap();
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

    /// The one that a disk holds, whose store has the key `key(1)`.
    pub fn on(disk: Disk) -> Self {
        Self::open(disk, 1).unwrap()
    }

    /// Another party in the same state, while this one stays open.
    pub fn twin(&self) -> Self {
        Self::on(Disk::of(self.disk.image()))
    }
}
