//! Comparing a safety number with the other side, which verifies a contact.

use super::{Result, Session, WindlassError};
use crate::engine::sync::people;
use crate::identity::{
    SAFETY_NUMBER_DIGITS, safety_code, safety_code_matches, safety_emoji, safety_number,
};
use crate::text;

/// A picture of a safety number or of the digits of a link, and what to call it over a telephone.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
pub struct SafetyEmoji {
    /// The picture, one emoji.
    pub picture: String,
    /// Its name in English.
    pub name: String,
}

/// A picture for each two digits.
pub(super) fn pictures(digits: &str) -> Vec<SafetyEmoji> {
    let emoji = safety_emoji(digits).into_iter();
    emoji
        .map(|(picture, name)| SafetyEmoji {
            picture: picture.to_owned(),
            name: name.to_owned(),
        })
        .collect()
}

#[cfg_attr(feature = "uniffi", uniffi::export)]
impl Session {
    /// The 60 digits to compare with the other side.
    #[must_use]
    pub fn safety_number(&self) -> String {
        safety_number(&self.client.device.public(), &self.peer)
    }

    /// The safety number as thirty pictures with their names, one for each two digits.
    #[must_use]
    pub fn safety_emoji(&self) -> Vec<SafetyEmoji> {
        pictures(&self.safety_number())
    }

    /// The safety number as a code to show to the other side: a URI for `qr_svg` and its like.
    #[must_use]
    pub fn safety_code(&self) -> String {
        safety_code(&self.client.device.public(), &self.peer)
    }

    /// Marks the contact verified if the code that was scanned from their screen is their safety code for us.
    pub fn verify_code(&self, code: String) -> Result<()> {
        if !safety_code_matches(&code, &self.client.device.public(), &self.peer)? {
            return Err(WindlassError::SafetyNumberMismatch);
        }
        self.mark_verified()
    }

    /// Marks the contact verified if `number` is the safety number, in the digits of any script; white space, dashes and dots in it do not
    /// count. What is not 60 digits is `SafetyNumberInvalid`: a mistake in typing, and no sign of somebody between.
    pub fn verify(&self, number: String) -> Result<()> {
        let typed = text::digits(&number).filter(|digits| digits.len() == SAFETY_NUMBER_DIGITS);
        let digits = typed.ok_or(WindlassError::SafetyNumberInvalid)?;
        if digits != self.safety_number() {
            return Err(WindlassError::SafetyNumberMismatch);
        }
        self.mark_verified()
    }
}

impl Session {
    fn mark_verified(&self) -> Result<()> {
        self.client
            .decide(self.peer.address(), |step, contact| {
                people::verify(step.rows, contact)
            })
            .map(|_| ())
    }
}
