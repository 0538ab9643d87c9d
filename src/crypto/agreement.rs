//! X25519 whose every result is contributory.
//!
//! Where the processor has vectors for it, an agreement goes by the Edwards form of the curve: the public key is converted, multiplied there and
//! converted back, which gives the same 32 bytes in two thirds of the time (`docs/decisions/0072-agreements-by-the-edwards-form.md`). What of it
//! touches the secret takes the same time for every secret: [`EdwardsPoint::mul_clamped`] takes 64 equal steps, one for each digit of the scalar,
//! and reads its table of multiples whole for each; [`EdwardsPoint::to_montgomery`] is arithmetic in the field, its inversion a fixed power. The
//! conversion of the public key has branches ([`MontgomeryPoint::to_edwards`]: whether there is such a point on the curve at all), on nothing but
//! that key, which everybody may know.

use std::sync::OnceLock;

use curve25519_dalek::edwards::EdwardsPoint;
use curve25519_dalek::montgomery::MontgomeryPoint;
use subtle::ConstantTimeEq;
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
pub struct DhSecret {
    secret: Box<StaticSecret>,
    /// Computed when it is first asked for: a multiplication, and most secrets are asked more than once or never.
    public: OnceLock<DhPublic>,
}

impl DhSecret {
    /// A new key pair.
    #[must_use]
    pub fn generate(rng: &mut dyn CryptoRng) -> Self {
        Self::from_bytes(&Secret::random(rng))
    }

    /// From 32 bytes, which X25519 clamps when it uses them (RFC 7748 §5).
    #[must_use]
    pub fn from_bytes(bytes: &Secret<DH_KEY_LEN>) -> Self {
        apart::<CURVE_STACK, _>(|| Self {
            secret: Box::new(StaticSecret::from(*bytes.as_bytes())),
            public: OnceLock::new(),
        })
    }

    /// A second copy. Named, so that a search finds every place where a secret is doubled.
    #[must_use]
    pub fn duplicate(&self) -> Self {
        let copy = Self::from_bytes(&self.to_bytes());
        let public = self.public.clone();
        Self { public, ..copy }
    }

    /// The bytes, for the sealed store.
    #[must_use]
    pub fn to_bytes(&self) -> Secret<DH_KEY_LEN> {
        let mut secret = Secret::zero();
        secret
            .as_mut_bytes()
            .copy_from_slice(self.secret.as_bytes());
        secret
    }

    /// The public half.
    #[must_use]
    pub fn public(&self) -> DhPublic {
        *self.public.get_or_init(|| {
            apart::<CURVE_STACK, _>(|| DhPublic(PublicKey::from(&*self.secret).to_bytes()))
        })
    }

    /// X25519 (RFC 7748 §5). An all-zero result is an error, in the handshake and in each ratchet step alike.
    pub fn agree(&self, their_public: &DhPublic) -> Result<SharedSecret, AgreementError> {
        self.agree_at(&their_public.point())
    }

    /// The same with a public key that was made ready.
    pub fn agree_at(&self, their_point: &DhPoint) -> Result<SharedSecret, AgreementError> {
        let shared = apart::<CURVE_STACK, _>(|| match &their_point.0 {
            Form::Edwards(point) => {
                let product = point.mul_clamped(*self.secret.as_bytes());
                Secret::new(product.to_montgomery().to_bytes())
            }
            Form::Montgomery(public) => Secret::new(self.secret.diffie_hellman(public).to_bytes()),
        });
        // Constant time in the shared value; whether it is zero is no secret, since the public key decides it.
        if bool::from(shared.as_bytes().ct_eq(&[0; DH_KEY_LEN])) {
            return Err(AgreementError::NonContributory);
        }
        Ok(shared)
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

/// A public key made ready to be agreed with: worth it where several secrets agree with one key.
#[derive(Clone, Copy)]
pub struct DhPoint(Form);

/// What an agreement is computed on.
#[derive(Clone, Copy)]
enum Form {
    /// One of the two points with the u-coordinate that the key is. Which of them does not matter: the product's has the same.
    Edwards(EdwardsPoint),
    /// For a key that is on the twist of the curve and so has no Edwards form, and where there are no vectors: the ladder of RFC 7748, which takes
    /// either.
    Montgomery(PublicKey),
}

impl DhPoint {
    /// Of a point of which the Edwards form is at hand.
    pub(super) fn of_edwards(point: EdwardsPoint) -> Self {
        Self(if has_vectors() {
            Form::Edwards(point)
        } else {
            Form::Montgomery(point.to_montgomery().to_bytes().into())
        })
    }
}

impl core::fmt::Debug for DhPoint {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("DhPoint")
    }
}

/// Whether the Edwards form is the faster one: with AVX2 it takes two thirds of the ladder's time, without it more than that.
fn has_vectors() -> bool {
    #[cfg(target_arch = "x86_64")]
    let has = std::arch::is_x86_feature_detected!("avx2");
    #[cfg(not(target_arch = "x86_64"))]
    let has = false;
    has
}

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

