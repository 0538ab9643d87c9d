//! A backup of whatever there may be can be imported.

use super::*;
use crate::limits::MAX_CONTENT_LEN;
use crate::store::{BackupReader, BackupWriter};
use crate::wire::store::GroupRow;
#[test]
fn a_backup_of_a_group_of_any_size_can_be_imported() {
    let alice = Party::new(1);
    let group = alice.at(0, |step| {
        let id = group_events::create(step, "large")?;
        let key = Key::new(id.as_bytes());
        let mut row: GroupRow = get_row(step.rows, Table::Groups, key)?.unwrap();
        // As much as the longest contents of five members bring.
        row.bundles = vec![vec![7; MAX_CONTENT_LEN]; 5];
        put_row(step.rows, Table::Groups, key, &row)?;
        Ok(id)
    });
    let group = group.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let [backup, new] = ["backup", "new"].map(|name| folder.path().join(name));
    let key = StoreKey::Raw(Secret::new([4; 32]));
    let writer = BackupWriter::create(&backup, &key).unwrap();
    let exported = alice
        .store
        .read_apart(|rows| backup::export(rows, writer, 1, &mut |_, _| true));
    assert!(exported.is_ok(), "{exported:?}");
    let reader = BackupReader::open(&backup, &key).unwrap();
    let store = Store::create_with(&new, &key, |rows| {
        backup::import(rows, reader, START, &mut rng(), &mut |_, _| true)
    });
    let there = |rows: &dyn Rows| get_row(rows, Table::Groups, Key::new(group.as_bytes()));
    let before: Option<GroupRow> = alice.store.read(there).unwrap();
    let after = store.unwrap().read(|rows| there(rows)).unwrap();
    assert!(after.is_some() && before == after);
}

/// A backup of somebody's store, put into a new one.
pub(super) fn copied(party: &Party) -> Store {
    let folder = tempfile::tempdir().unwrap();
    let [backup, new] = ["backup", "new"].map(|name| folder.path().join(name));
    let key = StoreKey::Raw(Secret::new([4; 32]));
    let writer = BackupWriter::create(&backup, &key).unwrap();
    let exported =
        (party.store).read_apart(|rows| backup::export(rows, writer, 1, &mut |_, _| true));
    exported.unwrap();
    let reader = std::cell::RefCell::new(Some(BackupReader::open(&backup, &key).unwrap()));
    Store::create_with(&new, &key, |rows| {
        let reader = reader.borrow_mut().take().unwrap();
        backup::import(rows, reader, START, &mut rng(), &mut |_, _| true)
    })
    .unwrap()
}
