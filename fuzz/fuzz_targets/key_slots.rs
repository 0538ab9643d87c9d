//! A key-slot file of anyone's making beside a good store: opened or refused, never a panic.
#![no_main]

use std::fs;
use std::sync::{Arc, LazyLock};

use libfuzzer_sys::fuzz_target;
use tempfile::TempDir;
use windlass::{EncryptedStore, StoreKey};

/// A folder, and the two files of a store as they were made.
struct Made {
    folder: TempDir,
    files: [(String, Vec<u8>); 2],
}

fn key() -> Arc<StoreKey> {
    StoreKey::from_bytes(vec![7; 32].into()).unwrap()
}

static MADE: LazyLock<Made> = LazyLock::new(|| {
    // In memory where the system has such a folder: what is tried here is reading, not the disk.
    let shared = std::path::Path::new("/dev/shm");
    let folder = if shared.is_dir() {
        tempfile::tempdir_in(shared).unwrap()
    } else {
        tempfile::tempdir().unwrap()
    };
    let path = folder.path().join("store.wl").to_str().unwrap().to_owned();
    drop(EncryptedStore::create(path.clone(), &key()).unwrap());
    let files = [path.clone(), path + ".keys"].map(|path| {
        let bytes = fs::read(&path).unwrap();
        (path, bytes)
    });
    Made { folder, files }
});

fuzz_target!(|input: &[u8]| {
    let made = &*MADE;
    assert!(made.folder.path().is_dir());
    let [(store, store_bytes), (slots, slot_bytes)] = &made.files;
    fs::write(store, store_bytes).unwrap();
    // The input changes the good file in places: pairs of place and value, two bytes and one; or it is the file.
    let mut bytes = slot_bytes.clone();
    match input.split_first() {
        Some((0, changes)) => {
            for change in changes.chunks_exact(3) {
                let place = usize::from(u16::from_be_bytes([change[0], change[1]])) % bytes.len();
                bytes[place] = change[2];
            }
        }
        _ => bytes = input.to_vec(),
    }
    fs::write(slots, &bytes).unwrap();
    let _ = EncryptedStore::open(store.clone(), &key());
});
