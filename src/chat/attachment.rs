//! A file that travels another way: its description and its key.

use super::bounds::{ContentError, check_media_type, fits};
use super::rich_text::Text;
use crate::crypto::Secret;
use crate::limits::{MAX_ATTACHMENT_SIZE, MAX_FILE_NAME_LEN, MAX_LOCATION_LEN};
use crate::wire::{WireError, malformed, v2};

/// A file that travels another way, and what opens it.
#[derive(PartialEq, Eq)]
pub struct Attachment {
    /// The kind (RFC 6838).
    pub media_type: String,
    /// A name for people.
    pub name: String,
    /// Bytes of the file.
    pub size: u64,
    /// What it was encrypted with.
    pub key: Secret<32>,
    /// SHA-256 of the encrypted file. The key alone does not say which file it is: who made it can make two that it opens.
    pub digest: [u8; 32],
    /// Where the encrypted file is; for the application.
    pub location: String,
    /// What is said with it.
    pub caption: Text,
}

impl Clone for Attachment {
    fn clone(&self) -> Self {
        Self {
            media_type: self.media_type.clone(),
            name: self.name.clone(),
            size: self.size,
            key: Secret::new(*self.key.as_bytes()),
            digest: self.digest,
            location: self.location.clone(),
            caption: self.caption.clone(),
        }
    }
}

impl Attachment {
    /// Whether it is within its bounds.
    pub fn check(&self) -> Result<(), ContentError> {
        check_media_type(&self.media_type)?;
        fits("name", self.name.len(), MAX_FILE_NAME_LEN)?;
        if self.size > MAX_ATTACHMENT_SIZE {
            return Err(ContentError::Invalid("size"));
        }
        fits("location", self.location.len(), MAX_LOCATION_LEN)?;
        self.caption.check()?;
        // It may become the name of a file.
        let separates = |c: char| c == '/' || c == '\\' || c.is_control();
        if self.name.is_empty() || self.name.starts_with('.') || self.name.contains(separates) {
            return Err(ContentError::Invalid("name"));
        }
        Ok(())
    }

    pub(super) fn from_wire(attachment: &v2::Attachment) -> Result<Self, WireError> {
        Ok(Self {
            key: Secret::try_from_slice(&attachment.key)
                .ok_or_else(|| malformed("attachment key"))?,
            digest: (attachment.digest.as_slice().try_into())
                .map_err(|_| malformed("attachment digest"))?,
            media_type: attachment.media_type.clone(),
            name: attachment.name.clone(),
            size: attachment.size,
            location: attachment.location.clone(),
            caption: (attachment.caption.clone())
                .map(Text::from_wire)
                .unwrap_or_default(),
        })
    }

    pub(super) fn to_wire(&self) -> v2::Attachment {
        v2::Attachment {
            media_type: self.media_type.clone(),
            name: self.name.clone(),
            size: self.size,
            key: self.key.as_bytes().to_vec(),
            digest: self.digest.to_vec(),
            location: self.location.clone(),
            caption: (self.caption != Text::default()).then(|| self.caption.to_wire()),
        }
    }
}
