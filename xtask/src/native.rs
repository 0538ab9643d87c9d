//! The native library and the generated code that the bindings share.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use xshell::cmd;

use crate::workspace::{Workspace, fresh_folder};

/// What the shared library is called here.
pub fn library_name() -> String {
    use std::env::consts::{DLL_PREFIX, DLL_SUFFIX};
    format!("{DLL_PREFIX}windlass{DLL_SUFFIX}")
}

/// Builds the shared library as users get it, and the generator.
pub fn shared_library(ws: &Workspace) -> Result<PathBuf> {
    beside_generator(ws, || build(ws, "cdylib"))?;
    Ok(ws.target.join("release").join(library_name()))
}

/// The target that the compiler builds for when it is told none.
pub fn host(ws: &Workspace) -> Result<String> {
    let says = cmd!(ws.sh, "rustc -vV").quiet().read()?;
    let host = says.lines().find_map(|line| line.strip_prefix("host: "));
    Ok(host.context("rustc does not say what it builds for")?.to_owned())
}

/// Builds the static library, for Swift packages.
pub fn static_library(ws: &Workspace) -> Result<PathBuf> {
    build(ws, "staticlib")?;
    Ok(ws.target.join("release/libwindlass.a"))
}

/// The same for another target.
pub fn static_library_for(ws: &Workspace, target: &str) -> Result<PathBuf> {
    build(ws, &format!("staticlib --target {target}"))?;
    Ok(ws.target.join(target).join("release/libwindlass.a"))
}

/// The version of all packages.
pub fn version(ws: &Workspace) -> Result<String> {
    let named = ws.cargo("pkgid --package windlass").quiet().read()?;
    Ok(named.rsplit(['#', '@']).next().unwrap_or_default().to_owned())
}

/// The flags are those maturin uses, so that the wheel and the other languages share one compilation. Naming the crate type also
/// lets the linker optimise across crates, which Cargo gives up when an `rlib` is built beside.
fn build(ws: &Workspace, kind: &str) -> Result<()> {
    let flags =
        "--quiet --package windlass --features uniffi,postgres --lib --release --crate-type";
    Ok(ws.cargo(&format!("rustc {flags} {kind}")).run()?)
}

/// The bindings generator, after the verb.
const GENERATOR: &str = "--quiet --package windlass --features uniffi-cli --bin uniffi-bindgen";

/// Builds something in the release profile and the bindings generator in the other one. Cargo locks each profile's folder by
/// itself, so that the two run side by side: the generator takes long the first time, and most of it on one core.
pub fn beside_generator<T>(ws: &Workspace, build: impl FnOnce() -> Result<T>) -> Result<T> {
    let generator = ws.cargo(&format!("build {GENERATOR}"));
    let mut generator = Command::from(generator).spawn()?;
    let built = build();
    // Its error first: without the generator there is nothing else either.
    if !generator.wait()?.success() {
        bail!("the bindings generator does not build");
    }
    built
}

/// Writes a language's generated code into an empty folder.
pub fn generate(ws: &Workspace, library: &Path, language: &str, to: PathBuf) -> Result<PathBuf> {
    let folder = fresh_folder(&ws.sh, to)?;
    // The generator finds `uniffi.toml` through Cargo, so Cargo starts it.
    let generate = ws.cargo(&format!("run {GENERATOR} -- generate --no-format"));
    let generate = generate.args(["--language", language, "--out-dir"]);
    generate.arg(&folder).arg(library).run()?;
    Ok(folder)
}
