//! The proof of who wrote a message that it was they, for themselves alone and for a fortnight (RFC windlass §9.1.4).
//!
//! A user who lost their own messages gets them back from those they wrote them to. The proof, which only the author can make or check, is why
//! nobody can put others among them; to everybody else it is 16 random bytes, and once its day's key is erased to the author as well.

use super::names::IdentityKey;
use crate::crypto::{CryptoRng, Secret, SecretBytes, hkdf_sha256, hmac_sha256, labels};
use crate::limits::{HEALING_WINDOW_SECONDS, MAX_OWN_WORDS_STEPS};
use crate::wire::{self, WireError, malformed, v2};

/// Length in bytes of a proof: the number of the day, big endian, and 16 bytes of a MAC.
pub(super) const PROOF_LEN: usize = 20;
const DAY_LEN: usize = 4;
/// What stands in front of the proof: field 7 of a content, length-delimited, and the length.
const FIELD: [u8; 2] = [7 << 3 | 2, PROOF_LEN as u8];

/// A day of universal time, counted from 1970-01-01.
pub type Day = u32;

/// Days for which what one wrote can be told from what others say one wrote.
pub const WINDOW_DAYS: Day = (HEALING_WINDOW_SECONDS / 86_400) as Day;

/// What an identity proves its own words of a day with. The keys of later days follow from it, and none of an earlier one.
#[derive(Debug)]
pub struct OwnWordsKey {
    day: Day,
    key: Secret<32>,
}

impl OwnWordsKey {
    /// A new one, of which nothing else follows than what is written from this day on.
    #[must_use]
    pub fn random(day: Day, rng: &mut dyn CryptoRng) -> Self {
        Self::of(day, Secret::random(rng))
    }

    const fn of(day: Day, key: Secret<32>) -> Self {
        Self { day, key }
    }

    /// As it travels to a device that is linked.
    pub fn from_wire(words: &v2::OwnWords) -> Result<Self, WireError> {
        let key = Secret::try_from_slice(&words.key).ok_or_else(|| malformed("own words"))?;
        Ok(Self::of(words.day, key))
    }

    /// The same, encoded.
    pub fn decode(bytes: &[u8]) -> Result<Self, WireError> {
        Self::from_wire(&wire::decode("own words", bytes)?)
    }

    /// What [`Self::decode`] reads.
    #[must_use]
    pub fn encode(&self) -> SecretBytes {
        wire::encode_secret(&self.to_wire())
    }

    /// What [`Self::from_wire`] reads.
    #[must_use]
    pub fn to_wire(&self) -> v2::OwnWords {
        v2::OwnWords {
            day: self.day,
            key: self.key.as_bytes().to_vec(),
        }
    }

    /// Its day.
    #[must_use]
    pub const fn day(&self) -> Day {
        self.day
    }

    /// The key of a day that is not before its own, nor more than [`MAX_OWN_WORDS_STEPS`] after it.
    #[must_use]
    pub fn on(&self, day: Day) -> Option<Self> {
        let steps = day.checked_sub(self.day)?;
        if steps > MAX_OWN_WORDS_STEPS {
            return None;
        }
        let mut key = self.key.duplicate();
        for _ in 0..steps {
            key = hkdf_sha256(&[0; 32], key.as_bytes(), labels::OWN_WORDS_NEXT_DAY);
        }
        Some(Self { day, key })
    }

    /// An encoded content, with the proof of this key's day behind its other fields. `conversation` is as its author sees it: the other
    /// side, or the group.
    #[must_use]
    pub fn prove(&self, conversation: &IdentityKey, group: bool, content: &[u8]) -> SecretBytes {
        let tag = self.tag(conversation, group, content);
        let mut proved = Vec::with_capacity(content.len() + FIELD.len() + PROOF_LEN);
        proved.extend_from_slice(content);
        proved.extend_from_slice(&FIELD);
        proved.extend_from_slice(&self.day.to_be_bytes());
        proved.extend_from_slice(tag.as_bytes());
        SecretBytes::new(proved)
    }

