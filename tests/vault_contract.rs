//! The promises of every storage engine, kept with key slots in Vault.

#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::panic)]

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::json;
use support::homes::{Files, Opened};
use support::postgres::Server;
use support::vault::Vault;
use windlass::store::postgres::{Address, Postgres};
use windlass::store::{KeySlots, StoreKey};
use windlass::testing::contract::{self, Home};

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
        self.servers.0.copy_rows(&self.name)
    }

    fn key_slots(&self) -> Box<dyn KeySlots> {
        Postgres::key_slots(&Address::parse(&self.address()).unwrap()).unwrap()
    }
}

#[test]
fn slots_in_vault_keep_every_promise() {
    let Some(server) = Server::start() else {
        return;
    };
    let servers = Arc::new((server, Vault::start()));
    let files = contract::check(|| Box::new(Files::new()));
    let vault = contract::check(|| Box::new(Kept::new(&servers)));
    assert_eq!(vault, files);
    let all: u64 = vault.iter().map(|(_, checks)| checks).sum();
    println!("{all} checks with slots in Vault, as many as of files");
}
