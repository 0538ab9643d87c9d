//! Codes: drawing any of our URIs, reading pictures, and collecting what is shown as several codes.

use std::sync::{Mutex, PoisonError};

use super::{Bytes, Result, WindlassError};
use crate::qr::{self, QrError};
use crate::wire::{Frames, UriFault, frames};

/// A QR code of a URI as an SVG document, black on white, or light on dark. One that is too long for a comfortable code is animated:
/// its codes follow each other.
#[cfg_attr(feature = "uniffi", uniffi::export(default(dark = false)))]
pub fn qr_svg(uri: String, dark: bool) -> Result<String> {
    Ok(qr::svg(&frames(&uri)?, dark)?)
}

/// A QR code of a URI as a PNG file, black on white, or light on dark. One code, however long the URI; `qr_frames` has shorter ones.
#[cfg_attr(feature = "uniffi", uniffi::export(default(dark = false)))]
pub fn qr_png(uri: String, dark: bool) -> Result<Bytes> {
    Ok(qr::png(&uri, dark)?.into())
}

/// A QR code of a URI as text for a terminal with a dark background, or a light one. One code, however long the URI.
#[cfg_attr(feature = "uniffi", uniffi::export(default(dark = true)))]
pub fn qr_terminal(uri: String, dark: bool) -> Result<String> {
    Ok(qr::terminal(&uri, dark)?)
}

/// What to show of a URI: the URI itself if it fits a comfortable code of at most 483 characters, else several URIs to be shown in
/// turn, in any order. `CodeReader` puts them together again.
#[cfg_attr(feature = "uniffi", uniffi::export)]
pub fn qr_frames(uri: String) -> Result<Vec<String>> {
    Ok(frames(&uri)?)
}

/// The texts of the QR codes in a picture, the bytes of a PNG or JPEG file; at least one. Codes of other applications are among them,
/// but beside one of those it is looked on for one of ours.
#[cfg_attr(feature = "uniffi", uniffi::export)]
pub fn qr_read(picture: Bytes) -> Result<Vec<String>> {
    let ours = |text: &String| {
        let taken = CodeReader::new().take(text.clone());
        !matches!(taken, Err(WindlassError::UriNotWindlass(_)))
    };
    Ok(qr::read_until(&picture, |texts| texts.iter().any(ours))?)
}

/// How far a reader is.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
pub struct CodeProgress {
    /// Codes that were read of the ones that belong together.
    pub have: u32,
    /// Codes that belong together.
    pub of: u32,
    /// The whole URI, once all of them were read; or the web link that brings an invitation, as it is.
    pub uri: Option<String>,
}

/// Reads codes as a camera sees them: one, or several that belong together, in any order and however often each.
#[derive(Debug, Default)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Object))]
pub struct CodeReader(Mutex<Frames>);

#[cfg_attr(feature = "uniffi", uniffi::export)]
impl CodeReader {
    /// A reader that has seen nothing.
    #[cfg_attr(feature = "uniffi", uniffi::constructor)]
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the text of a code.
    pub fn take(&self, text: String) -> Result<CodeProgress> {
        let mut frames = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let progress = frames.take(&text)?;
        let number = |count| u32::try_from(count).unwrap_or(u32::MAX);
        Ok(CodeProgress {
            have: number(progress.have),
            of: number(progress.of),
            uri: progress.uri,
        })
    }

    /// Takes all codes of a picture, the bytes of a PNG or JPEG file. Codes of other applications in it are passed over.
    pub fn take_picture(&self, picture: Bytes) -> Result<CodeProgress> {
        // One of several is enough: a camera sees the next one in its next picture.
        self.take_until(&picture, |_| true)
    }
}

impl CodeReader {
    /// Takes the codes of a picture, and looks on in it until what was read is enough.
    pub(super) fn take_until(
        &self,
        picture: &[u8],
        enough: impl Fn(&CodeProgress) -> bool,
    ) -> Result<CodeProgress> {
        let mut last = Err(WindlassError::UriNotWindlass(UriFault::Scheme));
        let mut taken = 0;
        qr::read_until(picture, |texts| {
            for text in texts.iter().skip(taken) {
                match self.take(text.clone()) {
                    Err(WindlassError::UriNotWindlass(_)) => {}
                    Err(_) if last.is_ok() => {}
                    progress => last = progress,
                }
                if last.as_ref().is_ok_and(|progress| progress.uri.is_some()) {
                    return true;
                }
            }
            taken = texts.len();
            last.as_ref().is_ok_and(&enough)
        })?;
        last
    }
}

impl From<QrError> for WindlassError {
    fn from(error: QrError) -> Self {
        match error {
            QrError::TooLong => Self::TooLongForQrCode(error),
            QrError::Picture => Self::PictureUnreadable(error),
            QrError::TooLarge { .. } => Self::PictureTooLarge(error),
            QrError::NoCode => Self::NoQrCode(error),
        }
    }
}
