//! `Attachment`: files of any size, encrypted to another file that travels as the application likes.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::progress::ProgressListener;
use super::{Result, WindlassError};
use crate::chat;
use crate::crypto::{CHUNK_OVERHEAD, ChunkCipher, Secret, system_random};
use crate::limits::ATTACHMENT_CHUNK_LEN;
use crate::store::StoreError;

/// A file that was encrypted, to be sent once the encrypted file is where the others can fetch it. It holds the key; a file that is
/// encrypted again has another.
#[derive(uniffi::Object)]
pub struct Attachment(chat::Attachment);

/// What a message says of its attachment.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct AttachmentInfo {
    /// The kind, for example `video/mp4`.
    pub media_type: String,
    /// A name for people, without slashes.
    pub name: String,
    /// Bytes of the file.
    pub size: u64,
    /// Where the encrypted file is, as its sender said; for the application.
    pub location: String,
}

#[uniffi::export]
impl Attachment {
    /// Encrypts the file at `path` to a new file at `encrypted`, 64 KiB at a time, whatever its size. Progress is told in bytes.
    #[uniffi::constructor(default(progress = None))]
    pub fn encrypt(
        path: String,
        encrypted: String,
        media_type: String,
        progress: Option<Arc<dyn ProgressListener>>,
    ) -> Result<Arc<Self>> {
        let name = Path::new(&path).file_name().unwrap_or_default();
        let attachment = chat::Attachment {
            media_type,
            name: name.to_string_lossy().into_owned(),
            size: fs::metadata(&path).map_err(file)?.len(),
            key: Secret::random(&mut system_random()?),
            location: String::new(),
        };
        attachment.check()?;
        let done = seal(
            &attachment,
            Path::new(&path),
            Path::new(&encrypted),
            progress.as_deref(),
        );
        if done.is_err() {
            let _ = fs::remove_file(&encrypted);
        }
        done?;
        Ok(Arc::new(Self(attachment)))
    }

    /// What it is.
    #[must_use]
    pub fn info(&self) -> AttachmentInfo {
        AttachmentInfo::of(&self.0)
    }
}

impl Attachment {
    /// As the body of a message.
    pub(super) fn body(&self, location: String) -> chat::Body {
        let mut attachment = self.0.clone();
        attachment.location = location;
        chat::Body::Attachment(attachment)
    }
}

impl AttachmentInfo {
    pub(super) fn of(attachment: &chat::Attachment) -> Self {
        Self {
            media_type: attachment.media_type.clone(),
            name: attachment.name.clone(),
            size: attachment.size,
            location: attachment.location.clone(),
        }
    }
}

fn file(error: io::Error) -> WindlassError {
    StoreError::from(error).into()
}

fn damaged(_: impl core::any::Any) -> WindlassError {
    WindlassError::AttachmentDamaged
}

/// As many bytes as there are, up to the buffer's length.
fn fill(from: &mut impl Read, buffer: &mut [u8]) -> Result<usize> {
    let mut filled = 0;
    while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match from.read(rest) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(file(error)),
        }
    }
    Ok(filled)
}

fn seal(
    attachment: &chat::Attachment,
    path: &Path,
    encrypted: &Path,
    progress: Option<&dyn ProgressListener>,
) -> Result<()> {
    let cipher = ChunkCipher::new(&attachment.key);
    let mut from = File::open(path).map_err(file)?;
    let mut to = OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(encrypted)
        .map_err(file)?;
    let mut buffer = vec![0; ATTACHMENT_CHUNK_LEN];
    let (mut number, mut done) = (0, 0);
    loop {
        let len = fill(&mut from, &mut buffer)?;
        done += len as u64;
        let last = done >= attachment.size;
        if done > attachment.size || (len == 0 && attachment.size > 0) {
            // It grew or shrank meanwhile.
            return Err(WindlassError::AttachmentDamaged);
        }
        let chunk = buffer.get(..len).unwrap_or_default();
        to.write_all(&cipher.seal(number, last, chunk))
            .map_err(file)?;
        if let Some(progress) = progress {
            progress.advance(done, attachment.size)?;
        }
        if last {
            return to.sync_all().map_err(file);
        }
        number += 1;
    }
}

/// Decrypts an encrypted file to a new file at `path`, which has its name only when it is whole. What an earlier call that was stopped
/// left beside it, under the name with `.partial`, is gone on from.
pub(super) fn open(
    attachment: &chat::Attachment,
    encrypted: &Path,
    path: &Path,
    progress: Option<&dyn ProgressListener>,
) -> Result<()> {
    if path.exists() {
        return Err(file(io::Error::from(io::ErrorKind::AlreadyExists)));
    }
    let mut name = path.as_os_str().to_owned();
    name.push(".partial");
    let partial = PathBuf::from(name);
    let chunk_len = ATTACHMENT_CHUNK_LEN as u64;
    let chunks = attachment.size.div_ceil(chunk_len).max(1);
    let cipher = ChunkCipher::new(&attachment.key);
    let mut from = File::open(encrypted).map_err(file)?;
    let overhead = CHUNK_OVERHEAD as u64;
    if from.metadata().map_err(file)?.len() != attachment.size + chunks * overhead {
        return Err(WindlassError::AttachmentDamaged);
    }
    let mut to = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(&partial)
        .map_err(file)?;
    // Whole chunks were written after they were checked; the last one is written anew.
    let mut number = (to.metadata().map_err(file)?.len() / chunk_len).min(chunks - 1);
    to.set_len(number * chunk_len).map_err(file)?;
    to.seek(SeekFrom::End(0)).map_err(file)?;
    from.seek(SeekFrom::Start(number * (chunk_len + overhead)))
        .map_err(file)?;
    let mut buffer = vec![0; ATTACHMENT_CHUNK_LEN + CHUNK_OVERHEAD];
    loop {
        let last = number + 1 == chunks;
        let len = fill(&mut from, &mut buffer)?;
        let sealed = buffer.get(..len).unwrap_or_default();
        let opened = cipher.open(number, last, sealed);
        if opened.is_err() {
            // A key or a file that is another: what is there is of no use to a later call.
            let _ = fs::remove_file(&partial);
        }
        to.write_all(opened.map_err(damaged)?.as_slice())
            .map_err(file)?;
        number += 1;
        if let Some(progress) = progress {
            progress.advance((number * chunk_len).min(attachment.size), attachment.size)?;
        }
        if last {
            to.sync_all().map_err(file)?;
            return fs::rename(&partial, path).map_err(file);
        }
    }
}
