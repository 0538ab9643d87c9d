//! What others publish, and when it is believed.

use crate::crypto::{DhPublic, SignatureError};
use crate::identity::PublicIdentity;
use crate::limits::{MAX_BUNDLE_BODY_LEN, MAX_BUNDLE_LEN, MAX_CLOCK_SKEW_SECONDS, MAX_DEVICES};
use crate::wire::{self, WireError, malformed, v1};

/// Why a bundle was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BundleError {
    /// The bytes are no bundle, or one of a newer version.
    #[error(transparent)]
    Wire(#[from] WireError),
    /// A public key in it is not valid.
    #[error("the bundle holds an invalid public key")]
    InvalidKey,
    /// Not signed by the identity it names.
    #[error("the bundle is not signed by its identity")]
    InvalidSignature,
    /// Its time is over.
    #[error("the bundle expired at {expires_at} (seconds since 1970), ask for a new one")]
    Expired {
        /// When it expired, in seconds since 1970-01-01T00:00:00Z.
        expires_at: u64,
    },
    /// It claims to be made later than clocks can differ.
    #[error(
        "the bundle was issued at {issued_at} (seconds since 1970), in the future; check this device's clock"
    )]
    FromTheFuture {
        /// When it says it was issued, in seconds since 1970-01-01T00:00:00Z.
        issued_at: u64,
    },
}

impl From<SignatureError> for BundleError {
    fn from(error: SignatureError) -> Self {
        match error {
            SignatureError::InvalidPublicKey => Self::InvalidKey,
            SignatureError::InvalidSignature => Self::InvalidSignature,
        }
    }
}

/// Whether a time of issue is further ahead than clocks differ; all in seconds since 1970-01-01T00:00:00Z.
#[must_use]
pub fn is_from_the_future(issued_at: u64, now: u64) -> bool {
    issued_at > now.saturating_add(MAX_CLOCK_SKEW_SECONDS)
}

/// Whether a bundle of one time of issue takes the place of one of another (RFC windlass §5.3.5). One from the future gives way to any that
/// is not, or a clock that was wrong once would hold its place for as long.
#[must_use]
pub fn takes_place_of(issued_at: u64, known: u64, now: u64) -> bool {
    issued_at > known || (is_from_the_future(known, now) && !is_from_the_future(issued_at, now))
}

/// A prekey and its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Prekey {
    /// Not 0, and never used again by the same device.
    pub id: u32,
    /// The public half.
    pub key: DhPublic,
}

/// What a bundle says of one device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeviceBundle {
    /// The device's number within its identity; not 0.
    pub device_id: u32,
    /// The signed prekey; the bundle's signature covers it.
    pub signed_prekey: Prekey,
    /// The one-time prekey of a single-use bundle.
    pub one_time_prekey: Option<Prekey>,
}

/// A bundle whose signature was checked. The bytes are kept as they came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedBundle {
    identity: PublicIdentity,
    issued_at: u64,
    expires_at: u64,
    devices: Vec<DeviceBundle>,
    encoded: Vec<u8>,
}

impl VerifiedBundle {
    /// Decodes and verifies. The wall clock plays no part here; see [`Self::check_time`].
    pub fn decode(bytes: &[u8]) -> Result<Self, BundleError> {
        Self::read(bytes, |identity_key, signed| {
            let identity = PublicIdentity::from_bytes(identity_key)?;
            // Verified before anything else in the body is believed.
            identity.verify_bundle(&signed.body, &signed.signature)?;
            Ok(identity)
        })
    }

    /// Decodes the bytes of a row that the store authenticated, written from a bundle that was verified.
    pub fn from_stored(bytes: &[u8]) -> Result<Self, BundleError> {
        Self::read(bytes, |identity_key, _| {
            PublicIdentity::from_stored(identity_key).ok_or(BundleError::InvalidKey)
        })
    }

