//! `Attachment`: files of any size, encrypted to another file that travels as the application likes.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use data_encoding::HEXLOWER;

use super::progress::ProgressListener;
use super::{Result, WindlassError};
use crate::chat;
use crate::crypto::{CHUNK_OVERHEAD, ChunkCipher, RunningHash, Secret, hmac_sha256, system_random};
use crate::limits::ATTACHMENT_CHUNK_LEN;
use crate::store::StoreError;

/// A file that was encrypted, to be sent once the encrypted file is where the others can fetch it. It holds the key; a file that is
/// encrypted again has another.
#[cfg_attr(feature = "uniffi", derive(uniffi::Object))]
pub struct Attachment(chat::Attachment);

/// What a message says of its attachment.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
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

#[cfg_attr(feature = "uniffi", uniffi::export)]
impl Attachment {
    /// What it is.
    #[must_use]
    pub fn info(&self) -> AttachmentInfo {
        AttachmentInfo::of(&self.0)
    }
}

exported! {
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
        let mut attachment = chat::Attachment {
            media_type,
            name: name.to_string_lossy().into_owned(),
            size: fs::metadata(&path).map_err(file)?.len(),
            key: Secret::random(&mut system_random()?),
            digest: [0; 32],
            location: String::new(),
        };
        attachment.check()?;
        let mut from = File::open(&path).map_err(file)?;
        // What is there already is somebody's, and may be the file itself. From here on it is this call's to remove.
        let mut to = File::create_new(&encrypted).map_err(file)?;
        let done = seal(&attachment, &mut from, &mut to, progress.as_deref());
        if done.is_err() {
            let _ = fs::remove_file(&encrypted);
        }
        attachment.digest = done?;
        Ok(Arc::new(Self(attachment)))
    }
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

/// Encrypts a file; the hash of what it became.
fn seal(
    attachment: &chat::Attachment,
    from: &mut File,
    to: &mut File,
    progress: Option<&dyn ProgressListener>,
) -> Result<[u8; 32]> {
    let cipher = ChunkCipher::new(&attachment.key);
    let mut hash = RunningHash::default();
    let mut buffer = vec![0; ATTACHMENT_CHUNK_LEN];
    let (mut number, mut done) = (0, 0);
    loop {
        let len = fill(from, &mut buffer)?;
        done += len as u64;
        let last = done >= attachment.size;
        if done > attachment.size || (len == 0 && attachment.size > 0) {
            // It grew or shrank meanwhile.
            return Err(WindlassError::AttachmentDamaged);
        }
        let chunk = buffer.get(..len).unwrap_or_default();
        let sealed = cipher.seal(number, last, chunk);
        hash.update(&sealed);
        to.write_all(&sealed).map_err(file)?;
        if let Some(progress) = progress {
            progress.advance(done, attachment.size)?;
        }
        if last {
            to.sync_all().map_err(file)?;
            return Ok(hash.finish());
        }
        number += 1;
    }
}

/// Where the file of an attachment is while it is not whole: beside the one it is to be, under a name that follows from its key, so that
/// it is taken for no other attachment's, and is no file of the user's.
fn unfinished(attachment: &chat::Attachment, path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().as_encoded_bytes();
    let key = attachment.key.as_bytes();
    let hash = hmac_sha256(key, &[b"Windlass store v1 unfinished file", name]);
    let (short, _) = hash.as_bytes().split_at(16);
    path.with_file_name(format!("{}.partial", HEXLOWER.encode(short)))
}

