//! The Rust suites.

use anyhow::Result;

use crate::report::Outcome;
use crate::shell;
use crate::workspace::Workspace;
use crate::{docs, fuzz};

/// Formatting, clippy and rustdoc, over the library, the tests and this crate; and whether the fuzz targets compile.
pub fn lint(workspace: &Workspace) -> Result<Outcome> {
    shell::heading("cargo fmt --check");
    shell::run(
        shell::cargo()
            .current_dir(&workspace.root)
            .args(["fmt", "--all", "--check"]),
    )?;
    println!("formatted");

    shell::heading("cargo clippy");
    shell::run(
        shell::cargo()
            .current_dir(&workspace.root)
            .args(["clippy", "--quiet", "--workspace", "--all-targets"])
            .args(workspace.locked())
            .args(["--", "-D", "warnings"]),
    )?;
    println!("no warnings");
    docs::rustdoc(workspace)?;
    fuzz::check(workspace)
}

/// Unit tests, tests of the whole, and the examples in the documentation.
pub fn test(workspace: &Workspace) -> Result<Outcome> {
    shell::heading("cargo test");
    // Without the generator's feature: it would end up in the library under test.
    shell::run(
        shell::cargo()
            .current_dir(&workspace.root)
            .args(["test", "--workspace"])
            .args(workspace.locked())
            .env("CARGO_TERM_COLOR", "never"),
    )?;
    Ok(Outcome::Passed)
}
