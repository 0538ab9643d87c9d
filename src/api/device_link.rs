//! `DeviceLink`.

use std::sync::{Arc, Mutex, PoisonError};

use super::{Bytes, Client, EncryptedStore, Result};
use crate::crypto::{SeededRandom, system_random};
use crate::engine::steps::join;
use crate::link::{LinkError, LinkRequest, transfer_from_uri, transfer_to_uri};

/// The new device's side of linking: it shows a code, an existing device scans it and answers with a transfer (`Client.link_device`),
/// and `finish` makes this device one of the same identity.
#[derive(Debug)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Object))]
pub struct DeviceLink {
    uri: String,
    /// Erased once it has made a device.
    request: Mutex<Option<LinkRequest>>,
}

#[cfg_attr(feature = "uniffi", uniffi::export)]
impl DeviceLink {
    /// A new code; its key is in memory alone and used once.
    #[cfg_attr(feature = "uniffi", uniffi::constructor)]
    pub fn new() -> Result<Arc<Self>> {
        Ok(Arc::new(Self::of(LinkRequest::new(&mut system_random()?))))
    }

    /// The code as a URI of 68 characters, for `qr_svg` and its like.
    #[must_use]
    pub fn to_uri(&self) -> String {
        self.uri.clone()
    }

    /// Puts the identity of the transfer into a new store, on a new device. Contacts and history come from the other devices: their
    /// answers to the request that is in the outbox then.
    pub fn finish(&self, store: Arc<EncryptedStore>, transfer: Bytes) -> Result<Arc<Client>> {
        let mut request = self.request.lock().unwrap_or_else(PoisonError::into_inner);
        let transfer = request.as_ref().ok_or(LinkError::Used)?.open(&transfer)?;
        let (now, mut rng) = (store.0.now(), store.0.random()?);
        let joined = store
            .0
            .write(|rows| join::join(rows, &transfer, now, &mut rng));
        let device = joined?;
        *request = None;
        Ok(Arc::new(Client::of(store, device)))
    }
}

impl DeviceLink {
    /// For a simulation, which repeats itself.
    pub(super) fn seeded(rng: &mut SeededRandom) -> Self {
        Self::of(LinkRequest::new(rng))
    }

    fn of(request: LinkRequest) -> Self {
        Self {
            uri: request.to_uri(),
            request: Mutex::new(Some(request)),
        }
    }
}

/// A transfer as a URI, to be shown as a code by the existing device and scanned by the new one.
#[cfg_attr(feature = "uniffi", uniffi::export)]
#[must_use]
pub fn device_transfer_to_uri(transfer: Bytes) -> String {
    transfer_to_uri(&transfer)
}

/// The transfer of such a URI.
#[cfg_attr(feature = "uniffi", uniffi::export)]
pub fn device_transfer_from_uri(uri: String) -> Result<Bytes> {
    Ok(transfer_from_uri(&uri)?.into())
}
