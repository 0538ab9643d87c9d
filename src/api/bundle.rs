//! `Bundle`.

use std::sync::Arc;
use std::time::SystemTime;

use super::clock::time_of_seconds;
use super::{Bytes, Identity, Result};
use crate::bundle::{UriError, VerifiedBundle};
use crate::qr;
use crate::wire::UriFault;

/// A public prekey bundle whose signature was checked: what somebody needs to write a first message.
///
/// A reusable one may be published; a single-use one is shown once and given to one person.
#[derive(Debug, uniffi::Object)]
pub struct Bundle(pub(super) VerifiedBundle);

#[uniffi::export]
impl Bundle {
    /// From the bytes that `encode` gave.
    #[uniffi::constructor]
    pub fn decode(bytes: Bytes) -> Result<Arc<Self>> {
        Ok(Arc::new(Self(VerifiedBundle::decode(&bytes)?)))
    }

    /// From a `windlass:` URI, in any case, wrapped or not.
    #[uniffi::constructor]
    pub fn from_uri(uri: String) -> Result<Arc<Self>> {
        Ok(Arc::new(Self(VerifiedBundle::from_uri(&uri)?)))
    }

    /// From a picture of a QR code, the bytes of a PNG or JPEG file. With several codes in it, the first that is a bundle.
    #[uniffi::constructor]
    pub fn from_qr_image(picture: Bytes) -> Result<Arc<Self>> {
        let mut refused = UriError::Text(UriFault::Scheme);
        for text in qr::read_picture(&picture)? {
            match VerifiedBundle::from_uri(&text) {
                Ok(bundle) => return Ok(Arc::new(Self(bundle))),
                // A damaged bundle says more than another application's code beside it.
                Err(UriError::Text(UriFault::Scheme)) => {}
                Err(error) => refused = error,
            }
        }
        Err(refused.into())
    }

    /// The signed bytes; about 160 for one device.
    #[must_use]
    pub fn encode(&self) -> Bytes {
        self.0.encoded().into()
    }

    /// The URI; about 280 characters for one device.
    #[must_use]
    pub fn to_uri(&self) -> String {
        self.0.to_uri()
    }

    /// A QR code of the URI as an SVG document.
    pub fn qr_svg(&self) -> Result<String> {
        Ok(qr::svg(&self.to_uri())?)
    }

    /// A QR code of the URI as a PNG file.
    pub fn qr_png(&self) -> Result<Bytes> {
        Ok(qr::png(&self.to_uri())?.into())
    }

    /// A QR code of the URI as text for a terminal.
    pub fn qr_terminal(&self) -> Result<String> {
        Ok(qr::terminal(&self.to_uri())?)
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