/// Decrypts an encrypted file to a new file at `path`, which has its name only when it is whole and the one that the message means. What
/// an earlier call that was stopped left beside it is gone on from, as far as it is what the encrypted file says: a machine that died may
/// have left anything in it.
pub(super) fn open(
    attachment: &chat::Attachment,
    encrypted: &Path,
    path: &Path,
    progress: Option<&dyn ProgressListener>,
) -> Result<()> {
    if path.exists() {
        return Err(file(io::Error::from(io::ErrorKind::AlreadyExists)));
    }
    let partial = unfinished(attachment, path);
    let mut from = File::open(encrypted).map_err(file)?;
    let chunks = chunks(attachment);
    let sealed_len = (attachment.size).saturating_add(chunks * CHUNK_OVERHEAD as u64);
    if from.metadata().map_err(file)?.len() != sealed_len {
        return Err(WindlassError::AttachmentDamaged);
    }
    let mut to = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(&partial)
        .map_err(file)?;
    let done = open_chunks(attachment, &mut from, &mut to, progress);
    if done == Err(WindlassError::AttachmentDamaged) {
        // A key or a file that is another: what is there is of no use to a later call.
        let _ = fs::remove_file(&partial);
    }
    done?;
    to.set_len(attachment.size).map_err(file)?;
    to.sync_all().map_err(file)?;
    fs::rename(&partial, path).map_err(file)
}

/// How many chunks it has; an empty file has one.
fn chunks(attachment: &chat::Attachment) -> u64 {
    attachment.size.div_ceil(ATTACHMENT_CHUNK_LEN as u64).max(1)
}

/// Opens all chunks, and then looks whether they were those of the file that the message means (RFC windlass §9.7.3).
fn open_chunks(
    attachment: &chat::Attachment,
    from: &mut File,
    to: &mut File,
    progress: Option<&dyn ProgressListener>,
) -> Result<()> {
    let chunk_len = ATTACHMENT_CHUNK_LEN as u64;
    let chunks = chunks(attachment);
    let cipher = ChunkCipher::new(&attachment.key);
    let mut hash = RunningHash::default();
    let mut sealed = vec![0; ATTACHMENT_CHUNK_LEN + CHUNK_OVERHEAD];
    let mut there = vec![0; ATTACHMENT_CHUNK_LEN];
    for number in 0..chunks {
        let last = number + 1 == chunks;
        let len = fill(from, &mut sealed)?;
        let chunk = sealed.get(..len).unwrap_or_default();
        hash.update(chunk);
        let opened = cipher.open(number, last, chunk).map_err(damaged)?;
        let len = fill(to, &mut there)?;
        if there.get(..len) != Some(opened.as_slice()) {
            let start = number * chunk_len;
            to.set_len(start).map_err(file)?;
            to.seek(SeekFrom::Start(start)).map_err(file)?;
            to.write_all(&opened).map_err(file)?;
        }
        if let Some(progress) = progress {
            let done = (number + 1) * chunk_len;
            progress.advance(done.min(attachment.size), attachment.size)?;
        }
    }
    if hash.finish() != attachment.digest {
        return Err(WindlassError::AttachmentDamaged);
    }
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    /// Whoever made the key can seal other files with it, of the same length, and put them where the first one was.
    #[test]
    fn another_file_of_the_same_key_is_not_the_attachment() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let mut attachment = chat::Attachment {
            media_type: "text/plain".into(),
            name: "contract".into(),
            size: 100_000,
            key: Secret::new([7; 32]),
            digest: [0; 32],
            location: "somewhere".into(),
        };
        for (name, byte) in [("other", b'2'), ("meant", b'1')] {
            fs::write(path(name), vec![byte; 100_000]).unwrap();
            let mut from = File::open(path(name)).unwrap();
            let mut to = File::create_new(path(&format!("{name}.sealed"))).unwrap();
            attachment.digest = seal(&attachment, &mut from, &mut to, None).unwrap();
        }
        let refused = open(&attachment, &path("other.sealed"), &path("saved"), None);
        assert_eq!(refused, Err(WindlassError::AttachmentDamaged));
        // Neither it nor a part of it is there.
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 4);
        open(&attachment, &path("meant.sealed"), &path("saved"), None).unwrap();
        assert_eq!(fs::read(path("saved")).unwrap(), vec![b'1'; 100_000]);
    }
}
