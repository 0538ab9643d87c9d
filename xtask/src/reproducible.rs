//! What makes two builds of one commit the same bytes, wherever they are made: no path of the machine, and no time but the commit's.

use std::ffi::OsString;
use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use xshell::cmd;

use crate::interpreters::interpreter;
use crate::workspace::Workspace;

/// Between the flags of the variable below.
const SEPARATOR: &str = "\u{1f}";
/// Looks for the folders of this machine in packages, also in compressed ones.
const SEARCH: &str = include_str!("search.py");

/// Lets all that is started from now on build what is shipped: what it compiles names no place, and what it writes no time but the commit's.
pub fn settle(ws: &Workspace) -> Result<()> {
    ws.sh.set_var("SOURCE_DATE_EPOCH", epoch(ws));
    ws.sh.set_var("CARGO_ENCODED_RUSTFLAGS", flags(ws)?);
    Ok(())
}

/// The user's own flags for the compiler, and after them names that are the same everywhere for the folders that sources lie in.
fn flags(ws: &Workspace) -> Result<OsString> {
    let own = match std::env::var("CARGO_ENCODED_RUSTFLAGS") {
        Ok(flags) => flags,
        Err(_) => std::env::var("RUSTFLAGS").unwrap_or_default().replace(' ', SEPARATOR),
    };
    let mut flags: Vec<String> = own.split(SEPARATOR).map(str::to_owned).collect();
    flags.retain(|flag| !flag.is_empty());
    // The last that fits counts, and the target folder may be inside of the first.
    for (folder, name) in folders(ws)? {
        flags.push(format!("--remap-path-prefix={}={name}", folder.display()));
    }
    Ok(flags.join(SEPARATOR).into())
}

/// The folders whose names end up in a library, and what they are called there.
fn folders(ws: &Workspace) -> Result<Vec<(PathBuf, String)>> {
    let says = cmd!(ws.sh, "rustc -vV").quiet().read()?;
    let commit = says.lines().find_map(|line| line.strip_prefix("commit-hash: "));
    let sysroot = PathBuf::from(cmd!(ws.sh, "rustc --print sysroot").quiet().read()?);
    // The compiler's own name for its sources, which it gives up where they are installed.
    let library = format!("/rustc/{}", commit.unwrap_or("unknown"));
    Ok(vec![
        (ws.root.clone(), "/windlass".into()),
        (ws.target.clone(), "/target".into()),
        (cargo_home()?.join("registry/src"), "/registry".into()),
        (sysroot.join("lib/rustlib/src/rust"), library),
    ])
}

/// Where Cargo keeps the sources of dependencies.
fn cargo_home() -> Result<PathBuf> {
    let variable = |name| std::env::var_os(name).map(PathBuf::from);
    let beside = || variable("HOME").or_else(|| variable("USERPROFILE"));
    variable("CARGO_HOME")
        .or_else(|| Some(beside()?.join(".cargo")))
        .context("neither CARGO_HOME nor HOME says where Cargo keeps sources")
}

/// The time of the commit, for tools that write one; where there is no history, the beginning of time.
pub fn epoch(ws: &Workspace) -> String {
    if let Ok(given) = std::env::var("SOURCE_DATE_EPOCH") {
        return given;
    }
    let committed = cmd!(ws.sh, "git log -1 --format=%ct").quiet().ignore_stderr().read();
    committed.unwrap_or_else(|_| "0".into())
}

/// Fails if a package, or a file in it, names a folder of this machine.
pub fn check(ws: &Workspace, packages: &[PathBuf]) -> Result<()> {
    let python = interpreter(ws)?;
    let mut places: Vec<PathBuf> = folders(ws)?.into_iter().map(|(folder, _)| folder).collect();
    places.push(cargo_home()?);
    let places = places.iter().flat_map(|place| ["--place".into(), place.clone().into_os_string()]);
    let search = cmd!(ws.sh, "{python} -c {SEARCH}").args(places).args(packages);
    let found = search.quiet().ignore_status().read()?;
    if !found.is_empty() {
        bail!("a package names folders of the machine that built it:\n{found}");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A wheel in a jar, as deep as packages go.
    const PACK: &str = "
import io, sys, zipfile
def packed(name, content):
    archive = io.BytesIO()
    zipfile.ZipFile(archive, 'w', zipfile.ZIP_DEFLATED).writestr(name, content)
    return archive.getvalue()
inner = packed('lib.so', b'\\0at ' + sys.argv[2].encode() + b'/src/x.rs\\0' * 100)
open(sys.argv[1], 'wb').write(packed('inner.whl', inner))
";

    #[test]
    fn a_package_that_names_a_folder_of_this_machine_is_none() {
        let ws = Workspace::locate(false).unwrap();
        let (sh, python) = (&ws.sh, interpreter(&ws).unwrap());
        let folder = sh.create_temp_dir().unwrap();
        let package = folder.path().join("outer.jar");
        for (named, good) in [(ws.root.clone(), false), ("/windlass".into(), true)] {
            cmd!(sh, "{python} -c {PACK} {package} {named}").quiet().run().unwrap();
            let checked = check(&ws, std::slice::from_ref(&package));
            let said = checked.map_err(|error| error.to_string());
            assert_eq!(said.is_ok(), good, "{said:?}");
            assert!(good || said.unwrap_err().contains("outer.jar!inner.whl!lib.so"));
        }
    }

    #[test]
    fn sources_have_the_same_names_for_the_compiler_wherever_they_lie() {
        let ws = Workspace::locate(false).unwrap();
        let flags = flags(&ws).unwrap().into_string().unwrap();
        let names: Vec<&str> = flags
            .split(SEPARATOR)
            .filter_map(|flag| flag.rsplit_once('='))
            .map(|it| it.1)
            .collect();
        for name in ["/windlass", "/target", "/registry"] {
            assert!(names.contains(&name), "{names:?}");
        }
    }
}
