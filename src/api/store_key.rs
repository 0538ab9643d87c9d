//! `StoreKey`.

use std::sync::Arc;

use super::identity::secret_of;
use super::{Bytes, Result};
use crate::store;

/// What opens a store: a passphrase, or 32 bytes from a keychain, a secret manager or an environment variable.
#[derive(Debug)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Object))]
pub struct StoreKey(pub(super) store::StoreKey);

#[cfg_attr(feature = "uniffi", uniffi::export)]
impl StoreKey {
    /// A passphrase. Every guess of it costs 64 MiB and some tenths of a second (Argon2id).
    #[cfg_attr(feature = "uniffi", uniffi::constructor)]
    pub fn from_passphrase(passphrase: String) -> Result<Arc<Self>> {
        let passphrase = zeroize::Zeroizing::new(passphrase);
        Ok(Arc::new(Self(store::StoreKey::passphrase(&passphrase)?)))
    }

    /// 32 bytes that are as good as random.
    #[cfg_attr(feature = "uniffi", uniffi::constructor)]
    pub fn from_bytes(key: Bytes) -> Result<Arc<Self>> {
        Ok(Arc::new(Self(store::StoreKey::Raw(secret_of(&key)?))))
    }
}
