//! The Python package: built, installed into clean environments, tested.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use xshell::cmd;

use crate::interpreters::{self, interpreter};
use crate::tools::{self, BWRAP, CHROMIUM, MOSQUITTO, OPENSSL, QRENCODE, SYSTEMD, TMUX, ZBAR};
use crate::workspace::{Workspace, files, fresh_folder};
use crate::{native, sbom};

/// What the tests need, pinned; and the pins of uv and maturin.
const REQUIREMENTS: &str = "bindings/python/requirements-dev.txt";

/// A linker for each Linux, which PyPI has for every machine that builds.
pub const ZIG: &str = "ziglang==0.15.2";

/// Our own code that uses the package.
const OURS: [&str; 4] =
    ["bindings/python/tests", "examples/python", "tests/languages", "examples/peer-from-the-spec"];

/// How the hand-written types are compared with the generated module.
const STUBTEST: [&str; 6] = [
    "--concise",
    "--ignore-missing-stub",
    "--mypy-config-file",
    "pyproject.toml",
    "--allowlist",
    "bindings/python/stubtest-allowlist.txt",
];

/// Says that the installed package works where nothing but itself is installed.
const SMOKE: &str = "import windlass_chat, pathlib, sys; \
    assert pathlib.Path(windlass_chat.__file__).is_relative_to(sys.prefix); \
    print('imported', windlass_chat.__name__, 'from', 'an empty environment')";

/// The whole suite.
pub fn test(ws: &Workspace) -> Result<()> {
    let sh = &ws.sh;
    let wheel = wheel(ws)?;
    smoke(ws, "wheel", &wheel)?;
    readme(ws, &sdist(ws)?)?;

    interpreters::smoke(ws, &uv(ws)?, &wheel)?;

    let others = [ZBAR, QRENCODE, CHROMIUM, MOSQUITTO, OPENSSL, TMUX, BWRAP, SYSTEMD];
    if let Err(reason) = tools::ensure(ws, &others) {
        // The tests that need them say so too; with CI set they fail.
        println!("{reason:#}");
    }
    let python = environment(ws, "test", &["-r".as_ref(), REQUIREMENTS.as_ref(), &wheel])?;
    cmd!(sh, "{python} -m pytest -rs bindings/python/tests").run()?;
    // The installed package, as a user's mypy sees it, and our own code that uses it.
    cmd!(sh, "{python} -m mypy --strict --package windlass_chat").run()?;
    cmd!(sh, "{python} -m mypy --strict").args(OURS).run()?;
    // The hand-written types against the generated module.
    cmd!(sh, "{python} -m mypy.stubtest windlass_chat._native").args(STUBTEST).run()?;
    Ok(())
}

/// Imports the package, in an environment of nothing else, from a folder that has nothing to do with the repository.
fn smoke(ws: &Workspace, name: &str, package: &Path) -> Result<()> {
    let (sh, python) = (&ws.sh, environment(ws, name, &[package])?);
    let _elsewhere = sh.push_dir(std::env::temp_dir());
    Ok(cmd!(sh, "{python} -I -c {SMOKE}").run()?)
}

/// What the README says to a newcomer to Python, where nothing is but what is published.
fn readme(ws: &Workspace, sdist: &Path) -> Result<()> {
    let sh = &ws.sh;
    let readme = sh.read_file("README.md")?;
    let python = readme.split("\n### Python\n").nth(1);
    let lines = python.and_then(|python| python.split("```sh\n").nth(1)?.split("```").next());
    let lines = lines.context("the README says nothing to a newcomer to Python")?;
    let folder = fresh_folder(sh, ws.target.join("python/readme"))?;
    cmd!(sh, "tar -xzf {sdist} --strip-components 1 -C {folder}").run()?;
    let _there = sh.push_dir(&folder);
    let newcomer = cmd!(sh, "bash -euo pipefail -c {lines}").env("CARGO_TARGET_DIR", &ws.target);
    ws.quietly("python-readme", newcomer).map(|_| ())
}

