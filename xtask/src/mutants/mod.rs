//! `cargo xtask mutants`: what becomes of the tests when one thing in the code is another. `docs/security/evidence.md` has the answer.
//!
//! cargo-mutants lists the changes. Compiling the library for each would take days; all of them are compiled into one, asleep, and a
//! test is asked about those alone that it reaches.

mod build;
mod list;
mod results;
#[cfg(test)]
mod tests;
mod trial;
mod weave;

use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use anyhow::{Result, bail};

use self::list::Change;
use self::results::{Known, Results};
use self::trial::Outcome;
use crate::workspace::{Workspace, fresh_folder};

/// What is looked at when no file is named.
const LAYERS: [&str; 7] = [
    "src/crypto/**",
    "src/x3dh/**",
    "src/ratchet/**",
    "src/session/**",
    "src/chat/group/**",
    "src/engine/**",
    "src/store/**",
];

/// Which changes are tried.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Which {
    /// All of them.
    All,
    /// Those that the last run did not come to.
    GoOn,
    /// Those that nothing noticed then.
    Again,
}

impl Which {
    /// By what was said of the last run.
    pub fn of(go_on: bool, again: bool) -> Self {
        match (go_on, again) {
            (true, _) => Self::GoOn,
            (_, true) => Self::Again,
            _ => Self::All,
        }
    }
}

/// Tries the changes of these files, or of the layers that keep secrets, each for so much time of all tests, or of the library's own.
pub fn run(
    ws: &Workspace,
    files: &[String],
    which: Which,
    lib: bool,
    most: Duration,
) -> Result<()> {
    if !ws.has_cargo("mutants")? {
        bail!("`cargo install --locked cargo-mutants` is missing");
    }
    let named: Vec<&str> = files.iter().map(String::as_str).collect();
    let wanted = if named.is_empty() { LAYERS.to_vec() } else { named };
    let changes = list::changes(ws, &wanted)?;
    println!("{} changes", changes.len());
    let folder = ws.sh.create_dir(ws.target.join("mutants"))?;
    let path = folder.join("tried.txt");
    let known = if which == Which::All { Known::new() } else { results::read(&path)? };
    let mut tree = build::Tree::copied(ws, &changes, &known)?;
    let programs = tree.compiled(lib)?;
    let scratch = fresh_folder(&ws.sh, folder.join("scratch"))?;
    let tests = trial::tests(&programs, most, tree.folder(), &scratch)?;
    println!("{} tests", tests.len());

    let results = Results::create(&path)?;
    let mut asked = Vec::new();
    for (number, change) in changes.iter().enumerate() {
        let before = known.get(&change.name).copied();
        let outcome = if tree.without.contains(&number) { Some(Outcome::LeftOut) } else { before };
        let is_asked = match outcome {
            None => which != Which::Again,
            Some(outcome) => which == Which::Again && outcome.is_unnoticed(),
        };
        if is_asked {
            asked.push((number, change));
        } else if let Some(outcome) = outcome {
            results.say(change, outcome)?;
        }
    }
    // In no order of files: what is stopped says something of the whole.
    asked.sort_by_cached_key(|(_, change)| shuffled(&change.name));
    println!("{} to try", asked.len());
    let say = |change: &Change, outcome| results.say(change, outcome);
    trial::tried(&tests, &asked, most, tree.folder(), say)?;
    print!("{}", results::table(&changes, &results::read(&path)?)?);
    Ok(())
}

fn shuffled(name: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    name.hash(&mut hasher);
    hasher.finish()
}