    /// Whether a content in this conversation ends with the proof of it, made on this key's day or within twice the window after it: the
    /// oldest key that is kept has the window in front of it, and another device's clock may be ahead by no more than that.
    #[must_use]
    pub fn holds(&self, conversation: &IdentityKey, group: bool, content: &[u8]) -> bool {
        let Some((said, proof)) = content.split_last_chunk::<PROOF_LEN>() else {
            return false;
        };
        let Some(said) = said.strip_suffix(&FIELD) else {
            return false;
        };
        let Some((day, proof)) = proof.split_first_chunk::<DAY_LEN>() else {
            return false;
        };
        let day = Day::from_be_bytes(*day);
        if day > self.day.saturating_add(2 * WINDOW_DAYS) {
            return false;
        }
        let tag = self.on(day).map(|key| key.tag(conversation, group, said));
        tag.is_some() && tag == Secret::try_from_slice(proof)
    }

    fn tag(&self, conversation: &IdentityKey, group: bool, content: &[u8]) -> Secret<16> {
        let key: Secret<32> = hkdf_sha256(&[0; 32], self.key.as_bytes(), labels::OWN_WORDS);
        let parts = [&[u8::from(group)][..], conversation, content];
        let whole = hmac_sha256(key.as_bytes(), &parts);
        let mut tag = Secret::zero();
        for (to, from) in tag.as_mut_bytes().iter_mut().zip(whole.as_bytes()) {
            *to = *from;
        }
        tag
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests {
    use super::*;

    const CONVERSATION: IdentityKey = [2; 32];

    fn key(day: Day, byte: u8) -> OwnWordsKey {
        OwnWordsKey::of(day, Secret::new([byte; 32]))
    }

    #[test]
    fn a_proof_holds_for_its_author_its_conversation_and_its_words_alone() {
        let author = key(20_000, 1);
        let proved = author.prove(&CONVERSATION, false, b"ahoy");
        assert!(author.holds(&CONVERSATION, false, &proved));
        assert!(!author.holds(&[3; 32], false, &proved));
        assert!(!author.holds(&CONVERSATION, true, &proved));
        assert!(!key(20_000, 2).holds(&CONVERSATION, false, &proved));
        for at in 0..proved.len() {
            let mut changed = proved.to_vec();
            changed
                .iter_mut()
                .skip(at)
                .take(1)
                .for_each(|byte| *byte ^= 1);
            assert!(!author.holds(&CONVERSATION, false, &changed));
            let cut = changed.get(..at).unwrap_or_default();
            assert!(!author.holds(&CONVERSATION, false, cut));
        }
    }

    #[test]
    fn the_key_of_a_day_checks_what_was_proved_from_then_on_and_nothing_before() {
        let oldest = key(20_000, 1);
        let proved = |day| {
            let key = oldest.on(day).unwrap();
            key.prove(&CONVERSATION, false, b"ahoy")
        };
        let later = oldest.on(20_010).unwrap();
        for (day, holds) in [
            (20_000, false),
            (20_009, false),
            (20_010, true),
            (20_010 + 2 * WINDOW_DAYS, true),
            (20_011 + 2 * WINDOW_DAYS, false),
        ] {
            let proved = proved(day);
            assert_eq!(later.holds(&CONVERSATION, false, &proved), holds, "{day}");
        }
        assert!(later.on(20_009).is_none());
        // The day is part of what is proved: the same words with another day are not.
        let mut moved = proved(20_012).to_vec();
        let day = moved.len() - PROOF_LEN;
        moved[day..day + DAY_LEN].copy_from_slice(&20_011_u32.to_be_bytes());
        assert!(!later.holds(&CONVERSATION, false, &moved));
    }

    #[test]
    fn no_day_that_somebody_names_costs_more_than_the_bound() {
        let key = key(0, 1);
        assert!(key.on(MAX_OWN_WORDS_STEPS + 1).is_none());
        let mut far = key.prove(&CONVERSATION, false, b"ahoy").to_vec();
        let day = far.len() - PROOF_LEN;
        far[day..day + DAY_LEN].fill(0xff);
        assert!(!key.holds(&CONVERSATION, false, &far));
    }
}
