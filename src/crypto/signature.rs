//! Ed25519 with strict verification, and its birational map to X25519.

use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use zeroize::Zeroize;

use super::stack::{CURVE_STACK, apart};
use super::{CryptoRng, DhPoint, DhPublic, DhSecret, Secret, sha512};

/// Length in bytes of an Ed25519 seed.
pub const SEED_LEN: usize = 32;
/// Length in bytes of an Ed25519 public key.
pub const PUBLIC_KEY_LEN: usize = 32;
/// Length in bytes of an Ed25519 signature.
pub const SIGNATURE_LEN: usize = 64;

/// Why a public key or a signature was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// Not 32 bytes, no point of the curve, not its canonical encoding, or of small order.
    #[error("not a valid Ed25519 public key")]
    InvalidPublicKey,
    /// The signature does not fit key and message.
    #[error("the signature does not verify")]
    InvalidSignature,
}

/// The secret half: a 32-byte seed.
///
/// Boxed, so that moving it leaves no copy behind on the stack.
pub struct SigningSecret(Box<SigningKey>);

impl SigningSecret {
    /// A new key pair.
    #[must_use]
    pub fn generate(rng: &mut dyn CryptoRng) -> Self {
        Self::from_seed(&Secret::random(rng))
    }

    /// The key pair of `seed` (RFC 8032 §5.1.5).
    #[must_use]
    pub fn from_seed(seed: &Secret<SEED_LEN>) -> Self {
        apart::<CURVE_STACK, _>(|| Self(Box::new(SigningKey::from_bytes(seed.as_bytes()))))
    }

    /// The seed, for the sealed store and for an export that the user asked for.
    #[must_use]
    pub fn seed(&self) -> Secret<SEED_LEN> {
        let mut seed = Secret::zero();
        seed.as_mut_bytes().copy_from_slice(self.0.as_bytes());
        seed
    }

    /// The public half.
    #[must_use]
    pub fn verifying_public(&self) -> VerifyingPublic {
        VerifyingPublic(self.0.verifying_key().to_bytes())
    }

    /// Signs the concatenation of `label` and `message`. `label` is from [`super::labels`], so no signature fits two purposes.
    #[must_use]
    pub fn sign(&self, label: &[u8], message: &[u8]) -> [u8; SIGNATURE_LEN] {
        apart::<CURVE_STACK, _>(|| self.0.sign(&[label, message].concat()).to_bytes())
    }

    /// The X25519 secret of the same key pair: the first half of SHA-512(seed), which X25519 clamps.
    #[must_use]
    pub fn to_dh(&self) -> DhSecret {
        apart::<CURVE_STACK, _>(|| {
            let mut expanded = sha512(&[self.0.as_bytes()]);
            let mut scalar = Secret::<32>::zero();
            for (to, from) in scalar.as_mut_bytes().iter_mut().zip(&expanded) {
                *to = *from;
            }
            expanded.zeroize();
            DhSecret::from_bytes(&scalar)
        })
    }
}

impl core::fmt::Debug for SigningSecret {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("[REDACTED]")
    }
}

/// The public half, known to be a canonical encoding of a point of prime order.
///
/// Kept as bytes: most of what is done with it is comparing and hashing, and the point costs more than either.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VerifyingPublic([u8; PUBLIC_KEY_LEN]);

impl VerifyingPublic {
    /// Refuses what has a second encoding or is not of prime order: one identity has one public key, and one key one identity. Of a key
    /// with a part of small order there are seven others with which everybody agrees on the same secret (RFC windlass §3.1.2).
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, SignatureError> {
        let bytes: &[u8; PUBLIC_KEY_LEN] = bytes
            .try_into()
            .map_err(|_| SignatureError::InvalidPublicKey)?;
        let key = VerifyingKey::from_bytes(bytes).map_err(|_| SignatureError::InvalidPublicKey)?;
        let point = key.to_edwards();
        let canonical = point.compress().to_bytes() == *bytes;
        // The neutral element is of order 1.
        if key.is_weak() || !point.is_torsion_free() || !canonical {
            return Err(SignatureError::InvalidPublicKey);
        }
        Ok(Self(*bytes))
    }

    /// For bytes that went through [`Self::from_bytes`] before they were stored, and that the store authenticated.
    #[must_use]
    pub fn from_stored(bytes: [u8; PUBLIC_KEY_LEN]) -> Self {
        Self(bytes)
    }

