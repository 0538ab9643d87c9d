//! The rows of a store's file, as anybody reads them who has the file.

use std::fs;

use redb::{Database, ReadableDatabase, ReadableTable, TableDefinition};
use windlass::store::StoreFile;
use windlass::testing::Image;

const ROWS: TableDefinition<'static, &[u8], &[u8]> = TableDefinition::new("windlass rows");

/// Every row of an image: its key, and its value, sealed.
pub fn rows(image: &Image) -> Vec<(Vec<u8>, Vec<u8>)> {
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), image.file(StoreFile::Rows).unwrap()).unwrap();
    let database = Database::open(file.path()).unwrap();
    let table = database.begin_read().unwrap().open_table(ROWS).unwrap();
    let rows = table.iter().unwrap().map(|row| {
        let (key, value) = row.unwrap();
        (key.value().to_vec(), value.value().to_vec())
    });
    rows.collect()
}

/// One row of an image, sealed.
pub fn row(image: &Image, key: &[u8]) -> Vec<u8> {
    let mut rows = rows(image).into_iter();
    rows.find(|(found, _)| found == key).unwrap().1
}
