//! What is asked of the code beyond its tests: `docs/security/evidence.md` has the answers.

use anyhow::{Result, bail};
use xshell::cmd;

use crate::tools::{self, VALGRIND};
use crate::workspace::Workspace;

/// What mutation testing looks at when no file is named: primitives, handshake, ratchet, session.
const PURE: [&str; 4] = ["src/crypto/**", "src/x3dh/**", "src/ratchet/**", "src/session/**"];

/// Runs `tests/timing.rs` under valgrind, optimised as it is shipped.
pub fn timing(ws: &Workspace) -> Result<()> {
    tools::ensure(ws, &[VALGRIND])?;
    let test = ws.cargo("test --release --test timing -- --ignored --nocapture");
    Ok(test.run()?)
}

/// Changes one thing at a time in these files, and says which change no test of the library noticed.
pub fn mutants(ws: &Workspace, files: &[String]) -> Result<()> {
    if !ws.answers("cargo-mutants", "--version", "cargo-mutants ") {
        bail!("`cargo install --locked cargo-mutants` is missing");
    }
    let named: Vec<&str> = files.iter().map(String::as_str).collect();
    let wanted = if named.is_empty() { PURE.to_vec() } else { named };
    let files = wanted.iter().flat_map(|file| ["--file", file]);
    let sh = &ws.sh;
    let folder = sh.create_dir(ws.target.join("mutants"))?;
    let run =
        cmd!(sh, "cargo mutants --no-shuffle --jobs 1 --output {folder} --cargo-test-arg=--lib");
    Ok(run.args(files).env_remove("CARGO_TARGET_DIR").run()?)
}
