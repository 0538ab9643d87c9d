//! The address of an identity for people: Bech32m (BIP-350) of the public key.

use bech32::primitives::decode::CheckedHrpstring;
use bech32::{Bech32m, Hrp};

use super::PublicIdentity;
use crate::crypto::SignatureError;
use crate::text;
use crate::wire::URI_SCHEME;

/// Every address begins with `wl1`.
pub const ADDRESS_HRP: &str = "wl";

/// Why a text is no address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// Not Bech32m, or its checksum says that it was mistyped.
    #[error("not an address, or mistyped")]
    Encoding,
    /// Bech32m of something else.
    #[error("an address begins with wl1")]
    Prefix,
    /// No valid public key inside.
    #[error("the address holds no valid public key")]
    Key(#[from] SignatureError),
}

impl PublicIdentity {
    /// The address: 61 characters, lower case.
    #[must_use]
    pub fn address(&self) -> String {
        // 32 bytes under a two-letter prefix always fit Bech32m's 90 characters.
        bech32::encode::<Bech32m>(Hrp::parse_unchecked(ADDRESS_HRP), &self.to_bytes())
            .unwrap_or_default()
    }

    /// The address as a URI: a link that lasts as long as the identity. All its characters are in the alphanumeric mode of QR codes.
    #[must_use]
    pub fn to_uri(&self) -> String {
        format!("{URI_SCHEME}{}", self.address().to_ascii_uppercase())
    }

    /// The identity of an address in lower or upper case, with or without the scheme of its URI.
    pub fn from_address(address: &str) -> Result<Self, AddressError> {
        let address = text::plain(address);
        let address = address.trim();
        let scheme = address.get(..URI_SCHEME.len()).unwrap_or_default();
        let address = match address.get(URI_SCHEME.len()..) {
            Some(rest) if scheme.eq_ignore_ascii_case(URI_SCHEME) => rest.trim_start_matches('/'),
            _ => address,
        };
        let checked =
            CheckedHrpstring::new::<Bech32m>(address).map_err(|_| AddressError::Encoding)?;
        if checked.hrp() != Hrp::parse_unchecked(ADDRESS_HRP) {
            return Err(AddressError::Prefix);
        }
        let key: Vec<u8> = checked.byte_iter().collect();
        let identity = Self::from_bytes(&key)?;
        // The characters have room for four bits more, and one identity has one address.
        if !identity.address().eq_ignore_ascii_case(address) {
            return Err(AddressError::Encoding);
        }
        Ok(identity)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests {
    use crate::crypto::{Secret, seeded};
    use crate::identity::{AddressError, IdentityKeyPair, PublicIdentity};

    #[test]
    fn an_address_leads_back_to_its_identity() {
        let mut rng = seeded(&Secret::new([7; 32]));
        for _ in 0..20 {
            let identity = IdentityKeyPair::generate(&mut rng).public();
            let address = identity.address();
            assert_eq!(address.len(), 61);
            assert_eq!(PublicIdentity::from_address(&address), Ok(identity));
            let uri = identity.to_uri();
            for written in [
                address.to_uppercase(),
                uri.to_lowercase(),
                uri.replace(':', "://"),
                format!("\u{2068}{address}\u{2069}\u{a0}"),
                uri,
            ] {
                assert_eq!(PublicIdentity::from_address(&written), Ok(identity));
            }
        }
    }

    #[test]
    fn no_second_address_leads_to_an_identity() {
        use bech32::primitives::iter::{ByteIterExt as _, Fe32IterExt as _};
        let hrp = bech32::Hrp::parse_unchecked(super::ADDRESS_HRP);
        let identity = IdentityKeyPair::from_seed(&Secret::new([8; 32])).public();
        let digits: Vec<_> = identity.to_bytes().into_iter().bytes_to_fes().collect();
        let last = digits.last().unwrap().to_u8();
        for bits in 1..16 {
            let mut digits = digits.clone();
            *digits.last_mut().unwrap() = bech32::Fe32::try_from(last | bits).unwrap();
            let other = digits.into_iter().with_checksum::<bech32::Bech32m>(&hrp);
            let other: String = other.chars().collect();
            assert_eq!(
                PublicIdentity::from_address(&other),
                Err(AddressError::Encoding)
            );
        }
    }

    #[test]
    fn one_mistyped_character_is_noticed() {
        let address = IdentityKeyPair::from_seed(&Secret::new([8; 32]))
            .public()
            .address();
        for i in 0..address.len() {
            let mut typed = address.clone().into_bytes();
            typed[i] = if typed[i] == b'q' { b'p' } else { b'q' };
            let typed = String::from_utf8(typed).unwrap();
            assert!(PublicIdentity::from_address(&typed).is_err(), "{typed}");
        }
        assert_eq!(
            PublicIdentity::from_address(""),
            Err(AddressError::Encoding)
        );
        assert!(PublicIdentity::from_address("wl1é").is_err());
    }
}
