//! Healing keys: by what a device proves of which day its state is (RFC windlass §8.4.10).
//!
//! A device has a healing root, which it steps one way each day. From the root of a day follows its healing key of that day for each other
//! device, which gets it inside payloads. Whoever has the device's state of a day can prove that day and all that follow, and none before.

use crate::crypto::{CryptoRng, Secret, hkdf_sha256, hmac_sha256, labels};
use crate::x3dh::{Party, SessionId};

/// Length in bytes of a MAC that proves a day.
pub const HEALING_MAC_LEN: usize = 16;

/// Days that a root is stepped over at most: more than any key is good for, so that a wrong clock costs no time.
const MAX_STEPS: u32 = 400;

/// What the healing keys of a day and of all that follow are made of.
#[derive(Debug)]
pub struct HealingRoot {
    key: Secret<32>,
    day: u32,
}

impl HealingRoot {
    /// A new one.
    #[must_use]
    pub fn random(day: u32, rng: &mut dyn CryptoRng) -> Self {
        Self {
            key: Secret::random(rng),
            day,
        }
    }

    /// From what the store kept.
    #[must_use]
    pub fn from_bytes(key: &[u8], day: u32) -> Option<Self> {
        let key = Secret::try_from_slice(key)?;
        Some(Self { key, day })
    }

    /// The bytes, for the sealed store.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        self.key.as_bytes()
    }

    /// The first day of which it has the keys.
    #[must_use]
    pub fn day(&self) -> u32 {
        self.day
    }

    /// The root of a day; nothing if that is past, or further ahead than any key is good for.
    #[must_use]
    pub fn at(&self, day: u32) -> Option<Self> {
        let steps = day.checked_sub(self.day).filter(|n| *n <= MAX_STEPS)?;
        let mut key = self.key.duplicate();
        for _ in 0..steps {
            key = hkdf_sha256(&[0; 32], key.as_bytes(), labels::HEALING_STEP);
        }
        Some(Self { key, day })
    }

    /// The healing key of its day for another device.
    #[must_use]
    pub fn key_for(&self, peer: &Party) -> HealingKey {
        let salt = party(peer);
        HealingKey(hkdf_sha256(&salt, self.key.as_bytes(), labels::HEALING_KEY))
    }

    /// A healing key of another day so that it reads as long as this root can be had, and from it again. The mask is for this key alone, because a
    /// device has one key of a day for another, so that a bare XOR is a one-time pad.
    #[must_use]
    pub fn mask(&self, peer: &Party, day: u32, key: &HealingKey) -> HealingKey {
        let salt = [party(peer).as_slice(), &day.to_be_bytes()].concat();
        let mut masked = hkdf_sha256(&salt, self.key.as_bytes(), labels::HEALING_HELD);
        for (to, from) in masked.as_mut_bytes().iter_mut().zip(key.as_bytes()) {
            *to ^= *from;
        }
        HealingKey(masked)
    }
}

/// A device's healing key of one day for another device.
#[derive(Debug, PartialEq, Eq)]
pub struct HealingKey(Secret<32>);

/// What a proof is bound to.
#[derive(Debug, Clone, Copy)]
pub struct Proved<'a> {
    /// The session that the request travels in.
    pub session_id: &'a SessionId,
    /// Who asks.
    pub asker: &'a Party,
    /// Who is asked.
    pub answerer: &'a Party,
    /// The day.
    pub day: u32,
    /// The request: an encoded content.
    pub content: &'a [u8],
}

impl HealingKey {
    /// From the bytes that came in a payload.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        Secret::try_from_slice(bytes).map(Self)
    }

    /// The bytes, for a payload and for the sealed store.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        self.0.as_bytes()
    }

    /// The MAC by which a request proves the day.
    #[must_use]
    pub fn prove(&self, proved: &Proved<'_>) -> Secret<HEALING_MAC_LEN> {
        let tag = hmac_sha256(
            self.0.as_bytes(),
            &[
                labels::HEALING_PROOF,
                proved.session_id,
                &party(proved.asker),
                &party(proved.answerer),
                &proved.day.to_be_bytes(),
                proved.content,
            ],
        );
        let mut mac = Secret::zero();
        for (to, from) in mac.as_mut_bytes().iter_mut().zip(tag.as_bytes()) {
            *to = *from;
        }
        mac
    }

    /// Whether a MAC is the one of a request.
    #[must_use]
    pub fn holds(&self, proved: &Proved<'_>, mac: &[u8]) -> bool {
        Secret::try_from_slice(mac).is_some_and(|mac| mac == self.prove(proved))
    }
}

/// A party in 36 bytes.
fn party(party: &Party) -> Vec<u8> {
    let id = party.device_id.to_be_bytes();
    [party.identity.to_bytes().as_slice(), &id].concat()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::crypto::system_random;
    use crate::identity::IdentityKeyPair;

    fn someone(seed: u8, device_id: u32) -> Party {
        let identity = IdentityKeyPair::from_seed(&Secret::new([seed; 32])).public();
        Party {
            identity,
            device_id,
        }
    }

    #[test]
    fn a_root_has_the_keys_of_its_day_and_of_those_that_follow_and_none_before() {
        let mut rng = system_random().unwrap();
        let (root, peer) = (HealingRoot::random(100, &mut rng), someone(1, 1));
        let later = root.at(105).unwrap();
        assert_eq!(
            later.at(107).unwrap().key_for(&peer),
            root.at(107).unwrap().key_for(&peer)
        );
        assert!(later.at(104).is_none());
        assert!(root.at(u32::MAX).is_none());
        assert_ne!(later.key_for(&peer), root.key_for(&peer));
        assert_ne!(root.key_for(&peer), root.key_for(&someone(1, 2)));
        let key = root.key_for(&peer);
        assert_eq!(HealingKey::from_bytes(key.as_bytes()), Some(key));
    }

    #[test]
    fn a_proof_holds_for_its_session_devices_day_and_request_alone() {
        let mut rng = system_random().unwrap();
        let [a, b, c] = [1, 2, 3].map(|seed| someone(seed, 7));
        let key = HealingRoot::random(3, &mut rng).key_for(&b);
        let right = Proved {
            session_id: &[1; 16],
            asker: &a,
            answerer: &b,
            day: 3,
            content: b"request",
        };
        let mac = key.prove(&right);
        let holds = |proved: &Proved<'_>| key.holds(proved, mac.as_bytes());
        assert!(holds(&right));
        let session_id = &[2; 16];
        let wrong = [
            Proved {
                session_id,
                ..right
            },
            Proved { asker: &c, ..right },
            Proved {
                answerer: &c,
                ..right
            },
            Proved { day: 4, ..right },
            Proved {
                content: b"another",
                ..right
            },
        ];
        assert!(wrong.iter().all(|proved| !holds(proved)));
        assert!(!key.holds(&right, mac.as_bytes().get(..15).unwrap()));
    }
}
