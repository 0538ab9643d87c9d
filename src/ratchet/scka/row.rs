//! The agreement as the store keeps it, and back.

use super::{Phase, Scka};
use crate::crypto::{KEM_CIPHERTEXT_LEN, KemPublic, KemSecret, Secret};
use crate::wire::store::SckaRow;
use crate::wire::store::scka_row::Phase as RowPhase;

impl Scka {
    /// The row of this state.
    #[must_use]
    pub fn to_row(&self) -> SckaRow {
        let mut row = SckaRow {
            phase: RowPhase::Unknown.into(),
            epoch: self.epoch,
            sent: 0,
            rests_since: 0,
            seed: Vec::new(),
            public: Vec::new(),
        };
        let (phase, count) = match &self.phase {
            Phase::Resting { sent, since } => {
                row.rests_since = *since;
                (RowPhase::Resting, *sent)
            }
            Phase::Offering { secret, sent } => {
                row.seed = secret.to_bytes().as_bytes().to_vec();
                (RowPhase::Offering, *sent)
            }
            Phase::Waiting => (RowPhase::Waiting, 0),
            Phase::Asked { key } => {
                row.public = key.as_bytes().to_vec();
                (RowPhase::Asked, 0)
            }
            Phase::Answering { ciphertext, sent } => {
                row.public = ciphertext.to_vec();
                (RowPhase::Answering, *sent)
            }
        };
        row.phase = phase.into();
        row.sent = count;
        row
    }

    /// The state of a row, if it is one.
    #[must_use]
    pub fn from_row(row: &SckaRow) -> Option<Self> {
        let sent = row.sent;
        let phase = match row.phase() {
            RowPhase::Unknown => return None,
            RowPhase::Resting => Phase::Resting {
                sent,
                since: row.rests_since,
            },
            RowPhase::Offering => Phase::Offering {
                secret: KemSecret::from_bytes(Secret::try_from_slice(&row.seed)?),
                sent,
            },
            RowPhase::Waiting => Phase::Waiting,
            RowPhase::Asked => Phase::Asked {
                key: KemPublic::from_bytes(&row.public).ok()?,
            },
            RowPhase::Answering => {
                let ciphertext: [u8; KEM_CIPHERTEXT_LEN] = row.public.as_slice().try_into().ok()?;
                Phase::Answering {
                    ciphertext: Box::new(ciphertext),
                    sent,
                }
            }
        };
        Some(Self {
            epoch: row.epoch,
            phase,
        })
    }
}
