//! What became of each change: `target/mutants/tried.txt`, a line for each, and the table.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::Write as _;
use std::path::Path;

use anyhow::{Context, Result};

use super::list::Change;
use super::trial::Outcome;

/// By the names of changes.
pub type Known = BTreeMap<String, Outcome>;

/// The file, which is written as the changes are tried.
pub struct Results(File);

impl Results {
    /// An empty one.
    pub fn create(path: &Path) -> Result<Self> {
        Ok(Self(File::create(path)?))
    }

    /// One more line.
    pub fn say(&self, change: &Change, outcome: Outcome) -> Result<()> {
        let line = serde_json::to_string(&(outcome, &change.name))? + "\n";
        Ok((&self.0).write_all(line.as_bytes())?)
    }
}

/// What a run left behind.
pub fn read(path: &Path) -> Result<Known> {
    let tried = fs::read_to_string(path).context("nothing was tried yet")?;
    let pairs = tried.lines().map(serde_json::from_str::<(Outcome, String)>);
    pairs.map(|pair| pair.map(|(outcome, name)| (name, outcome)).map_err(Into::into)).collect()
}

/// A row for each layer.
pub fn table(changes: &[Change], tried: &Known) -> Result<String> {
    let mut layers: BTreeMap<&str, BTreeMap<Outcome, usize>> = BTreeMap::new();
    for change in changes {
        let Some(outcome) = tried.get(&change.name) else { continue };
        for layer in [change.layer(), "~ all"] {
            *layers.entry(layer).or_default().entry(*outcome).or_default() += 1;
        }
    }
    let mut table = String::from(
        "| layer | tried | noticed | by not ending | survived | not reached | noticed of those tried | left out |\n\
         | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |\n",
    );
    for (layer, counts) in layers {
        let of = |outcome| counts.get(&outcome).copied().unwrap_or(0);
        let (noticed, endless) = (of(Outcome::Noticed), of(Outcome::Endless));
        let (survived, unreached) = (of(Outcome::Survived), of(Outcome::Unreached));
        let tried = noticed + endless + survived + unreached;
        let share = 100.0 * (noticed + endless) as f64 / tried.max(1) as f64;
        let left_out = of(Outcome::LeftOut);
        writeln!(
            table,
            "| `{layer}` | {tried} | {noticed} | {endless} | {survived} | {unreached} | {share:.1} % | {left_out} |"
        )?;
    }
    Ok(table)
}
