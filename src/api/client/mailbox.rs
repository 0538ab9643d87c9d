//! What a transport may name our mailbox by.

use super::Client;
use crate::api::{Bytes, Result};
use crate::crypto::hmac_sha256;

const MAILBOX: &[u8] = b"windlass transport secret";

#[cfg_attr(feature = "uniffi", uniffi::export)]
impl Client {
    /// 32 bytes that nobody else has, the same as long as this store is there; a copy of the store has the same, a backup of it others. For a
    /// transport that names a mailbox: by an address alone anybody could take it.
    pub fn transport_secret(&self) -> Result<Bytes> {
        // HMAC takes a short key for one that ends with zeros.
        let mut key = [0; 32];
        for (to, from) in key.iter_mut().zip(self.store.0.id()?) {
            *to = from;
        }
        Ok(hmac_sha256(&key, &[MAILBOX]).as_bytes().as_slice().into())
    }
}
