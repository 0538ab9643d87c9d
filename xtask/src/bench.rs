//! `cargo xtask bench`: what things cost, as ratios within one run.

use anyhow::{Result, bail};

use crate::shell;
use crate::workspace::Workspace;

/// Whether there is anything to run.
pub fn available(workspace: &Workspace) -> bool {
    !shell::files_with_extension(&workspace.root.join("benches"), "rs").is_empty()
}

/// Runs the benchmarks.
pub fn run(workspace: &Workspace, arguments: &[String]) -> Result<()> {
    if !available(workspace) {
        bail!("there are no benchmarks in benches/");
    }
    shell::heading("cargo bench");
    shell::run(
        shell::cargo()
            .current_dir(&workspace.root)
            .args(["bench", "--package", "windlass"])
            .args(workspace.locked())
            .args(arguments),
    )
}
