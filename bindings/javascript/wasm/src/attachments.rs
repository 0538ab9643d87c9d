//! Files that travel another way, part by part. What is being encrypted or decrypted stays here, by a number.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Arc;

use wasm_bindgen::prelude::*;
use windlass::{
    Attachment, AttachmentOpener, AttachmentSealer, OutgoingFile, Result, WindlassError,
};

use crate::client::Client;
use crate::failure::{Answer, answer};
use crate::values::Record;

/// The files that are at work, and those that wait to be sent.
pub(crate) struct Files(RefCell<(u64, BTreeMap<u64, File>)>);

enum File {
    Sealing(Box<AttachmentSealer>),
    Opening(Box<AttachmentOpener>),
    Sealed(Arc<Attachment>),
}

impl Files {
    /// The numbers begin anywhere: one that another client gave, of whom a tab took a store over, is none of this one's.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    pub(crate) fn new() -> Self {
        let first = js_sys::Math::random() * 2f64.powi(52);
        Self(RefCell::new((first as u64, BTreeMap::new())))
    }

    fn keep(&self, file: File) -> u64 {
        let (last, files) = &mut *self.0.borrow_mut();
        *last += 1;
        files.insert(*last, file);
        *last
    }

    fn with<T>(&self, number: f64, done: impl FnOnce(&mut File) -> Option<Result<T>>) -> Result<T> {
        let files = &mut self.0.borrow_mut().1;
        let done = files.get_mut(&whole(number)).and_then(done);
        done.unwrap_or(Err(WindlassError::Cancelled))
    }

    fn take(&self, number: f64) -> Result<File> {
        let file = self.0.borrow_mut().1.remove(&whole(number));
        file.ok_or(WindlassError::Cancelled)
    }

    /// What is sent of an encrypted file.
    pub(crate) fn outgoing(&self, number: f64, location: String) -> Result<OutgoingFile> {
        self.with(number, |file| match file {
            File::Sealed(attachment) => Some(Ok(OutgoingFile {
                attachment: Arc::clone(attachment),
                location,
            })),
            _ => None,
        })
    }
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
fn whole(number: f64) -> u64 {
    number as u64
}

#[wasm_bindgen]
impl Client {
    /// Begins to encrypt a file; its number.
    #[wasm_bindgen(js_name = beginFile)]
    pub fn begin_file(&self, name: &str, media_type: String) -> Answer {
        let sealer = AttachmentSealer::new(name, media_type);
        answer(sealer.map(|sealer| self.files.keep(File::Sealing(Box::new(sealer)))))
    }

    /// What the encrypted file goes on with.
    #[wasm_bindgen(js_name = encryptPart)]
    pub fn encrypt_part(&self, number: f64, part: &[u8]) -> Answer {
        answer(self.files.with(number, |file| match file {
            File::Sealing(sealer) => Some(sealer.take(part)),
            _ => None,
        }))
    }

    /// The end of the encrypted file, which is sent by its number from now on.
    #[wasm_bindgen(js_name = encryptEnd)]
    pub fn encrypt_end(&self, number: f64) -> Answer {
        let finished = match self.files.take(number) {
            Ok(File::Sealing(sealer)) => sealer.finish(),
            Ok(_) => Err(WindlassError::Cancelled),
            Err(error) => Err(error),
        };
        answer(finished.map(|(bytes, attachment)| {
            let ended = Record::new()
                .with("bytes", bytes)
                .with("info", attachment.info());
            ended.with("number", self.files.keep(File::Sealed(attachment)))
        }))
    }

    /// Begins to decrypt the file of a message; its number.
    #[wasm_bindgen(js_name = openFile)]
    pub fn open_file(&self, address: String, author: &str, id: &str) -> Answer {
        let found = self.at(address, author, id);
        let opener = found.and_then(|(chat, message)| chat.open_attachment(message));
        answer(opener.map(|opener| self.files.keep(File::Opening(Box::new(opener)))))
    }

    /// What the file goes on with.
    #[wasm_bindgen(js_name = decryptPart)]
    pub fn decrypt_part(&self, number: f64, part: &[u8]) -> Answer {
        answer(self.files.with(number, |file| match file {
            File::Opening(opener) => Some(opener.take(part)),
            _ => None,
        }))
    }

    /// The end of the file, if it was the one of the message.
    #[wasm_bindgen(js_name = decryptEnd)]
    pub fn decrypt_end(&self, number: f64) -> Answer {
        answer(match self.files.take(number) {
            Ok(File::Opening(opener)) => opener.finish(),
            Ok(_) => Err(WindlassError::Cancelled),
            Err(error) => Err(error),
        })
    }

    /// Nothing is done with a file any more.
    #[wasm_bindgen(js_name = forgetFile)]
    pub fn forget_file(&self, number: f64) {
        let _ = self.files.take(number);
    }
}
