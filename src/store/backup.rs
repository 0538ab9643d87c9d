//! A backup file: records of bytes, sealed in chunks under a key of its own (docs/store.md, "Backup").
//!
//! `magic || version || derivation || salt`, then chunks `length || sealed`. Each chunk is bound to the head, to its place and to
//! whether it is the last, so that nothing can be left out, moved or cut off. What the chunks hold, one behind the other, is the
//! records, `length || record`; a record begins and ends where it does, whatever its length.

use std::fs::{self, File};
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use super::error::StoreError;
use super::fault::FileFault;
use super::key::{Derivation, StoreKey, WrappingKey};
use super::path::{beside, fault, new_file, of_new, publish};
use crate::crypto::{self, SEAL_OVERHEAD, Secret, SecretBytes, SeededRandom, hkdf_sha256};

const MAGIC: &[u8; 8] = b"WLBACKUP";
/// Version of the format.
const VERSION: u32 = 1;
/// magic, version, derivation, salt.
const HEAD_LEN: usize = 8 + 4 + Derivation::LEN + 16;
/// What is sealed at once, and held in memory; the last chunk is what is left.
const CHUNK_LEN: usize = 64 * 1024;
/// Of a record's length.
const LENGTH_LEN: usize = 8;

type Head = [u8; HEAD_LEN];

/// Where a backup goes.
trait Target: Write + Send {
    /// Everything is written: it is durable when this returns.
    fn finish(&mut self) -> Result<(), StoreError>;
}

/// A new file, under another name until it is whole, so that what has the name can be relied on.
struct NewFile {
    file: BufWriter<File>,
    path: PathBuf,
    unfinished: PathBuf,
}

impl NewFile {
    fn create(path: PathBuf, rng: &mut SeededRandom) -> Result<Self, StoreError> {
        // A name that nobody has, so that no other file is in the way, and none is harmed.
        let name = u64::from_be_bytes(*Secret::random(rng).as_bytes());
        let unfinished = beside(&path, &format!("{name:016x}.new"));
        let file = new_file().open(&unfinished);
        let file = file.map_err(|error| fault(&unfinished, "made", error))?;
        Ok(Self {
            file: BufWriter::new(file),
            path,
            unfinished,
        })
    }

    fn named<T>(&self, done: io::Result<T>) -> io::Result<T> {
        done.map_err(|error| FileFault::new(&self.path, "written", &error).carried())
    }
}

impl Write for NewFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(bytes);
        self.named(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        let flushed = self.file.flush();
        self.named(flushed)
    }
}

impl Target for NewFile {
    fn finish(&mut self) -> Result<(), StoreError> {
        self.flush()?;
        self.named(self.file.get_ref().sync_all())?;
        publish(&self.unfinished, &self.path)
    }
}

/// What was not finished is no backup, so it does not stay.
impl Drop for NewFile {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.unfinished);
    }
}

/// Wherever the caller likes, who makes it durable.
struct Stream(Box<dyn Write + Send>);

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

impl Target for Stream {
    fn finish(&mut self) -> Result<(), StoreError> {
        Ok(self.flush()?)
    }
}

/// Writes a backup.
pub struct BackupWriter {
    to: Box<dyn Target>,
    head: Head,
    key: Secret<32>,
    chunk: SecretBytes,
    chunks: u64,
    rng: SeededRandom,
}

impl BackupWriter {
    /// To a new file. Refuses a path where something is.
    pub fn create(path: &Path, key: &StoreKey) -> Result<Self, StoreError> {
        let path = of_new(path)?;
        Self::begin(key, |rng| Ok(Box::new(NewFile::create(path, rng)?)))
    }

    /// To wherever the caller likes.
    pub fn create_to(to: Box<dyn Write + Send>, key: &StoreKey) -> Result<Self, StoreError> {
        Self::begin(key, |_| Ok(Box::new(Stream(to))))
    }

