//! `LinkPreview`: what is behind a web address that stands in a text.

use core::fmt;

use super::{Bytes, Result};
use crate::chat::{self, ContentError, Picture};

/// What is behind a web address that stands in a text, as who wrote the text says: the library fetches nothing, neither where it is written nor
/// where it is read. It proves nothing; show the address with it.
#[derive(Clone, Default, PartialEq, Eq)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
pub struct LinkPreview {
    /// The address as it stands in the text, by itself: `https://` or `http://`, at most 4,096 bytes.
    pub url: String,
    /// What the page is called, one line of at most 256 bytes; empty for nothing.
    #[cfg_attr(feature = "uniffi", uniffi(default = ""))]
    pub title: String,
    /// Some lines of at most 1,024 bytes; empty for nothing.
    #[cfg_attr(feature = "uniffi", uniffi(default = ""))]
    pub about: String,
    /// A file of PNG, JPEG or WebP, of at most 16,384 bytes.
    #[cfg_attr(feature = "uniffi", uniffi(default = None))]
    pub image: Option<Bytes>,
}

impl fmt::Debug for LinkPreview {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let image = self.image.as_ref().map(|image| image.len());
        f.debug_struct("LinkPreview")
            .field("image", &image)
            .finish_non_exhaustive()
    }
}

impl LinkPreview {
    pub(super) fn shown(preview: &chat::LinkPreview) -> Self {
        let image = preview.image.as_bytes();
        Self {
            url: preview.url.clone(),
            title: preview.title.clone(),
            about: preview.description.clone(),
            image: (!image.is_empty()).then(|| image.into()),
        }
    }

    pub(super) fn given(self) -> Result<chat::LinkPreview> {
        let image = Picture::from_bytes(self.image.unwrap_or_default().into_vec());
        Ok(chat::LinkPreview {
            url: self.url,
            title: self.title,
            description: self.about,
            image: image.map_err(|_| ContentError::Preview)?,
        })
    }
}
