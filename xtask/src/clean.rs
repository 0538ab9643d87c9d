//! The wheels for Linux where nothing is but Python: in a Debian, and beside musl; of this machine and, emulated, of the other one.

use std::env::consts::ARCH;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, Result, bail};
use xshell::cmd;

use crate::python;
use crate::targets::{LINUX, Linux};
use crate::tools::{self, DEBOOTSTRAP, Tool};
use crate::workspace::{Workspace, files, fresh_folder};

/// What runs programs of the other machine; Debian has them all in one package.
const EMULATORS: [Tool; 2] = [
    ("qemu-aarch64-static", "--version", "qemu-aarch64 version", "qemu-user-static"),
    ("qemu-x86_64-static", "--version", "qemu-x86_64 version", "qemu-user-static"),
];

/// Where each C library is taken from: the oldest Debian that is kept up, and the first whose musl that Python asks for (1.2.5).
const GLIBC: (&str, &str) = ("bookworm", "python3");
const MUSL: (&str, &str) = ("trixie", "musl,libffi8");

/// Debian has no Python for musl.
const PYTHON_OF_ALPINE: &str = "xtask/src/musl-python.txt";

/// Where in the filesystem it is tried.
const PLACE: &str = "tried";

/// Each wheel that is there: pip's choice of it for its system, and what it does there.
pub fn wheels(ws: &Workspace) -> Result<()> {
    let built = files(&ws.sh, &ws.target.join("packages/python"), "whl")?;
    let mut rows = Vec::new();
    for linux in LINUX {
        let named = |path: &&PathBuf| path.to_string_lossy().contains(&linux.tag());
        let Some(wheel) = built.iter().find(named) else {
            continue;
        };
        let (start, size) = (Instant::now(), std::fs::metadata(wheel)?.len());
        let said = tried(ws, &linux)?;
        let seconds = start.elapsed().as_secs_f64();
        rows.push(format!("{:<26} {size:>9} bytes {seconds:>6.1} s  {said}", linux.target));
    }
    println!("{}", rows.join("\n"));
    Ok(())
}

fn tried(ws: &Workspace, linux: &Linux) -> Result<String> {
    let (sh, machine) = (&ws.sh, linux.machine());
    let (system, as_root) = debian(ws, machine, if linux.musl() { MUSL } else { GLIBC })?;
    let root = if linux.musl() { alpine(ws, machine, &system)? } else { system };
    let own = fresh_folder(sh, ws.target.join("outside").join(linux.target))?;
    install(ws, linux, &own)?;
    sh.copy_file("examples/python/first_conversation.py", &own)?;
    let place = root.join(PLACE);
    cmd!(sh, "env {as_root...} rm -rf {place}").quiet().run()?;
    cmd!(sh, "env {as_root...} cp -r {own} {place}").quiet().run()?;
    let emulator = emulator(ws, machine)?;
    let emulated = emulator.map(|program| format!("/{program}"));
    if let Some(program) = emulator {
        let from = cmd!(sh, "sh -c").arg(format!("command -v {program}")).quiet().read()?;
        cmd!(sh, "env {as_root...} cp {from} {root}").quiet().run()?;
    }
    let program = format!("/{PLACE}/first_conversation.py");
    let run =
        cmd!(sh, "env {as_root...} chroot {root} {emulated...} /usr/bin/python3 {program}").quiet();
    // The folder of the program is no place to import from, in all that is started here.
    let run = run.env_remove("LD_LIBRARY_PATH").env("PYTHONPATH", format!("/{PLACE}"));
    let said = run.read()?;
    if said != "Ahoy!" {
        bail!("{}: {said}", linux.target);
    }
    Ok(said)
}

