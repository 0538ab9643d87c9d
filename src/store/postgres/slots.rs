//! Key slots in the database, for who has no better place for them. What is overwritten in a database stays in its log, its replicas and
//! its backups, so there "deleted" means: once these are gone, too.

use std::sync::Mutex;

use super::address::Address;
use super::connection::{Ask, Connection, Value, first, number};
use super::login;
use super::schema;
use super::trouble::Trouble;
use crate::crypto::sha256;
use crate::store::guard::lock;
use crate::store::{KeySlots, SlotNumber, StoreError};

const PUT: &str = "INSERT INTO slots VALUES ($1, $2) ON CONFLICT (n) DO UPDATE SET v = excluded.v";
const EMPTY: &str = "DELETE FROM slots WHERE n IN (0, 1)";
/// Where the name of a key stands that both are sealed by.
const NAME: i64 = 2;

/// Two rows, and a lock that goes with the connection of who holds it.
#[derive(Debug)]
pub(super) struct SlotRows {
    address: Address,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    connection: Option<Connection>,
    /// The lock is held by the connection, so no other one may take its place.
    locked: bool,
}

impl SlotRows {
    pub(super) fn new(address: Address) -> Self {
        Self {
            address,
            state: Mutex::default(),
        }
    }

    /// A connection that was lost is replaced, but for one that had the lock: whoever has it by now must not be disturbed.
    fn with<T>(
        &self,
        f: impl FnOnce(&mut Connection) -> Result<T, Trouble>,
    ) -> Result<T, StoreError> {
        let mut state = lock(&self.state);
        let usable = state.connection.as_ref().is_some_and(Connection::is_whole);
        if !usable {
            if state.locked {
                let why = "the connection that had the store to itself is gone".to_owned();
                return Err(StoreError::DatabaseLost { why });
            }
            let opened = login::open(&self.address);
            state.connection = Some(opened.map_err(|trouble| trouble.told())?);
        }
        let connection = state.connection.as_mut().ok_or(StoreError::Closed)?;
        f(connection).map_err(|trouble| trouble.told())
    }

    /// The name of the key that the slots are sealed by elsewhere, if the store was begun with one.
    pub(super) fn name(&self) -> Result<Option<String>, StoreError> {
        self.with(|connection| {
            if schema::version(connection)? == 0 {
                return Ok(None);
            }
            let sql = format!("SELECT v FROM slots WHERE n = {NAME}");
            let found = connection.ask(&[Ask::plain(&sql)])?;
            let name = first(&found);
            Ok(name.map(|name| String::from_utf8_lossy(name).into_owned()))
        })
    }

    /// Empties both, and says which key they are sealed by from now on.
    pub(super) fn begin(&self, name: &str) -> Result<(), StoreError> {
        self.with(|connection| {
            schema::make(connection, &self.address.store)?;
            // In this order: should it stop in between, it is known whose key was used.
            let name = vec![Value::Number(NAME), Value::Bytes(name.as_bytes())];
            connection.ask(&[Ask::new(PUT, name)])?;
            connection.command(EMPTY)
        })
    }

    /// What the lock of this store is called among those of its database.
    fn lock_name(&self) -> i64 {
        let hash = sha256(&[
            b"Windlass store v1 key slots",
            self.address.store.as_bytes(),
        ]);
        hash.first_chunk()
            .map_or(0, |half| i64::from_be_bytes(*half))
    }
}

impl KeySlots for SlotRows {
    fn read(&self) -> Result<[Vec<u8>; 2], StoreError> {
        self.with(|connection| {
            if schema::version(connection)? == 0 {
                return Ok([Vec::new(), Vec::new()]);
            }
            let slots = connection.ask(&[Ask::plain("SELECT n, v FROM slots ORDER BY n")])?;
            let mut found = [Vec::new(), Vec::new()];
            for row in slots.into_iter().flatten() {
                if let [number_of, bytes] = row.as_slice() {
                    let place = usize::try_from(number(Some(number_of))?).ok();
                    if let Some(slot) = place.and_then(|place| found.get_mut(place)) {
                        slot.clone_from(bytes);
                    }
                }
            }
            Ok(found)
        })
    }

    fn write(&self, slot: SlotNumber, bytes: &[u8]) -> Result<(), StoreError> {
        let values = vec![Value::Number(slot as i64), Value::Bytes(bytes)];
        self.with(|connection| connection.ask(&[Ask::new(PUT, values)]).map(|_| ()))
    }

    fn clear(&self) -> Result<(), StoreError> {
        self.with(|connection| {
            schema::make(connection, &self.address.store)?;
            connection.command(EMPTY)
        })
    }

    fn lock(&self) -> Result<(), StoreError> {
        let name = vec![Value::Number(self.lock_name())];
        let sql = "SELECT pg_try_advisory_lock($1)::int::bigint";
        let taken = self.with(|connection| number(first(&connection.ask(&[Ask::new(sql, name)])?)));
        if taken? == 0 {
            return Err(StoreError::Locked);
        }
        lock(&self.state).locked = true;
        Ok(())
    }

    fn unlock(&self) {
        let mut state = lock(&self.state);
        state.locked = false;
        let name = vec![Value::Number(self.lock_name())];
        let sql = "SELECT pg_advisory_unlock($1)::int::bigint";
        let given = state
            .connection
            .as_mut()
            .is_some_and(|connection| connection.ask(&[Ask::new(sql, name)]).is_ok());
        if !given {
            // The lock goes with it.
            state.connection = None;
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn the_stores_of_a_database_do_not_wait_for_each_other() {
        let of = |address: &str| SlotRows::new(Address::parse(address).unwrap()).lock_name();
        let first = of("postgresql://u@localhost/db?store=first");
        assert_ne!(first, of("postgresql://u@localhost/db?store=second"));
        // Whoever comes to the same one does, by whatever name of its server.
        assert_eq!(first, of("postgresql://v@127.0.0.1/db?store=first"));
    }
}
