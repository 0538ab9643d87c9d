//! Connections that wait to be used again.

use std::sync::Mutex;

use super::address::Address;
use super::connection::Connection;
use super::login;
use super::trouble::Trouble;
use crate::store::StoreError;
use crate::store::guard::lock;

/// As many as there are threads that call at once, mostly; a server has a hundred for everybody.
const MAX_IDLE: usize = 8;

/// The connections of an open store.
#[derive(Debug)]
pub(super) struct Pool {
    pub(super) address: Address,
    idle: Mutex<Vec<Connection>>,
}

impl Pool {
    pub(super) fn new(address: Address) -> Self {
        Self {
            address,
            idle: Mutex::default(),
        }
    }

    /// One that nobody else uses.
    pub(super) fn take(&self) -> Result<Connection, Trouble> {
        if let Some(connection) = lock(&self.idle).pop() {
            return Ok(connection);
        }
        login::open(&self.address).map_err(|trouble| match trouble {
            // It could be written to before: the replica that takes the place of a server is not ready yet.
            Trouble::Failed(StoreError::DatabaseReadOnly) => {
                Trouble::Lost("only a replica answers".to_owned())
            }
            other => other,
        })
    }

    /// Gives one back that is in no transaction.
    pub(super) fn give(&self, connection: Connection) {
        let mut idle = lock(&self.idle);
        if connection.is_whole() && idle.len() < MAX_IDLE {
            idle.push(connection);
        }
    }

    /// Where one is gone the others mostly are, too.
    pub(super) fn clear(&self) {
        lock(&self.idle).clear();
    }
}
