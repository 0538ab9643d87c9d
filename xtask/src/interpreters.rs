//! The Pythons that the package promises: on each that is found a bot answers and a command runs.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use xshell::cmd;

use crate::report::Skip;
use crate::workspace::Workspace;

/// From `requires-python` to the newest one.
const MINORS: std::ops::RangeInclusive<u32> = 10..=14;
const OLDEST: u32 = *MINORS.start();

/// A program is that Python if it says so itself, whatever its name.
const VERSION: &str = "-cimport sys; print('Python', '%d.%d' % sys.version_info[:2], 'is it')";

/// What each is asked to do.
const SMOKE: &str = "bindings/python/tests/smoke.py";

/// The Python to build and test with: the first on the search path that is new enough.
pub fn interpreter(ws: &Workspace) -> Result<PathBuf> {
    let usual = ["python3", "python"].map(PathBuf::from);
    let named = MINORS.rev().map(|minor| format!("python3.{minor}").into());
    for program in usual.into_iter().chain(named) {
        if MINORS.into_iter().any(|minor| is(ws, &program, minor)) {
            return Ok(program);
        }
    }
    bail!(Skip::Here(format!("there is no Python from 3.{OLDEST} on the search path")))
}

/// Installs the wheel for each Python that is found, and tries it; says which were found.
pub fn smoke(ws: &Workspace, uv: &Path, wheel: &Path) -> Result<()> {
    let sh = &ws.sh;
    let (mut tried, mut missing) = (Vec::new(), Vec::new());
    for minor in MINORS {
        let Some(program) = find(ws, minor) else {
            missing.push(format!("3.{minor}"));
            continue;
        };
        let folder = ws.target.join(format!("venv/3.{minor}"));
        ws.quietly("python-venv", cmd!(sh, "{uv} venv --clear --python {program} {folder}"))?;
        let install =
            cmd!(sh, "{uv} pip install --refresh-package windlass-chat --python {folder}");
        ws.quietly("python-install", install.arg(wheel))?;
        let bin = if cfg!(windows) { "Scripts" } else { "bin" };
        let python = folder.join(bin).join("python");
        cmd!(sh, "{python} -I {SMOKE}").run()?;
        tried.push(format!("3.{minor}"));
    }
    println!("Pythons tried: {}; not found here: {}", tried.join(", "), missing.join(", "));
    Ok(())
}

/// On the search path, or beside the others where pyenv puts them.
fn find(ws: &Workspace, minor: u32) -> Option<PathBuf> {
    let mut programs = vec![PathBuf::from(format!("python3.{minor}")), "python3".into()];
    let pyenv = std::env::var_os("PYENV_ROOT").map(PathBuf::from);
    let home = || Some(PathBuf::from(std::env::var_os("HOME")?).join(".pyenv"));
    if let Some(versions) = pyenv.or_else(home).map(|root| root.join("versions")) {
        let of_minor = |folder: &PathBuf| {
            let name = folder.file_name().and_then(|name| name.to_str());
            name.is_some_and(|name| name.starts_with(&format!("3.{minor}.")))
        };
        let folders = ws.sh.read_dir(versions).unwrap_or_default();
        programs
            .extend(folders.into_iter().filter(of_minor).map(|folder| folder.join("bin/python3")));
    }
    programs.into_iter().find(|program| is(ws, program, minor))
}

fn is(ws: &Workspace, program: &Path, minor: u32) -> bool {
    ws.answers(program, VERSION, &format!("Python 3.{minor} is it"))
}

#[cfg(all(test, unix))]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_program_is_what_it_says_and_not_what_its_name_says() {
        let ws = Workspace::locate(false).unwrap();
        let folder = ws.sh.create_temp_dir().unwrap();
        let program = |says: &str| {
            let path = folder.path().join("python3.10");
            fs::write(&path, format!("#!/bin/sh\necho '{says}'\n")).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
            path
        };
        assert!(is(&ws, &program("Python 3.10 is it"), 10));
        for other in ["", "Version: 6.9", "Python 3.9 is it", "Python 3.100 is it", "Python 3.1"] {
            assert!(!is(&ws, &program(other), 10), "{other}");
        }
        assert!(!is(&ws, &folder.path().join("python3.11"), 11));
    }
}
