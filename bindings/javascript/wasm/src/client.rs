//! A client: opening it, what goes out and what comes in, and its store.

use std::io::Read;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use js_sys::Array;
use wasm_bindgen::prelude::*;
use windlass::store::{Store, StoreError};
use windlass::{
    Bytes, ChangeListener, EncryptedStore, OutboxListener, OutgoingMessage, WindlassError,
};

use crate::attachments::Files;
use crate::failure::{Answer, answer, thrown};
use crate::files::Stream;
use crate::folder::Folder;
use crate::given;
use crate::outside::{Handle, Place};
use crate::values::ToJs;

/// An identity, its store, its sessions and conversations.
#[wasm_bindgen]
pub struct Client {
    pub(crate) client: Arc<windlass::Client>,
    pub(crate) files: Files,
    posted: Arc<Posted>,
    changed: Arc<Changed>,
}

/// Whether something was put into the outbox since it was last asked.
#[derive(Default)]
struct Posted(AtomicBool);

impl OutboxListener for Posted {
    fn on_outbox(&self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Whether something was written since it was last asked.
#[derive(Default)]
struct Changed(AtomicBool);

impl ChangeListener for Changed {
    fn on_change(&self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl Client {
    pub(crate) fn of(client: Arc<windlass::Client>) -> Self {
        let posted = Arc::new(Posted::default());
        client.set_outbox_listener(Some(Arc::clone(&posted) as _));
        let changed = Arc::new(Changed::default());
        client.set_change_listener(Some(Arc::clone(&changed) as _));
        let files = Files::new();
        Self {
            client,
            files,
            posted,
            changed,
        }
    }
}

#[wasm_bindgen]
impl Client {
    /// Makes a new store with a new identity.
    pub fn create(place: Place, kind: &str, key: Vec<u8>) -> Result<Client, JsValue> {
        let create = || {
            let store = Store::create_on(Arc::new(Folder::new(place)), &given::key(kind, key)?)?;
            windlass::Client::create(Arc::new(EncryptedStore::from(store)), None)
        };
        create().map(Self::of).map_err(thrown)
    }

    /// Opens a store.
    pub fn open(place: Place, kind: &str, key: Vec<u8>) -> Result<Client, JsValue> {
        let open = || {
            let store = Store::open_on(Arc::new(Folder::new(place)), &given::key(kind, key)?)?;
            windlass::Client::open(Arc::new(EncryptedStore::from(store)))
        };
        open().map(Self::of).map_err(thrown)
    }

    /// Makes a new store from a backup.
    pub fn restore(
        place: Place,
        kind: &str,
        key: Vec<u8>,
        backup: Handle,
        backup_kind: &str,
        backup_key: Vec<u8>,
    ) -> Result<Client, JsValue> {
        let restore = || {
            let (key, backup_key) = (
                given::new_key(kind, key)?,
                given::new_key(backup_kind, backup_key)?,
            );
            let backup = Stream::new(backup);
            let len = backup.len().map_err(StoreError::from)?;
            let folder = Arc::new(Folder::new(place));
            let backup: (Box<dyn Read + Send>, _) = (Box::new(backup), len);
            let store =
                EncryptedStore::import_backup_from(backup, &backup_key, folder, &key, None)?;
            windlass::Client::open(Arc::new(store))
        };
        restore().map(Self::of).map_err(thrown)
    }

    /// Writes a backup; how many records.
    #[wasm_bindgen(js_name = exportBackup)]
    pub fn export_backup(&self, to: Handle, kind: &str, key: Vec<u8>) -> Answer {
        let to = Box::new(Stream::new(to));
        let key = given::new_key(kind, key);
        answer(key.and_then(|key| self.client.export_backup_to(to, &key, None)))
    }

    /// Our address.
    #[must_use]
    pub fn address(&self) -> String {
        self.client.address()
    }

    /// The number of this device.
    #[wasm_bindgen(js_name = deviceId)]
    #[must_use]
    pub fn device_id(&self) -> u32 {
        self.client.device_id()
    }

    /// Whether something was written since this was last asked.
    #[wasm_bindgen(js_name = hasChanged)]
    #[must_use]
    pub fn has_changed(&self) -> bool {
        self.changed.0.swap(false, Ordering::Relaxed)
    }

    /// What was written since this was last asked.
    #[wasm_bindgen(js_name = takeChanges)]
    pub fn take_changes(&self, limit: u32) -> Answer {
        answer(self.client.take_changes(limit))
    }

    /// Does what is due, and says when the next message is that was scheduled.
    #[wasm_bindgen(js_name = nextDue)]
    pub fn next_due(&self) -> Answer {
        answer(self.client.next_due())
    }

    /// Whether something was put into the outbox since this was last asked.
    #[wasm_bindgen(js_name = hasPosted)]
    #[must_use]
    pub fn has_posted(&self) -> bool {
        self.posted.0.swap(false, Ordering::Relaxed)
    }

    /// Writes a body or a file to a contact or a group.
    pub fn send(&self, to: String, body: &JsValue, reply_to: Option<String>) -> Answer {
        let said = given::said(&self.files, body);
        answer(said.and_then(|(body, file)| {
            if file.is_none() {
                return self.client.send_body(to, body, reply_to);
            }
            let message = OutgoingMessage {
                to,
                body,
                reply_to,
                is_answer: false,
                file,
                rich_text: None,
            };
            let sent = self.client.send_many(vec![message])?;
            sent.into_iter().next().ok_or(WindlassError::Cancelled)
        }))
    }

    /// Writes several messages in one transaction.
    #[wasm_bindgen(js_name = sendMany)]
    pub fn send_many(&self, messages: &Array) -> Answer {
        let messages = given::messages(&self.files, messages);
        answer(messages.and_then(|messages| self.client.send_many(messages)))
    }

    /// What waits for the transport.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    pub fn outbox(&self, after: f64) -> Answer {
        answer(self.client.outbox(after as u64))
    }

    /// The transport took these over.
    #[wasm_bindgen(js_name = markSent)]
    pub fn mark_sent(&self, ids: &[f64]) -> Answer {
        answer(self.client.mark_sent(given::numbers(ids)))
    }

    /// Takes in an envelope.
    pub fn receive(&self, envelope: Vec<u8>) -> Answer {
        answer(self.client.receive(envelope.into()))
    }

    /// Takes in several envelopes in one transaction.
    #[wasm_bindgen(js_name = receiveMany)]
    pub fn receive_many(&self, envelopes: Vec<js_sys::Uint8Array>) -> Answer {
        let envelopes = envelopes.iter().map(|one| Bytes::from(one.to_vec()));
        answer(self.client.receive_many(envelopes.collect()))
    }

    /// Whether events are kept until they were handled.
    #[wasm_bindgen(js_name = keepEvents)]
    pub fn keep_events(&self, keep: bool) -> Answer {
        answer(self.client.keep_events(keep))
    }

    /// The kept events behind a cursor.
    #[wasm_bindgen(js_name = eventsAfter)]
    pub fn events_after(&self, cursor: Option<String>, limit: u32) -> Answer {
        answer(self.client.events_after(cursor, limit))
    }

    /// The events up to this cursor were handled.
    #[wasm_bindgen(js_name = eventsHandled)]
    pub fn events_handled(&self, up_to: String) -> Answer {
        answer(self.client.events_handled(up_to))
    }

    /// Whether messages wait until they were handled.
    #[wasm_bindgen(js_name = keepUnhandled)]
    pub fn keep_unhandled(&self, keep: bool) -> Answer {
        answer(self.client.keep_unhandled(keep))
    }

    /// The messages that wait to be handled.
    pub fn unhandled(&self, limit: u32) -> Answer {
        answer(self.client.unhandled(limit))
    }

    /// The same by name, those with a number above `after`.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    pub fn waiting(&self, after: f64, limit: u32) -> Answer {
        answer(self.client.waiting(after as u64, limit))
    }

    /// One that waits.
    #[wasm_bindgen(js_name = unhandledMessage)]
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    pub fn unhandled_message(&self, number: f64) -> Answer {
        answer(self.client.unhandled_message(number as u64))
    }

    /// How often handling a message was begun.
    #[wasm_bindgen(js_name = setAttempts)]
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    pub fn set_attempts(&self, number: f64, attempts: u32) -> Answer {
        answer(self.client.set_attempts(number as u64, attempts))
    }

    /// A message was handled, and these are the answers.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    pub fn handled(&self, number: f64, answers: &Array) -> Answer {
        let answers = given::messages(&self.files, answers);
        answer(answers.and_then(|answers| self.client.handled(number as u64, answers)))
    }

    /// Of whom the most waits.
    pub fn backlog(&self, limit: u32) -> Answer {
        answer(self.client.backlog(limit))
    }

    /// Nothing of somebody waits any more.
    #[wasm_bindgen(js_name = dropBacklog)]
    pub fn drop_backlog(&self, address: String) -> Answer {
        answer(self.client.drop_backlog(address))
    }

    /// Whether a program writes with this client.
    #[wasm_bindgen(js_name = setBot)]
    pub fn set_bot(&self, bot: bool) {
        self.client.set_bot(bot);
    }

    /// Does what is due by now.
    pub fn maintain(&self) -> Answer {
        answer(self.client.maintain())
    }

    /// 32 bytes that nobody else has, for the name of a mailbox.
    #[wasm_bindgen(js_name = transportSecret)]
    pub fn transport_secret(&self) -> Answer {
        answer(self.client.transport_secret())
    }

    /// Numbers about the store.
    pub fn inspect(&self) -> Answer {
        answer(self.client.inspect())
    }

    /// The clock that the client goes by.
    #[must_use]
    pub fn now(&self) -> JsValue {
        self.client.now().to_js()
    }

    /// Makes what was deleted unreadable.
    pub fn shred(&self) -> Answer {
        answer(self.client.shred())
    }

    /// Changes what opens the store.
    #[wasm_bindgen(js_name = changeKey)]
    pub fn change_key(&self, kind: &str, key: Vec<u8>) -> Answer {
        let changed = given::new_key(kind, key).and_then(|key| self.client.change_key(&key));
        answer(changed)
    }

    /// Shreds and closes.
    pub fn close(&self) -> Answer {
        answer(self.client.close())
    }
}
