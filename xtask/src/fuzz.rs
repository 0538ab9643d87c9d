//! `cargo xtask fuzz`: libFuzzer over every decoder and the receive path.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Result, bail};

use crate::debian::{self, Tool};
use crate::report::Outcome;
use crate::shell;
use crate::workspace::Workspace;

/// What libFuzzer is compiled with.
const COMPILER: Tool = Tool {
    program: "c++",
    package: "g++",
};

/// Seconds for each target when none is named.
const SECONDS: u32 = 60;

/// Whether there is anything to run.
pub fn available(workspace: &Workspace) -> bool {
    !targets(workspace).is_empty()
}

/// Runs the named target with the arguments after it, or each target for a while.
pub fn run(workspace: &Workspace, arguments: &[String]) -> Result<()> {
    let targets = targets(workspace);
    if targets.is_empty() {
        bail!("there are no targets in fuzz/fuzz_targets/");
    }
    if shell::which("cargo-fuzz").is_none() {
        bail!(
            "cargo-fuzz is not installed (`cargo install --locked cargo-fuzz`; it needs a nightly compiler)"
        );
    }
    if let Some((target, rest)) = arguments.split_first() {
        return fuzz(workspace, target, rest);
    }
    let limit = format!("-max_total_time={SECONDS}");
    for target in targets {
        let name = target
            .file_stem()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        fuzz(workspace, &name, std::slice::from_ref(&limit))?;
    }
    Ok(())
}

fn fuzz(workspace: &Workspace, target: &str, arguments: &[String]) -> Result<()> {
    shell::heading(&format!("cargo fuzz run {target}"));
    // What is found goes into the first folder; the seeds beside it are kept as they are.
    let [corpus, seeds] =
        ["corpus", "seeds"].map(|name| workspace.root.join("fuzz").join(name).join(target));
    for folder in [&corpus, &seeds] {
        std::fs::create_dir_all(folder)?;
    }
    shell::run(
        // Not the Cargo that runs us: only rustup's own knows `+nightly`.
        Command::new("cargo")
            .current_dir(&workspace.root)
            .env_remove("RUSTUP_TOOLCHAIN")
            .args(["+nightly", "fuzz", "run", target])
            .args([corpus, seeds])
            .arg("--")
            .args(arguments),
    )
}

/// Whether the targets compile.
pub fn check(workspace: &Workspace) -> Result<Outcome> {
    if let Some(reason) = debian::ensure(&[COMPILER])? {
        return Ok(Outcome::Skipped(reason));
    }
    shell::heading("cargo check of the fuzz targets");
    shell::run(
        shell::cargo()
            .current_dir(&workspace.root)
            .args(["check", "--quiet", "--manifest-path", "fuzz/Cargo.toml"])
            .args(workspace.locked())
            // What the library is built of is there already.
            .env("CARGO_TARGET_DIR", &workspace.target),
    )?;
    println!("they compile");
    Ok(Outcome::Passed)
}

fn targets(workspace: &Workspace) -> Vec<PathBuf> {
    shell::files_with_extension(&workspace.root.join("fuzz/fuzz_targets"), "rs")
}
