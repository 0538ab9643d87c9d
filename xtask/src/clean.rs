//! The wheels for Linux in a Debian that has nothing but Python, of this machine and, emulated, of the other one.

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
    let (root, as_root) = root(ws, machine)?;
    let own = fresh_folder(sh, ws.target.join("outside").join(linux.target))?;
    install(ws, linux, &own)?;
    let emulator = emulator(ws, machine)?;
    let inside = format!("/{PLACE}");
    let command: Vec<String> = if linux.musl() {
        check(ws, linux, &own)?;
        let loader = format!("/lib/ld-musl-{machine}.so.1");
        let library = format!("{inside}/windlass_chat/_native/libwindlass.so");
        vec![loader, format!("{inside}/check"), library]
    } else {
        sh.copy_file("examples/python/first_conversation.py", &own)?;
        vec!["/usr/bin/python3".into(), format!("{inside}/first_conversation.py")]
    };
    let place = root.join(PLACE);
    cmd!(sh, "env {as_root...} rm -rf {place}").quiet().run()?;
    cmd!(sh, "env {as_root...} cp -r {own} {place}").quiet().run()?;
    let emulated = emulator.map(|program| format!("/{program}"));
    if let Some(program) = emulator {
        let from = cmd!(sh, "sh -c").arg(format!("command -v {program}")).quiet().read()?;
        cmd!(sh, "env {as_root...} cp {from} {root}").quiet().run()?;
    }
    let run = cmd!(sh, "env {as_root...} chroot {root} {emulated...} {command...}").quiet();
    let said = run.env_remove("LD_LIBRARY_PATH").read()?;
    let word = if linux.musl() { "musl has loaded it" } else { "Ahoy!" };
    if !said.contains(word) {
        bail!("{}: {said}", linux.target);
    }
    Ok(said)
}

/// The filesystem for this machine, and what comes before a command as root.
fn root(ws: &Workspace, machine: &str) -> Result<(PathBuf, Option<&'static str>)> {
    let folder = tools::cache()?.join(format!("clean-bookworm-1-{machine}"));
    let as_root = tools::as_root(ws, &format!("debootstrap, chroot in {}", folder.display()))?;
    if !folder.is_dir() {
        tools::ensure(ws, &[DEBOOTSTRAP])?;
        ws.sh.create_dir(tools::cache()?)?;
        let script = include_str!("clean-build.sh");
        let debian = if machine == "aarch64" { "arm64" } else { "amd64" };
        let build = cmd!(ws.sh, "env {as_root...} sh -euc {script} windlass {folder} {debian}");
        ws.quietly("clean-root", build)?;
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

/// Into a folder, by what the system calls itself; nothing is compiled.
fn install(ws: &Workspace, linux: &Linux, own: &Path) -> Result<()> {
    let (sh, uv, wheels) = (&ws.sh, python::uv(ws)?, ws.target.join("packages/python"));
    let platform = match linux.musl() {
        true => format!("{}-unknown-linux-musl", linux.machine()),
        false => format!("{}-manylinux_2_17", linux.machine()),
    };
    let install = cmd!(sh, "{uv} pip install --quiet --target {own} --python-platform {platform}");
    let install = install.args(["--python-version", "3.11", "--no-index", "--no-cache"]);
    let wheel = ["--only-binary", ":all:", "windlass-chat", "--find-links"];
    Ok(install.args(wheel).arg(wheels).run()?)
}

/// A program for musl, whose Python Debian does not have.
fn check(ws: &Workspace, linux: &Linux, own: &Path) -> Result<()> {
    let (sh, uv) = (&ws.sh, python::uv(ws)?);
    let target = format!("{}-linux-musl", linux.machine());
    let (zig, check) = (python::ZIG, own.join("check"));
    let compile = cmd!(sh, "{uv} tool run --with {zig} python -m ziglang cc -dynamic -fPIE -pie");
    let compile = compile.args(["-target", &target, "xtask/src/musl.c", "-o"]).arg(check);
    ws.quietly("clean-check", compile)?;
    Ok(())
}