    /// The 32 bytes.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; PUBLIC_KEY_LEN] {
        self.0
    }

    /// Checks a signature made by [`SigningSecret::sign`], strictly (no malleable or small-order components).
    pub fn verify(
        &self,
        label: &[u8],
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), SignatureError> {
        let signature =
            Signature::from_slice(signature).map_err(|_| SignatureError::InvalidSignature)?;
        VerifyingKey::from_bytes(&self.0)
            .map_err(|_| SignatureError::InvalidPublicKey)?
            .verify_strict(&[label, message].concat(), &signature)
            .map_err(|_| SignatureError::InvalidSignature)
    }

    /// The X25519 public key of the same key pair: the birational map u = (1 + y) / (1 - y) (RFC 7748 §4.1).
    ///
    /// Never fails: the points that map to a small-order or non-canonical u are refused by [`Self::from_bytes`]. Bytes that are no
    /// point at all would give u = 0, with which no agreement succeeds.
    #[must_use]
    pub fn to_dh(&self) -> DhPublic {
        let u = VerifyingKey::from_bytes(&self.0).map(|key| key.to_montgomery().to_bytes());
        DhPublic::from_checked(u.unwrap_or_default())
    }

    /// The same ready to be agreed with, without the way over its bytes.
    #[must_use]
    pub fn to_dh_point(&self) -> DhPoint {
        VerifyingKey::from_bytes(&self.0).map_or_else(
            |_| DhPublic::from_checked(Default::default()).point(),
            |key| DhPoint::of_edwards(key.to_edwards()),
        )
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
pub(crate) mod tests {
    use super::*;
    use crate::crypto::{labels, seeded};

    #[test]
    fn no_key_is_printed() {
        let secret = SigningSecret::generate(&mut seeded(&Secret::new([1; 32])));
        assert_eq!(format!("{secret:?}"), "[REDACTED]");
    }

    /// The points of small order, in their canonical encodings: of order 1, 2, 4, 4, and four of order 8.
    const TORSION: [&str; 8] = [
        "0100000000000000000000000000000000000000000000000000000000000000",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0000000000000000000000000000000000000000000000000000000000000080",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
    ];

    fn unhex(hex: &str) -> [u8; 32] {
        let bytes = data_encoding::HEXLOWER.decode(hex.as_bytes()).unwrap();
        bytes.try_into().unwrap()
    }

    /// A key plus each of the points of small order, itself first: eight points with one and the same X25519 form.
    pub(crate) fn with_torsion(key: &[u8; 32]) -> Vec<[u8; 32]> {
        let point = |bytes: &[u8; 32]| VerifyingKey::from_bytes(bytes).unwrap().to_edwards();
        let key = point(key);
        let torsion = TORSION.iter().map(|hex| point(&unhex(hex)));
        torsion
            .map(|small| (key + small).compress().to_bytes())
            .collect()
    }

    #[test]
    fn of_eight_keys_that_agree_on_the_same_secrets_one_is_an_identity() {
        let secret = SigningSecret::from_seed(&Secret::new([5; 32]));
        let key = secret.verifying_public().to_bytes();
        let agreeing = with_torsion(&key);
        assert_eq!(agreeing.first(), Some(&key));
        let different: std::collections::BTreeSet<_> = agreeing.iter().collect();
        assert_eq!(different.len(), 8);
        let accepted = agreeing
            .iter()
            .filter(|key| VerifyingPublic::from_bytes(*key).is_ok());
        assert_eq!(accepted.collect::<Vec<_>>(), [&key]);
    }

    #[test]
    fn both_halves_map_to_the_same_x25519_pair() {
        let mut rng = seeded(&Secret::new([3; 32]));
        for _ in 0..50 {
            let secret = SigningSecret::generate(&mut rng);
            let public = secret.verifying_public();
            assert_eq!(secret.to_dh().public(), public.to_dh());
            let other = DhSecret::generate(&mut rng);
            assert_eq!(
                other.agree_at(&public.to_dh_point()),
                other.agree(&public.to_dh())
            );
        }
    }

    #[test]
    fn a_signature_under_another_label_does_not_verify() {
        let mut rng = seeded(&Secret::new([4; 32]));
        let secret = SigningSecret::generate(&mut rng);
        let signature = secret.sign(labels::BUNDLE_SIGNATURE, b"body");
        let public = secret.verifying_public();
        assert!(
            public
                .verify(labels::BUNDLE_SIGNATURE, b"body", &signature)
                .is_ok()
        );
        assert!(
            public
                .verify(labels::SAFETY_NUMBER, b"body", &signature)
                .is_err()
        );
        assert!(
            public
                .verify(labels::BUNDLE_SIGNATURE, b"bodz", &signature)
                .is_err()
        );
        assert!(
            public
                .verify(labels::BUNDLE_SIGNATURE, b"body", &[0; 63])
                .is_err()
        );
    }

    #[test]
    fn small_order_and_non_canonical_keys_are_refused() {
        // The eight small-order points and their non-canonical encodings (RFC 7748 §6.1's peers on the Edwards form).
        let not_canonical = [
            "0100000000000000000000000000000000000000000000000000000000000080",
            "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
            "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
            "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
            "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
        ];
        for hex in TORSION.into_iter().chain(not_canonical) {
            assert!(VerifyingPublic::from_bytes(&unhex(hex)).is_err(), "{hex}");
        }
        // y = 3 + p, and y = 4 + p: valid points whose encodings are not canonical.
        for low in 0xed..=0xffu8 {
            let mut bytes = [0xff; 32];
            bytes[0] = low;
            bytes[31] = 0x7f;
            assert!(VerifyingPublic::from_bytes(&bytes).is_err(), "{low:x}");
        }
        assert!(VerifyingPublic::from_bytes(&[1; 31]).is_err());
    }
}
