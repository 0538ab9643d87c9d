//! Rows as messages of `proto/windlass/store`.

use prost::Message;

use crate::engine::base::error::EngineError;
use crate::store::{Direction, Key, Rows, RowsMut, StoreError, Table, WHOLE_GROUP};
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

/// The number that the order of a row begins with.
pub(crate) fn number_of(table: Table, order: &[u8]) -> Result<u64, EngineError> {
    let number = order
        .first_chunk()
        .map(|number| u64::from_be_bytes(*number));
    number.ok_or_else(|| damaged(table))
}

/// The highest number that the rows of a group have; 0 where there is none.
pub(crate) fn highest(store: &dyn Rows, table: Table, group: &[u8]) -> Result<u64, EngineError> {
    let last = store.range(table, group, WHOLE_GROUP, Direction::Backward, 1)?;
    last.first()
        .map_or(Ok(0), |(order, _)| number_of(table, order))
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
