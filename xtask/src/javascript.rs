//! The JavaScript package: the core as WebAssembly, TypeScript compiled, tests in Node.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use xshell::cmd;

use crate::report::Skip;
use crate::targets;
use crate::workspace::{Workspace, files, fresh_folder};
use crate::{kotlin, python};

const WASM: &str = "wasm32-unknown-unknown";
/// Of Node's lines those that the package names. Debian 12 brings 18.
const NODE: &str = "v20.|v22.|v24.|v26.";

/// Builds the package and runs its tests.
pub fn test(ws: &Workspace) -> Result<()> {
    let package = build(ws)?;
    let sh = &ws.sh;
    let core = package.join("wasm");
    let both = ["--package", "windlass-javascript", "--package", "windlass-glue"];
    cmd!(sh, "cargo fmt --check {both...} --manifest-path").arg(core.join("Cargo.toml")).run()?;
    let strict = ["--target", WASM, "--features", "vectors", "--", "-D", "warnings"];
    core_cargo(ws, &package, "clippy --quiet").args(strict).run()?;
    let vectors = ws.target.join("javascript-vectors");
    glue(ws, &package, &["--features", "vectors"], "debug", &vectors)?;
    let mut tests = cmd!(sh, "npm --prefix {package} test").env("WINDLASS_VECTORS", vectors);
    // Cargo's folders, in which Java would find another library of this name than the one beside its classes.
    tests = tests.env_remove("LD_LIBRARY_PATH");
    let python = python::program(ws, "test", "python");
    match kotlin::class_path(ws)? {
        Some(kotlin) if sh.path_exists(&python) => {
            tests = tests.env("WINDLASS_PYTHON", python).env("WINDLASS_KOTLIN", kotlin);
        }
        _ => println!(
            "without a page, Python and Kotlin in one group: --python and --kotlin build what that needs"
        ),
    }
    let said = ws.quietly("javascript", tests)?;
    for line in said.lines().filter(|line| line.starts_with("# ") && !line.starts_with("# Subtest"))
    {
        println!("{line}");
    }
    Ok(())
}

/// The package for the talk of the languages: the same sources, compiled in less time, in a folder of their own.
pub fn for_talk(ws: &Workspace) -> Result<PathBuf> {
    let package = ready(ws)?;
    let folder = ws.target.join("javascript-talk");
    compile(ws, &package, &[], "debug", &folder.join("dist"))?;
    ws.sh.write_file(folder.join("package.json"), "{ \"type\": \"module\" }\n")?;
    Ok(folder)
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
    let package = ready(ws)?;
    compile(ws, &package, &["--release"], "release", &package.join("dist"))?;
    Ok(package)
}

/// The package's folder, where what compiles it is there.
fn ready(ws: &Workspace) -> Result<PathBuf> {
    if !ws.answers("node", "--version", NODE) || !ws.answers("npm", "--version", ".") {
        bail!(Skip::Here("it needs Node 20 or later, with npm".into()));
    }
    targets::ensure(ws, WASM)?;
    Ok(ws.bindings("javascript"))
}

/// Compiles the core with these flags, which leave it in the folder of this profile, and the sources of the package.
fn compile(
    ws: &Workspace,
    package: &Path,
    flags: &[&str],
    profile: &str,
    dist: &Path,
) -> Result<()> {
    let sh = &ws.sh;
    // TypeScript reads its types among the sources.
    let among = package.join("src/wasm");
    glue(ws, package, flags, profile, &among)?;
    // Where no registry is reached that is soon known.
    let fetch = "--no-audit --no-fund --fetch-retries=1 --fetch-timeout=60000".split(' ');
    let fetched = ws.quietly("npm", cmd!(sh, "npm --prefix {package} ci {fetch...}"));
    fetched
        .map_err(|error| Skip::Here(format!("what it is compiled with is not had: {error:#}")))?;
    fresh_folder(sh, dist.to_owned())?;
    ws.quietly("tsc", cmd!(sh, "npm --prefix {package} run build -- --outDir {dist}"))?;
    let beside = sh.create_dir(dist.join("wasm"))?;
    for file in sh.read_dir(&among)? {
        sh.copy_file(file, &beside)?;
    }
    Ok(())
}

/// The core with the JavaScript that calls it, into an empty folder.
fn glue(ws: &Workspace, package: &Path, flags: &[&str], profile: &str, to: &Path) -> Result<()> {
    core_cargo(ws, package, "build --quiet").args(["--target", WASM]).args(flags).run()?;
    let core = ws.target.join(WASM).join(profile).join("windlass_javascript.wasm");
    let to = fresh_folder(&ws.sh, to.to_owned())?;
    let write = core_cargo(ws, package, "run --quiet --package windlass-glue").arg("--");
    Ok(write.arg(core).arg(to).run()?)
}

/// Cargo for the crate of the package, which is no member of the workspace.
fn core_cargo<'a>(ws: &'a Workspace, package: &Path, arguments: &str) -> xshell::Cmd<'a> {
    let manifest = package.join("wasm/Cargo.toml");
    ws.cargo(arguments).arg("--manifest-path").arg(manifest)
}
