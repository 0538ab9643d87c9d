//! A store in files that JavaScript keeps.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use redb::StorageBackend;
use wasm_bindgen::JsValue;
use windlass::store::{Medium, StoreError, StoreFile};

use crate::files::{File, fault};
use crate::outside::Place;

thread_local! {
    // As the open files: what crosses threads is a number.
    static PLACES: RefCell<(u32, BTreeMap<u32, Place>)> = const { RefCell::new((0, BTreeMap::new())) };
}

/// The files of a store, and the clock of JavaScript.
#[derive(Debug)]
pub(crate) struct Folder {
    number: u32,
    path: PathBuf,
}

impl Folder {
    pub(crate) fn new(place: Place) -> Self {
        let path = PathBuf::from(place.path());
        let number = PLACES.with_borrow_mut(|(last, places)| {
            *last += 1;
            places.insert(*last, place);
            *last
        });
        Self { number, path }
    }

    fn with<T>(
        &self,
        step: &'static str,
        done: impl FnOnce(&Place) -> Result<T, JsValue>,
    ) -> Result<T, StoreError> {
        PLACES.with_borrow(|(_, places)| {
            let place = places.get(&self.number).ok_or(StoreError::Closed)?;
            done(place).map_err(|error| fault(&self.path, step, &error))
        })
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        PLACES.with_borrow_mut(|(_, places)| places.remove(&self.number));
    }
}

/// What the package calls a file.
fn name(file: StoreFile) -> &'static str {
    match file {
        StoreFile::Rows => "rows",
        StoreFile::Unfinished => "unfinished",
        StoreFile::KeySlots => "keys",
    }
}

impl Medium for Folder {
    fn exists(&self, file: StoreFile) -> Result<bool, StoreError> {
        self.with("found", |place| place.exists(name(file)))
    }

    fn open(&self, file: StoreFile) -> Result<Box<dyn StorageBackend>, StoreError> {
        let handle = self.with("opened", |place| place.open(name(file)))?;
        let handle = handle.ok_or(StoreError::NotFound)?;
        Ok(Box::new(File::new(handle, &self.path)))
    }

    fn create(&self, file: StoreFile) -> Result<Box<dyn StorageBackend>, StoreError> {
        let handle = self.with("made", |place| place.create(name(file)))?;
        Ok(Box::new(File::new(handle, &self.path)))
    }

    fn publish(&self) -> Result<(), StoreError> {
        self.with("made", Place::publish)
    }

    fn path(&self) -> &Path {
        &self.path
    }

    /// A clock before 1970 is shown as that.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    fn now(&self) -> u64 {
        js_sys::Date::now() as u64
    }
}
