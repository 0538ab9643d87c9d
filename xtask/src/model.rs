//! The symbolic models of `docs/spec/model/`, by Verifpal.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Result, bail};
use xshell::cmd;

use crate::report::Skip;
use crate::tools;
use crate::workspace::{Workspace, files, heading};

/// Runs every model and compares each query's result with the one that stands behind it.
pub fn check(ws: &Workspace) -> Result<()> {
    heading("Verifpal");
    // Only a nightly compiler builds it.
    let install = "+nightly install --ignore-rust-version";
    let verifpal = tools::by_cargo(ws, "verifpal", "1.6.7", install).map_err(|error| {
        Skip::Excused(format!("its last result is in docs/spec/model/README.md; here {error:#}"))
    })?;
    let models = files(&ws.sh, &ws.root.join("docs/spec/model"), "vp")?;
    models.iter().try_for_each(|model| run(ws, &verifpal, model))
}

fn run(ws: &Workspace, verifpal: &Path, model: &Path) -> Result<()> {
    let (sh, name) = (&ws.sh, model.file_name().unwrap_or_default().display());
    let expected = expected(&sh.read_file(model)?);
    // Several threads wait for each other longer than they search.
    let verify =
        cmd!(sh, "{verifpal} verify {model}").env("NO_COLOR", "1").env("RAYON_NUM_THREADS", "1");
    let output = verify.quiet().read()?;
    let found = found(&output);
    if expected.is_empty() || expected != found {
        bail!("{name}: expected {expected:#?}, found {found:#?}\n{output}");
    }
    let broken = found.values().filter(|holds| !**holds).count();
    println!("{name}: {} hold and {broken} are broken, each as stated", found.len() - broken);
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
    let summary = output.split("Verification completed").nth(1).unwrap_or_default();
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
