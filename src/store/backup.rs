//! A backup file: records of bytes, sealed in chunks under a key of its own (docs/store.md, "Backup").
//!
//! `magic || version || derivation || salt`, then chunks `length || sealed`. Each chunk is bound to the head, to its place and to
//! whether it is the last, so that nothing can be left out, moved or cut off.

use std::fs::{self, File, OpenOptions};
use std::io::{BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use super::StoreError;
use super::key::{Derivation, StoreKey, WrappingKey};
use crate::crypto::{self, SEAL_OVERHEAD, Secret, SecretBytes, SeededRandom, hkdf_sha256};

const MAGIC: &[u8; 8] = b"WLBACKUP";
/// Version of the format.
const VERSION: u32 = 1;
/// magic, version, derivation, salt.
const HEAD_LEN: usize = 8 + 4 + Derivation::LEN + 16;
/// Records are gathered into chunks of about this size.
const CHUNK_LEN: usize = 64 * 1024;
/// A chunk is one record longer than that at most.
const MAX_CHUNK_LEN: usize = 4 * 1024 * 1024;

type Head = [u8; HEAD_LEN];

/// Writes a backup. Under another name until it is whole, so that what has the name can be relied on.
pub struct BackupWriter {
    file: BufWriter<File>,
    path: PathBuf,
    unfinished: PathBuf,
    head: Head,
    key: Secret<32>,
    chunk: SecretBytes,
    chunks: u64,
    rng: SeededRandom,
}

impl BackupWriter {
    /// Refuses a path where something is.
    pub fn create(path: &Path, key: &StoreKey) -> Result<Self, StoreError> {
        if path.try_exists()? {
            return Err(StoreError::AlreadyExists);
        }
        let mut rng = crypto::system_random()?;
        let wrapping = WrappingKey::create(key, &mut rng)?;
        let mut head = Vec::with_capacity(HEAD_LEN);
        head.extend_from_slice(MAGIC);
        head.extend_from_slice(&VERSION.to_be_bytes());
        head.extend_from_slice(&wrapping.derivation.to_bytes());
        head.extend_from_slice(&wrapping.salt);
        let head: Head = head.try_into().map_err(|_| StoreError::BackupDamaged)?;
        let mut unfinished = path.as_os_str().to_owned();
        unfinished.push(".new");
        let unfinished = PathBuf::from(unfinished);
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true);
        #[cfg(unix)]
        {
            use std::os::unix::fs::OpenOptionsExt;
            options.mode(0o600);
        }
        let mut file = BufWriter::new(options.open(&unfinished)?);
        file.write_all(&head)?;
        Ok(Self {
            file,
            path: path.to_owned(),
            unfinished,
            key: chunk_key(&wrapping),
            head,
            chunk: SecretBytes::default(),
            chunks: 0,
            rng,
        })
    }

    /// Adds a record.
    pub fn push(&mut self, record: &[u8]) -> Result<(), StoreError> {
        let len = u32::try_from(record.len()).map_err(|_| StoreError::BackupDamaged)?;
        self.chunk.extend_from_slice(&len.to_be_bytes());
        self.chunk.extend_from_slice(record);
        if self.chunk.len() >= CHUNK_LEN {
            self.write_chunk(false)?;
        }
        Ok(())
    }

    /// Ends the backup. It is durable and has its name when this returns.
    pub fn finish(mut self) -> Result<(), StoreError> {
        self.write_chunk(true)?;
        self.file.flush()?;
        self.file.get_ref().sync_all()?;
        fs::rename(&self.unfinished, &self.path)?;
        super::medium::sync_folder_of(&self.path)
    }

    fn write_chunk(&mut self, last: bool) -> Result<(), StoreError> {
        let data = associated_data(&self.head, self.chunks, last);
        let sealed = crypto::seal(&self.key, &self.chunk, &data, &mut self.rng);
        let len = u32::try_from(sealed.len()).map_err(|_| StoreError::BackupDamaged)?;
        self.file.write_all(&len.to_be_bytes())?;
        self.file.write_all(&sealed)?;
        self.chunks += 1;
        self.chunk = SecretBytes::default();
        Ok(())
    }
}

/// What was not finished is no backup, so it does not stay.
impl Drop for BackupWriter {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.unfinished);
    }
}

/// Reads a backup.
pub struct BackupReader {
    file: BufReader<File>,
    head: Head,
    key: Secret<32>,
    len: u64,
    read: u64,
    chunks: u64,
    ended: bool,
}

impl BackupReader {
    /// Opens a backup.
    pub fn open(path: &Path, key: &StoreKey) -> Result<Self, StoreError> {
        let file = File::open(path)?;
        let len = file.metadata()?.len();
        let mut file = BufReader::new(file);
        let mut head: Head = [0; HEAD_LEN];
        file.read_exact(&mut head)
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
            file,
            key: chunk_key(&wrapping),
            head,
            len,
            read: HEAD_LEN as u64,
            chunks: 0,
            ended: false,
        })
    }

    /// The records of the next chunk; `None` behind the last one.
    pub fn next_chunk(&mut self) -> Result<Option<Vec<SecretBytes>>, StoreError> {
        if self.ended {
            return Ok(None);
        }
        let mut len = [0; 4];
        self.read_exact(&mut len)?;
        let len = u32::from_be_bytes(len) as usize;
        if !(SEAL_OVERHEAD..=MAX_CHUNK_LEN).contains(&len) {
            return Err(StoreError::BackupDamaged);
        }
        let mut sealed = vec![0; len];
        self.read_exact(&mut sealed)?;
        let last = self.read == self.len;
        let data = associated_data(&self.head, self.chunks, last);
        let chunk = crypto::open(&self.key, &sealed, &data).map_err(|_| match self.chunks {
            // Nothing tells a wrong key from a first chunk that was changed; the key is the likelier one.
            0 => StoreError::WrongKey,
            _ => StoreError::BackupDamaged,
        })?;
        self.chunks += 1;
        self.ended = last;
        let mut records = Vec::new();
        let mut rest = chunk.as_slice();
        while let Some((len, after)) = rest.split_first_chunk::<4>() {
            let len = u32::from_be_bytes(*len) as usize;
            let (record, after) = after
                .split_at_checked(len)
                .ok_or(StoreError::BackupDamaged)?;
            records.push(SecretBytes::new(record.to_vec()));
            rest = after;
        }
        Ok(Some(records))
    }

    fn read_exact(&mut self, to: &mut [u8]) -> Result<(), StoreError> {
        self.file
            .read_exact(to)
            .map_err(|_| StoreError::BackupDamaged)?;
        self.read += to.len() as u64;
        Ok(())
    }
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
