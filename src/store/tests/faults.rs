//! What fails below a store is told apart, and a store that it failed goes on when it can.

use std::io::{Error, ErrorKind};
use std::path::Path;

use redb::{CommitError, DatabaseError, StorageError, TableError, TransactionError};

use super::*;
use crate::store::{FileFault, StorageEngine};
use crate::testing::Disk;

#[test]
fn what_redb_refuses_is_told_apart() {
    let full = || StorageError::Io(ErrorKind::StorageFull.into());
    let io = |kind| StoreError::Io { kind };
    let damaged = |what| StoreError::Damaged { what };
    let corrupted = || StorageError::Corrupted(String::new());
    let missing = TableError::TableDoesNotExist(String::new());
    let told: [(StoreError, StoreError); 14] = [
        (full().into(), StoreError::DiskFull),
        (
            StorageError::Io(ErrorKind::QuotaExceeded.into()).into(),
            StoreError::DiskFull,
        ),
        (
            StorageError::Io(ErrorKind::TimedOut.into()).into(),
            io(ErrorKind::TimedOut),
        ),
        (StorageError::PreviousIo.into(), io(ErrorKind::Other)),
        (StorageError::DatabaseClosed.into(), StoreError::Closed),
        (corrupted().into(), damaged("database pages")),
        (
            DatabaseError::DatabaseAlreadyOpen.into(),
            StoreError::Locked,
        ),
        (
            DatabaseError::LockProtocolMismatch.into(),
            StoreError::Locked,
        ),
        (DatabaseError::Storage(full()).into(), StoreError::DiskFull),
        (
            DatabaseError::RepairAborted.into(),
            damaged("database header"),
        ),
        (
            TransactionError::Storage(full()).into(),
            StoreError::DiskFull,
        ),
        (TableError::Storage(full()).into(), StoreError::DiskFull),
        (missing.into(), StoreError::NotAStore),
        (CommitError::Storage(full()).into(), StoreError::DiskFull),
    ];
    for (told, expected) in told {
        assert_eq!(told, expected);
    }
}

#[test]
fn a_fault_keeps_its_file_and_its_step_on_its_way_through_redb() {
    let path = Path::new("some/where.wl");
    let error = || Error::from(ErrorKind::PermissionDenied);
    let fault = FileFault::new(path, "read", &error());
    assert!(fault.is_lasting());
    let carried = fault.clone().carried();
    assert_eq!(carried.kind(), ErrorKind::PermissionDenied);
    assert_eq!(StoreError::from(carried), StoreError::File(fault));
    // A lock that cannot be had is told as such, and never as what redb takes for a machine without processes.
    let unsupported = Error::from(ErrorKind::Unsupported);
    let no_lock = FileFault::no_lock(path, &unsupported);
    assert!(!no_lock.is_lasting());
    let carried = no_lock.clone().carried();
    assert_eq!(carried.kind(), ErrorKind::Other);
    assert_eq!(StoreError::from(carried), StoreError::NoLocks(no_lock));
    // Full is full, in whichever file.
    let full = FileFault::new(path, "written", &ErrorKind::StorageFull.into());
    assert_eq!(StoreError::from(full.carried()), StoreError::DiskFull);
}

#[test]
fn what_may_pass_is_no_lasting_fault() {
    let fault = |kind: ErrorKind| FileFault::new(Path::new("f"), "opened", &kind.into());
    for kind in [
        ErrorKind::NotFound,
        ErrorKind::Interrupted,
        ErrorKind::TimedOut,
        ErrorKind::Other,
    ] {
        assert!(!fault(kind).is_lasting(), "{kind:?}");
        assert_eq!(fault(kind).kind(), kind);
    }
    assert!(fault(ErrorKind::ReadOnlyFilesystem).is_lasting());
}

#[test]
fn a_step_that_the_disk_has_no_room_for_is_told_to_whoever_made_it() {
    let disk = Disk::default();
    let store = Store::create_on(disk.medium(), &key(1)).unwrap();
    let engine: &dyn StorageEngine = &store;
    disk.fill_up(Some(0));
    let write = || engine.write(|rows| rows.put(Table::Messages, Key::new(b"a"), b"row"));
    assert_eq!(write(), Err(StoreError::DiskFull));
    disk.fill_up(None);
    assert_eq!(get(&store, b"a"), Ok(None));
    assert_eq!(write(), Ok(()));
    assert_eq!(get(&store, b"a"), Ok(Some(b"row".to_vec())));
}

#[test]
fn a_store_that_was_cut_short_is_refused_and_not_written_to() {
    let disk = Disk::default();
    let store = Store::create_on(disk.medium(), &key(1)).unwrap();
    put(&store, b"a", b"row");
    drop(store);
    let whole = disk.image();
    let name = crate::store::StoreFile::Rows;
    let len = whole.file(name).unwrap().len();
    for left in [0, 1, 8, 9, 10, 64, 319, 320, 4096, len / 2] {
        let mut image = whole.clone();
        image.file_mut(name).truncate(left);
        let disk = Disk::of(image.clone());
        let refused = Store::open_on(disk.medium(), &key(1)).map(|_| ());
        let refused = refused.unwrap_err();
        // With all that such a file begins with it is one that lost the rest.
        let is_none = refused == StoreError::NotAStore;
        assert_eq!(is_none, left < 9, "{left}: {refused:?}");
        assert!(disk.image().file(name) == image.file(name), "{left}");
    }
}
