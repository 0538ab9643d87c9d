//! `cargo xtask docs`.

use anyhow::Result;

use crate::report::{Outcome, Report};
use crate::shell;
use crate::workspace::Workspace;

/// Builds every reference there is; `false` when one failed.
pub fn run(workspace: &Workspace) -> bool {
    let mut report = Report::new(workspace.ci);
    report.step("rustdoc", || rustdoc(workspace));
    report.finish()
}

/// The reference of the library, warnings denied.
pub fn rustdoc(workspace: &Workspace) -> Result<Outcome> {
    shell::heading("cargo doc");
    shell::run(
        shell::cargo()
            .current_dir(&workspace.root)
            .args([
                "doc",
                "--quiet",
                "--package",
                "windlass",
                "--no-deps",
                "--lib",
            ])
            .args(workspace.locked())
            .env("RUSTDOCFLAGS", "-D warnings"),
    )?;
    println!(
        "{}",
        workspace.target.join("doc/windlass/index.html").display()
    );
    Ok(Outcome::Passed)
}
