//! `StoreKey`.

use std::sync::Arc;

use super::identity::secret_of;
use super::path::path_of;
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

    /// What the file at `path` holds: 64 hexadecimal digits or 32 bytes that are no text, a key; any other line of text, a passphrase. The
    /// end of its line and a byte order mark do not count. What was meant as a key and is none (63 digits, `0x`, quotes) is refused.
    #[cfg_attr(feature = "uniffi", uniffi::constructor)]
    pub fn from_file(path: String) -> Result<Arc<Self>> {
        let key = store::StoreKey::from_file(&path_of(&path))?;
        Ok(Arc::new(Self(key)))
    }

    /// The same of what a file holds that was read already.
    #[cfg_attr(feature = "uniffi", uniffi::constructor)]
    pub fn from_content(content: Bytes) -> Result<Arc<Self>> {
        Ok(Arc::new(Self(store::StoreKey::from_content(&content)?)))
    }

    /// The same for the value of a variable or a setting, where 32 bytes cannot stand.
    #[cfg_attr(feature = "uniffi", uniffi::constructor)]
    pub fn from_text(text: String) -> Result<Arc<Self>> {
        let text = zeroize::Zeroizing::new(text);
        Ok(Arc::new(Self(store::StoreKey::from_text(&text)?)))
    }

    /// A key as 64 hexadecimal digits, and nothing else.
    #[cfg_attr(feature = "uniffi", uniffi::constructor)]
    pub fn from_hex(digits: String) -> Result<Arc<Self>> {
        let digits = zeroize::Zeroizing::new(digits);
        Ok(Arc::new(Self(store::StoreKey::from_hex(&digits)?)))
    }

    /// 32 bytes that are as good as random.
    #[cfg_attr(feature = "uniffi", uniffi::constructor)]
    pub fn from_bytes(key: Bytes) -> Result<Arc<Self>> {
        Ok(Arc::new(Self(store::StoreKey::Raw(secret_of(&key)?))))
    }
}
