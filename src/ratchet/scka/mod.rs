//! Sparse continuous key agreement (Double Ratchet §5): how the two sides come to a new post-quantum secret for each epoch (RFC windlass §7.4).
//!
//! One side at a time holds a key pair: the initiator of the session first, then in turn. It sends the public key whole, the other side the
//! ciphertext whole, each with some of its messages until it is answered. This module knows nothing of chains and message keys, so that another
//! agreement can take its place.

mod message;
mod row;

pub use message::Message;

use crate::crypto::{CryptoRng, KEM_CIPHERTEXT_LEN, KemPublic, KemSecret, SharedSecret};
use crate::due;
use crate::limits::{EPOCH_MESSAGES, EPOCH_REPEAT, EPOCH_SECONDS};

/// One side's state.
#[derive(Debug)]
pub struct Scka {
    /// The latest epoch whose secret this side knows.
    epoch: u32,
    phase: Phase,
}

/// What is done about the epoch that comes next, or, while [`Phase::Answering`], about the one just agreed on.
#[derive(Debug)]
enum Phase {
    /// Makes the next key pair when it is due. Own messages sent since, and when the first of them was.
    Resting { sent: u32, since: u64 },
    /// Has made it; own messages sent with or without the public key.
    Offering { secret: KemSecret, sent: u32 },
    /// The other side makes the next key pair.
    Waiting,
    /// The public key has come. It is answered with the next message, so that receiving needs no randomness and the secret is as young as it can be.
    Asked { key: KemPublic },
    /// Has answered, and nothing has come in the new epoch: the other side may not have it.
    Answering {
        ciphertext: Box<[u8; KEM_CIPHERTEXT_LEN]>,
        sent: u32,
    },
}

impl Scka {
    /// The initiator's side (`SCKAInitAlice`). With `at_once` its first message brings the first key: nothing protects the session from a quantum
    /// computer before.
    #[must_use]
    pub fn initiate(at_once: bool) -> Self {
        Self {
            epoch: 0,
            phase: Phase::Resting {
                sent: if at_once { EPOCH_MESSAGES } else { 0 },
                since: 0,
            },
        }
    }

    /// The responder's side (`SCKAInitBob`).
    #[must_use]
    pub fn respond() -> Self {
        Self {
            epoch: 0,
            phase: Phase::Waiting,
        }
    }

    /// `SCKASend`: what goes with the next message, and the secret of the next epoch if this side knows it from now on.
    pub fn send(&mut self, now: u64, rng: &mut dyn CryptoRng) -> (Message, Option<SharedSecret>) {
        if let Phase::Asked { key } = &self.phase {
            return self.answer(&key.clone(), rng);
        }
        if self.is_due(now) {
            self.phase = Phase::Offering {
                secret: KemSecret::generate(rng),
                sent: 0,
            };
        }
        let epoch = self.epoch;
        let message = match &mut self.phase {
            Phase::Resting { sent, since } => {
                if *sent == 0 {
                    *since = now;
                }
                *sent = sent.saturating_add(1);
                Message::Nothing
            }
            Phase::Offering { secret, sent } => {
                if turn(sent) {
                    Message::Key(epoch.saturating_add(1), secret.public().into())
                } else {
                    Message::Nothing
                }
            }
            Phase::Answering { ciphertext, sent } => {
                if turn(sent) {
                    Message::Ciphertext(epoch, ciphertext.clone())
                } else {
                    Message::Nothing
                }
            }
            Phase::Waiting | Phase::Asked { .. } => Message::Nothing,
        };
        (message, None)
    }

    /// Whether the next message begins a new exchange.
    fn is_due(&self, now: u64) -> bool {
        let Phase::Resting { sent, since } = &self.phase else {
            return false;
        };
        let long = *sent > 0 && due::is_over(*since, EPOCH_SECONDS * 1000, now);
        (*sent >= EPOCH_MESSAGES || long) && self.epoch < u32::MAX
    }

    fn answer(
        &mut self,
        key: &KemPublic,
        rng: &mut dyn CryptoRng,
    ) -> (Message, Option<SharedSecret>) {
        let Ok((ciphertext, secret)) = key.encapsulate(rng) else {
            // It was checked when it came.
            self.phase = Phase::Waiting;
            return (Message::Nothing, None);
        };
        self.epoch = self.epoch.saturating_add(1);
        let message = Message::Ciphertext(self.epoch, ciphertext.clone());
        self.phase = Phase::Answering {
            ciphertext,
            sent: 1,
        };
        (message, Some(secret))
    }

    /// `SCKAReceive`: the secret of the next epoch if this side knows it from now on. What does not belong to the exchange that is under way is passed
    /// over: it came late, or twice, or its sender is faulty.
    pub fn receive(&mut self, message: &Message) -> Option<SharedSecret> {
        let next = self.epoch.checked_add(1)?;
        match (message, &self.phase) {
            (Message::Key(epoch, key), Phase::Waiting) if *epoch == next => {
                if let Ok(key) = KemPublic::from_bytes(key.as_slice()) {
                    self.phase = Phase::Asked { key };
                }
                None
            }
            (Message::Ciphertext(epoch, ciphertext), Phase::Offering { secret, .. })
                if *epoch == next =>
            {
                let secret = secret.decapsulate(ciphertext);
                self.epoch = next;
                self.phase = Phase::Waiting;
                Some(secret)
            }
            _ => None,
        }
    }

    /// The other side has begun to send in the latest epoch: it knows its secret, and it is this side's turn to make a key pair.
    pub fn confirm(&mut self) {
        if matches!(self.phase, Phase::Answering { .. }) {
            self.phase = Phase::Resting { sent: 0, since: 0 };
        }
    }

    /// Whether the other side surely knows the secret of the latest epoch: if not, nothing is sent in it.
    #[must_use]
    pub fn is_shared(&self) -> bool {
        !matches!(self.phase, Phase::Answering { .. })
    }

    /// A second copy.
    #[must_use]
    #[cfg(test)]
    pub(super) fn duplicate(&self) -> Self {
        let phase = match &self.phase {
            Phase::Resting { sent, since } => Phase::Resting {
                sent: *sent,
                since: *since,
            },
            Phase::Offering { secret, sent } => Phase::Offering {
                secret: KemSecret::from_bytes(secret.to_bytes()),
                sent: *sent,
            },
            Phase::Waiting => Phase::Waiting,
            Phase::Asked { key } => Phase::Asked { key: key.clone() },
            Phase::Answering { ciphertext, sent } => Phase::Answering {
                ciphertext: ciphertext.clone(),
                sent: *sent,
            },
        };
        Self {
            epoch: self.epoch,
            phase,
        }
    }
}

/// Whether the next of so many messages carries what is repeated; counts it.
fn turn(sent: &mut u32) -> bool {
    let turn = sent.is_multiple_of(EPOCH_REPEAT);
    *sent = sent.wrapping_add(1);
    turn
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)]
mod tests;
