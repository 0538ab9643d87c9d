//! Folders, and clients whose stores are real files.

use std::fs;
use std::ops::Deref;
use std::path::PathBuf;
use std::sync::Arc;

use tempfile::TempDir;
use windlass::{Client, EncryptedStore, StoreKey};

use super::clients::invite;

pub fn key(byte: u8) -> Arc<StoreKey> {
    StoreKey::from_bytes(vec![byte; 32].into()).unwrap()
}

/// A temporary folder.
pub struct Folder(TempDir);

impl Folder {
    pub fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// The path as the facade takes it.
    pub fn text(&self, name: &str) -> String {
        self.path(name).to_str().unwrap().to_owned()
    }

    /// The names of all files in it, sorted.
    pub fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.0.path()).unwrap();
        let mut names: Vec<_> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }
}

/// A client whose store is a file.
pub struct FileParty {
    folder: Folder,
    pub client: Arc<Client>,
}

impl Deref for FileParty {
    type Target = Arc<Client>;

    fn deref(&self) -> &Self::Target {
        &self.client
    }
}

impl FileParty {
    pub fn new() -> Self {
        let folder = Folder::new();
        let store = EncryptedStore::create(folder.text("store.wl"), &key(1)).unwrap();
        let client = Client::create(store, None).unwrap();
        Self { folder, client }
    }

    /// Lets go of the client and opens its store again. What a kill leaves is tried by the demo, with a real one.
    pub fn restart(self) -> Self {
        let Self { folder, client } = self;
        drop(client);
        let store = EncryptedStore::open(folder.text("store.wl"), &key(1)).unwrap();
        let client = Client::open(store).unwrap();
        Self { folder, client }
    }
}

/// The first has an invitation of the second.
pub fn introduced() -> (FileParty, FileParty) {
    let (alice, bob) = (FileParty::new(), FileParty::new());
    invite(&alice, &bob);
    (alice, bob)
}
