//! Attackers among the faults. Which of them a world has follows from its seed; what they do, from randomness of their own, so that the worlds
//! without any are what they were before there were attackers.

mod clocks;
mod strangers;
mod thieves;

use std::sync::Arc;

use windlass::Identity;

use super::Run;
use super::support::seeds::{identity, rng_of_run};
use clocks::Clocks;
use strangers::Strangers;
use thieves::{Loot, Thief};

/// Somebody, or something, that makes a world worse than its network and its machines do.
pub trait Attacker {
    /// Has its chance after each step of the world.
    fn act(&mut self, run: &mut Run);

    /// The faults end.
    fn stop(&mut self, run: &mut Run);

    /// What must not have come of it, once the world has come to rest.
    fn check(&self, run: &Run) -> Result<(), String>;
}

/// Each attack that there is: a run of all worlds has made every one of them.
pub const ATTACKS: [&str; 17] = [
    clocks::AHEAD,
    clocks::BEHIND,
    clocks::RIGHT,
    strangers::WRITES,
    strangers::FLOODS,
    strangers::ASKS,
    strangers::CONTROLS,
    strangers::GARBAGE,
    strangers::REPLAYS,
    strangers::MISDIRECTS,
    strangers::DAMAGES,
    thieves::STEALS_SEED,
    thieves::STEALS_STATE,
    thieves::DELETED,
    thieves::WRITES,
    thieves::ASKS,
    thieves::LISTENS,
];

/// Who attacks in a world.
#[derive(Clone, Copy)]
pub enum Kind {
    Nobody,
    Clocks,
    Strangers,
    SeedThief,
    StateThief,
}

impl Kind {
    pub fn of(seed: u64) -> Self {
        match seed % 8 {
            3 => Self::Clocks,
            4 => Self::Strangers,
            5 => Self::SeedThief,
            6 => Self::StateThief,
            _ => Self::Nobody,
        }
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::Nobody => "nobody",
            Self::Clocks => "clocks",
            Self::Strangers => "strangers",
            Self::SeedThief => "seed",
            Self::StateThief => "state",
        }
    }

    /// The people's identities, where somebody is to steal one.
    pub fn identities(self, seed: u64, people: u32) -> Vec<Arc<Identity>> {
        let mut rng = rng_of_run(9, seed);
        match self {
            Self::SeedThief => (0..people).map(|_| identity(&mut rng)).collect(),
            _ => Vec::new(),
        }
    }

    pub fn attackers(self, seed: u64, run: &mut Run) -> Vec<Box<dyn Attacker>> {
        let rng = rng_of_run(8, seed);
        if !matches!(self, Self::Nobody | Self::Clocks) {
            run.overheard = Some(Vec::new());
        }
        match self {
            Self::Nobody => Vec::new(),
            Self::Clocks => vec![Box::new(Clocks::new(rng))],
            Self::Strangers => vec![Box::new(Strangers::new(rng))],
            Self::SeedThief => vec![Box::new(Thief::new(Loot::Seed, rng))],
            Self::StateThief => vec![Box::new(Thief::new(Loot::State, rng))],
        }
    }
}