    fn begin(
        key: &StoreKey,
        to: impl FnOnce(&mut SeededRandom) -> Result<Box<dyn Target>, StoreError>,
    ) -> Result<Self, StoreError> {
        let mut rng = crypto::system_random()?;
        let wrapping = WrappingKey::create(key, &mut rng)?;
        let mut head = Vec::with_capacity(HEAD_LEN);
        head.extend_from_slice(MAGIC);
        head.extend_from_slice(&VERSION.to_be_bytes());
        head.extend_from_slice(&wrapping.derivation.to_bytes());
        head.extend_from_slice(&wrapping.salt);
        let head: Head = head.try_into().map_err(|_| StoreError::BackupDamaged)?;
        let mut to = to(&mut rng)?;
        to.write_all(&head)?;
        Ok(Self {
            to,
            key: chunk_key(&wrapping),
            head,
            chunk: empty_chunk(),
            chunks: 0,
            rng,
        })
    }

    /// Adds a record, of any length.
    pub fn push(&mut self, record: &[u8]) -> Result<(), StoreError> {
        self.append(&(record.len() as u64).to_be_bytes())?;
        self.append(record)
    }

    /// Never more than the chunk has room for, or it would move and leave a copy of what is in it.
    fn append(&mut self, mut bytes: &[u8]) -> Result<(), StoreError> {
        while !bytes.is_empty() {
            let room = CHUNK_LEN - self.chunk.len();
            let (now, later) = bytes.split_at(room.min(bytes.len()));
            self.chunk.extend_from_slice(now);
            if self.chunk.len() == CHUNK_LEN {
                self.write_chunk(false)?;
            }
            bytes = later;
        }
        Ok(())
    }

    /// Ends the backup. A file is durable and has its name when this returns.
    pub fn finish(mut self) -> Result<(), StoreError> {
        self.write_chunk(true)?;
        self.to.finish()
    }

    fn write_chunk(&mut self, last: bool) -> Result<(), StoreError> {
        let data = associated_data(&self.head, self.chunks, last);
        let sealed = crypto::seal(&self.key, &self.chunk, &data, &mut self.rng)?;
        let len = u32::try_from(sealed.len()).map_err(|_| StoreError::BackupDamaged)?;
        self.to.write_all(&len.to_be_bytes())?;
        self.to.write_all(&sealed)?;
        self.chunks += 1;
        crypto::wipe(&mut self.chunk);
        Ok(())
    }
}

/// Reads a backup.
pub struct BackupReader {
    from: Box<dyn Read + Send>,
    head: Head,
    key: Secret<32>,
    len: u64,
    read: u64,
    chunk: SecretBytes,
    /// How much of the chunk was given out.
    given: usize,
    chunks: u64,
    ended: bool,
}

impl BackupReader {
    /// Opens a backup.
    pub fn open(path: &Path, key: &StoreKey) -> Result<Self, StoreError> {
        let opened = File::open(path).and_then(|file| Ok((file.metadata()?.len(), file)));
        let (len, file) = opened.map_err(|error| fault(path, "opened", error))?;
        Self::open_from(Box::new(BufReader::new(file)), len, key)
    }

    /// Opens a backup of `len` bytes from wherever the caller has it.
    pub fn open_from(
        mut from: Box<dyn Read + Send>,
        len: u64,
        key: &StoreKey,
    ) -> Result<Self, StoreError> {
        let mut head: Head = [0; HEAD_LEN];
        from.read_exact(&mut head)
            .map_err(|_| StoreError::NotABackup)?;
        let (magic, rest) = head.split_at(MAGIC.len());
        if magic != MAGIC {
            return Err(StoreError::NotABackup);
        }
        let (version, rest) = rest
            .split_first_chunk::<4>()
            .ok_or(StoreError::NotABackup)?;
        let version = u32::from_be_bytes(*version);
        if version > VERSION {
            return Err(StoreError::NewerVersion {
                got: version,
                max: VERSION,
            });
        }
        let (derivation, rest) = rest
            .split_first_chunk::<{ Derivation::LEN }>()
            .ok_or(StoreError::NotABackup)?;
        let (salt, _) = rest
            .split_first_chunk::<16>()
            .ok_or(StoreError::NotABackup)?;
        let derivation = Derivation::from_bytes(derivation).ok_or(StoreError::BackupDamaged)?;
        let wrapping = WrappingKey::derive(key, derivation, *salt)?;
        Ok(Self {
            from,
            key: chunk_key(&wrapping),
            head,
            len,
            read: HEAD_LEN as u64,
            chunk: SecretBytes::default(),
            given: 0,
            chunks: 0,
            ended: false,
        })
    }