/// A Debian of this name with these packages, for this machine; and what comes before a command as root.
fn debian(
    ws: &Workspace,
    machine: &str,
    (suite, packages): (&str, &str),
) -> Result<(PathBuf, Option<&'static str>)> {
    let folder = tools::cache()?.join(format!("clean-{suite}-{packages}-{machine}"));
    let as_root = tools::as_root(ws, &format!("debootstrap, chroot in {}", folder.display()))?;
    if !folder.is_dir() {
        tools::ensure(ws, &[DEBOOTSTRAP])?;
        ws.sh.create_dir(tools::cache()?)?;
        let script = include_str!("clean-build.sh");
        let debian = if machine == "aarch64" { "arm64" } else { "amd64" };
        let build = cmd!(ws.sh, "env {as_root...} sh -euc {script} windlass {folder} {debian}");
        ws.quietly("clean-root", build.args([suite, packages]))?;
    }
    Ok((folder, as_root))
}

/// The program that runs those of this machine, where it is not our own.
fn emulator(ws: &Workspace, machine: &str) -> Result<Option<&'static str>> {
    if machine == ARCH {
        return Ok(None);
    }
    let named = |tool: &&Tool| tool.0 == format!("qemu-{machine}-static");
    let tool = EMULATORS.iter().find(named).context("nothing emulates it")?;
    tools::ensure(ws, std::slice::from_ref(tool))?;
    Ok(Some(tool.0))
}

/// A filesystem of nothing but musl, a Python that was linked with it on Alpine, and what its `ctypes` needs: no other C library, no shell.
fn alpine(ws: &Workspace, machine: &str, debian: &Path) -> Result<PathBuf> {
    let (sh, uv) = (&ws.sh, python::uv(ws)?);
    let folder = tools::cache()?.join(format!("clean-musl-1-{machine}"));
    if folder.is_dir() {
        return Ok(folder);
    }
    let unpacked = sh.create_temp_dir()?;
    let package = unpacked.path();
    let fetch = cmd!(sh, "{uv} pip install --quiet --no-deps --target {package} --require-hashes");
    let fetch = fetch.args(["--python-platform", &format!("{machine}-unknown-linux-musl")]);
    fetch.args(["--python-version", "3.13", "--requirements", PYTHON_OF_ALPINE]).run()?;
    let archive = format!("ai/backend/krunner/alpine/krunner-env.musllinux_1_2.{machine}.tar.xz");
    let archive = package.join(archive);
    let partial = fresh_folder(sh, folder.with_extension("partial"))?;
    let (usr, lib) = (sh.create_dir(partial.join("usr"))?, sh.create_dir(partial.join("lib"))?);
    sh.create_dir(partial.join("tmp"))?;
    cmd!(sh, "tar --extract --file {archive} --directory {usr}").run()?;
    // Debian's own of glibc: it asks the C library for nothing that musl has not, and musl answers to that name too.
    let ffi = format!("usr/lib/{machine}-linux-gnu/libffi.so.8");
    // Alpine's package of the C library is the loader alone, and so is Debian's.
    for library in [format!("lib/ld-musl-{machine}.so.1"), ffi] {
        let library = debian.join(library);
        cmd!(sh, "cp --dereference {library} {lib}").run()?;
    }
    // On this machine it asks for its loader too, by name.
    if machine == "aarch64" {
        let link = lib.join("ld-linux-aarch64.so.1");
        cmd!(sh, "ln --symbolic ld-musl-aarch64.so.1 {link}").run()?;
    }
    std::fs::rename(partial, &folder)?;
    Ok(folder)
}

/// Into a folder, by what the system calls itself; nothing is compiled.
fn install(ws: &Workspace, linux: &Linux, own: &Path) -> Result<()> {
    let (sh, uv, wheels) = (&ws.sh, python::uv(ws)?, ws.target.join("packages/python"));
    let platform = match linux.musl() {
        true => format!("{}-unknown-linux-musl", linux.machine()),
        false => format!("{}-manylinux_2_17", linux.machine()),
    };
    let install = cmd!(sh, "{uv} pip install --quiet --target {own} --python-platform {platform}");
    let version = if linux.musl() { "3.13" } else { "3.11" };
    let install = install.args(["--python-version", version, "--no-index", "--no-cache"]);
    let wheel = ["--only-binary", ":all:", "windlass-chat", "--find-links"];
    Ok(install.args(wheel).arg(wheels).run()?)
}