/// Copies a folder with all that is in it, into one that may be there.
pub fn copy(ws: &Workspace, from: &Path, to: &Path) -> Result<()> {
    const COPY: &str = "import shutil, sys; shutil.copytree(*sys.argv[1:], dirs_exist_ok=True)";
    let (sh, python) = (&ws.sh, interpreter(ws)?);
    Ok(cmd!(sh, "{python} -c {COPY} {from} {to}").quiet().run()?)
}

/// Builds the wheel as users get it.
pub fn wheel(ws: &Workspace) -> Result<PathBuf> {
    let build = if ws.ci { "build --release --locked" } else { "build --release" };
    native::beside_generator(ws, || maturin(ws, build, "whl"))
}

/// Builds the wheel as it is published, for another Linux too: by zig as the linker, which knows the C libraries of each.
pub fn published(ws: &Workspace, target: &str, compatibility: &str) -> Result<PathBuf> {
    let bill = sbom::write(ws, target)?;
    let build = format!(
        "build --release --locked --zig --target {target} --compatibility {compatibility} --sbom-include"
    );
    maturin_with(ws, &["--with", ZIG], &build, &[bill], "whl")
}

/// The same with the machine's own linker.
pub fn published_here(ws: &Workspace) -> Result<PathBuf> {
    let bill = sbom::write(ws, &native::host(ws)?)?;
    maturin_with(ws, &[], "build --release --locked --sbom-include", &[bill], "whl")
}

/// Packs the sources from which pip builds.
pub fn sdist(ws: &Workspace) -> Result<PathBuf> {
    maturin(ws, "sdist", "gz")
}

fn maturin(ws: &Workspace, arguments: &str, extension: &str) -> Result<PathBuf> {
    maturin_with(ws, &[], arguments, &[], extension)
}

/// With more packages beside maturin, and files that its arguments end with.
fn maturin_with(
    ws: &Workspace,
    with: &[&str],
    arguments: &str,
    named: &[PathBuf],
    extension: &str,
) -> Result<PathBuf> {
    let (sh, uv, arguments) = (&ws.sh, uv(ws)?, arguments.split(' '));
    let folder = fresh_folder(sh, ws.target.join("python").join(extension))?;
    let maturin = cmd!(sh, "{uv} tool run --constraints {REQUIREMENTS} {with...} maturin");
    let maturin = maturin.args(arguments).args(named);
    ws.quietly("python-maturin", maturin.arg("--out").arg(&folder))?;
    files(sh, &folder, extension)?.pop().context("maturin made nothing")
}

/// A new virtual environment below the target folder with these packages; its Python.
pub fn environment(ws: &Workspace, name: &str, packages: &[&Path]) -> Result<PathBuf> {
    let (sh, uv, python) = (&ws.sh, uv(ws)?, interpreter(ws)?);
    let folder = ws.target.join("venv").join(name);
    ws.quietly("python-venv", cmd!(sh, "{uv} venv --clear --python {python} {folder}"))?;
    // Not from uv's cache: our version stays the same when our code changes.
    let install = cmd!(sh, "{uv} pip install --refresh-package windlass-chat --python {folder}");
    ws.quietly("python-install", install.args(packages))?;
    Ok(program(ws, name, "python"))
}

/// A program of an environment.
pub fn program(ws: &Workspace, environment: &str, name: &str) -> PathBuf {
    let folder = if cfg!(windows) { "Scripts" } else { "bin" };
    ws.target.join("venv").join(environment).join(folder).join(name)
}

/// The user's own uv, else the pinned one from an environment that pip made.
pub fn uv(ws: &Workspace) -> Result<PathBuf> {
    if ws.answers("uv", "--version", "uv ") {
        return Ok("uv".into());
    }
    let (sh, python, folder) = (&ws.sh, interpreter(ws)?, ws.target.join("venv/uv"));
    let pip = program(ws, "uv", "pip");
    if !ws.answers(&pip, "--version", "pip ") {
        // Debian leaves the second one out of its Python.
        if !ws.answers(&python, "-cimport venv, ensurepip; print('both')", "both") {
            tools::install(ws, "python3-venv")?;
        }
        ws.quietly("python-venv", cmd!(sh, "{python} -m venv --clear {folder}"))?;
    }
    ws.quietly("python-uv", cmd!(sh, "{pip} install --constraint {REQUIREMENTS} uv"))?;
    Ok(program(ws, "uv", "uv"))
}
