//! The file of an attachment as bytes that come and go, for where there are no files.

use std::sync::Arc;

use super::attachment_chunks::{Opening, Sealing};
use super::{Attachment, Bytes, Conversation, Message, Result, WindlassError};
use crate::chat;
use crate::crypto::{CHUNK_OVERHEAD, Secret, SecretBytes, system_random, wipe};
use crate::limits::{ATTACHMENT_CHUNK_LEN, MAX_ATTACHMENT_SIZE};

/// Encrypts a file whose bytes come from somewhere, to bytes that go elsewhere.
pub struct AttachmentSealer {
    attachment: chat::Attachment,
    sealing: Sealing,
    /// Kept until more comes: only the end says which chunk is the last.
    chunk: SecretBytes,
}

impl AttachmentSealer {
    /// For a file of this name and kind.
    pub fn new(name: &str, media_type: String) -> Result<Self> {
        let attachment = chat::Attachment {
            media_type,
            name: chat::safe_name(name),
            size: 0,
            key: Secret::random(&mut system_random()?),
            digest: [0; 32],
            location: String::new(),
            caption: chat::Text::default(),
        };
        attachment.check()?;
        Ok(Self {
            sealing: Sealing::new(&attachment.key),
            attachment,
            chunk: SecretBytes::new(Vec::with_capacity(ATTACHMENT_CHUNK_LEN)),
        })
    }

    /// Takes the next bytes of the file; what the encrypted file goes on with, often nothing.
    pub fn take(&mut self, mut bytes: &[u8]) -> Result<Bytes> {
        let mut sealed = Vec::new();
        self.attachment.size += bytes.len() as u64;
        if self.attachment.size > MAX_ATTACHMENT_SIZE {
            return Err(chat::ContentError::Invalid("size").into());
        }
        while !bytes.is_empty() {
            if self.chunk.len() == ATTACHMENT_CHUNK_LEN {
                sealed.extend(self.sealing.chunk(false, &self.chunk)?);
                wipe(&mut self.chunk);
            }
            let room = ATTACHMENT_CHUNK_LEN - self.chunk.len();
            let (now, later) = bytes.split_at(room.min(bytes.len()));
            self.chunk.extend_from_slice(now);
            bytes = later;
        }
        Ok(sealed.into())
    }

    /// The end of the encrypted file, and what is sent once the whole of it is where the others can fetch it.
    pub fn finish(mut self) -> Result<(Bytes, Arc<Attachment>)> {
        let sealed = self.sealing.chunk(true, &self.chunk)?;
        self.attachment.digest = self.sealing.finish();
        Ok((sealed.into(), Arc::new(Attachment::of(self.attachment))))
    }
}

/// Decrypts an encrypted file that comes from somewhere. What it gives is the sender's, but only [`Self::finish`] says that it is the file
/// that the message means, and all of it.
pub struct AttachmentOpener {
    opening: Opening,
    size: u64,
    opened: u64,
    /// Less than a chunk, or the last one.
    sealed: Vec<u8>,
}

impl AttachmentOpener {
    fn new(attachment: &chat::Attachment) -> Self {
        Self {
            opening: Opening::new(attachment),
            size: attachment.size,
            opened: 0,
            sealed: Vec::with_capacity(ATTACHMENT_CHUNK_LEN + CHUNK_OVERHEAD),
        }
    }

    /// Takes the next bytes of the encrypted file; what the file goes on with, often nothing.
    pub fn take(&mut self, mut bytes: &[u8]) -> Result<Bytes> {
        let mut opened = SecretBytes::default();
        while !bytes.is_empty() {
            let room = ATTACHMENT_CHUNK_LEN + CHUNK_OVERHEAD - self.sealed.len();
            if room == 0 && self.opening.is_at_last() {
                return Err(WindlassError::AttachmentDamaged);
            }
            let (now, later) = bytes.split_at(room.min(bytes.len()));
            self.sealed.extend_from_slice(now);
            bytes = later;
            if now.len() == room && !self.opening.is_at_last() {
                opened.extend_from_slice(&self.opening.chunk(&self.sealed)?);
                self.sealed.clear();
            }
        }
        self.opened += opened.len() as u64;
        Ok(core::mem::take(&mut *opened).into())
    }

