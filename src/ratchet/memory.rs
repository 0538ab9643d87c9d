//! Skipped keys in memory: for tests, fuzzers and programs that keep a session for no longer than their process.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use super::{MessageKey, Position, RatchetError, SkippedChange, SkippedKeys};
use crate::crypto::Secret;

/// The skipped keys of one session.
#[derive(Debug, Default)]
pub struct MemorySkippedKeys(BTreeMap<Position, Secret<32>>);

impl SkippedKeys for MemorySkippedKeys {
    fn get(&self, position: Position) -> Result<Option<MessageKey>, RatchetError> {
        let key = self.0.get(&position);
        Ok(key.map(|key| MessageKey::new(key.duplicate())))
    }
}

impl MemorySkippedKeys {
    /// Makes the changes that go with a session's new state.
    pub fn apply(&mut self, changes: Vec<SkippedChange>) {
        for change in changes {
            match change {
                SkippedChange::ForgetChain(chain) => self.erase(chain, usize::MAX),
                SkippedChange::EraseOldest { chain, count } => self.erase(chain, count as usize),
                SkippedChange::Erase(position) => {
                    self.0.remove(&position);
                }
                SkippedChange::Keep(position, key) => {
                    self.0.insert(position, Secret::new(*key.as_bytes()));
                }
            }
        }
    }

    fn erase(&mut self, chain: u32, count: usize) {
        let oldest: Vec<_> = self
            .0
            .range(positions(chain))
            .take(count)
            .map(|(position, _)| *position)
            .collect();
        for position in oldest {
            self.0.remove(&position);
        }
    }

    /// How many keys are kept.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// True when none is kept.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// A second copy, as an attacker or a snapshot takes it.
    #[must_use]
    pub fn duplicate(&self) -> Self {
        let copies = self.0.iter().map(|(at, key)| (*at, key.duplicate()));
        Self(copies.collect())
    }
}

fn positions(chain: u32) -> RangeInclusive<Position> {
    let at = |number| Position { chain, number };
    at(0)..=at(u32::MAX)
}
