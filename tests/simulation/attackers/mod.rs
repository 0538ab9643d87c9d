//! Attackers among the faults. Which of them a world has follows from its seed; what they do, from randomness of their own, so that the worlds
//! without any are what they were before there were attackers.

mod strangers;

use super::Run;
use super::support::seeds::rng_of_run;
use strangers::Strangers;

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
pub const ATTACKS: [&str; 8] = [
    strangers::WRITES,
    strangers::FLOODS,
    strangers::ASKS,
    strangers::CONTROLS,
    strangers::GARBAGE,
    strangers::REPLAYS,
    strangers::MISDIRECTS,
    strangers::DAMAGES,
];

/// Who attacks in a world.
#[derive(Clone, Copy)]
pub enum Kind {
    Nobody,
    Strangers,
}

impl Kind {
    pub fn of(seed: u64) -> Self {
        match seed % 8 {
            4 => Self::Strangers,
            _ => Self::Nobody,
        }
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::Nobody => "nobody",
            Self::Strangers => "strangers",
        }
    }

    pub fn attackers(self, seed: u64, run: &mut Run) -> Vec<Box<dyn Attacker>> {
        let rng = rng_of_run(8, seed);
        if !matches!(self, Self::Nobody) {
            run.overheard = Some(Vec::new());
        }
        match self {
            Self::Nobody => Vec::new(),
            Self::Strangers => vec![Box::new(Strangers::new(rng))],
        }
    }
}
