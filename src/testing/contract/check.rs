//! All promises, one after the other.

use std::cell::Cell;

use super::trial::{Home, Promise, Trial};
use super::{keys, rows, steps};

const PROMISES: &[&[Promise]] = &[rows::PROMISES, steps::PROMISES, keys::PROMISES];

/// Checks every promise in a home of its own, and panics at the first that is not kept. Answers the promises with the number of
/// checks, which is the same for every implementation.
pub fn check(new_home: impl Fn() -> Box<dyn Home>) -> Vec<(&'static str, u64)> {
    let promises = PROMISES.iter().flat_map(|promises| promises.iter());
    promises
        .map(|(name, promise)| {
            let home = new_home();
            let trial = Trial {
                home: home.as_ref(),
                checks: Cell::new(0),
            };
            promise(&trial);
            (*name, trial.checks.get())
        })
        .collect()
}
