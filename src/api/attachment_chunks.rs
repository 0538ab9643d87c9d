//! The file of an attachment, chunk by chunk.

use super::{Result, WindlassError};
use crate::chat;
use crate::crypto::{ChunkCipher, RunningHash, Secret, SecretBytes};
use crate::limits::ATTACHMENT_CHUNK_LEN;
use crate::store::StoreError;

/// Seals the chunks of one file in their order.
pub(super) struct Sealing {
    cipher: ChunkCipher,
    hash: RunningHash,
    number: u64,
}

impl Sealing {
    pub(super) fn new(key: &Secret<32>) -> Self {
        Self {
            cipher: ChunkCipher::new(key),
            hash: RunningHash::default(),
            number: 0,
        }
    }

    pub(super) fn chunk(&mut self, last: bool, chunk: &[u8]) -> Result<Vec<u8>> {
        let sealed = self.cipher.seal(self.number, last, chunk);
        let sealed = sealed.map_err(StoreError::from)?;
        self.hash.update(&sealed);
        self.number += 1;
        Ok(sealed)
    }

    /// The hash of what the file became.
    pub(super) fn finish(self) -> [u8; 32] {
        self.hash.finish()
    }
}

/// Opens the chunks of one file in their order, and says at last whether they were those of the file that the message means (RFC windlass
/// §9.7.3).
pub(super) struct Opening {
    cipher: ChunkCipher,
    hash: RunningHash,
    digest: [u8; 32],
    number: u64,
    pub(super) chunks: u64,
}

impl Opening {
    pub(super) fn new(attachment: &chat::Attachment) -> Self {
        Self {
            cipher: ChunkCipher::new(&attachment.key),
            hash: RunningHash::default(),
            digest: attachment.digest,
            number: 0,
            // An empty file has one.
            chunks: (attachment.size)
                .div_ceil(ATTACHMENT_CHUNK_LEN as u64)
                .max(1),
        }
    }

    /// Whether the next chunk is the last one.
    pub(super) fn is_at_last(&self) -> bool {
        self.number + 1 == self.chunks
    }

    pub(super) fn chunk(&mut self, sealed: &[u8]) -> Result<SecretBytes> {
        self.hash.update(sealed);
        let opened = self.cipher.open(self.number, self.is_at_last(), sealed);
        self.number += 1;
        opened.map_err(|_| WindlassError::AttachmentDamaged)
    }

    pub(super) fn finish(self) -> Result<()> {
        if self.number == self.chunks && self.hash.finish() == self.digest {
            return Ok(());
        }
        Err(WindlassError::AttachmentDamaged)
    }
}
