//! Rows as messages of `proto/windlass/store`.

use prost::Message;

use crate::engine::base::error::EngineError;
use crate::store::{Key, Rows, RowsMut, StoreError, Table};
use crate::wire;

/// A row that the store opened but that says something impossible.
pub(crate) fn damaged(table: Table) -> EngineError {
    StoreError::Damaged { what: table.name() }.into()
}

/// Decodes a row.
pub(crate) fn decode<M: Message + Default>(table: Table, bytes: &[u8]) -> Result<M, EngineError> {
    wire::decode(table.name(), bytes).map_err(|_| damaged(table))
}

/// Reads and decodes a row.
pub(crate) fn get_row<M: Message + Default>(
    store: &dyn Rows,
    table: Table,
    key: Key<'_>,
) -> Result<Option<M>, EngineError> {
    store
        .get(table, key)?
        .map(|bytes| decode(table, &bytes))
        .transpose()
}

/// Reads and decodes all rows of a table, in no order. For tables that are small by nature.
pub(crate) fn all_rows<M: Message + Default>(
    store: &dyn Rows,
    table: Table,
) -> Result<Vec<M>, EngineError> {
    let rows = store.scan(table)?;
    rows.iter().map(|bytes| decode(table, bytes)).collect()
}

/// Encodes and writes a row.
pub(crate) fn put_row<M: Message>(
    store: &mut dyn RowsMut,
    table: Table,
    key: Key<'_>,
    row: &M,
) -> Result<(), EngineError> {
    Ok(store.put(table, key, &wire::encode_secret(row))?)
}
