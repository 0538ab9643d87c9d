//! `cargo xtask coverage`: how much of each layer the library's own tests reach. `docs/security/evidence.md` has the answer.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result, bail};
use serde::Deserialize;
use xshell::cmd;

use crate::workspace::Workspace;

/// Tests, which reach themselves.
const TESTS: &str = r"/tests/|/tests\.rs$|/testing/";

/// What cargo-llvm-cov says, as far as it is asked.
#[derive(Deserialize)]
struct Report {
    data: Vec<Files>,
}

#[derive(Deserialize)]
struct Files {
    files: Vec<File>,
}

#[derive(Deserialize)]
struct File {
    filename: String,
    summary: Summary,
}

#[derive(Deserialize)]
struct Summary {
    lines: Counts,
    regions: Counts,
}

#[derive(Deserialize, Clone, Copy, Default)]
struct Counts {
    count: u64,
    covered: u64,
}

impl Counts {
    fn add(&mut self, other: Self) {
        self.count += other.count;
        self.covered += other.covered;
    }

    fn percent(self) -> f64 {
        100.0 * self.covered as f64 / self.count.max(1) as f64
    }
}

/// Runs them with counters compiled in, and prints a row for each folder and file of `src`.
pub fn run(ws: &Workspace) -> Result<()> {
    let sh = &ws.sh;
    if !ws.has_cargo("llvm-cov")? {
        bail!("`cargo install --locked cargo-llvm-cov` is missing");
    }
    let run = cmd!(sh, "cargo llvm-cov --package windlass --lib --json --summary-only");
    let run = run.args(["--ignore-filename-regex", TESTS]).env_remove("CARGO_TARGET_DIR");
    let report: Report = serde_json::from_str(&run.read()?)?;
    println!(
        "| layer | lines | reached | regions | reached |\n| --- | ---: | ---: | ---: | ---: |"
    );
    for (layer, (lines, regions)) in by_layer(&report)? {
        let (of_lines, of_regions) = (lines.percent(), regions.percent());
        println!(
            "| `{layer}` | {} | {of_lines:.1} % | {} | {of_regions:.1} % |",
            lines.count, regions.count
        );
    }
    Ok(())
}

/// Lines and regions of each, and of all together.
fn by_layer(report: &Report) -> Result<BTreeMap<String, (Counts, Counts)>> {
    let mut layers: BTreeMap<String, (Counts, Counts)> = BTreeMap::new();
    for file in report.data.iter().flat_map(|data| &data.files) {
        for name in [layer_of(&file.filename)?, "~ all".into()] {
            let (lines, regions) = layers.entry(name).or_default();
            lines.add(file.summary.lines);
            regions.add(file.summary.regions);
        }
    }
    Ok(layers)
}

/// `engine` of `/somewhere/src/engine/base/step.rs`.
fn layer_of(path: &str) -> Result<String> {
    let (_, below) = path.split_once("/src/").context("a file that is not below src")?;
    let first = below.split('/').next().unwrap_or(below);
    let stem = Path::new(first).file_stem().context("a file without a name")?;
    Ok(stem.to_string_lossy().into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_count_for_their_layer() {
        let said = r#"{"data": [{"files": [
            {"filename": "/w/src/engine/base/step.rs", "summary": {"lines": {"count": 3, "covered": 2}, "regions": {"count": 4, "covered": 4}}},
            {"filename": "/w/src/engine/mod.rs", "summary": {"lines": {"count": 1, "covered": 1}, "regions": {"count": 1, "covered": 0}}},
            {"filename": "/w/src/due.rs", "summary": {"lines": {"count": 4, "covered": 4}, "regions": {"count": 2, "covered": 2}}}
        ], "totals": {}}], "type": "llvm.coverage.json.export"}"#;
        let layers = by_layer(&serde_json::from_str(said).unwrap()).unwrap();
        let counts = |name: &str| {
            let (lines, regions) = layers[name];
            (lines.count, lines.covered, regions.count, regions.covered)
        };
        assert_eq!(counts("engine"), (4, 3, 5, 4));
        assert_eq!(counts("due"), (4, 4, 2, 2));
        assert_eq!(counts("~ all"), (8, 7, 7, 6));
        assert_eq!(format!("{:.1}", layers["~ all"].0.percent()), "87.5");
    }
}
