//! What the user decided for the whole client.

use super::{get_row, put_row};
use crate::api::error::WindlassError;
use crate::store::{Key, Rows, Table, Writer};
use crate::wire::store::SettingsRow;

const SETTINGS: &[u8] = b"settings";

pub(super) fn row(store: &impl Rows) -> Result<SettingsRow, WindlassError> {
    Ok(get_row(store, Table::Device, Key::new(SETTINGS))?.unwrap_or_default())
}

pub(super) fn save(store: &mut Writer<'_>, row: &SettingsRow) -> Result<(), WindlassError> {
    put_row(store, Table::Device, Key::new(SETTINGS), row)
}
