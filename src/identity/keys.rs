//! The two halves of an identity, and all that is signed or agreed on with them.

use crate::crypto::{
    AgreementError, CryptoRng, DhPoint, DhPublic, DhSecret, Secret, SharedSecret, SignatureError,
    SigningSecret, VerifyingPublic, labels,
};

/// The public half: what names a person or a bot to everybody else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PublicIdentity(VerifyingPublic);

impl PublicIdentity {
    /// From the 32 bytes of an Ed25519 public key; non-canonical encodings and small-order keys are refused.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, SignatureError> {
        VerifyingPublic::from_bytes(bytes).map(Self)
    }

    /// From the bytes of a row that the store authenticated, written from an identity that was checked. `None` unless there are 32.
    #[must_use]
    pub fn from_stored(bytes: &[u8]) -> Option<Self> {
        bytes
            .try_into()
            .ok()
            .map(VerifyingPublic::from_stored)
            .map(Self)
    }

    /// The 32 bytes.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; 32] {
        self.0.to_bytes()
    }

    /// The X25519 form, for X3DH (X3DH §2.2 asks for the conversion of one form to the other).
    #[must_use]
    pub fn to_dh(&self) -> DhPublic {
        self.0.to_dh()
    }

    /// The same ready to be agreed with.
    #[must_use]
    pub fn to_dh_point(&self) -> DhPoint {
        self.0.to_dh_point()
    }

    /// Checks a signature over a bundle's body.
    pub fn verify_bundle(&self, body: &[u8], signature: &[u8]) -> Result<(), SignatureError> {
        self.0.verify(labels::BUNDLE_SIGNATURE, body, signature)
    }

    /// Checks a signature over the body of a group's event.
    pub fn verify_group_event(&self, body: &[u8], signature: &[u8]) -> Result<(), SignatureError> {
        self.0.verify(labels::GROUP_EVENT, body, signature)
    }
}

/// Both halves. Signs bundles and takes part in agreements; nothing else is offered, so no other text can be signed with it.
#[derive(Debug)]
pub struct IdentityKeyPair {
    secret: SigningSecret,
    public: PublicIdentity,
}

impl IdentityKeyPair {
    /// A new identity.
    #[must_use]
    pub fn generate(rng: &mut dyn CryptoRng) -> Self {
        Self::from_secret(SigningSecret::generate(rng))
    }

    /// The identity of a 32-byte seed.
    #[must_use]
    pub fn from_seed(seed: &Secret<32>) -> Self {
        Self::from_secret(SigningSecret::from_seed(seed))
    }

    fn from_secret(secret: SigningSecret) -> Self {
        let public = PublicIdentity(secret.verifying_public());
        Self { secret, public }
    }

    /// The seed, for the sealed store and for an export that the user asked for.
    #[must_use]
    pub fn seed(&self) -> Secret<32> {
        self.secret.seed()
    }

    /// A copy of the secret half, for a step that may run again. Named, so that none is made without being meant.
    #[must_use]
    pub fn duplicate(&self) -> Self {
        Self::from_seed(&self.seed())
    }

    /// The public half.
    #[must_use]
    pub fn public(&self) -> PublicIdentity {
        self.public
    }

    /// The X25519 form of the secret half.
    #[must_use]
    pub fn to_dh(&self) -> DhSecret {
        self.secret.to_dh()
    }

    /// Signs the body of a bundle.
    #[must_use]
    pub fn sign_bundle(&self, body: &[u8]) -> [u8; 64] {
        self.secret.sign(labels::BUNDLE_SIGNATURE, body)
    }

    /// Signs the body of a group's event.
    #[must_use]
    pub fn sign_group_event(&self, body: &[u8]) -> [u8; 64] {
        self.secret.sign(labels::GROUP_EVENT, body)
    }

    /// What only the two identities can compute: the agreement of their long-term keys. It keys sender hints and nothing else.
    pub fn agree_with(&self, other: &PublicIdentity) -> Result<SharedSecret, AgreementError> {
        self.to_dh().agree_at(&other.to_dh_point())
    }
}
