//! The open files of JavaScript as the store writes to them.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io::{self, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};

use js_sys::Reflect;
use redb::StorageBackend;
use wasm_bindgen::{JsCast, JsValue};
use windlass::store::{FileFault, StoreError};

use crate::outside::Handle;

thread_local! {
    // A module of WebAssembly is one thread, and what the core holds has to cross threads. So it holds a number, and no unsafe code is needed.
    static OPEN: RefCell<(u32, BTreeMap<u32, Handle>)> = const { RefCell::new((0, BTreeMap::new())) };
}

/// A file of JavaScript; closed with this value.
#[derive(Debug)]
pub(crate) struct File {
    number: u32,
    path: PathBuf,
}

impl File {
    pub(crate) fn new(handle: Handle, path: &Path) -> Self {
        let number = OPEN.with_borrow_mut(|(last, open)| {
            *last += 1;
            open.insert(*last, handle);
            *last
        });
        let path = path.to_owned();
        Self { number, path }
    }

    fn with<T>(
        &self,
        step: &'static str,
        done: impl FnOnce(&Handle) -> Result<T, JsValue>,
    ) -> io::Result<T> {
        OPEN.with_borrow(|(_, open)| match open.get(&self.number) {
            Some(handle) => done(handle).map_err(|error| self.failed(step, cause(&error))),
            None => Err(self.failed(step, ErrorKind::NotConnected.into())),
        })
    }

    /// As an error that goes through redb and keeps what it says.
    fn failed(&self, step: &'static str, error: io::Error) -> io::Error {
        io::Error::new(error.kind(), FileFault::new(&self.path, step, &error))
    }

    /// The whole of `len` bytes, or `otherwise`.
    fn whole(
        &self,
        step: &'static str,
        len: usize,
        otherwise: ErrorKind,
        done: impl FnOnce(&Handle) -> Result<f64, JsValue>,
    ) -> io::Result<()> {
        if self.with(step, done)? == number(len as u64) {
            return Ok(());
        }
        Err(self.failed(step, otherwise.into()))
    }
}

impl Drop for File {
    fn drop(&mut self) {
        let handle = OPEN.with_borrow_mut(|(_, open)| open.remove(&self.number));
        // Nobody is left to be told; what was to be durable was flushed.
        let _ = handle.map(|handle| handle.close());
    }
}

impl StorageBackend for File {
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    fn len(&self) -> io::Result<u64> {
        self.with("measured", |handle| handle.size().map(|size| size as u64))
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let (at, len) = (number(offset), out.len());
        self.whole("read", len, ErrorKind::UnexpectedEof, |handle| {
            handle.read(out, at)
        })
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.with("given its length", |handle| handle.truncate(number(len)))
    }

    fn sync_data(&self) -> io::Result<()> {
        self.with("synced", Handle::flush)
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let (at, len) = (number(offset), data.len());
        self.whole("written", len, ErrorKind::StorageFull, |handle| {
            handle.write(data, at)
        })
    }
}

/// A file from its beginning on: of a backup, which is read or written once.
pub(crate) struct Stream {
    file: File,
    at: u64,
}

impl Stream {
    pub(crate) fn new(handle: Handle) -> Self {
        let file = File::new(handle, Path::new("the backup"));
        Self { file, at: 0 }
    }

    pub(crate) fn len(&self) -> io::Result<u64> {
        self.file.len()
    }
}

impl Read for Stream {
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        let at = number(self.at);
        let read = self.file.with("read", |handle| handle.read(to, at))?;
        self.at += read as u64;
        Ok(read as usize)
    }
}

impl Write for Stream {
    fn write(&mut self, from: &[u8]) -> io::Result<usize> {
        StorageBackend::write(&self.file, self.at, from)?;
        self.at += from.len() as u64;
        Ok(from.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.sync_data()
    }
}

/// No file is so long that its offsets are not whole numbers of JavaScript.
#[allow(clippy::cast_precision_loss)]
fn number(offset: u64) -> f64 {
    offset as f64
}

/// What an error of Node (by its code) or of a browser (by its name) is.
fn cause(error: &JsValue) -> io::Error {
    let said = |name: &str| Reflect::get(error, &name.into()).ok()?.as_string();
    let name = said("code").or_else(|| said("name")).unwrap_or_default();
    let kind = match name.as_str() {
        "ENOSPC" | "EDQUOT" | "QuotaExceededError" => ErrorKind::StorageFull,
        "ENOENT" | "NotFoundError" => ErrorKind::NotFound,
        "EACCES" | "EPERM" | "NotAllowedError" | "SecurityError" => ErrorKind::PermissionDenied,
        "EROFS" => ErrorKind::ReadOnlyFilesystem,
        "EEXIST" => ErrorKind::AlreadyExists,
        "EISDIR" => ErrorKind::IsADirectory,
        "ENOTDIR" | "TypeMismatchError" => ErrorKind::NotADirectory,
        "EFBIG" => ErrorKind::FileTooLarge,
        _ => ErrorKind::Other,
    };
    let sentence = error.dyn_ref::<js_sys::Error>();
    let sentence = sentence.map_or(name, |error| error.message().into());
    io::Error::new(kind, sentence)
}

/// The error of a step on a file.
pub(crate) fn fault(path: &Path, step: &'static str, error: &JsValue) -> StoreError {
    StoreError::File(FileFault::new(path, step, &cause(error)))
}
