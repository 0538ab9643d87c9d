//! The new device's side of linking.

use std::sync::Arc;

use wasm_bindgen::prelude::*;
use windlass::store::Store;
use windlass::{DeviceLink, EncryptedStore};

use crate::client::Client;
use crate::failure::{Answer, answer, thrown};
use crate::folder::Folder;
use crate::given;
use crate::outside::Place;

/// A device that is to become one of an identity, with a store that has none yet.
#[wasm_bindgen]
pub struct Link {
    link: Arc<DeviceLink>,
    store: Arc<EncryptedStore>,
}

impl Link {
    fn of(store: Store) -> windlass::Result<Self> {
        let store = Arc::new(EncryptedStore::from(store));
        let link = DeviceLink::new(Arc::clone(&store))?;
        Ok(Self { link, store })
    }
}

#[wasm_bindgen]
impl Link {
    /// Begins in a new store.
    pub fn create(place: Place, kind: &str, key: Vec<u8>) -> Result<Link, JsValue> {
        let create = || {
            let key = given::key(kind, key)?;
            Self::of(Store::create_on(Arc::new(Folder::new(place)), &key)?)
        };
        create().map_err(thrown)
    }

    /// Goes on with what was begun.
    pub fn open(place: Place, kind: &str, key: Vec<u8>) -> Result<Link, JsValue> {
        let open = || {
            let key = given::key(kind, key)?;
            Self::of(Store::open_on(Arc::new(Folder::new(place)), &key)?)
        };
        open().map_err(thrown)
    }

    /// The first code.
    #[must_use]
    pub fn code(&self) -> String {
        self.link.to_uri()
    }

    /// Takes the other device's answer to it.
    #[wasm_bindgen(js_name = takeAnswer)]
    pub fn take_answer(&self, code: String) -> Answer {
        answer(self.link.take_answer(code))
    }

    /// What to compare.
    pub fn check(&self) -> Answer {
        answer(self.link.check())
    }

    /// The second code.
    pub fn reply(&self) -> Answer {
        answer(self.link.reply())
    }

    /// Takes the transfer: the store is a client's from then on.
    pub fn finish(&self, transfer: String) -> Result<Client, JsValue> {
        let finished = self.link.finish(transfer);
        finished.map(Client::of).map_err(thrown)
    }

    /// Ends it.
    pub fn cancel(&self) -> Answer {
        answer(self.link.cancel())
    }

    /// Closes the store.
    pub fn close(&self) -> Answer {
        answer(self.store.close())
    }
}