    fn read(
        bytes: &[u8],
        verify: impl FnOnce(&[u8], &v1::SignedBundle) -> Result<PublicIdentity, BundleError>,
    ) -> Result<Self, BundleError> {
        wire::check_version("bundle", bytes, MAX_BUNDLE_LEN)?;
        // The outer message carries nothing that the signature does not cover but these three fields, so it is strict; unknown
        // fields belong in the body, where they are signed and survive.
        let signed: v1::SignedBundle = wire::decode_strict("bundle", bytes)?;
        wire::check_len("bundle body", signed.body.len(), MAX_BUNDLE_BODY_LEN)?;
        let body: v1::BundleBody = wire::decode("bundle body", &signed.body)?;
        let identity = verify(&body.identity_key, &signed)?;
        if body.expires_at <= body.issued_at {
            return Err(malformed("bundle lifetime").into());
        }
        let devices = body
            .devices
            .iter()
            .map(DeviceBundle::from_wire)
            .collect::<Result<Vec<_>, _>>()?;
        let ascending = devices
            .iter()
            .zip(devices.iter().skip(1))
            .all(|(a, b)| a.device_id < b.device_id);
        if devices.is_empty() || devices.len() > MAX_DEVICES || !ascending {
            return Err(malformed("list of devices").into());
        }
        Ok(Self {
            identity,
            issued_at: body.issued_at,
            expires_at: body.expires_at,
            devices,
            encoded: bytes.to_vec(),
        })
    }

    /// Refuses a bundle that is expired, or from the future, at `now` (seconds since 1970-01-01T00:00:00Z).
    ///
    /// Checked before a bundle is stored. Never before decrypting: the clock does not gate messages.
    pub fn check_time(&self, now: u64) -> Result<(), BundleError> {
        if now >= self.expires_at {
            return Err(BundleError::Expired {
                expires_at: self.expires_at,
            });
        }
        if is_from_the_future(self.issued_at, now) {
            return Err(BundleError::FromTheFuture {
                issued_at: self.issued_at,
            });
        }
        Ok(())
    }

    /// The bytes as they were signed and sent.
    #[must_use]
    pub fn encoded(&self) -> &[u8] {
        &self.encoded
    }

    /// Who signed it.
    #[must_use]
    pub fn identity(&self) -> &PublicIdentity {
        &self.identity
    }

    /// When it was made, in seconds since 1970-01-01T00:00:00Z.
    #[must_use]
    pub fn issued_at(&self) -> u64 {
        self.issued_at
    }

    /// From when on it is refused, in seconds since 1970-01-01T00:00:00Z.
    #[must_use]
    pub fn expires_at(&self) -> u64 {
        self.expires_at
    }

    /// The devices, their ids ascending.
    #[must_use]
    pub fn devices(&self) -> &[DeviceBundle] {
        &self.devices
    }

    /// True when a one-time prekey is inside, so that it may be handed out once only.
    #[must_use]
    pub fn single_use(&self) -> bool {
        self.devices
            .iter()
            .any(|device| device.one_time_prekey.is_some())
    }
}

impl DeviceBundle {
    fn from_wire(device: &v1::DeviceBundle) -> Result<Self, BundleError> {
        let signed_prekey = device
            .signed_prekey
            .as_ref()
            .ok_or(malformed("signed prekey"))?;
        Ok(Self {
            device_id: wire::non_zero("device id", device.device_id)?,
            signed_prekey: Prekey::from_wire(signed_prekey)?,
            one_time_prekey: device
                .one_time_prekey
                .as_ref()
                .map(Prekey::from_wire)
                .transpose()?,
        })
    }
}

impl Prekey {
    fn from_wire(prekey: &v1::Prekey) -> Result<Self, BundleError> {
        Ok(Self {
            id: wire::non_zero("prekey id", prekey.id)?,
            key: DhPublic::from_bytes(&prekey.key).map_err(|_| BundleError::InvalidKey)?,
        })
    }
}
