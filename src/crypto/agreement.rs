//! X25519 whose every result is contributory.

use x25519_dalek::{PublicKey, StaticSecret};

use super::stack::{CURVE_STACK, apart};
use super::{CryptoRng, Secret, TooLong};

/// Length in bytes of an X25519 public or secret key.
pub const DH_KEY_LEN: usize = 32;

/// The 32-byte result of an agreement.
pub type SharedSecret = Secret<32>;

/// Why an agreement or a public key was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AgreementError {
    /// Not 32 bytes, or not the canonical encoding of a field element.
    #[error("not a valid X25519 public key")]
    InvalidPublicKey,
    /// The result is all zero: the public key is of small order and the other side contributed nothing.
    #[error("the X25519 agreement is not contributory")]
    NonContributory,
    /// What a handshake says was not sealed.
    #[error(transparent)]
    TooLong(#[from] TooLong),
}

/// An X25519 secret key.
///
/// Boxed, so that moving it leaves no copy behind on the stack.
pub struct DhSecret(Box<StaticSecret>);

impl DhSecret {
    /// A new key pair.
    #[must_use]
    pub fn generate(rng: &mut dyn CryptoRng) -> Self {
        Self::from_bytes(&Secret::random(rng))
    }

    /// From 32 bytes, which X25519 clamps when it uses them (RFC 7748 §5).
    #[must_use]
    pub fn from_bytes(bytes: &Secret<DH_KEY_LEN>) -> Self {
        apart::<CURVE_STACK, _>(|| Self(Box::new(StaticSecret::from(*bytes.as_bytes()))))
    }

    /// The bytes, for the sealed store.
    #[must_use]
    pub fn to_bytes(&self) -> Secret<DH_KEY_LEN> {
        let mut secret = Secret::zero();
        secret.as_mut_bytes().copy_from_slice(self.0.as_bytes());
        secret
    }

    /// The public half.
    #[must_use]
    pub fn public(&self) -> DhPublic {
        apart::<CURVE_STACK, _>(|| DhPublic(PublicKey::from(&*self.0).to_bytes()))
    }

    /// X25519 (RFC 7748 §5). An all-zero result is an error, in the handshake and in each ratchet step alike.
    pub fn agree(&self, their_public: &DhPublic) -> Result<SharedSecret, AgreementError> {
        apart::<CURVE_STACK, _>(|| {
            let shared = self.0.diffie_hellman(&PublicKey::from(their_public.0));
            // Constant time in the shared value; whether it is zero is no secret, since the public key decides it.
            if !shared.was_contributory() {
                return Err(AgreementError::NonContributory);
            }
            Ok(Secret::new(shared.to_bytes()))
        })
    }
}

impl core::fmt::Debug for DhSecret {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("[REDACTED]")
    }
}

/// An X25519 public key in its canonical encoding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DhPublic([u8; DH_KEY_LEN]);

/// 2^255 - 19, little endian.
const FIELD_PRIME: [u8; DH_KEY_LEN] = {
    let mut p = [0xff; DH_KEY_LEN];
    p[0] = 0xed;
    p[31] = 0x7f;
    p
};

/// The canonical encodings of the u-coordinates of order 1, 2, 4 and 8, on the curve and on its twist (RFC 7748 §6.1 asks for the
/// check, D. J. Bernstein's page on Curve25519 lists the values).
const SMALL_ORDER: [[u8; DH_KEY_LEN]; 5] = [
    [0; DH_KEY_LEN],
    {
        let mut one = [0; DH_KEY_LEN];
        one[0] = 1;
        one
    },
    {
        let mut minus_one = FIELD_PRIME;
        minus_one[0] = 0xec;
        minus_one
    },
    [
        0xe0, 0xeb, 0x7a, 0x7c, 0x3b, 0x41, 0xb8, 0xae, 0x16, 0x56, 0xe3, 0xfa, 0xf1, 0x9f, 0xc4,
        0x6a, 0xda, 0x09, 0x8d, 0xeb, 0x9c, 0x32, 0xb1, 0xfd, 0x86, 0x62, 0x05, 0x16, 0x5f, 0x49,
        0xb8, 0x00,
    ],
    [
        0x5f, 0x9c, 0x95, 0xbc, 0xa3, 0x50, 0x8c, 0x24, 0xb1, 0xd0, 0xb1, 0x55, 0x9c, 0x83, 0xef,
        0x5b, 0x04, 0x44, 0x5c, 0xc4, 0x58, 0x1c, 0x8e, 0x86, 0xd8, 0x22, 0x4e, 0xdd, 0xd0, 0x9f,
        0x11, 0x57,
    ],
];

impl DhPublic {
    /// Refuses the keys of small order, and any encoding of a key but its canonical one (values of p and above, the unused
    /// top bit). [`DhSecret::agree`] looks at its result all the same.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, AgreementError> {
        let bytes: [u8; DH_KEY_LEN] = bytes
            .try_into()
            .map_err(|_| AgreementError::InvalidPublicKey)?;
        // Public values: an early exit tells nothing.
        if bytes.iter().rev().ge(FIELD_PRIME.iter().rev()) {
            return Err(AgreementError::InvalidPublicKey);
        }
        if SMALL_ORDER.contains(&bytes) {
            return Err(AgreementError::InvalidPublicKey);
        }
        Ok(Self(bytes))
    }

    /// For keys that arithmetic made canonical.
    pub(super) fn from_checked(bytes: [u8; DH_KEY_LEN]) -> Self {
        Self(bytes)
    }

    /// The 32 bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; DH_KEY_LEN] {
        &self.0
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests {
    use super::*;
    use crate::crypto::seeded;

    /// The points of order 1, 2, 4 and 8 of the curve and of its twist, with their non-canonical encodings.
    fn low_order_points() -> Vec<[u8; 32]> {
        let mut points = Vec::new();
        for hex in [
            "0000000000000000000000000000000000000000000000000000000000000000",
            "0100000000000000000000000000000000000000000000000000000000000000",
            "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
            "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
            "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
            "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
            "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        ] {
            let decoded = data_encoding::HEXLOWER.decode(hex.as_bytes()).unwrap();
            let mut point: [u8; 32] = decoded.try_into().unwrap();
            points.push(point);
            point[31] ^= 0x80;
            points.push(point);
        }
        points
    }

    #[test]
    fn no_low_order_point_agrees_with_anything() {
        let secret = DhSecret::generate(&mut seeded(&Secret::new([5; 32])));
        for point in low_order_points() {
            assert!(DhPublic::from_bytes(&point).is_err());
            assert_eq!(
                secret.agree(&DhPublic::from_checked(point)).unwrap_err(),
                AgreementError::NonContributory
            );
        }
    }

    #[test]
    fn a_second_encoding_of_a_key_is_refused() {
        let public = DhSecret::generate(&mut seeded(&Secret::new([6; 32]))).public();
        assert_eq!(DhPublic::from_bytes(public.as_bytes()).unwrap(), public);
        let mut other = *public.as_bytes();
        other[31] |= 0x80;
        assert!(DhPublic::from_bytes(&other).is_err());
        for low in 0xed..=0xffu8 {
            let mut bytes = [0xff; 32];
            bytes[0] = low;
            bytes[31] = 0x7f;
            assert!(DhPublic::from_bytes(&bytes).is_err());
        }
    }
}
