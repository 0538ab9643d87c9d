//! The promises of every storage engine, kept by a real PostgreSQL server.

#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::panic)]

mod support;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use support::postgres::Server;
use tempfile::TempDir;
use windlass::store::postgres::{Address, Postgres};
use windlass::store::{Folder, KeySlots, Medium, StorageEngine, Store, StoreError, StoreKey};
use windlass::testing::RunsTwice;
use windlass::testing::contract::{self, Home};

type Opened = Result<Arc<dyn StorageEngine>, StoreError>;

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
        let name = &self.name;
        self.server.sql(&format!(
            "SET client_min_messages TO error; DROP TABLE IF EXISTS {name}.copy; CREATE TABLE {name}.copy AS TABLE {name}.rows"
        ));
        Box::new(move || {
            self.server.sql(&format!(
                "BEGIN; DELETE FROM {name}.rows; INSERT INTO {name}.rows TABLE {name}.copy; COMMIT"
            ));
        })
    }

    fn key_slots(&self) -> Box<dyn KeySlots> {
        Postgres::key_slots(&self.address()).unwrap()
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

/// A server for a test, if there is one.
fn server() -> Option<Arc<Server>> {
    Server::start().map(Arc::new)
}

#[test]
fn a_database_keeps_every_promise() {
    let Some(server) = server() else { return };
    let files = contract::check(|| Box::new(Files(tempfile::tempdir().unwrap())));
    let kinds = [(false, false), (true, false), (false, true)];
    for (slots, twice) in kinds {
        let checked = contract::check(|| Box::new(Schema::new(&server, slots, twice)));
        assert_eq!(
            checked, files,
            "slots in a file: {slots}, every step twice: {twice}"
        );
    }
}
