//! `Attachment`: files of any size, encrypted to another file that travels as the application likes.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use data_encoding::HEXLOWER;

use super::attachment_chunks::{Opening, Sealing};
use super::path::path_of;
use super::progress::ProgressListener;
use super::{Result, WindlassError};
use crate::chat;
use crate::crypto::{CHUNK_OVERHEAD, Secret, SecretBytes, hmac_sha256, system_random};
use crate::limits::ATTACHMENT_CHUNK_LEN;
use crate::store::{fault, new_file, of_new, owners_only, publish};

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
    /// A name for people that a file can be saved under: one name in one folder on every system, whatever its sender called it.
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
        let (path, encrypted) = (path_of(&path), path_of(&encrypted));
        let name = path.file_name().unwrap_or_default();
        let mut attachment = chat::Attachment {
            media_type,
            name: chat::safe_name(&name.to_string_lossy()),
            size: 0,
            key: Secret::random(&mut system_random()?),
            digest: [0; 32],
            location: String::new(),
            caption: chat::Text::default(),
        };
        attachment.check()?;
        let expected = length_of(&path)?;
        let from = File::open(&path).map_err(|error| fault(&path, "opened", error))?;
        let mut from = Opened::new(from, &path);
        // What is there already is somebody's, and may be the file itself. From here on it is this call's to remove.
        let to = new_file().open(&encrypted);
        let to = to.map_err(|error| fault(&encrypted, "made", error))?;
        let mut to = Opened::new(to, &encrypted);
        let done = seal(&attachment.key, &mut from, &mut to, (progress.as_deref(), expected));
        if done.is_err() {
            let _ = fs::remove_file(&encrypted);
        }
        (attachment.size, attachment.digest) = done?;
        Ok(Arc::new(Self(attachment)))
    }
}
}

impl Attachment {
    pub(super) fn of(attachment: chat::Attachment) -> Self {
        Self(attachment)
    }

    #[cfg(test)]
    pub(super) fn sealed(&self) -> &chat::Attachment {
        &self.0
    }

    /// As the body of a message.
    pub(super) fn body(&self, location: String) -> chat::Body {
        self.captioned(location, chat::Text::default())
    }

    /// The same, with what is said with it.
    pub(super) fn captioned(&self, location: String, caption: chat::Text) -> chat::Body {
        let mut attachment = self.0.clone();
        (attachment.location, attachment.caption) = (location, caption);
        chat::Body::Attachment(attachment)
    }
}

impl AttachmentInfo {
    pub(super) fn of(attachment: &chat::Attachment) -> Self {
        Self {
            media_type: attachment.media_type.clone(),
            name: chat::safe_name(&attachment.name),
            size: attachment.size,
            location: attachment.location.clone(),
        }
    }
}

/// A file that is open, and the name that its failures say.
struct Opened<'a> {
    file: File,
    path: &'a Path,
}

impl<'a> Opened<'a> {
    fn new(file: File, path: &'a Path) -> Self {
        Self { file, path }
    }

    /// As many bytes as there are, up to the buffer's length.
    fn fill(&mut self, buffer: &mut [u8]) -> Result<usize> {
        let mut filled = 0;
        while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            match self.file.read(rest) {
                Ok(0) => break,
                Ok(read) => filled += read,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(fault(self.path, "read", error).into()),
            }
        }
        Ok(filled)
    }

    fn done<T>(&self, done: io::Result<T>) -> Result<T> {
        done.map_err(|error| fault(self.path, "written", error).into())
    }

    fn write(&mut self, bytes: &[u8]) -> Result<()> {
        let written = self.file.write_all(bytes);
        self.done(written)
    }

    fn sync(&mut self) -> Result<()> {
        self.done(self.file.sync_all())
    }
}

/// How long the file says it is, which of a pipe or a file of the system's is no more than a guess. What has no end, or is no file, is
/// refused before it is opened.
fn length_of(path: &Path) -> Result<u64> {
    let found = fs::metadata(path).map_err(|error| fault(path, "opened", error))?;
    let kind = found.file_type();
    #[cfg(unix)]
    let is_device = {
        use std::os::unix::fs::FileTypeExt;
        kind.is_char_device() || kind.is_block_device() || kind.is_socket()
    };
    #[cfg(not(unix))]
    let is_device = false;
    let refused = match (kind.is_dir(), is_device) {
        (true, _) => io::Error::new(ErrorKind::IsADirectory, "it is a folder"),
        (_, true) => io::Error::new(ErrorKind::Unsupported, "it is a device"),
        _ => return Ok(found.len()),
    };
    Err(fault(path, "attached", refused).into())
}

fn chunk_buffer() -> SecretBytes {
    SecretBytes::new(vec![0; ATTACHMENT_CHUNK_LEN])
}

