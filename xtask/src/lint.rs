//! What is checked in Rust.

use std::path::Path;

use anyhow::Result;
use xshell::cmd;

use crate::tools::{self, COMPILER, POSTGRESQL};
use crate::workspace::Workspace;

const WASM: &str = "wasm32-unknown-unknown";

/// Formatting, clippy and rustdoc, over the library, the tests and this crate; the core alone, also for WebAssembly; and whether
/// the fuzz targets compile.
pub fn lint(ws: &Workspace) -> Result<()> {
    let sh = &ws.sh;
    cmd!(sh, "cargo fmt --all --check").run()?;
    // Compiled by `cargo xtask bench` alone, with all of its peers.
    cmd!(sh, "cargo fmt --manifest-path benchmarks/Cargo.toml --check").run()?;
    let all = "clippy --quiet --workspace --all-targets --features windlass/uniffi";
    ws.cargo(all).args(["--", "-D", "warnings"]).run()?;
    docs(ws)?;
    let core = "--quiet --package windlass --lib --no-default-features";
    // Names that only `hazmat` exports keep the form that its users know.
    let strict = ["--", "-D", "warnings", "-A", "clippy::wrong_self_convention"];
    ws.cargo(&format!("clippy {core}")).args(strict).run()?;
    // Rustc names the folder of a target's libraries whether or not they are there.
    let libraries = cmd!(sh, "rustc --print target-libdir --target {WASM}").read()?;
    if Path::new(&libraries).is_dir() {
        ws.cargo(&format!("check {core}")).args(["--target", WASM]).run()?;
    } else {
        println!("not checked for {WASM}: `rustup target add {WASM}` brings what is missing");
    }
    tools::ensure(ws, &[COMPILER])?;
    Ok(ws.cargo("check --quiet --manifest-path fuzz/Cargo.toml").run()?)
}

/// The reference of the library, warnings denied.
pub fn docs(ws: &Workspace) -> Result<()> {
    let doc = ws.cargo("doc --quiet --package windlass --no-deps --lib --features hazmat");
    doc.env("RUSTDOCFLAGS", "-D warnings").run()?;
    println!("{}", ws.target.join("doc/windlass/index.html").display());
    Ok(())
}

/// Licences, sources and bans of the dependencies, from `deny.toml`. Known vulnerabilities are left to
/// `cargo xtask advisories`: their list is fetched from a forge, and a test run must not hang on that.
pub fn deny(ws: &Workspace) -> Result<()> {
    // It runs for a second, so its optimisation would take longer than all of its runs.
    let deny = tools::by_cargo(ws, "cargo-deny", "0.20.2", "install --debug")?;
    let (sh, locked) = (&ws.sh, ws.ci.then_some("--locked"));
    let check = ["check", "--hide-inclusion-graph", "bans", "licenses", "sources"];
    Ok(cmd!(sh, "{deny} {locked...} --workspace {check...}").run()?)
}

/// Known vulnerabilities of the dependencies, yanked versions, crates that nobody keeps: the database is fetched from its forge.
pub fn advisories(ws: &Workspace) -> Result<()> {
    let deny = tools::by_cargo(ws, "cargo-deny", "0.20.2", "install --debug")?;
    let sh = &ws.sh;
    Ok(cmd!(sh, "{deny} --workspace check --hide-inclusion-graph advisories").run()?)
}

/// Unit tests, tests of the whole, and the examples in the documentation.
pub fn rust(ws: &Workspace) -> Result<()> {
    if let Err(reason) = tools::ensure(ws, &[POSTGRESQL]) {
        // The tests that need it say so too; with CI set they fail.
        println!("{reason:#}");
    }
    // Without the generator's feature: it would end up in the library under test.
    Ok(ws.cargo("test --workspace").env("CARGO_TERM_COLOR", "never").run()?)
}
