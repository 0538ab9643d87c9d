//! The promises of every storage engine, kept with key slots in Vault.

#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::panic)]

mod support;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::json;
use support::postgres::Server;
use support::vault::Vault;
use tempfile::TempDir;
use windlass::store::postgres::{Address, Postgres};
use windlass::store::{Folder, KeySlots, Medium, StorageEngine, Store, StoreError, StoreKey};
use windlass::testing::contract::{self, Home};

type Opened = Result<Arc<dyn StorageEngine>, StoreError>;

/// A schema of a server, and a key of a Vault.
struct Kept {
    servers: Arc<(Server, Vault)>,
    name: String,
}

/// No two of this process have one name.
static NUMBER: AtomicU32 = AtomicU32::new(0);

impl Kept {
    fn new(servers: &Arc<(Server, Vault)>) -> Self {
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("store_{number}");
        servers.1.make_key(&name, &json!({}));
        Self {
            servers: Arc::clone(servers),
            name,
        }
    }

    fn address(&self) -> String {
        let (server, vault) = &*self.servers;
        server.address(&self.name) + &vault.slots(&self.name)
    }
}

impl Home for Kept {
    fn create(&self, key: &StoreKey) -> Opened {
        let address = Address::parse(&self.address())?;
        Ok(Arc::new(Postgres::create(&address, key)?))
    }

    fn open(&self, key: &StoreKey) -> Opened {
        let address = Address::parse(&self.address())?;
        Ok(Arc::new(Postgres::open(&address, key)?))
    }

    /// With a key of its own: a copy of a key that slots may have is not to be had.
    fn after_crash(&self) -> Box<dyn Home> {
        let after = Self::new(&self.servers);
        let (server, vault) = &*self.servers;
        let (from, to) = (&self.name, &after.name);
        let made = format!("SELECT 1 FROM pg_namespace WHERE nspname = '{from}'");
        if server.sql(&made).is_empty() {
            return Box::new(after);
        }
        let mut sql = format!("CREATE SCHEMA {to};");
        for table in ["layout", "rows", "slots"] {
            sql += &format!(
                "CREATE TABLE {to}.{table} (LIKE {from}.{table} INCLUDING ALL); \
                 INSERT INTO {to}.{table} SELECT * FROM {from}.{table};"
            );
        }
        for (place, sealed) in server.slots_of(from).iter().enumerate() {
            let sealed = vault.carry(sealed, from, to);
            sql += &format!("UPDATE {to}.slots SET v = '{sealed}'::bytea WHERE n = {place};");
        }
        sql += &format!("UPDATE {to}.slots SET v = 'transit/keys/{to}'::bytea WHERE n = 2;");
        server.sql(&sql);
        Box::new(after)
    }

    fn copy_rows(&self) -> Box<dyn FnOnce() + '_> {
        let (server, name) = (&self.servers.0, &self.name);
        server.sql(&format!(
            "SET client_min_messages TO error; DROP TABLE IF EXISTS {name}.copy; CREATE TABLE {name}.copy AS TABLE {name}.rows"
        ));
        Box::new(move || {
            server.sql(&format!(
                "BEGIN; DELETE FROM {name}.rows; INSERT INTO {name}.rows TABLE {name}.copy; COMMIT"
            ));
        })
    }

    fn key_slots(&self) -> Box<dyn KeySlots> {
        Postgres::key_slots(&Address::parse(&self.address()).unwrap()).unwrap()
    }
}

/// The same checks of a store in files, to compare with.
struct Files(TempDir);

impl Files {
    fn path(&self) -> PathBuf {
        self.0.path().join("test.wl")
    }
}

impl Home for Files {
    fn create(&self, key: &StoreKey) -> Opened {
        Ok(Arc::new(Store::create(&self.path(), key)?))
    }

    fn open(&self, key: &StoreKey) -> Opened {
        Ok(Arc::new(Store::open(&self.path(), key)?))
    }

    fn after_crash(&self) -> Box<dyn Home> {
        let after = Self(tempfile::tempdir().unwrap());
        for file in std::fs::read_dir(self.0.path()).unwrap() {
            let file = file.unwrap();
            std::fs::copy(file.path(), after.0.path().join(file.file_name())).unwrap();
        }
        Box::new(after)
    }

    fn copy_rows(&self) -> Box<dyn FnOnce() + '_> {
        let copy = std::fs::read(self.path()).unwrap();
        Box::new(move || std::fs::write(self.path(), copy).unwrap())
    }

    fn key_slots(&self) -> Box<dyn KeySlots> {
        Folder::new(&self.path()).create_key_slots().unwrap()
    }
}

#[test]
fn slots_in_vault_keep_every_promise() {
    let Some(server) = Server::start() else {
        return;
    };
    let servers = Arc::new((server, Vault::start()));
    let files = contract::check(|| Box::new(Files(tempfile::tempdir().unwrap())));
    let vault = contract::check(|| Box::new(Kept::new(&servers)));
    assert_eq!(vault, files);
    let all: u64 = vault.iter().map(|(_, checks)| checks).sum();
    println!("{all} checks with slots in Vault, as many as of files");
}