/// Encrypts what is read until its end; its length, and the hash of what it became.
fn seal(
    key: &Secret<32>,
    from: &mut Opened<'_>,
    to: &mut Opened<'_>,
    (progress, expected): (Option<&dyn ProgressListener>, u64),
) -> Result<(u64, [u8; 32])> {
    let mut sealing = Sealing::new(key);
    // One ahead: only the end says which chunk is the last.
    let (mut chunk, mut next) = (chunk_buffer(), chunk_buffer());
    let mut len = from.fill(&mut chunk)?;
    let mut done = 0;
    loop {
        let following = match len {
            ATTACHMENT_CHUNK_LEN => from.fill(&mut next)?,
            _ => 0,
        };
        let last = following == 0;
        let sealed = sealing.chunk(last, chunk.get(..len).unwrap_or_default())?;
        to.write(&sealed)?;
        done += len as u64;
        if let Some(progress) = progress {
            let total = if last { done } else { expected.max(done) };
            progress.advance(done, total)?;
        }
        if last {
            to.sync()?;
            return Ok((done, sealing.finish()));
        }
        core::mem::swap(&mut chunk, &mut next);
        len = following;
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
    let path = of_new(path)?;
    let partial = unfinished(attachment, &path);
    let from = File::open(encrypted).and_then(|from| Ok((from.metadata()?.len(), from)));
    let (len, from) = from.map_err(|error| fault(encrypted, "opened", error))?;
    let overhead = Opening::new(attachment).chunks * CHUNK_OVERHEAD as u64;
    let sealed_len = attachment.size.saturating_add(overhead);
    if len != sealed_len {
        return Err(WindlassError::AttachmentDamaged);
    }
    if fs::symlink_metadata(&partial).is_ok_and(|there| !there.is_file()) {
        let error = io::Error::new(ErrorKind::InvalidInput, "its name is something else's");
        return Err(fault(&partial, "made", error).into());
    }
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    owners_only(&mut options);
    let to = options.open(&partial);
    let to = to.map_err(|error| fault(&partial, "made", error))?;
    let mut to = Opened::new(to, &partial);
    let done = open_chunks(
        attachment,
        &mut Opened::new(from, encrypted),
        &mut to,
        progress,
    );
    if done == Err(WindlassError::AttachmentDamaged) {
        // A key or a file that is another: what is there is of no use to a later call.
        let _ = fs::remove_file(&partial);
    }
    done?;
    to.done(to.file.set_len(attachment.size))?;
    to.sync()?;
    Ok(publish(&partial, &path)?)
}

/// Opens all chunks, and writes those that are not there yet.
fn open_chunks(
    attachment: &chat::Attachment,
    from: &mut Opened<'_>,
    to: &mut Opened<'_>,
    progress: Option<&dyn ProgressListener>,
) -> Result<()> {
    let chunk_len = ATTACHMENT_CHUNK_LEN as u64;
    let mut opening = Opening::new(attachment);
    let mut sealed = vec![0; ATTACHMENT_CHUNK_LEN + CHUNK_OVERHEAD];
    let mut there = chunk_buffer();
    for number in 0..opening.chunks {
        let len = from.fill(&mut sealed)?;
        let chunk = sealed.get(..len).unwrap_or_default();
        let opened = opening.chunk(chunk)?;
        let len = to.fill(&mut there)?;
        if there.get(..len) != Some(opened.as_slice()) {
            let start = number * chunk_len;
            to.done(to.file.set_len(start))?;
            let sought = to.file.seek(SeekFrom::Start(start));
            to.done(sought)?;
            to.write(&opened)?;
        }
        if let Some(progress) = progress {
            let done = (number + 1) * chunk_len;
            progress.advance(done.min(attachment.size), attachment.size)?;
        }
    }
    opening.finish()
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
            caption: chat::Text::default(),
        };
        for (name, byte) in [("other", b'2'), ("meant", b'1')] {
            fs::write(path(name), vec![byte; 100_000]).unwrap();
            let (clear, sealed) = (path(name), path(&format!("{name}.sealed")));
            let mut from = Opened::new(File::open(&clear).unwrap(), &clear);
            let mut to = Opened::new(File::create_new(&sealed).unwrap(), &sealed);
            let done = seal(&attachment.key, &mut from, &mut to, (None, 0)).unwrap();
            attachment.digest = done.1;
        }
        let refused = open(&attachment, &path("other.sealed"), &path("saved"), None);
        assert_eq!(refused, Err(WindlassError::AttachmentDamaged));
        // Neither it nor a part of it is there.
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 4);
        open(&attachment, &path("meant.sealed"), &path("saved"), None).unwrap();
        assert_eq!(fs::read(path("saved")).unwrap(), vec![b'1'; 100_000]);
    }
}
