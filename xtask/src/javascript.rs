//! The JavaScript package: the core as WebAssembly, TypeScript compiled, tests in Node.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use xshell::cmd;

use crate::report::Skip;
use crate::targets;
use crate::tools::cache;
use crate::workspace::{Workspace, files, fresh_folder};

const WASM: &str = "wasm32-unknown-unknown";
/// The program that writes the glue, of the same version as the crate (bindings/javascript/wasm/Cargo.toml).
const BINDGEN: &str = "0.2.130";
/// Of Node's lines those that the package names. Debian 12 brings 18.
const NODE: &str = "v20.|v22.|v24.|v26.";

/// Builds the package and runs its tests.
pub fn test(ws: &Workspace) -> Result<()> {
    let package = build(ws)?;
    let sh = &ws.sh;
    let core = package.join("wasm");
    cmd!(sh, "cargo fmt --check --manifest-path").arg(core.join("Cargo.toml")).run()?;
    let strict = ["--target", WASM, "--", "-D", "warnings"];
    core_cargo(ws, &package, "clippy --quiet").args(strict).run()?;
    let tests = cmd!(sh, "npm --prefix {package} test");
    let said = ws.quietly("javascript", tests)?;
    for line in said.lines().filter(|line| line.starts_with("# ") && !line.starts_with("# Subtest"))
    {
        println!("{line}");
    }
    Ok(())
}

/// Packs what `npm install` takes.
pub fn tarball(ws: &Workspace) -> Result<PathBuf> {
    let package = build(ws)?;
    let sh = &ws.sh;
    let folder = fresh_folder(sh, ws.target.join("javascript"))?;
    let pack = cmd!(sh, "npm pack {package} --pack-destination {folder}");
    ws.quietly("javascript-pack", pack)?;
    Ok(files(sh, &folder, "tgz")?.swap_remove(0))
}

/// The package's folder, with everything that is made of its sources in `dist`.
fn build(ws: &Workspace) -> Result<PathBuf> {
    let sh = &ws.sh;
    let package = ws.bindings("javascript");
    if !ws.answers("node", "--version", NODE) || !ws.answers("npm", "--version", ".") {
        bail!(Skip::Here("it needs Node 20 or later, with npm".into()));
    }
    targets::ensure(ws, WASM)?;
    let bindgen = bindgen(ws)?;
    core_cargo(ws, &package, "build --quiet --release").args(["--target", WASM]).run()?;
    let core = ws.target.join(WASM).join("release/windlass_javascript.wasm");
    let glue = fresh_folder(sh, package.join("src/wasm"))?;
    let name = ["--target", "web", "--remove-name-section", "--out-name", "windlass", "--out-dir"];
    cmd!(sh, "{bindgen} {name...} {glue} {core}").run()?;
    ws.quietly("npm", cmd!(sh, "npm --prefix {package} ci --no-audit --no-fund"))?;
    let built = fresh_folder(sh, package.join("dist"))?;
    ws.quietly("tsc", cmd!(sh, "npm --prefix {package} run build"))?;
    let beside = sh.create_dir(built.join("wasm"))?;
    for file in sh.read_dir(&glue)? {
        sh.copy_file(file, &beside)?;
    }
    Ok(package)
}

/// Cargo for the crate of the package, which is no member of the workspace.
fn core_cargo<'a>(ws: &'a Workspace, package: &Path, arguments: &str) -> xshell::Cmd<'a> {
    let manifest = package.join("wasm/Cargo.toml");
    ws.cargo(arguments).arg("--manifest-path").arg(manifest)
}

/// The program that writes the glue: the user's own, else the one in the cache, made where it is missing.
fn bindgen(ws: &Workspace) -> Result<PathBuf> {
    let program = "wasm-bindgen";
    if ws.answers(program, "--version", &format!("{program} {BINDGEN}\n")) {
        return Ok(program.into());
    }
    let folder = cache()?.join(format!("{program}-{BINDGEN}"));
    // It runs for a second, so its optimisation would take longer than all of its runs.
    let install = ["install", "--debug", "--version", BINDGEN, "wasm-bindgen-cli", "--root"];
    let install = ws.sh.cmd("cargo").args(install).arg(&folder);
    ws.quietly(program, install.env_remove("CARGO_TARGET_DIR"))?;
    Ok(folder.join("bin").join(program))
}
