//! The two sides, each with the one secret that it keeps until linking ends.

use super::agreed::Agreed;
use super::codes::{LinkAnswer, LinkCode, LinkReply};
use super::error::LinkError;
use crate::crypto::{CryptoRng, DhSecret, Secret};
use crate::identity::PublicIdentity;

/// The new device's side, before it has an identity.
#[derive(Debug)]
pub struct NewDevice(DhSecret);

impl NewDevice {
    /// A new one; its key is used once.
    #[must_use]
    pub fn new(rng: &mut dyn CryptoRng) -> Self {
        Self(DhSecret::generate(rng))
    }

    /// As it was kept.
    #[must_use]
    pub fn from_bytes(secret: &Secret<32>) -> Self {
        Self(DhSecret::from_bytes(secret))
    }

    /// To be kept.
    #[must_use]
    pub fn to_bytes(&self) -> Secret<32> {
        self.0.to_bytes()
    }

    /// What it shows first.
    #[must_use]
    pub fn code(&self) -> LinkCode {
        LinkCode::of(&self.0.public())
    }

    /// What it shows once it was answered, and never before: who knows it and then chooses a key chooses the digits.
    #[must_use]
    pub fn reply(&self) -> LinkReply {
        LinkReply(self.0.public())
    }

    /// What is agreed with whoever answered.
    pub fn agree(&self, answer: &LinkAnswer) -> Result<Agreed, LinkError> {
        Agreed::of(&self.0, &self.code(), answer, &self.reply())
    }
}

/// The existing device's side, once it has read a code.
#[derive(Debug)]
pub struct ExistingDevice {
    secret: DhSecret,
    code: LinkCode,
    identity: PublicIdentity,
}

impl ExistingDevice {
    /// Begins with a key made for this code alone.
    #[must_use]
    pub fn new(code: LinkCode, identity: PublicIdentity, rng: &mut dyn CryptoRng) -> Self {
        Self {
            secret: DhSecret::generate(rng),
            code,
            identity,
        }
    }

    /// As it was kept.
    #[must_use]
    pub fn from_bytes(secret: &Secret<32>, code: LinkCode, identity: PublicIdentity) -> Self {
        Self {
            secret: DhSecret::from_bytes(secret),
            code,
            identity,
        }
    }

    /// To be kept.
    #[must_use]
    pub fn to_bytes(&self) -> Secret<32> {
        self.secret.to_bytes()
    }

    /// What it shows.
    #[must_use]
    pub fn answer(&self) -> LinkAnswer {
        LinkAnswer {
            key: self.secret.public(),
            identity: self.identity,
        }
    }

    /// What is agreed with the device whose code was read.
    pub fn agree(&self, reply: &LinkReply) -> Result<Agreed, LinkError> {
        if LinkCode::of(&reply.0) != self.code {
            return Err(LinkError::OtherDevice);
        }
        Agreed::of(&self.secret, &self.code, &self.answer(), reply)
    }
}
