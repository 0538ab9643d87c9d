//! The promises of every storage engine, kept by a real PostgreSQL server.

#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::panic)]

mod support;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use support::homes::{Files, Opened};
use support::postgres::Server;
use tempfile::TempDir;
use windlass::store::postgres::{Address, Postgres};
use windlass::store::{KeySlots, StorageEngine, StoreKey};
use windlass::testing::RunsTwice;
use windlass::testing::contract::{self, Home};

/// A schema of a server for one store, whose key slots are in it or in a file.
struct Schema {
    server: Arc<Server>,
    name: String,
    slots: Option<Arc<TempDir>>,
    twice: bool,
}

/// No two schemas of this process have one name.
static NUMBER: AtomicU32 = AtomicU32::new(0);

impl Schema {
    fn new(server: &Arc<Server>, slots: bool, twice: bool) -> Self {
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        Self {
            server: Arc::clone(server),
            name: format!("store_{number}"),
            slots: slots.then(|| Arc::new(tempfile::tempdir().unwrap())),
            twice,
        }
    }

    fn slot_file(&self) -> Option<PathBuf> {
        let folder = self.slots.as_ref()?;
        Some(folder.path().join("bot.keys"))
    }

    fn address(&self) -> Address {
        let mut address = self.server.address(&self.name);
        if let Some(file) = self.slot_file() {
            address += &format!("&slots=file://{}", file.display());
        }
        Address::parse(&address).unwrap()
    }

    fn engine(&self, engine: Postgres) -> Arc<dyn StorageEngine> {
        let engine = Arc::new(engine);
        if self.twice {
            return Arc::new(RunsTwice::new(engine));
        }
        engine
    }
}

impl Home for Schema {
    fn create(&self, key: &StoreKey) -> Opened {
        Ok(self.engine(Postgres::create(&self.address(), key)?))
    }

    fn open(&self, key: &StoreKey) -> Opened {
        Ok(self.engine(Postgres::open(&self.address(), key)?))
    }

    /// What any other connection finds at that moment. That a server keeps it when its machine stops is another test's subject.
    fn after_crash(&self) -> Box<dyn Home> {
        let after = Self::new(&self.server, self.slots.is_some(), self.twice);
        if let (Some(from), Some(to)) = (self.slot_file(), after.slot_file()) {
            std::fs::copy(from, to).unwrap();
        }
        let (from, to) = (&self.name, &after.name);
        let made = format!("SELECT 1 FROM pg_namespace WHERE nspname = '{from}'");
        if self.server.sql(&made).is_empty() {
            return Box::new(after);
        }
        let mut sql = format!("CREATE SCHEMA {to};");
        for table in ["layout", "rows", "slots"] {
            sql += &format!(
                "CREATE TABLE {to}.{table} (LIKE {from}.{table} INCLUDING ALL); \
                 INSERT INTO {to}.{table} SELECT * FROM {from}.{table};"
            );
        }
        self.server.sql(&sql);
        Box::new(after)
    }

    fn copy_rows(&self) -> Box<dyn FnOnce() + '_> {
        self.server.copy_rows(&self.name)
    }

    fn key_slots(&self) -> Box<dyn KeySlots> {
        Postgres::key_slots(&self.address()).unwrap()
    }
}

/// A server for a test, if there is one.
fn server() -> Option<Arc<Server>> {
    Server::start().map(Arc::new)
}

#[test]
fn a_database_keeps_every_promise() {
    let Some(server) = server() else { return };
    let files = contract::check(|| Box::new(Files::new()));
    let kinds = [(false, false), (true, false), (false, true)];
    for (slots, twice) in kinds {
        let checked = contract::check(|| Box::new(Schema::new(&server, slots, twice)));
        assert_eq!(
            checked, files,
            "slots in a file: {slots}, every step twice: {twice}"
        );
    }
}
