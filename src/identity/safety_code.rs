//! The safety number as a code that one side shows and the other scans (RFC windlass §6.7). It holds both keys whole, so it says more
//! than the digits.

use super::PublicIdentity;
use crate::wire::{UriFault, from_uri, to_uri};

/// Tells the code of a safety number from an invitation.
const KIND: char = 'S';

/// The code to show: `WINDLASS:S` and Base32 of `own key || their key` and a checksum.
#[must_use]
pub fn safety_code(own: &PublicIdentity, theirs: &PublicIdentity) -> String {
    to_uri(KIND, &[own.to_bytes(), theirs.to_bytes()].concat())
}

/// Whether the code is what `theirs` shows when they see `own` as the other side.
pub fn safety_code_matches(
    code: &str,
    own: &PublicIdentity,
    theirs: &PublicIdentity,
) -> Result<bool, UriFault> {
    Ok(from_uri(KIND, code)? == [theirs.to_bytes(), own.to_bytes()].concat())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::crypto::{Secret, seeded};
    use crate::identity::IdentityKeyPair;

    #[test]
    fn the_code_of_the_other_side_matches_and_no_other() {
        let mut rng = seeded(&Secret::new([9; 32]));
        let [a, b, c] = [(); 3].map(|()| IdentityKeyPair::generate(&mut rng).public());
        assert!(safety_code_matches(&safety_code(&b, &a), &a, &b).unwrap());
        for other in [
            safety_code(&a, &b),
            safety_code(&b, &c),
            safety_code(&c, &a),
        ] {
            assert!(!safety_code_matches(&other, &a, &b).unwrap());
        }
        let invitation = to_uri('B', &[1; 64]);
        assert_eq!(
            safety_code_matches(&invitation, &a, &b),
            Err(UriFault::Kind)
        );
    }
}
