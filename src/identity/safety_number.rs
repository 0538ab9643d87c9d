//! The safety number of two identities: what two people compare to know that nobody is between them.

use core::fmt::Write;

use super::PublicIdentity;
use crate::crypto::{labels, sha512};
use crate::limits::SAFETY_NUMBER_ITERATIONS;

/// Digits of a safety number, half of them from each identity.
pub const SAFETY_NUMBER_DIGITS: usize = 60;

/// Sixty decimal digits, the same whichever of the two is `a`.
///
/// Each half is an iterated SHA-512 of one identity, so that finding another identity with the same half costs the iterations at
/// every try. RFC windlass §5.2.
#[must_use]
pub fn safety_number(a: &PublicIdentity, b: &PublicIdentity) -> String {
    let (a, b) = (half(a), half(b));
    if a <= b { a + &b } else { b + &a }
}

/// Thirty digits: six groups of five, each from five bytes of the hash.
fn half(identity: &PublicIdentity) -> String {
    let key = identity.to_bytes();
    let mut hash = sha512(&[labels::SAFETY_NUMBER, &key]);
    for _ in 1..SAFETY_NUMBER_ITERATIONS {
        hash = sha512(&[&hash, &key]);
    }
    let mut digits = String::with_capacity(SAFETY_NUMBER_DIGITS / 2);
    for chunk in hash.chunks_exact(5).take(6) {
        let number = chunk
            .iter()
            .fold(0u64, |number, &byte| (number << 8) | u64::from(byte));
        // Writing to a string does not fail.
        let _ = write!(digits, "{:05}", number % 100_000);
    }
    digits
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::{Secret, seeded};
    use crate::identity::IdentityKeyPair;

    #[test]
    fn both_sides_read_the_same_sixty_digits() {
        let mut rng = seeded(&Secret::new([9; 32]));
        let [a, b, c] = [(); 3].map(|()| IdentityKeyPair::generate(&mut rng).public());
        let number = safety_number(&a, &b);
        assert_eq!(number, safety_number(&b, &a));
        assert_eq!(number.len(), SAFETY_NUMBER_DIGITS);
        assert!(number.bytes().all(|digit| digit.is_ascii_digit()));
        assert_ne!(number, safety_number(&a, &c));
    }
}
