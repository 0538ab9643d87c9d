//! `cargo xtask mutants`: what becomes of the tests when one thing in the code is another. `docs/security/evidence.md` has the answer.
//!
//! cargo-mutants lists the changes. Compiling the library for each would take days; all of them are compiled into one, asleep, and a
//! test is asked about those alone that it reaches.

mod build;
mod list;
#[cfg(test)]
mod tests;
mod trial;
mod weave;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs::File;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::Write as _;
use std::time::Duration;

use anyhow::{Result, bail};

use self::list::Change;
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

/// Tries the changes of these files, or of the layers that keep secrets; or those alone that nothing noticed the last time.
pub fn run(ws: &Workspace, files: &[String], again: bool, most: Duration) -> Result<()> {
    if !ws.has_cargo("mutants")? {
        bail!("`cargo install --locked cargo-mutants` is missing");
    }
    let named: Vec<&str> = files.iter().map(String::as_str).collect();
    let wanted = if named.is_empty() { LAYERS.to_vec() } else { named };
    let changes = list::changes(ws, &wanted)?;
    println!("{} changes", changes.len());
    let folder = ws.sh.create_dir(ws.target.join("mutants"))?;
    let path = folder.join("tried.txt");
    let known = if again { read(&ws.sh.read_file(&path)?)? } else { BTreeMap::new() };
    let is = |change: &Change, outcome| known.get(&change.name) == Some(&outcome);
    let left_out = changes.iter().enumerate().filter(|(_, change)| is(change, Outcome::LeftOut));
    let left_out = left_out.map(|(number, _)| number).collect();
    let mut tree = build::Tree::copied(ws, &changes, left_out)?;
    let programs = tree.compiled()?;
    let scratch = fresh_folder(&ws.sh, folder.join("scratch"))?;
    let tests = trial::tests(&programs, most, tree.folder(), &scratch)?;
    println!("{} tests", tests.len());

    let mut file = File::create(&path)?;
    let mut asked = Vec::new();
    for (number, change) in changes.iter().enumerate() {
        let left_out = tree.without.contains(&number).then_some(Outcome::LeftOut);
        let noticed = [Outcome::Noticed, Outcome::Endless].into_iter().find(|it| is(change, *it));
        match left_out.or(noticed) {
            Some(outcome) => {
                writeln!(file, "{}", serde_json::to_string(&(outcome, &change.name))?)?
            }
            None => asked.push((number, change)),
        }
    }
    // Those that are new before those that survived, and else in no order of files: what is stopped says something of the whole.
    asked.sort_by_cached_key(|(_, change)| {
        (known.contains_key(&change.name), shuffled(&change.name))
    });
    println!("{} to try", asked.len());
    let say = |change: &Change, outcome: Outcome| {
        let line = serde_json::to_string(&(outcome, &change.name))? + "\n";
        Ok((&file).write_all(line.as_bytes())?)
    };
    trial::tried(&tests, &asked, most, tree.folder(), say)?;
    print!("{}", table(&changes, &read(&ws.sh.read_file(&path)?)?)?);
    Ok(())
}

fn shuffled(name: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    name.hash(&mut hasher);
    hasher.finish()
}

/// What became of each, by its name.
fn read(tried: &str) -> Result<BTreeMap<String, Outcome>> {
    let pairs = tried.lines().map(serde_json::from_str::<(Outcome, String)>);
    pairs.map(|pair| pair.map(|(outcome, name)| (name, outcome)).map_err(Into::into)).collect()
}

/// A row for each layer.
fn table(changes: &[Change], tried: &BTreeMap<String, Outcome>) -> Result<String> {
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