    /// The key made ready.
    #[must_use]
    pub fn point(&self) -> DhPoint {
        let form = has_vectors().then(|| self.edwards()).flatten();
        DhPoint(form.unwrap_or(Form::Montgomery(PublicKey::from(self.0))))
    }

    /// Nothing for a point of the twist.
    fn edwards(&self) -> Option<Form> {
        MontgomeryPoint(self.0).to_edwards(0).map(Form::Edwards)
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

    #[test]
    fn no_key_is_printed() {
        let secret = DhSecret::generate(&mut seeded(&Secret::new([1; 32])));
        assert_eq!(format!("{secret:?}"), "[REDACTED]");
        assert_eq!(format!("{:?}", secret.public().point()), "DhPoint");
    }

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

    /// What the ladder and, for a point of the curve, the Edwards form give: of equal length where both are there.
    fn both_ways(secret: &DhSecret, point: [u8; 32]) -> Vec<Result<SharedSecret, AgreementError>> {
        let public = DhPublic::from_checked(point);
        let ladder = Form::Montgomery(PublicKey::from(point));
        let forms = [Some(ladder), public.edwards()].into_iter().flatten();
        forms.map(|form| secret.agree_at(&DhPoint(form))).collect()
    }

    #[test]
    fn the_edwards_form_agrees_as_the_ladder_does_and_the_twist_goes_by_the_ladder() {
        let mut rng = seeded(&Secret::new([7; 32]));
        let (mut curve, mut twist) = (0, 0);
        for _ in 0..400 {
            let secret = DhSecret::generate(&mut rng);
            // Half of all 32 bytes are a point of the curve; of half of those the top bit is set, which is passed over.
            let point = *Secret::<32>::random(&mut rng).as_bytes();
            let expected = secret.secret.diffie_hellman(&PublicKey::from(point));
            let found = both_ways(&secret, point);
            *(if found.len() == 2 {
                &mut curve
            } else {
                &mut twist
            }) += 1;
            for shared in found {
                assert_eq!(shared.unwrap().as_bytes(), expected.as_bytes());
            }
            let through = secret.agree(&DhPublic::from_checked(point)).unwrap();
            assert_eq!(through.as_bytes(), expected.as_bytes());
        }
        assert!(curve > 150 && twist > 150, "{curve} {twist}");
    }

    #[test]
    fn points_of_small_order_and_numbers_beyond_the_field_are_the_same_in_both_forms() {
        let secret = DhSecret::generate(&mut seeded(&Secret::new([8; 32])));
        for point in low_order_points() {
            for shared in both_ways(&secret, point) {
                assert_eq!(shared.unwrap_err(), AgreementError::NonContributory);
            }
        }
        // p + 2 to p + 18: second encodings of 2 to 18.
        for number in 2..19u8 {
            let mut point = FIELD_PRIME;
            point[0] += number;
            let mut small = [0; 32];
            small[0] = number;
            let shared = both_ways(&secret, point);
            assert_eq!(shared, both_ways(&secret, small));
            assert!(
                shared
                    .iter()
                    .all(|shared| *shared == shared_of(&secret, small))
            );
        }
    }

    fn shared_of(secret: &DhSecret, point: [u8; 32]) -> Result<SharedSecret, AgreementError> {
        secret.agree(&DhPublic::from_checked(point))
    }

    #[test]
    fn a_copy_has_the_same_public_half() {
        let secret = DhSecret::generate(&mut seeded(&Secret::new([9; 32])));
        let early = secret.duplicate();
        let public = secret.public();
        assert_eq!(early.public(), public);
        assert_eq!(secret.duplicate().public(), public);
        assert_eq!(secret.duplicate().to_bytes(), secret.to_bytes());
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