    /// The next record; `None` behind the last one.
    pub fn next_record(&mut self) -> Result<Option<SecretBytes>, StoreError> {
        let mut len = [0; LENGTH_LEN];
        if !self.fill(&mut len)? {
            return Ok(None);
        }
        let len = u64::from_be_bytes(len);
        // No record is longer than the file it is in, so a length costs no more memory than the file has bytes.
        let len = usize::try_from(len)
            .ok()
            .filter(|_| len <= self.len)
            .ok_or(StoreError::BackupDamaged)?;
        let mut record = SecretBytes::new(vec![0; len]);
        if !self.fill(&mut record)? {
            return Err(StoreError::BackupDamaged);
        }
        Ok(Some(record))
    }

    /// Fills `to` from as many chunks as it takes; false when the backup ended before the first byte.
    fn fill(&mut self, to: &mut [u8]) -> Result<bool, StoreError> {
        let mut filled = 0;
        while let Some(rest) = to.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            let given = self.chunk.get(self.given..).unwrap_or_default();
            if given.is_empty() {
                match (self.next_chunk()?, filled) {
                    (true, _) => continue,
                    (false, 0) => return Ok(false),
                    (false, _) => return Err(StoreError::BackupDamaged),
                }
            }
            let count = given.len().min(rest.len());
            for (to, from) in rest.iter_mut().zip(given) {
                *to = *from;
            }
            filled += count;
            self.given += count;
        }
        Ok(true)
    }

    /// Opens the next chunk; false behind the last one.
    fn next_chunk(&mut self) -> Result<bool, StoreError> {
        if self.ended {
            return Ok(false);
        }
        let mut len = [0; 4];
        self.read_exact(&mut len)?;
        let len = u32::from_be_bytes(len) as usize;
        if !(SEAL_OVERHEAD..=CHUNK_LEN + SEAL_OVERHEAD).contains(&len) {
            return Err(StoreError::BackupDamaged);
        }
        let mut sealed = vec![0; len];
        self.read_exact(&mut sealed)?;
        let last = self.read == self.len;
        let data = associated_data(&self.head, self.chunks, last);
        self.chunk = crypto::open(&self.key, &sealed, &data).map_err(|_| match self.chunks {
            // Nothing tells a wrong key from a first chunk that was changed; the key is the likelier one.
            0 => StoreError::WrongKey,
            _ => StoreError::BackupDamaged,
        })?;
        self.given = 0;
        self.chunks += 1;
        self.ended = last;
        Ok(true)
    }

    fn read_exact(&mut self, to: &mut [u8]) -> Result<(), StoreError> {
        self.from
            .read_exact(to)
            .map_err(|_| StoreError::BackupDamaged)?;
        self.read += to.len() as u64;
        Ok(())
    }
}

fn empty_chunk() -> SecretBytes {
    SecretBytes::new(Vec::with_capacity(CHUNK_LEN))
}

fn chunk_key(wrapping: &WrappingKey) -> Secret<32> {
    hkdf_sha256(
        &wrapping.salt,
        wrapping.key.as_bytes(),
        b"Windlass backup v1 chunks",
    )
}

fn associated_data(head: &Head, chunk: u64, last: bool) -> Vec<u8> {
    [head.as_slice(), &chunk.to_be_bytes(), &[u8::from(last)]].concat()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
