//! What others publish, and when it is believed.

use super::{BundleError, DeviceBundle};
use crate::crypto::{KemPublic, Secret, SecretBytes, sha256, wipe};
use crate::identity::PublicIdentity;
use crate::limits::{MAX_BUNDLE_BODY_LEN, MAX_BUNDLE_LEN, MAX_CLOCK_SKEW_SECONDS, MAX_DEVICES};
use crate::wire::{self, malformed, v2};

/// Length in bytes of the secret of a code.
pub const CODE_SECRET_LEN: usize = 32;

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

/// A bundle whose signature was checked. The bytes are kept as they came.
#[derive(Clone, PartialEq, Eq)]
pub struct VerifiedBundle {
    identity: PublicIdentity,
    issued_at: u64,
    expires_at: u64,
    devices: Vec<DeviceBundle>,
    encoded: SecretBytes,
}

/// Without the bytes: they may hold the secret of a code.
impl core::fmt::Debug for VerifiedBundle {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("VerifiedBundle")
            .field("identity", &self.identity)
            .field("issued_at", &self.issued_at)
            .field("expires_at", &self.expires_at)
            .field("devices", &self.devices)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
thread_local! {
    /// How many bundles this thread parsed, for the tests that hold what a message costs.
    pub(crate) static PARSED: core::cell::Cell<usize> = const { core::cell::Cell::new(0) };
}

impl VerifiedBundle {
    /// Decodes and verifies. The wall clock plays no part here; see [`Self::check_time`].
    pub fn decode(bytes: &[u8]) -> Result<Self, BundleError> {
        let bundle = Self::read(bytes, |identity_key, signed| {
            let identity = PublicIdentity::from_bytes(identity_key)?;
            // Verified before anything else in the body is believed.
            identity.verify_bundle(&signed.body, &signed.signature)?;
            Ok(identity)
        })?;
        if bundle.devices.iter().all(DeviceBundle::keeps_its_word) {
            Ok(bundle)
        } else {
            Err(BundleError::InvalidKey)
        }
    }

    /// Decodes the bytes of a row that the store authenticated, written from a bundle that was verified.
    pub fn from_stored(bytes: &[u8]) -> Result<Self, BundleError> {
        Self::read(bytes, |identity_key, _| {
            PublicIdentity::from_stored(identity_key).ok_or(BundleError::InvalidKey)
        })
    }

    fn read(
        bytes: &[u8],
        verify: impl FnOnce(&[u8], &v2::SignedBundle) -> Result<PublicIdentity, BundleError>,
    ) -> Result<Self, BundleError> {
        wire::check_version("bundle", bytes, MAX_BUNDLE_LEN)?;
        #[cfg(test)]
        PARSED.set(PARSED.get() + 1);
        // The outer message carries nothing that the signature does not cover but these fields, so it is strict; unknown fields belong in
        // the body, where they are signed and survive.
        let signed: v2::SignedBundle = wire::decode_strict("bundle", bytes)?;
        wire::check_len("bundle body", signed.body.len(), MAX_BUNDLE_BODY_LEN)?;
        let body: v2::BundleBody = wire::decode("bundle body", &signed.body)?;
        let identity = verify(&body.identity_key, &signed)?;
        if body.expires_at <= body.issued_at {
            return Err(malformed("bundle lifetime").into());
        }
        let mut devices = body
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
        attach(&signed.kem_keys, &mut devices)?;
        let invites = devices.iter().filter(|one| one.one_time_prekey.is_some());
        if !matches!(
            (signed.code_secret.len(), invites.count()),
            (0, _) | (CODE_SECRET_LEN, 1)
        ) {
            return Err(malformed("code secret").into());
        }
        Ok(Self {
            identity,
            issued_at: body.issued_at,
            expires_at: body.expires_at,
            devices,
            encoded: bytes.to_vec().into(),
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

    /// The secret that came beside the signature, for the one who was given this bundle.
    #[must_use]
    pub fn code_secret(&self) -> Option<Secret<CODE_SECRET_LEN>> {
        Secret::try_from_slice(&self.outer()?.code_secret)
    }

    /// The same without its ML-KEM keys: what is shown as a code.
    #[must_use]
    pub fn without_kem_keys(&self) -> Self {
        self.with_kem_keys_where(|_| false)
    }

    /// The same with the ML-KEM key of one device alone, if it has that: eight are too many to be shown.
    #[must_use]
    pub fn with_kem_key_of(&self, device_id: u32) -> Self {
        self.with_kem_keys_where(|device| device.device_id == device_id)
    }

    fn with_kem_keys_where(&self, stays: impl Fn(&DeviceBundle) -> bool) -> Self {
        let mut bundle = self.clone();
        for device in &mut bundle.devices {
            if !stays(device) {
                device.kem_prekey.key = None;
            }
        }
        bundle.encode_kem_keys()
    }

    /// The same without the secret of its code: what is kept once it was used, and what is passed on.
    #[must_use]
    pub fn without_code_secret(&self) -> Self {
        self.clone()
            .encode_again(|outer| wipe(&mut outer.code_secret))
    }

    /// The same with the ML-KEM keys that another form of it has, and this one has not.
    #[must_use]
    pub fn with_kem_keys_of(&self, other: &Self) -> Self {
        let mut bundle = self.clone();
        for (ours, theirs) in bundle.devices.iter_mut().zip(&other.devices) {
            if ours.kem_prekey.key.is_none()
                && ours.kem_prekey.commitment == theirs.kem_prekey.commitment
            {
                ours.kem_prekey.key.clone_from(&theirs.kem_prekey.key);
            }
        }
        bundle.encode_kem_keys()
    }

    /// Whether both are forms of what was signed once: the same but for keys and secrets that were detached.
    #[must_use]
    pub fn is_form_of(&self, other: &Self) -> bool {
        self.issued_at == other.issued_at && self.body() == other.body()
    }

    /// What is signed: the same in all its forms.
    #[must_use]
    pub fn body(&self) -> Vec<u8> {
        let outer = self.outer();
        outer.map_or_else(Vec::new, |mut outer| core::mem::take(&mut outer.body))
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

impl VerifiedBundle {
    fn outer(&self) -> Option<v2::SignedBundle> {
        wire::decode("bundle", &self.encoded).ok()
    }

    /// With the ML-KEM keys that its devices have.
    fn encode_kem_keys(self) -> Self {
        let devices = self.devices.iter();
        let keys = devices.filter_map(|device| device.kem_prekey.key.as_ref());
        let keys = keys.map(|key| key.as_bytes().to_vec()).collect();
        self.encode_again(|outer| outer.kem_keys = keys)
    }

    /// With what is not signed changed.
    fn encode_again(mut self, change: impl FnOnce(&mut v2::SignedBundle)) -> Self {
        if let Some(mut outer) = self.outer() {
            change(&mut outer);
            self.encoded = wire::encode_secret(&outer);
        }
        self
    }
}

/// Gives each device the ML-KEM key that came for it. They come in the order of the devices; those that are missing are left out.
fn attach(keys: &[Vec<u8>], devices: &mut [DeviceBundle]) -> Result<(), BundleError> {
    let mut devices = devices.iter_mut();
    for key in keys {
        let commitment = sha256(&[key]);
        let device = devices.find(|device| device.kem_prekey.commitment == commitment);
        let device = device.ok_or(malformed("ML-KEM keys"))?;
        device.kem_prekey.key = Some(KemPublic::from_stored(key).ok_or(BundleError::InvalidKey)?);
    }
    Ok(())
}
