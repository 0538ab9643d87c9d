//! The Python package: built, installed into clean environments, tested.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use xshell::cmd;

use crate::native;
use crate::report::Skip;
use crate::tools::{self, CHROMIUM, MOSQUITTO, OPENSSL, QRENCODE, TMUX, ZBAR};
use crate::workspace::{Workspace, files, fresh_folder, heading, step};

/// What the tests need, pinned; and the pins of uv and maturin.
const REQUIREMENTS: &str = "bindings/python/requirements-dev.txt";

/// Says that the installed package works where nothing but itself is installed.
const SMOKE: &str = "import windlass, pathlib, sys; \
    assert pathlib.Path(windlass.__file__).is_relative_to(sys.prefix), windlass.__file__; \
    print('imported', windlass.__name__, 'from', 'an empty environment')";

/// The whole suite.
pub fn test(ws: &Workspace) -> Result<()> {
    let sh = &ws.sh;
    let wheel = wheel(ws)?;
    smoke(ws, "wheel", &wheel)?;
    smoke(ws, "sdist", &sdist(ws)?)?;

    if let Err(reason) = tools::ensure(ws, &[ZBAR, QRENCODE, CHROMIUM, MOSQUITTO, OPENSSL, TMUX]) {
        // The tests that need them say so too; with CI set they fail.
        println!("{reason:#}");
    }
    let python = environment(ws, "test", &["-r".as_ref(), REQUIREMENTS.as_ref(), &wheel])?;
    let (tests, strict) = ("bindings/python/tests", "--strict");
    step("Python: pytest", cmd!(sh, "{python} -m pytest -rs {tests}"))?;
    // The installed package, as a user's mypy sees it, and our own code that uses it.
    step(
        "Python: mypy, the package",
        cmd!(sh, "{python} -m mypy {strict} --package windlass"),
    )?;
    let users = [
        "examples/python",
        "tests/languages",
        "examples/peer-from-the-spec",
    ];
    step(
        "Python: mypy, its users",
        cmd!(sh, "{python} -m mypy {strict} {tests} {users...}"),
    )?;
    // The hand-written types against the generated module.
    let stubtest = cmd!(
        sh,
        "{python} -m mypy.stubtest windlass._native --concise --ignore-missing-stub"
    )
    .args(["--mypy-config-file", "pyproject.toml"])
    .args(["--allowlist", "bindings/python/stubtest-allowlist.txt"]);
    step("Python: stubtest", stubtest)
}

/// Imports the package, in an environment of nothing else, from a folder that has nothing to do with the repository.
fn smoke(ws: &Workspace, name: &str, package: &Path) -> Result<()> {
    heading(&format!("Python: the {name} in an empty environment"));
    let (sh, python) = (&ws.sh, environment(ws, name, &[package])?);
    let _elsewhere = sh.push_dir(std::env::temp_dir());
    Ok(cmd!(sh, "{python} -I -c {SMOKE}").quiet().run()?)
}

/// The Python to build and test with.
pub fn interpreter(ws: &Workspace) -> Result<&'static str> {
    let found = ["python3", "python"]
        .into_iter()
        .find(|name| ws.answers(name, "--version", "Python 3."));
    found.ok_or(Skip::Here("there is no Python 3 on the search path".into()).into())
}

/// Builds the wheel as users get it.
pub fn wheel(ws: &Workspace) -> Result<PathBuf> {
    heading("Python: building the wheel (the first time takes minutes)");
    let locked = ws.ci.then_some("--locked");
    native::beside_generator(ws, || maturin(ws, "build --release", locked, "whl"))
}

/// Packs the sources from which pip builds.
pub fn sdist(ws: &Workspace) -> Result<PathBuf> {
    maturin(ws, "sdist", None, "gz")
}

fn maturin(ws: &Workspace, verb: &str, flag: Option<&str>, extension: &str) -> Result<PathBuf> {
    let (sh, uv) = (&ws.sh, uv(ws)?);
    let folder = fresh_folder(sh, ws.target.join("python").join(extension))?;
    let maturin =
        cmd!(sh, "{uv} tool run --constraints {REQUIREMENTS} maturin").args(verb.split(' '));
    ws.quietly(
        &format!("python-{extension}"),
        maturin.args(flag).arg("--out").arg(&folder),
    )?;
    files(sh, &folder, extension)?
        .pop()
        .context("maturin made nothing")
}

/// A new virtual environment below the target folder with these packages; its Python.
fn environment(ws: &Workspace, name: &str, packages: &[&Path]) -> Result<PathBuf> {
    let (sh, uv, python) = (&ws.sh, uv(ws)?, interpreter(ws)?);
    let folder = ws.target.join("venv").join(name);
    ws.quietly(
        "python-venv",
        cmd!(
            sh,
            "{uv} venv --no-project --clear --python {python} {folder}"
        ),
    )?;
    // Not from uv's cache: our version stays the same when our code changes.
    let install = cmd!(
        sh,
        "{uv} pip install --python {folder} --refresh-package windlass {packages...}"
    );
    ws.quietly(&format!("python-install-{name}"), install)?;
    Ok(program(ws, name, "python"))
}

/// A program of an environment.
pub fn program(ws: &Workspace, environment: &str, name: &str) -> PathBuf {
    let folder = ws.target.join("venv").join(environment);
    folder
        .join(if cfg!(windows) { "Scripts" } else { "bin" })
        .join(name)
}

/// The user's own uv, else the pinned one from an environment that pip made.
fn uv(ws: &Workspace) -> Result<PathBuf> {
    if ws.answers("uv", "--version", "uv ") {
        return Ok("uv".into());
    }
    let (sh, python, folder) = (&ws.sh, interpreter(ws)?, ws.target.join("venv/uv"));
    let pip = program(ws, "uv", "pip");
    if !ws.answers(&pip, "--version", "pip ") {
        // Debian leaves the second one out of its Python.
        if !ws.answers(python, "-cimport venv, ensurepip; print('both')", "both") {
            tools::install(ws, "python3-venv")?;
        }
        ws.quietly("python-venv", cmd!(sh, "{python} -m venv --clear {folder}"))?;
    }
    ws.quietly(
        "python-uv",
        cmd!(sh, "{pip} install --constraint {REQUIREMENTS} uv"),
    )?;
    Ok(program(ws, "uv", "uv"))
}
