//! What is checked without running anything.

use std::path::Path;

use anyhow::Result;
use xshell::cmd;

use crate::tools::{self, COMPILER};
use crate::workspace::{Workspace, heading, step};

const WASM: &str = "wasm32-unknown-unknown";

/// Formatting, clippy and rustdoc, over the library, the tests and this crate; the core alone, also for WebAssembly; and whether
/// the fuzz targets compile.
pub fn lint(ws: &Workspace) -> Result<()> {
    let sh = &ws.sh;
    step("cargo fmt --check", cmd!(sh, "cargo fmt --all --check"))?;
    let clippy = ws.cargo("clippy --quiet --workspace --all-targets -- -D warnings");
    step("cargo clippy", clippy)?;
    docs(ws)?;
    let core = "check --quiet --package windlass --lib --no-default-features";
    step(
        "cargo check of the core without its bindings",
        ws.cargo(core),
    )?;
    // Rustc names the folder of a target's libraries whether or not they are there.
    let libraries = cmd!(sh, "rustc --print target-libdir --target {WASM}")
        .quiet()
        .read()?;
    if Path::new(&libraries).is_dir() {
        let core = ws.cargo(core).args(["--target", WASM]);
        step("cargo check of the core for WebAssembly", core)?;
    } else {
        heading("cargo check of the core for WebAssembly: not here");
        println!("this compiler has no {WASM}; `rustup target add {WASM}` brings it");
    }
    tools::ensure(ws, &[COMPILER])?;
    let targets = ws.cargo("check --quiet --manifest-path fuzz/Cargo.toml");
    step("cargo check of the fuzz targets", targets)
}

/// The reference of the library, warnings denied.
pub fn docs(ws: &Workspace) -> Result<()> {
    let doc = ws.cargo("doc --quiet --package windlass --no-deps --lib");
    step("cargo doc", doc.env("RUSTDOCFLAGS", "-D warnings"))?;
    println!("{}", ws.target.join("doc/windlass/index.html").display());
    Ok(())
}

/// Licences, sources and bans of the dependencies, from `deny.toml`. Known vulnerabilities are left to
/// `cargo deny check advisories`: their list is fetched from a forge, and a test run must not hang on that.
pub fn deny(ws: &Workspace) -> Result<()> {
    // It runs for a second, so its optimisation would take longer than all of its runs.
    let deny = tools::by_cargo(ws, "cargo-deny", "0.20.2", "install --debug")?;
    let (sh, locked) = (&ws.sh, ws.ci.then_some("--locked"));
    let check = ["bans", "licenses", "sources"];
    let deny = cmd!(
        sh,
        "{deny} {locked...} --workspace check --hide-inclusion-graph {check...}"
    );
    step("cargo deny", deny)
}