    /// The end of the file, if it was whole and the one that the message means.
    pub fn finish(mut self) -> Result<Bytes> {
        if !self.opening.is_at_last() {
            return Err(WindlassError::AttachmentDamaged);
        }
        let mut opened = self.opening.chunk(&self.sealed)?;
        self.opening.finish()?;
        if self.opened + opened.len() as u64 != self.size {
            return Err(WindlassError::AttachmentDamaged);
        }
        Ok(core::mem::take(&mut *opened).into())
    }
}

impl Conversation {
    /// Decrypts the attachment of a message as its encrypted file comes, where there are no files.
    pub fn open_attachment(&self, message: Message) -> Result<AttachmentOpener> {
        Ok(AttachmentOpener::new(&self.sealed_file(message)?))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests {
    use super::*;

    /// The encrypted file of `file`, taken in pieces of this length.
    fn sealed(file: &[u8], piece: usize) -> (Vec<u8>, chat::Attachment) {
        let mut sealer = AttachmentSealer::new("a file", "text/plain".into()).unwrap();
        let mut sealed = Vec::new();
        for piece in file.chunks(piece) {
            sealed.extend_from_slice(&sealer.take(piece).unwrap());
        }
        let (end, attachment) = sealer.finish().unwrap();
        sealed.extend_from_slice(&end);
        (sealed, attachment.sealed().clone())
    }

    fn opened(sealed: &[u8], piece: usize, attachment: &chat::Attachment) -> Result<Vec<u8>> {
        let mut opener = AttachmentOpener::new(attachment);
        let mut opened = Vec::new();
        for piece in sealed.chunks(piece) {
            opened.extend_from_slice(&opener.take(piece)?);
        }
        opened.extend_from_slice(&opener.finish()?);
        Ok(opened)
    }

    #[test]
    fn a_file_comes_back_in_whatever_pieces_it_goes_and_comes() {
        let full = ATTACHMENT_CHUNK_LEN;
        for len in [0, 1, full - 1, full, full + 1, 2 * full, 2 * full + 7] {
            let file: Vec<u8> = (0..len).map(|n| n.to_le_bytes()[0]).collect();
            for piece in [1_000, full, full + CHUNK_OVERHEAD, 3 * full] {
                let (sealed, attachment) = sealed(&file, piece);
                assert_eq!(attachment.size, len as u64);
                assert_eq!(opened(&sealed, piece, &attachment).unwrap(), file);
            }
        }
    }

    #[test]
    fn a_file_that_was_cut_lengthened_or_changed_is_refused() {
        let file = vec![7; 2 * ATTACHMENT_CHUNK_LEN + 7];
        let (sealed, attachment) = sealed(&file, 1_000);
        let cuts = [
            0,
            1,
            ATTACHMENT_CHUNK_LEN + CHUNK_OVERHEAD,
            sealed.len() - 1,
        ];
        let mut wrong: Vec<_> = cuts.map(|cut| sealed[..cut].to_vec()).to_vec();
        wrong.push([sealed.as_slice(), &[0]].concat());
        wrong.push([sealed.as_slice(), &sealed].concat());
        let mut changed = sealed.clone();
        changed[100_000] ^= 1;
        wrong.push(changed);
        for wrong in wrong {
            let refused = opened(&wrong, 1_000, &attachment);
            assert_eq!(refused, Err(WindlassError::AttachmentDamaged));
        }
        let other = chat::Attachment {
            digest: [1; 32],
            ..attachment
        };
        let refused = opened(&sealed, 1_000, &other);
        assert_eq!(refused, Err(WindlassError::AttachmentDamaged));
    }
}
