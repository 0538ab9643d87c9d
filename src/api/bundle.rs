//! `Bundle`.

use std::sync::Arc;
use std::time::SystemTime;

use super::clock::time_of_seconds;
use super::code::{CodeReader, qr_png, qr_svg, qr_terminal};
use super::{Bytes, Identity, Result, WindlassError};
use crate::bundle::VerifiedBundle;
use crate::wire::UriFault;

/// A public prekey bundle whose signature was checked: what somebody needs to write a first message.
///
/// A reusable one may be published; a single-use one is shown once and given to one person.
#[derive(Debug)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Object))]
pub struct Bundle(pub(super) VerifiedBundle);

#[cfg_attr(feature = "uniffi", uniffi::export)]
impl Bundle {
    /// From the bytes that `encode` gave.
    #[cfg_attr(feature = "uniffi", uniffi::constructor)]
    pub fn decode(bytes: Bytes) -> Result<Arc<Self>> {
        Ok(Arc::new(Self(VerifiedBundle::decode(&bytes)?)))
    }

    /// From a text with a `windlass:` URI in it, however it travelled: in any case, wrapped, quoted, escaped, with marks that nobody sees, within a
    /// sentence; or a link to a web page with the URI behind its `#`. Of several the first that is whole. A link that names an address has to name
    /// the bundle's. It may have expired: then `find_contact` says at which address the transport has a newer one.
    #[cfg_attr(feature = "uniffi", uniffi::constructor)]
    pub fn from_uri(uri: String) -> Result<Arc<Self>> {
        Ok(Arc::new(Self(VerifiedBundle::from_uri(&uri)?)))
    }

    /// From a picture of a QR code, the bytes of a PNG or JPEG file; of several codes that belong together all have to be in it. For a
    /// camera that sees one after the other there is `CodeReader`.
    #[cfg_attr(feature = "uniffi", uniffi::constructor)]
    pub fn from_qr_image(picture: Bytes) -> Result<Arc<Self>> {
        let read = CodeReader::new().take_until(&picture, |read| read.uri.is_some())?;
        let uri = read
            .uri
            .ok_or(WindlassError::UriIncomplete(UriFault::Incomplete))?;
        Self::from_uri(uri)
    }

    /// The signed bytes with all that goes beside them; about 1,400 for one device, most of them its ML-KEM key.
    #[must_use]
    pub fn encode(&self) -> Bytes {
        self.0.encoded().into()
    }

    /// The URI for a code, without ML-KEM keys; about 340 characters for one device, 450 of a single-use bundle, whose secret it has.
    #[must_use]
    pub fn to_uri(&self) -> String {
        self.0.to_uri()
    }

    /// A link to a web page (`https://`) that brings the invitation behind a `#`, with ML-KEM keys; about 2,300 characters for one device.
    #[must_use]
    pub fn to_link(&self, page: String) -> String {
        self.0.to_link(&page)
    }

    /// Whose bundle it is.
    #[must_use]
    pub fn identity(&self) -> Arc<Identity> {
        Arc::new(Identity::from_public(*self.0.identity()))
    }

    /// The ids of the devices it names.
    #[must_use]
    pub fn devices(&self) -> Vec<u32> {
        self.0.devices().iter().map(|d| d.device_id).collect()
    }

    /// When it was made.
    #[must_use]
    pub fn issued_at(&self) -> SystemTime {
        time_of_seconds(self.0.issued_at())
    }

    /// From when on it is refused.
    #[must_use]
    pub fn expires_at(&self) -> SystemTime {
        time_of_seconds(self.0.expires_at())
    }

    /// True when it may be given to one person only.
    #[must_use]
    pub fn single_use(&self) -> bool {
        self.0.single_use()
    }
}

exported! {
impl Bundle {
    /// A QR code of the URI as an SVG document, black on white, or light on dark. With several devices in it, it may be animated.
    #[uniffi::method(default(dark = false))]
    pub fn qr_svg(&self, dark: bool) -> Result<String> {
        qr_svg(self.to_uri(), dark)
    }

    /// A QR code of the URI as a PNG file, black on white, or light on dark.
    #[uniffi::method(default(dark = false))]
    pub fn qr_png(&self, dark: bool) -> Result<Bytes> {
        qr_png(self.to_uri(), dark)
    }

    /// A QR code of the URI as text for a terminal with a dark background, or a light one.
    #[uniffi::method(default(dark = true))]
    pub fn qr_terminal(&self, dark: bool) -> Result<String> {
        qr_terminal(self.to_uri(), dark)
    }
}
}
