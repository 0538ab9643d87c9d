//! The symbolic models of `docs/spec/model/`, by Verifpal.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::report::Outcome;
use crate::workspace::Workspace;
use crate::{cache, shell};

const VERSION: &str = "1.6.7";

/// Runs every model and compares each query's result with the one that stands behind it.
pub fn check(workspace: &Workspace) -> Result<Outcome> {
    shell::heading("Verifpal");
    let Some(program) = find()? else {
        return Ok(Outcome::Excused(format!(
            "Verifpal {VERSION} cannot be had here; its last result is in docs/spec/model/README.md"
        )));
    };
    let folder = workspace.root.join("docs/spec/model");
    let models = shell::files_with_extension(&folder, "vp");
    if models.is_empty() {
        bail!("there are no models in {}", folder.display());
    }
    for model in models {
        run(&program, &model)?;
    }
    Ok(Outcome::Passed)
}

fn run(program: &Path, model: &Path) -> Result<()> {
    let name = model.file_name().unwrap_or_default().to_string_lossy();
    let expected = expected(&fs::read_to_string(model)?);
    let output = shell::output(
        Command::new(program)
            .arg("verify")
            .arg(model)
            .env("NO_COLOR", "1"),
    )?;
    let found = found(&output);
    if expected.is_empty() || expected != found {
        bail!("{name}: expected {expected:#?}, found {found:#?}\n{output}");
    }
    let broken = found.values().filter(|holds| !**holds).count();
    println!(
        "{name}: {} hold and {broken} are broken, each as stated",
        found.len() - broken
    );
    Ok(())
}

/// Queries of a model, and whether they have to hold: `confidentiality? m1 // holds`.
fn expected(model: &str) -> BTreeMap<String, bool> {
    model
        .lines()
        .filter_map(|line| line.trim().split_once(" // "))
        .filter(|(query, _)| query.contains("? "))
        .map(|(query, result)| (query.to_owned(), result == "holds"))
        .collect()
}

/// The same from Verifpal's summary: `PASS + confidentiality? m1  [...]`.
fn found(output: &str) -> BTreeMap<String, bool> {
    let summary = output
        .split("Verification completed")
        .nth(1)
        .unwrap_or_default();
    summary
        .lines()
        .filter_map(|line| {
            let line = line.trim();
            let passed = line.strip_prefix("PASS + ").map(|query| (query, true));
            let (query, holds) =
                passed.or(line.strip_prefix("FAIL x ").map(|query| (query, false)))?;
            let query = query.split("  ").next().unwrap_or_default().trim();
            query.contains("? ").then(|| (query.to_owned(), holds))
        })
        .collect()
}

/// The user's own, else the cached one, else a new one in the cache if a nightly compiler is there to build it.
fn find() -> Result<Option<PathBuf>> {
    if let Some(program) = shell::which("verifpal") {
        return Ok(Some(program));
    }
    let lock = cache::lock_file("verifpal")?;
    lock.lock()?;
    let folder = cache::folder()?.join(format!("verifpal-{VERSION}"));
    let program = folder.join("bin/verifpal");
    if shell::succeeds(Command::new(&program).arg("--version")) {
        return Ok(Some(program));
    }
    // Not the Cargo that runs us: only rustup's own knows `+nightly`.
    let mut install = Command::new("cargo");
    install
        .env_remove("RUSTUP_TOOLCHAIN")
        .args(["+nightly", "install", "--locked", "--ignore-rust-version"])
        .args(["--version", VERSION, "verifpal", "--root"])
        .arg(&folder);
    println!("building Verifpal, once (minutes)");
    let log = cache::folder()?.join("verifpal.log");
    Ok(shell::run_quietly(&mut install, &log)
        .context("Verifpal does not build")
        .inspect_err(|error| println!("{error:#}"))
        .ok()
        .map(|()| program))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queries_and_results_are_read() {
        let model = "queries[\n\tconfidentiality? m1 // holds\n\tauthentication? A -> B: e1 // broken\n]\n// holds";
        let output = "PASS + confidentiality? m9\nVerification completed\n  PASS + confidentiality? m1  [searched]\n\
            FAIL x authentication? A -> B: e1\n   | 1. trace\n FAIL x 1 of 2 queries failed.";
        let read = expected(model);
        assert_eq!(read.len(), 2);
        assert_eq!(read, found(output));
    }
}
