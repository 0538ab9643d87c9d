//! Programs that are not ours: recognised by what they answer, installed where that is allowed.

use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use xshell::cmd;

use crate::report::Skip;
use crate::workspace::Workspace;

/// A program, the argument with which it says what it is, what is in its answer (a name says little: another program may have
/// it), and the Debian package that brings it.
pub type Tool = (&'static str, &'static str, &'static str, &'static str);

/// A reader of QR codes that is not ours.
pub const ZBAR: Tool = ("zbarimg", "--help", "decode bar codes", "zbar-tools");
/// What else the tests of codes use: a writer that is not ours, and a browser.
pub const QRENCODE: Tool = ("qrencode", "--version", "qrencode version", "qrencode");
pub const CHROMIUM: Tool = ("chromium", "--version", "Chromium ", "chromium");
/// A real broker, its passwords and its certificates.
pub const MOSQUITTO: Tool = ("mosquitto", "-h", "mosquitto version", "mosquitto");
pub const OPENSSL: Tool = ("openssl", "version", "OpenSSL ", "openssl");
/// A real database. Its server is where no search path leads; it comes with the package that brings the client.
pub const POSTGRESQL: Tool =
    ("pg_createcluster", "--help", "Unknown option|cluster name", "postgresql");
/// The terminal of a person who chats.
pub const TMUX: Tool = ("tmux", "-V", "tmux ", "tmux");
/// What a service of systemd is checked with, and a bot confined as in one.
pub const SYSTEMD: Tool = ("systemd-analyze", "--version", "systemd ", "systemd");
pub const BWRAP: Tool = ("bwrap", "--version", "bubblewrap ", "bubblewrap");
/// What the Kotlin module is built with.
pub const MAVEN: Tool = ("mvn", "--version", "Apache Maven", "maven");
pub const JAVAC: Tool = ("javac", "-version", "javac ", "default-jdk-headless");
/// What tells a branch on something that it was told to call undefined.
pub const VALGRIND: Tool = ("valgrind", "--version", "valgrind-", "valgrind");
/// What libFuzzer is compiled with.
pub const COMPILER: Tool = ("c++", "--version", "Free Software Foundation|clang", "g++");
/// What makes and enters a root filesystem.
pub const DEBOOTSTRAP: Tool = ("debootstrap", "--version", "debootstrap ", "debootstrap");
pub const UNSHARE: Tool = ("unshare", "--version", "util-linux", "util-linux");

/// Installs the tools that are missing, or skips the suite.
pub fn ensure(ws: &Workspace, tools: &[Tool]) -> Result<()> {
    let missing = |(program, asked, answer, _): &&Tool| !ws.answers(program, asked, answer);
    let packages: Vec<&str> = tools.iter().filter(missing).map(|tool| tool.3).collect();
    if !packages.is_empty() {
        install(ws, &packages.join(" "))?;
    }
    if let Some((program, .., package)) = tools.iter().find(missing) {
        let other = format!("the `{program}` on the search path is not that of Debian's {package}");
        bail!(Skip::Here(other));
    }
    Ok(())
}

/// Installs Debian packages, or skips the suite.
pub fn install(ws: &Workspace, packages: &str) -> Result<()> {
    if !ws.answers("apt-get", "--version", "apt ") {
        bail!(Skip::Here(format!("{packages} missing, and no apt-get to install it")));
    }
    let install = format!("apt-get install -y --no-install-recommends {packages}");
    let root = as_root(ws, &format!("apt-get update; {install}"))?;
    let (sh, install) = (&ws.sh, install.split(' '));
    ws.quietly("apt-update", cmd!(sh, "env {root...} apt-get update"))?;
    let debian = "DEBIAN_FRONTEND=noninteractive";
    ws.quietly("apt-install", cmd!(sh, "env {root...} env {debian} {install...}"))?;
    Ok(())
}

/// Says what is about to run as root, and gives what comes before such a command; or skips the suite.
pub fn as_root(ws: &Workspace, what: &str) -> Result<Option<&'static str>> {
    if !ws.install {
        bail!(Skip::Here(format!("as root it would run: {what}; the flag --install allows that")));
    }
    println!("\nas root: {what}");
    let already = ws.answers("id", "-un", "root\n");
    Ok((!already).then_some("sudo"))
}

/// A program that `install` of Cargo makes: the user's own, else the one in the cache, made where it is missing.
pub fn by_cargo(ws: &Workspace, name: &str, version: &str, install: &str) -> Result<PathBuf> {
    if ws.answers(name, "--version", name) {
        return Ok(name.into());
    }
    let (sh, folder) = (&ws.sh, cache()?.join(format!("{name}-{version}")));
    let install = sh.cmd("cargo").args(install.split(' '));
    let install = install.args(["--locked", "--version", version, name, "--root"]);
    ws.quietly(name, install.arg(&folder).env_remove("CARGO_TARGET_DIR"))?;
    Ok(folder.join("bin").join(name))
}

/// The folder that keeps toolchains between runs and between clones.
pub fn cache() -> Result<PathBuf> {
    // A relative folder would move with the current one.
    let variable = |name| std::env::var_os(name).map(PathBuf::from);
    let folder = |name| variable(name).filter(|path| path.is_absolute());
    folder("WINDLASS_CACHE")
        .or_else(|| Some(folder("XDG_CACHE_HOME")?.join("windlass")))
        .or_else(|| Some(folder("HOME")?.join(".cache/windlass")))
        .context("neither WINDLASS_CACHE, XDG_CACHE_HOME nor HOME says where toolchains are kept")
}
