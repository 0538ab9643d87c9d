//! `Identity`.

use std::sync::Arc;

use super::{Bytes, Result, WindlassError};
use crate::crypto::{Secret, system_random};
use crate::identity::{IdentityKeyPair, PublicIdentity, safety_number};

/// The long-term key pair of a person or a bot, or the public half of it.
///
/// There is no `sign`: a key that signs whatever it is given would sign a bundle one day.
#[derive(Debug)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Object))]
pub struct Identity {
    public: PublicIdentity,
    secret: Option<IdentityKeyPair>,
}

#[cfg_attr(feature = "uniffi", uniffi::export)]
impl Identity {
    /// A new key pair from the operating system's randomness.
    #[cfg_attr(feature = "uniffi", uniffi::constructor)]
    pub fn generate() -> Result<Arc<Self>> {
        let pair = IdentityKeyPair::generate(&mut system_random()?);
        Ok(Arc::new(Self::from_pair(pair)))
    }

    /// The key pair of a 32-byte seed, for example one that `export_seed` gave.
    #[cfg_attr(feature = "uniffi", uniffi::constructor)]
    pub fn from_seed(seed: Bytes) -> Result<Arc<Self>> {
        let pair = IdentityKeyPair::from_seed(&secret_of(&seed)?);
        Ok(Arc::new(Self::from_pair(pair)))
    }

    /// The public half alone, from the 32 bytes of an Ed25519 public key.
    #[cfg_attr(feature = "uniffi", uniffi::constructor)]
    pub fn from_public_key(key: Bytes) -> Result<Arc<Self>> {
        let public = PublicIdentity::from_bytes(&key).map_err(|_| WindlassError::InvalidKey)?;
        Ok(Arc::new(Self::from_public(public)))
    }

    /// The public half alone, from an address.
    #[cfg_attr(feature = "uniffi", uniffi::constructor)]
    pub fn from_address(address: String) -> Result<Arc<Self>> {
        Ok(Arc::new(Self::from_public(PublicIdentity::from_address(
            &address,
        )?)))
    }

    /// The Ed25519 public key; 32 bytes.
    #[must_use]
    pub fn public_key(&self) -> Bytes {
        self.public.to_bytes().to_vec().into()
    }

    /// The public key for people: Bech32m, 61 characters, begins with `wl1`.
    #[must_use]
    pub fn address(&self) -> String {
        self.public.address()
    }

    /// The address as a `windlass:` URI: a link that does not expire, for posters and web pages. Whoever has it finds the bundle at the transport.
    #[must_use]
    pub fn to_uri(&self) -> String {
        self.public.to_uri()
    }

    /// True when the secret half is here too.
    #[must_use]
    pub fn has_secret(&self) -> bool {
        self.secret.is_some()
    }

    /// The 60 digits that two people compare to know that nobody is between them; the same on both sides.
    #[must_use]
    pub fn safety_number(&self, other: &Self) -> String {
        safety_number(&self.public, &other.public)
    }

    /// The 32-byte seed, in the clear. Everybody who has it is this identity.
    pub fn export_seed(&self) -> Result<Bytes> {
        let pair = self.secret.as_ref().ok_or(WindlassError::NoSecretHalf)?;
        Ok(pair.seed().as_bytes().to_vec().into())
    }
}

impl Identity {
    fn from_pair(pair: IdentityKeyPair) -> Self {
        Self {
            public: pair.public(),
            secret: Some(pair),
        }
    }

    pub(super) fn from_public(public: PublicIdentity) -> Self {
        Self {
            public,
            secret: None,
        }
    }

    /// A copy of the key pair, for a store.
    pub(super) fn key_pair(&self) -> Result<IdentityKeyPair> {
        let pair = self.secret.as_ref().ok_or(WindlassError::NoSecretHalf)?;
        Ok(IdentityKeyPair::from_seed(&pair.seed()))
    }
}

/// The 32-byte secret that a language handed over.
pub(super) fn secret_of(bytes: &Bytes) -> Result<Secret<32>> {
    Secret::try_from_slice(bytes).ok_or(WindlassError::InvalidKeyLength { got: bytes.len() })
}
