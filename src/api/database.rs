//! Stores in databases: what is given where a path goes may be the address of one.

use super::Result;
use super::path::path_of;
#[cfg(feature = "postgres")]
use super::{EncryptedStore, StoreKey};
use crate::store::copying::Place;

/// What such addresses begin with; a path that does is written as `./postgresql:/...`.
const SCHEMES: [&str; 2] = ["postgresql://", "postgres://"];

/// Whether it is no path.
pub(super) fn is_meant(path: &str) -> bool {
    SCHEMES.iter().any(|scheme| path.starts_with(scheme))
}

/// The file or the database that is meant.
#[cfg(not(target_arch = "wasm32"))]
pub(super) fn place(path: &str) -> Result<Place> {
    if is_meant(path) {
        return database_place(path);
    }
    Ok(Place::file(path_of(path)))
}

#[cfg(feature = "postgres")]
fn database_place(address: &str) -> Result<Place> {
    use crate::store::postgres::Address;
    Ok(Place::database(Address::parse(address)?))
}

/// Makes a store in a database.
#[cfg(feature = "postgres")]
pub(super) fn create(address: &str, key: &StoreKey) -> Result<EncryptedStore> {
    use crate::store::postgres::{Address, Postgres};
    Ok(Postgres::create(&Address::parse(address)?, &key.0)?.into())
}

/// Opens a store in a database.
#[cfg(feature = "postgres")]
pub(super) fn open(address: &str, key: &StoreKey) -> Result<EncryptedStore> {
    use crate::store::postgres::{Address, Postgres};
    Ok(Postgres::open(&Address::parse(address)?, &key.0)?.into())
}

#[cfg(not(feature = "postgres"))]
use none::database_place;
#[cfg(not(feature = "postgres"))]
pub(super) use none::{create, open};

/// Of a build without databases.
#[cfg(not(feature = "postgres"))]
mod none {
    use crate::api::{EncryptedStore, Result, StoreKey};
    use crate::store::StoreError;
    use crate::store::copying::Place;

    pub(in super::super) fn database_place(_: &str) -> Result<Place> {
        let why = "this build of the library is without databases (its feature \"postgres\")";
        Err(StoreError::DatabaseAddress { why }.into())
    }

    pub(in super::super) fn create(_: &str, _: &StoreKey) -> Result<EncryptedStore> {
        let why = "this build of the library is without databases (its feature \"postgres\")";
        Err(StoreError::DatabaseAddress { why }.into())
    }

    pub(in super::super) fn open(address: &str, key: &StoreKey) -> Result<EncryptedStore> {
        create(address, key)
    }
}
