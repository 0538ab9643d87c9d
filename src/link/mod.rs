//! How a new device receives its identity from an existing one (RFC windlass §8.5).
//!
//! The new device shows a code with a key made for this once; the existing one seals the identity to that key. Somebody who saw the
//! code and the transfer, and did not make the key, has nothing.

use prost::Message;

use crate::bundle::{BundleError, VerifiedBundle};
use crate::chat::OwnWordsKey;
use crate::crypto::{
    AgreementError, CryptoRng, DhPublic, DhSecret, Secret, decrypt, encrypt, hkdf_sha256, labels,
    pad, unpad,
};
use crate::identity::IdentityKeyPair;
use crate::limits::{MAX_BUNDLE_BODY_LEN, PROTOCOL_VERSION};
use crate::wire::{self, UriFault, WireError, v1};

/// Tells a link code from an invitation.
const CODE_KIND: char = 'L';
/// Tells a transfer shown as a code from the others.
const TRANSFER_KIND: char = 'T';
/// A seed, a bundle, padding and what is around them.
const MAX_TRANSFER_LEN: usize = 2 * MAX_BUNDLE_BODY_LEN;

/// Why a device cannot be linked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LinkError {
    /// Not the text of a code or a transfer.
    #[error(transparent)]
    Text(#[from] UriFault),
    /// It made a device already, and its key was erased.
    #[error("this code was used; show a new one")]
    Used,
    /// A code whose key is not valid.
    #[error("not the code of a new device; scan it again")]
    Code,
    /// The transfer is damaged, or of a newer version.
    #[error(transparent)]
    Wire(#[from] WireError),
    /// A key in it is not valid.
    #[error("the transfer holds an invalid key")]
    Key(#[from] AgreementError),
    /// Made for another code, or changed on the way.
    #[error("the transfer was made for another code; show this device's code and scan it again")]
    Sealed,
    /// The bundle inside is refused.
    #[error(transparent)]
    Bundle(#[from] BundleError),
    /// The bundle inside is not of the identity inside.
    #[error("the transfer contradicts itself")]
    Identity,
}

/// The new device's side, before it has an identity.
#[derive(Debug)]
pub struct LinkRequest {
    secret: DhSecret,
}

/// What the existing device read from the code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LinkCode(DhPublic);

/// Proves to the device that made a transfer that it has come to whom it was made for; 16 bytes.
pub type LinkToken = Secret<16>;

/// What the new device gets.
#[derive(Debug)]
pub struct Transfer {
    /// The identity.
    pub identity: IdentityKeyPair,
    /// Its devices so far.
    pub bundle: VerifiedBundle,
    /// For the first request.
    pub token: LinkToken,
    /// By which its devices know its own words.
    pub own_words: OwnWordsKey,
}

impl LinkRequest {
    /// A new one; its key is used once.
    #[must_use]
    pub fn new(rng: &mut dyn CryptoRng) -> Self {
        Self {
            secret: DhSecret::generate(rng),
        }
    }

    /// The code to show: `WINDLASS:L` and Base32 of the key and its checksum, all in the alphanumeric mode of QR codes.
    #[must_use]
    pub fn to_uri(&self) -> String {
        wire::to_uri(CODE_KIND, self.secret.public().as_bytes())
    }

    /// Opens the transfer.
    pub fn open(&self, transfer: &[u8]) -> Result<Transfer, LinkError> {
        wire::check_version("device transfer", transfer, MAX_TRANSFER_LEN)?;
        let transfer: v1::DeviceTransfer = wire::decode_strict("device transfer", transfer)?;
        let ephemeral = DhPublic::from_bytes(&transfer.ephemeral_key)?;
        let shared = self.secret.agree(&ephemeral)?;
        let data = associated_data(&self.secret.public(), &ephemeral);
        let key = hkdf_sha256(&[0; 32], shared.as_bytes(), labels::DEVICE_TRANSFER);
        let padded = decrypt(&key, &transfer.ciphertext, &data).map_err(|_| LinkError::Sealed)?;
        let plain = unpad(&padded).ok_or(LinkError::Sealed)?;
        let body: v1::TransferBody = wire::decode("device transfer", &plain)?;
        let seed = Secret::try_from_slice(&body.identity_seed).ok_or(LinkError::Identity)?;
        let identity = IdentityKeyPair::from_seed(&seed);
        let bundle = VerifiedBundle::decode(&body.bundle)?;
        if *bundle.identity() != identity.public() {
            return Err(LinkError::Identity);
        }
        let token = Secret::try_from_slice(&body.link_token).ok_or(LinkError::Identity)?;
        let own_words = body.own_words.as_ref().ok_or(LinkError::Identity)?;
        Ok(Transfer {
            identity,
            bundle,
            token,
            own_words: OwnWordsKey::from_wire(own_words)?,
        })
    }
}

impl LinkCode {
    /// Reads the code of a new device.
    pub fn from_uri(uri: &str) -> Result<Self, LinkError> {
        let key = wire::from_uri(CODE_KIND, uri)?;
        Ok(Self(
            DhPublic::from_bytes(&key).map_err(|_| LinkError::Code)?,
        ))
    }

    /// Seals the identity to the new device.
    pub fn seal(
        &self,
        identity: &IdentityKeyPair,
        bundle: &VerifiedBundle,
        token: &LinkToken,
        own_words: &OwnWordsKey,
        rng: &mut dyn CryptoRng,
    ) -> Result<Vec<u8>, LinkError> {
        let ephemeral = DhSecret::generate(rng);
        let shared = ephemeral.agree(&self.0)?;
        let key = hkdf_sha256(&[0; 32], shared.as_bytes(), labels::DEVICE_TRANSFER);
        let body = wire::encode_secret(&v1::TransferBody {
            identity_seed: identity.seed().as_bytes().to_vec(),
            bundle: bundle.encoded().to_vec(),
            link_token: token.as_bytes().to_vec(),
            own_words: Some(own_words.to_wire()),
        });
        let data = associated_data(&self.0, &ephemeral.public());
        Ok(v1::DeviceTransfer {
            version: PROTOCOL_VERSION,
            ephemeral_key: ephemeral.public().as_bytes().to_vec(),
            ciphertext: encrypt(&key, &pad(&body), &data, rng),
        }
        .encode_to_vec())
    }
}

/// A transfer as text for a code.
#[must_use]
pub fn transfer_to_uri(transfer: &[u8]) -> String {
    wire::to_uri(TRANSFER_KIND, transfer)
}

/// The transfer of a code.
pub fn transfer_from_uri(uri: &str) -> Result<Vec<u8>, LinkError> {
    Ok(wire::from_uri(TRANSFER_KIND, uri)?)
}

/// `version || key of the code || ephemeral key`, all of fixed length.
fn associated_data(code: &DhPublic, ephemeral: &DhPublic) -> Vec<u8> {
    [
        PROTOCOL_VERSION.to_be_bytes().as_slice(),
        code.as_bytes(),
        ephemeral.as_bytes(),
    ]
    .concat()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::bundle::{OwnDevice, Prekey, build};
    use crate::crypto::seeded;

    fn transfer(request: &LinkRequest) -> (Vec<u8>, IdentityKeyPair) {
        let mut rng = seeded(&Secret::new([5; 32]));
        let identity = IdentityKeyPair::generate(&mut rng);
        let own = OwnDevice {
            device_id: 7,
            signed_prekey: Prekey {
                id: 1,
                key: DhSecret::generate(&mut rng).public(),
            },
            one_time_prekey: None,
        };
        let bundle = build(&identity, &[own], 1_000).unwrap();
        let code = LinkCode::from_uri(&request.to_uri().to_lowercase()).unwrap();
        let token = LinkToken::new([9; 16]);
        let words = OwnWordsKey::random(20_000, &mut rng);
        let sealed = code.seal(&identity, &bundle, &token, &words, &mut rng);
        (sealed.unwrap(), identity)
    }

    #[test]
    fn a_transfer_opens_for_the_device_that_showed_the_code_and_for_no_other() {
        let mut rng = seeded(&Secret::new([6; 32]));
        let (request, other) = (LinkRequest::new(&mut rng), LinkRequest::new(&mut rng));
        let (bytes, identity) = transfer(&request);
        let opened = request.open(&bytes).unwrap();
        assert_eq!(opened.identity.public(), identity.public());
        assert_eq!(opened.bundle.devices().len(), 1);
        assert_eq!(opened.token, LinkToken::new([9; 16]));
        assert_eq!(other.open(&bytes).unwrap_err(), LinkError::Sealed);
        let uri = transfer_to_uri(&bytes);
        assert_eq!(transfer_from_uri(&uri), Ok(bytes));
    }

    #[test]
    fn every_changed_byte_of_a_transfer_is_noticed() {
        let request = LinkRequest::new(&mut seeded(&Secret::new([6; 32])));
        let (bytes, _) = transfer(&request);
        for at in 0..bytes.len() {
            let mut changed = bytes.clone();
            if let Some(byte) = changed.get_mut(at) {
                *byte ^= 1;
            }
            assert!(request.open(&changed).is_err(), "byte {at}");
        }
        assert!(request.open(&[]).is_err());
    }

    #[test]
    fn a_code_that_is_mistyped_or_another_is_refused() {
        let request = LinkRequest::new(&mut seeded(&Secret::new([6; 32])));
        let code = request.to_uri();
        let mistyped = &code[..code.len() - 1];
        for (text, fault) in [
            (mistyped, UriFault::Damaged),
            ("", UriFault::Scheme),
            ("WINDLASS:", UriFault::Damaged),
            ("WINDLASS:L", UriFault::Damaged),
            ("WINDLASS:BAAAA", UriFault::Kind),
            ("https://example.org", UriFault::Scheme),
        ] {
            assert_eq!(
                LinkCode::from_uri(text),
                Err(LinkError::Text(fault)),
                "{text}"
            );
        }
    }
}
